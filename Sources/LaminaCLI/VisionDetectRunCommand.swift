import ArgumentParser
import Evaluation
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Recognition
import Reporting
import Support

/// `lamina vision detect run`.
struct VisionDetectRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Finds objects in pictures and volumes.",
    discussion: """
      INPUT is a picture, a volume (slices along its third axis are looked at one by one and their boxes \
      joined), or a folder of them (a batch; what fails is listed and never stops the others). A folder as \
      OUT also gets the boxes and masks in pictures as COCO's results (coco.json; image_id is the picture's \
      name, category_id the class's number from 1).
      """
  )

  @Argument(help: "Pictures or volumes, or folders of them.")
  var inputs: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A .json file for the findings, or a folder for them, pictures and a page.",
      valueName: "out"
    )
  )
  var output: String

  @Option(
    help: ArgumentHelp(
      "The least score, 0 to 1 (default: the model's, by class).",
      valueName: "score"
    )
  )
  var score: Double?

  /// What `--write` adds to a result folder.
  enum Extra: String, ExpressibleByArgument, CaseIterable {
    /// A DICOM structured report for each case.
    case sr
    /// A label map for each case, whose numbers are those of the objects.
    case labels
  }

  @Option(
    name: .customLong("write"),
    parsing: .singleValue,
    help: ArgumentHelp(
      "What to add to a result folder; repeatable.",
      discussion: """
        sr writes the boxes as a DICOM structured report (DICOM inputs). labels writes the masks of a \
        Mask R-CNN as label maps: PNG of 16 bits for pictures, NIfTI for volumes; an object has the number \
        of its place in detections.json, from 1, and where masks overlap the surest counts.
        """,
      valueName: "sr|labels"
    )
  )
  var extras: [Extra] = []

  @Option(
    name: .customLong("explain"),
    parsing: .singleValue,
    help: ArgumentHelp(
      "Show what moved the scores of boxes, on the page and as pictures; repeatable. rise is D-RISE.",
      valueName: ExplanationMethod.allCases.map(\.rawValue).joined(separator: "|")
    )
  )
  var explanations: [ExplanationMethod] = []

  @Option(
    help: ArgumentHelp(
      "Boxes of each input that --explain shows, the surest first.",
      valueName: "n"
    )
  )
  var explained = 1

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  /// A finding with its class by name.
  struct Finding: Encodable {
    let name: String
    let score: Double
    let box: DetectionBox?
    let volume: VolumeDetection?
    /// The class's number, from 1.
    let category: Int
    /// The picture's pixels within, in COCO's form.
    let segmentation: Segmentation?
  }

  /// A mask as COCO's files hold it: rows and columns of the picture, and runs in letters.
  struct Segmentation: Encodable {
    let size: [Int]
    let counts: String

    init(_ mask: RunLengthMask) {
      size = [mask.height, mask.width]
      counts = mask.letters
    }
  }

  /// A finding in a picture as COCO's programs read results.
  private struct Result: Encodable {
    let image: String
    let category: Int
    let box: [Double]
    let score: Double
    let segmentation: Segmentation?

    enum CodingKeys: String, CodingKey {
      case score, segmentation
      case image = "image_id"
      case category = "category_id"
      case box = "bbox"
    }
  }

  /// The findings in pictures as COCO's results.
  private static func results(_ cases: [Case]) -> [Result] {
    cases.flatMap { item in
      item.findings.compactMap { finding in
        finding.box.map { box in
          Result(
            image: item.id,
            category: finding.category,
            box: [box.left, box.top, box.width, box.height],
            score: finding.score,
            segmentation: finding.segmentation
          )
        }
      }
    }
  }

  /// One input's findings.
  struct Case: Encodable {
    let id: String
    let input: String
    let status: String
    let error: String?
    let findings: [Finding]
  }

  private struct Answer: Encodable {
    let schema = "lamina.detections/1"
    let model: String
    let cases: [Case]
    let notice: String
  }

  private var writesFile: Bool { output.lowercased().hasSuffix(".json") }
  /// Pictures on the page.
  private static let shownCount = 24

  func validate() throws {
    if writesFile, !extras.isEmpty {
      throw ValidationError("--write needs a folder as --output, not \(output).")
    }
    if writesFile, !explanations.isEmpty {
      throw ValidationError("--explain makes pictures; give a folder as --output.")
    }
    if !(1...1000).contains(explained) { throw ValidationError("--explained must be 1 to 1000.") }
    if let score, !(0...1).contains(score) { throw ValidationError("--score must be 0 to 1.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    try context.outputs.check(output)
    let inputs = try SegmentationInputs(inputs, picturesAreCases: true)
    let items = inputs.separated
    let package = try ModelStore().model(model)
    let detector = try Detector(package)
    var options = Detector.Options()
    options.leastScores = score.map { [$0] }
    var maps: [DetectionExplanation] = []
    if extras.contains(.labels), !detector.hasMasks {
      throw RecognitionError.otherTask(
        model: detector.name,
        task: package.description.plan.summary,
        wanted: "masks of objects, which a Mask R-CNN tells"
      )
    }
    let scratch = extras.isEmpty ? nil : try ScratchFolder()
    var (cases, written): ([Case], [String]) = ([], [])
    var pictures: [RecognitionReportData.Picture] = []
    context.progress.begin("looking at \(items.count) images", total: items.count)
    for (index, item) in items.enumerated() {
      try context.interruption.check()
      do {
        let found = try findings(item.path, detector, options, context)
        let explained = try explanations(of: found, id: item.id, detector, context)
        if let scratch {
          let prefix = inputs.isBatch ? "\(item.id)-" : ""
          if extras.contains(.sr) {
            try found.writeReport(
              by: package.description,
              classes: detector.classes,
              input: item.path,
              to: scratch.path + "/\(prefix)detections.dcm"
            )
            written.append("\(prefix)detections.dcm")
          }
          if extras.contains(.labels) {
            written.append(
              try found.writeLabels(
                classes: detector.classes,
                to: scratch.path,
                stem: "\(prefix)objects"
              )
            )
          }
        }
        maps += explained
        cases.append(
          Case(id: item.id, input: item.path, status: "done", error: nil, findings: found.findings)
        )
        if let picture = found.picture, pictures.count < Self.shownCount {
          pictures.append(.init(picture, caption: "\(item.id): \(Self.words(found.findings))"))
        }
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        guard inputs.isBatch else { throw error }
        context.progress.warn("\(item.id): \(error.description)")
        cases.append(
          Case(
            id: item.id,
            input: item.path,
            status: "failed",
            error: error.description,
            findings: []
          )
        )
      }
      context.progress.update(index + 1, detail: nil)
    }
    context.progress.end()
    let answer = Answer(model: detector.name, cases: cases, notice: Version.disclaimer)
    if writesFile {
      try context.outputs.write(try JSONOutput.data(answer), to: output)
    } else {
      var data = page(cases, pictures, detector)
      data.pictures += DetectionExplanation.groups(maps, methods: explanations)
      let page = try ReportBuilder().html(data, date: Date())
      try context.outputs.writeFolder(output) { folder in
        for (name, data) in [
          ("detections.json", try JSONOutput.data(answer)),
          ("coco.json", try JSONOutput.data(Self.results(cases))),
          ("report.html", Data(page.utf8)),
        ] {
          try data.write(to: URL(fileURLWithPath: folder + "/" + name))
        }
        for map in maps {
          try map.picture.png()
            .write(to: URL(fileURLWithPath: folder + "/\(map.name).png"))
        }
        for name in written {
          guard let scratch else { continue }
          try FileManager.default.copyItem(
            atPath: scratch.path + "/" + name,
            toPath: folder + "/" + name
          )
        }
      }
    }
    let failed = cases.count { $0.status == "failed" }
    try context.confirm(answer) {
      let lines = cases.prefix(20).map { "\($0.id): \($0.error ?? Self.words($0.findings))" }
      let rest = cases.count > 20 ? ["and \(cases.count - 20) more in \(output)"] : []
      return (lines + rest).joined(separator: "\n")
    }
    return failed > 0 ? .partial : .complete
  }

  /// What was found in an input.
  struct Found {
    var findings: [Finding]
    var picture: RGBImage?
    /// The boxes of a picture, and the picture.
    var boxes: (picture: ColorImage, found: [Detection])?
    /// The volume that was looked at, and the boxes that its findings were joined of.
    var volume: (loaded: LoadedVolume, found: Detector.VolumeFindings)?

    /// Writes the masks as a label map in which each object has its number.
    /// - Returns: The file's name.
    func writeLabels(classes: [String], to folder: String, stem: String) throws -> String {
      if let volume {
        let map = ObjectNumbering.labelMap(
          of: volume.found,
          geometry: volume.loaded.volume.geometry,
          classes: classes
        )
        try NIfTIWriter.write(map, to: "\(folder)/\(stem).nii.gz")
        return "\(stem).nii.gz"
      }
      guard let boxes else { preconditionFailure("findings of no picture and no volume") }
      let map = ObjectNumbering.labelMap(
        of: boxes.found,
        geometry: try ImageGeometry(
          size: [boxes.picture.width, boxes.picture.height, 1],
          spacing: [1, 1, 1],
          origin: .zero,
          direction: .identity,
          isPlanar: true
        ),
        classes: classes
      )
      try GreyPicture.write(map, to: "\(folder)/\(stem).png")
      return "\(stem).png"
    }

    /// Writes the boxes as a DICOM structured report.
    func writeReport(
      by model: ModelDescription,
      classes: [String],
      input: String,
      to path: String
    ) throws {
      guard let volume, let source = volume.loaded.source else {
        throw ImagingIOError.unsupported(
          path: input,
          what: "no DICOM images that a report of boxes could refer to",
          remedy: "give DICOM, or leave sr out of --write"
        )
      }
      let findings = zip(volume.found.findings, volume.found.boxes).map { finding, boxes in
        DetectionReport.Finding(
          name: classes[finding.label],
          regions: boxes.map { slice, detection in
            DetectionReport.Region(
              slice: slice,
              lower: SIMD2(detection.box.left, detection.box.top),
              upper: SIMD2(detection.box.right, detection.box.bottom),
              score: detection.score
            )
          }
        )
      }
      try DICOMDetectionReportWriter.write(
        DetectionReport(
          findings: findings,
          algorithmName: model.name,
          algorithmVersion: model.version,
          date: Date()
        ),
        source: source,
        geometry: volume.loaded.volume.geometry,
        to: path
      )
    }
  }

  private func findings(
    _ path: String,
    _ detector: Detector,
    _ options: Detector.Options,
    _ context: CommandContext
  ) throws -> Found {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    if PictureFormat().recognises(path) {
      let picture = try ColorImage.read(path)
      try ImagePlanes.checkContent(picture.pixels.lazy.map { Float($0) }, path: path)
      let found = try detector.detect(picture, options)
      return Found(
        findings: found.map {
          Finding(
            name: detector.classes[$0.label],
            score: $0.score,
            box: $0.box,
            volume: nil,
            category: $0.label + 1,
            segmentation: $0.mask.map(Segmentation.init)
          )
        },
        picture: DetectionReportInput.picture(picture, found: found, truth: []),
        boxes: (picture, found)
      )
    }
    let loaded = try ImageFormats.read(path)
    let volume = loaded.volume.asFloat
    try ImagePlanes.checkContent(volume.voxels, path: path)
    let found = try detector.detect(
      volume,
      options,
      progress: context.progress,
      interruption: context.interruption
    )
    return Found(
      findings: found.findings.map {
        Finding(
          name: detector.classes[$0.label],
          score: $0.score,
          box: nil,
          volume: $0,
          category: $0.label + 1,
          segmentation: nil
        )
      },
      picture: nil,
      boxes: nil,
      volume: (loaded, found)
    )
  }

  private static func words(_ findings: [Finding]) -> String {
    let counts = Dictionary(grouping: findings, by: \.name).mapValues(\.count)
    return counts.isEmpty
      ? "nothing"
      : counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
  }

  /// Class, slices, score and place of a finding.
  private static func cells(_ finding: Finding) -> [String] {
    var (slices, place): (String, [Double]) = ("", [])
    if let box = finding.box { place = [box.left, box.top, box.width, box.height] }
    if let found = finding.volume {
      let (lower, upper) = (found.lower, found.upper)
      place = [lower[0], lower[1], upper[0] - lower[0], upper[1] - lower[1]]
      slices = "\(Int(lower[2]) + 1) to \(Int(upper[2]))"
    }
    return [finding.name, slices]
      + ([finding.score] + place).map { ReportNumber.significant($0, 3) }
  }

  private func page(
    _ cases: [Case],
    _ pictures: [RecognitionReportData.Picture],
    _ detector: Detector
  ) -> RecognitionReportData {
    var page = RecognitionReportData(title: "Objects found by \(detector.name)")
    page.facts = [
      ("Model", detector.name),
      ("Images", "\(cases.count), \(cases.count { $0.status == "failed" }) of which failed"),
      ("Command", OutputPath.command),
    ]
    page.notes = cases.compactMap { item in item.error.map { "\(item.id): \($0)" } }
    page.pictures = [("Pictures", DetectionReportInput.legend(detector.classes), pictures)]
    page.cases = (
      ["Image", "Class", "Slices", "Score", "Left", "Top", "Width", "Height"],
      cases.flatMap { item in item.findings.map { [item.id] + Self.cells($0) } }
    )
    return page
  }
}
