import ArgumentParser
import Foundation
import Networks
import Pipelines
import Recognition
import Support

extension YOLOConfiguration.Scale: ExpressibleByArgument {}
extension RegionNetworkConfiguration.Backbone: ExpressibleByArgument {}

/// The architectures of `lamina vision detect train`.
enum DetectorKind: String, CaseIterable, ExpressibleByArgument {
  case yolo
  case fasterRCNN = "faster-rcnn"
  case maskRCNN = "mask-rcnn"
}

/// `lamina vision detect train`.
struct VisionDetectTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract:
      "Trains a YOLO, a Faster R-CNN or a Mask R-CNN on pictures with boxes, or on slices of labelled volumes.",
    discussion: """
      DATA is a folder in Pascal VOC's layout (Annotations, JPEGImages, ImageSets/Main) or a JSON file in \
      COCO's. Boxes outside their picture, missing files and unknown classes are left out and counted. \
      A mask-rcnn outlines objects too and learns from COCO's segmentation of each object.

      A folder of volumes with label maps (nnU-Net's raw layout or the Decathlon's, with dataset.json) gives \
      the boxes of each structure's connected parts in every slice along the third axis; whole cases are held \
      out, never slices.
      """
  )

  @Argument(help: "Folder in Pascal VOC's layout, JSON file in COCO's, or folder of volumes.")
  var data: String

  @OptionGroup var learning: LearningOptions

  @Option(
    help: ArgumentHelp("List of the pictures to train on (VOC; default: all).", valueName: "name")
  )
  var split: String?

  @Option(
    help: ArgumentHelp(
      "List of the pictures to look at on the way (VOC), a JSON file (COCO), or a folder of volumes; "
        + "default: a tenth of the pictures or cases.",
      valueName: "name"
    )
  )
  var heldOut: String?

  @Option(
    help: ArgumentHelp(
      "Folder of the pictures (COCO; default: beside the file).",
      valueName: "folder"
    )
  )
  var images: String?

  @Option(help: ArgumentHelp("The architecture.", valueName: "yolo|faster-rcnn|mask-rcnn"))
  var network = DetectorKind.yolo

  @Option(help: ArgumentHelp("Size of a YOLO (default: nano).", valueName: "nano|small"))
  var scale: YOLOConfiguration.Scale?

  @Option(
    help: ArgumentHelp(
      "Backbone of an R-CNN (default: resnet18).",
      valueName: "resnet18|resnet34|resnet50"
    )
  )
  var backbone: RegionNetworkConfiguration.Backbone?

  @Option(
    help: ArgumentHelp("Longest side of what a YOLO sees (default: 416).", valueName: "pixels")
  )
  var size: Int?

  @Option(
    help: ArgumentHelp(
      "Shorter side of what an R-CNN sees (default: 320; smaller pictures are not enlarged).",
      valueName: "pixels"
    )
  )
  var shorterSide: Int?

  @Flag(
    help:
      "For small objects: a YOLO's grids of 4, 8 and 16 pixels, an R-CNN's anchors from 16 pixels."
  )
  var small = false

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Values of volumes that become black and white, such as a window of Hounsfield units (default: "
        + "percentiles of each volume).",
      valueName: "value"
    )
  )
  var window: [Double] = []

  @Flag(help: "See colour pictures as grey ones.")
  var grey = false

  @Flag(
    name: .customLong("flip-down"),
    help: "Turn pictures upside down at random, where no side is up."
  )
  var flipsDown = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  /// Share of the pictures that is looked at where no list is named.
  private static let heldOutShare = 0.1
  private static let usualSteps = 2000

  func validate() throws {
    for (name, value) in [("--size", size), ("--shorter-side", shorterSide)] {
      if let value, !(32...4096).contains(value) {
        throw ValidationError("\(name) must be 32 to 4096 pixels.")
      }
    }
    if network == .yolo {
      if backbone != nil { throw ValidationError("--backbone is for R-CNNs; a yolo has --scale.") }
      if shorterSide != nil {
        throw ValidationError("--shorter-side is for R-CNNs; a yolo has --size.")
      }
    } else {
      if scale != nil { throw ValidationError("--scale is for a yolo; R-CNNs have --backbone.") }
      if size != nil { throw ValidationError("--size is for a yolo; R-CNNs have --shorter-side.") }
    }
    if !window.isEmpty, window.count != 2 || !(window[0] < window[1]) {
      throw ValidationError("--window must be two values, the lower one first.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try learning.check(mayReplace: outputOptions.force, in: context)
    let (training, looked) = try dataSets(context)
    if !window.isEmpty, !areVolumes(training) {
      throw ValidationError("--window is for volumes; leave it out.")
    }
    for note in training.notes { context.progress.warn(note) }
    let trainer = DetectionTrainer(
      training: training,
      heldOut: looked,
      checkpointFolder: learning.checkpoints,
      outputs: OutputGuard(mayReplace: true, interruption: context.interruption),
      progress: context.progress,
      interruption: context.interruption
    )
    let outcome = try trainer.run(
      configuration(for: training),
      budget: learning.budget,
      resumes: learning.resume
    )
    let model = TrainedDetector(outcome: outcome, origin: learning.origin(dataset: training.name))
    try context.outputs.writeFolder(learning.model) { try model.write(to: $0) }
    trainer.discardCheckpoints()
    try learning.confirm(
      steps: outcome.configuration.learning.steps,
      seconds: outcome.epochs.last?.seconds ?? 0,
      parameters: outcome.network.trainableCount,
      results: model.results,
      on: "held-out pictures",
      notes: outcome.notes,
      in: context
    )
    return .complete
  }

  private func dataSets(
    _ context: CommandContext
  ) throws -> (training: DetectionDataset, heldOut: DetectionDataset) {
    let all = try DetectionDataset.open(
      data,
      split: split,
      images: images,
      interruption: context.interruption
    )
    guard !all.images.isEmpty else {
      throw RecognitionError.noImages(
        path: data,
        reason: all.notes.first ?? "it names no picture that can be read"
      )
    }
    guard let heldOut else {
      let parts = all.split(heldOut: Self.heldOutShare, seed: learning.seed)
      return (parts.training.withFewerEmptySlices, parts.heldOut)
    }
    let isFile =
      heldOut.lowercased().hasSuffix(".json")
      || FileManager.default.fileExists(atPath: heldOut + "/dataset.json")
    let others = try DetectionDataset.open(
      isFile ? heldOut : data,
      split: isFile ? nil : heldOut,
      images: images,
      classes: all.classes,
      interruption: context.interruption
    )
    // Without a list of its own the training has every picture.
    return (all.without(others).withFewerEmptySlices, others)
  }

  private func configuration(for data: DetectionDataset) -> DetectionConfiguration {
    var result = network == .yolo ? yolo(data) : regions(data)
    if areVolumes(data) {
      result.plan.intensity =
        window.count == 2
        ? .fixed(low: window[0], high: window[1]) : .percentiles(low: 0.5, high: 99.5)
    }
    if flipsDown { result.augmentation.flipDown = 0.5 }
    result.learning.steps = Self.usualSteps
    learning.apply(to: &result.learning)
    return result
  }

  private func areVolumes(_ data: DetectionDataset) -> Bool {
    data.images.contains { $0.slice != nil }
  }

  private func inputChannels(_ data: DetectionDataset) -> Int {
    grey || areVolumes(data) ? 1 : 3
  }

  /// Columns and rows of the usual picture.
  private func usualSize(_ data: DetectionDataset) -> (width: Int, height: Int) {
    // The usual picture's shape: the median of width over height.
    let shapes = data.images.sorted { $0.width * $1.height < $1.width * $0.height }
    guard !shapes.isEmpty else { return (1, 1) }
    let usual = shapes[shapes.count / 2]
    return (usual.width, usual.height)
  }

  private func yolo(_ data: DetectionDataset) -> DetectionConfiguration {
    let values = YOLOConfiguration(
      scale ?? .nano,
      inputChannels: inputChannels(data),
      classes: data.classes.count,
      findsSmallObjects: small
    )
    let usual = usualSize(data)
    return DetectionConfiguration(
      network: values,
      imageSize: DetectionConfiguration.imageSize(
        longestSide: size ?? 416,
        width: usual.width,
        height: usual.height,
        strides: values.strides
      )
    )
  }

  private func regions(_ data: DetectionDataset) -> DetectionConfiguration {
    var values = RegionNetworkConfiguration(
      backbone ?? .resnet18,
      inputChannels: inputChannels(data),
      classes: data.classes.count
    )
    if small { values.anchorSides = values.anchorSides.map { $0 / 2 } }
    if network == .maskRCNN { values.mask = RegionNetworkConfiguration.MaskHead() }
    let usual = usualSize(data)
    return DetectionConfiguration(
      network: values,
      imageSize: DetectionConfiguration.imageSize(
        shorterSide: shorterSide ?? 320,
        width: usual.width,
        height: usual.height,
        multiple: DetectorNetwork.regions(values).sizeMultiple
      )
    )
  }
}
