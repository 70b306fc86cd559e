import ArgumentParser
import Enhancement
import Foundation
import Imaging
import Pipelines
import Reporting
import Stylization
import Support

extension HarmonizationStage.Method: ExpressibleByArgument {}

/// `lamina vision stylise harmonise`.
struct VisionHarmoniseCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "harmonise",
    abstract: "Brings scans to the look of a scanner's or site's, and says what changed.",
    discussion: """
      Intensities change, the grid does not. landmarks is Nyul's standardisation, histogram follows the whole \
      distribution, details also makes details of three sizes as strong as the group's; --model takes a \
      network of lamina train --enhance translate instead. Reported for every scan: how far its intensities \
      are from the group's before and after, PSNR and SSIM against itself, the correlation of gradients, and \
      Dice of three tissues before and after. What exceeds the limits is warned of: anatomy must not change.
      """
  )

  @Argument(help: "Image files, DICOM folders, or folders of image files.")
  var inputs: [String]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Scans that show how they are to look, folders of them, or a .json file of --save-group.",
      valueName: "scan"
    )
  )
  var reference: [String]

  @Option(
    help: ArgumentHelp(
      "How (default: histogram).",
      valueName: HarmonizationStage.Method.allCases.map(\.rawValue).joined(separator: "|")
    )
  )
  var method: HarmonizationStage.Method?

  @Option(name: .shortAndLong, help: ArgumentHelp("A network that translates.", valueName: "model"))
  var model: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      ".nii.gz, .nii, .nrrd or .mha; of several scans a folder.",
      valueName: "out"
    )
  )
  var output: String

  /// What `--write` makes of a result.
  enum Form: String, ExpressibleByArgument, CaseIterable {
    /// A DICOM series derived from the input's.
    case dicom
  }

  @Option(
    name: .customLong("write"),
    help: ArgumentHelp(
      "Write DICOM series that are derived from the inputs', which must be CT or MR.",
      valueName: "dicom"
    )
  )
  var form: Form?

  @Option(
    help: ArgumentHelp(
      "A new folder for maps: the scan after less the scan before on one scale.",
      valueName: "folder"
    )
  )
  var differences: String?

  @Option(
    help: ArgumentHelp("A .json file for the statistics of --reference.", valueName: "file")
  )
  var saveGroup: String?

  @Option(
    help: ArgumentHelp(
      "A model by which scans are segmented before and after, to see what becomes of structures.",
      valueName: "model"
    )
  )
  var segmentWith: String?

  @Option(help: ArgumentHelp("Warn of less Dice of a tissue.", valueName: "dice"))
  var leastDice = 0.9

  @Option(help: ArgumentHelp("Warn of a lower correlation of gradients.", valueName: "r"))
  var leastCorrelation = 0.9

  @Option(help: ArgumentHelp("A page, .html, with middle slices.", valueName: "file"))
  var report: String?

  @OptionGroup var selectionOptions: SelectionOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  /// A scan's part of the answer.
  private struct Case: Encodable {
    let id: String
    let status: String
    var change: HarmonizationChange?
    var segmentation: SegmentationChange?
    var error: String?
  }

  private struct Answer: Encodable {
    let schema = "lamina.harmonisation/1"
    let output: String
    let method: String
    let reference: String
    let referenceScans: Int
    let cases: [Case]
    let definition =
      "distances: mean difference of values of equal rank of the foreground, percent of the reference's "
      + "1st to 99th percentile; quality: against the scan before on the best straight line"
    let notice: String
  }

  func validate() throws {
    if reference.isEmpty { throw ValidationError("Give --reference.") }
    if model != nil, method != nil {
      throw ValidationError("--method and --model exclude each other.")
    }
    if let report, !report.lowercased().hasSuffix(".html") {
      throw ValidationError("--report must end in .html.")
    }
    if let saveGroup, !saveGroup.lowercased().hasSuffix(".json") {
      throw ValidationError("--save-group must end in .json.")
    }
    if !(0...1).contains(leastDice) || !(0...1).contains(leastCorrelation) {
      throw ValidationError("--least-dice and --least-correlation must be 0 to 1.")
    }
  }

  private func group(in context: CommandContext) throws -> IntensityGroup {
    if reference.count == 1, reference[0].lowercased().hasSuffix(".json") {
      return try IntensityGroup(contentsOf: reference[0])
    }
    let scans = try SegmentationInputs(reference).cases
    let name =
      reference.count == 1
      ? URL(fileURLWithPath: reference[0]).lastPathComponent : "\(scans.count) scans"
    return try IntensityGroup(
      name: name,
      paths: scans.map(\.path),
      selection: selectionOptions.selection,
      progress: context.progress,
      interruption: context.interruption
    )
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    for path in [output, report, saveGroup, differences].compactMap(\.self) {
      try context.outputs.check(path)
    }
    let cases = try SegmentationInputs(inputs)
    let group = try group(in: context)
    let stage: any ScanStage =
      try model.map { try StageCatalog.stage($0) }
      ?? HarmonizationStage(group, method: method ?? .histogram)
    var options = EnhancementRun.Options()
    options.selection = selectionOptions.selection
    // Units of another scanner need not be whole numbers.
    options.keepsFractions = true
    options.derivesSeries = form == .dicom
    options.command = OutputPath.command
    let run = EnhancementRun(
      stages: [stage],
      options: options,
      progress: context.progress,
      interruption: context.interruption
    )
    var segmenting = EnhanceSegmentingOptions()
    (segmenting.segmentWith, segmenting.labels) = (segmentWith, nil)
    let comparison = try EnhanceSegmentingOptions.Comparison(segmenting, in: context)
    var results: [Case] = []
    var pictures: [RecognitionReportData.Picture] = []
    func each(_ write: (EnhancementRun.Result, String) throws -> Void) throws {
      let maps = try differences.map { _ in try ScratchFolder() }
      for item in cases.cases {
        try context.interruption.check()
        do {
          let result = try run.improve(item.path)
          let (before, after) = (result.before.grey, result.after.grey)
          let change = try HarmonizationChange(
            before: before,
            after: after,
            group: group,
            limits: limits,
            path: item.path
          )
          for warning in change.warnings { context.progress.warn("\(item.id): \(warning)") }
          let difference = HarmonizationChange.difference(before, after)
          if let maps {
            try EnhancementContent.write(
              scan: .float32(difference),
              to: maps.path + "/" + item.id + ".nii.gz"
            )
          }
          if report != nil, pictures.count < Self.shownCount {
            pictures.append(HarmonizationPicture.picture(before, after, difference, item.id))
          }
          try write(result, item.id)
          let segmentation = try comparison?.change(
            before,
            after,
            clean: nil,
            problems: result.problems,
            path: item.path
          )
          results.append(
            Case(id: item.id, status: "done", change: change, segmentation: segmentation)
          )
        } catch let error as any ClassifiedError where error.failure != .interrupted {
          guard cases.isBatch else { throw error }
          context.progress.warn("\(item.id): \(error.description)")
          results.append(Case(id: item.id, status: "failed", error: error.description))
        }
      }
      guard let differences, let maps else { return }
      try context.outputs.writeFolder(OutputPath.normalised(differences)) { folder in
        for name in try FileManager.default.contentsOfDirectory(atPath: maps.path) {
          try FileManager.default.moveItem(
            atPath: maps.path + "/" + name,
            toPath: folder + "/" + name
          )
        }
      }
    }
    if cases.isBatch {
      try context.outputs.writeFolder(output) { folder in
        try each { result, id in
          if form == .dicom {
            try FileManager.default.createDirectory(
              atPath: folder + "/" + id,
              withIntermediateDirectories: true
            )
            try run.writeSeries(result, to: folder + "/" + id)
          } else {
            try run.write(result, to: folder + "/" + id + EnhancementRun.ending(of: result))
          }
        }
      }
    } else {
      try each { result, _ in
        if form == .dicom {
          try context.outputs.writeFolder(output) { try run.writeSeries(result, to: $0) }
        } else {
          try context.outputs.writeFile(output) { try run.write(result, to: $0) }
        }
      }
    }
    if let saveGroup { try context.outputs.write(JSONOutput.data(group), to: saveGroup) }
    let how = stage.record.name
    if let report {
      let html = try ReportBuilder().html(page(results, pictures, group, how), date: Date())
      try context.outputs.write(Data(html.utf8), to: report)
    }
    let answer = Answer(
      output: output,
      method: how,
      reference: group.name,
      referenceScans: group.scans,
      cases: results,
      notice: Version.disclaimer
    )
    try context.confirm(answer) {
      let failed = results.count { $0.error != nil }
      var lines = [
        "\(output): \(results.count - failed) scans" + (failed > 0 ? ", \(failed) failed" : "")
      ]
      for one in results {
        if let change = one.change { lines.append("  \(one.id): \(Self.words(change))") }
        lines += one.segmentation?.lines ?? []
      }
      return lines.joined(separator: "\n")
    }
    return results.contains { $0.error != nil } ? .partial : .complete
  }

  private static let shownCount = 8

  private var limits: HarmonizationChange.Limits {
    var limits = HarmonizationChange.Limits()
    (limits.dice, limits.gradientCorrelation) = (leastDice, leastCorrelation)
    return limits
  }

  private static func number(_ value: Double?) -> String {
    value.map { ReportNumber.significant($0, 4) } ?? ReportNumber.undefined
  }

  private static func words(_ change: HarmonizationChange) -> String {
    "distance \(number(change.distanceBefore)) % before, \(number(change.distanceScaled)) % scaled, "
      + "\(number(change.distanceAfter)) % after; SSIM \(number(change.quality.ssim)), gradients "
      + "\(number(change.gradientCorrelation)), Dice of tissues "
      + change.tissueDice.map { number($0) }.joined(separator: ", ")
  }

  private func page(
    _ cases: [Case],
    _ pictures: [RecognitionReportData.Picture],
    _ group: IntensityGroup,
    _ how: String
  ) -> RecognitionReportData {
    var page = RecognitionReportData(title: "Scans harmonised")
    page.things = "scans"
    page.facts = [
      ("Reference", "\(group.name), \(group.scans) scans"), ("Method", how),
      ("Limits", "Dice of a tissue \(leastDice), correlation of gradients \(leastCorrelation)"),
      ("Command", OutputPath.command),
    ]
    func mean(_ name: String, _ value: (HarmonizationChange) -> Double?) {
      let found = cases.compactMap { $0.change.flatMap(value) }
      guard !found.isEmpty else { return }
      page.results.append(
        .init(name: name, value: found.reduce(0, +) / Double(found.count), n: found.count)
      )
    }
    mean("Distance from the reference before, % of its range") { $0.distanceBefore }
    mean("Distance when scaled alone, %") { $0.distanceScaled }
    mean("Distance after, %") { $0.distanceAfter }
    mean("PSNR against itself, dB") { $0.quality.psnr }
    mean("SSIM against itself") { $0.quality.ssim }
    mean("Correlation of gradients") { $0.gradientCorrelation }
    for tissue in 0..<3 {
      mean("Dice of tissue \(tissue + 1), before and after") { change in
        tissue < change.tissueDice.count ? change.tissueDice[tissue] : nil
      }
    }
    page.pictures = [
      (
        "Before, after, and what changed",
        "Middle slices, each windowed to its own foreground. The difference is taken after the best straight "
          + "line: red is brighter than that, blue darker.", pictures
      )
    ]
    page.cases = (
      ["scan", "what became of it"],
      cases.map { [$0.id, $0.error ?? $0.change.map(Self.words) ?? ""] }
    )
    page.notes = cases.flatMap { one in (one.change?.warnings ?? []).map { "\(one.id): \($0)" } }
    return page
  }
}

/// Middle slices as the page shows them.
enum HarmonizationPicture {
  private static let leastSide = 240

  /// A scan before, after, and their difference.
  static func picture(
    _ before: Volume<Float>,
    _ after: Volume<Float>,
    _ difference: Volume<Float>,
    _ id: String
  ) -> RecognitionReportData.Picture {
    let geometry = before.geometry
    let size = geometry.size
    // Across the axis that leaves the finest plane.
    let spacing = geometry.spacing
    let axis = (0..<3).max { spacing[$0] < spacing[$1] } ?? 2
    let depth = spacing.max() > 1.2 * spacing.min() ? axis : 2
    let (u, v) = depth == 0 ? (1, 2) : depth == 1 ? (0, 2) : (0, 1)
    func plane(_ volume: Volume<Float>) -> [Float] {
      (0..<size[v]).flatMap { row in
        (0..<size[u]).map { column in
          var at = SIMD3<Int>()
          (at[u], at[v], at[depth]) = (column, row, size[depth] / 2)
          return volume.voxels[at.x + size.x * (at.y + size.y * at.z)]
        }
      }
    }
    func window(_ values: [Float]) -> (low: Float, high: Float) {
      let sorted = values.filter(\.isFinite).sorted()
      guard let first = sorted.first else { return (0, 1) }
      let high = sorted[min(sorted.count - 1, sorted.count * 995 / 1000)]
      return (first, max(high, first.nextUp))
    }
    let shown = [before, after].map { volume -> [SIMD3<UInt8>] in
      let values = plane(volume)
      let (low, high) = window(values)
      return values.map { value in
        let grey = value.isFinite ? 255 * min(max((value - low) / (high - low), 0), 1) : 0
        return SIMD3(repeating: UInt8(grey))
      }
    }
    let (low, high) = window(plane(after))
    let changes = plane(difference).map { value -> SIMD3<UInt8> in
      // A fifth of the window is full colour.
      let share = value.isFinite ? min(max(5 * value / (high - low), -1), 1) : 0
      let rest = UInt8(255 * (1 - abs(share)))
      return share > 0 ? [255, rest, rest] : [rest, rest, 255]
    }
    let factor = max(1, leastSide / max(1, min(size[u], size[v])))
    let columns = size[u] * factor
    var bytes: [UInt8] = []
    for row in 0..<size[v] * factor {
      for part in shown + [changes] {
        for column in 0..<columns {
          // Rows from the top.
          let pixel = part[(size[v] - 1 - row / factor) * size[u] + column / factor]
          bytes += [pixel.x, pixel.y, pixel.z]
        }
      }
    }
    return .init(
      RGBImage(width: 3 * columns, height: size[v] * factor, bytes: bytes),
      caption: "\(id): before, after, difference"
    )
  }
}
