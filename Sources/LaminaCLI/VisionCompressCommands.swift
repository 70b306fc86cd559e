import ArgumentParser
import Compression
import Foundation
import ImagingIO
import Pipelines
import Recognition
import Reporting
import Support

/// `lamina vision compress`.
struct VisionCompressCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compress",
    abstract: "Makes images small: exactly, or by a network with losses.",
    subcommands: [
      VisionCompressTrainCommand.self, VisionCompressRunCommand.self,
      VisionCompressEvaluateCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina vision compress train`.
struct VisionCompressTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network that compresses grey images, and measures it beside JPEG.",
    discussion: """
      IMAGES are pictures and volumes, or folders of them; colours are seen as luma. Volumes are cut into \
      slices, along all three axes where voxels are nearly cubic.
      """
  )

  @Argument(help: "Pictures and volumes, or folders of them.")
  var images: [String]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Images that are only measured.", valueName: "path")
  )
  var test: [String]

  @Option(help: ArgumentHelp("Rows and columns of the pieces learnt from.", valueName: "pixels"))
  var piece = 96

  @Option(help: ArgumentHelp("Channels of the maps within.", valueName: "n"))
  var features = 64

  @Option(help: ArgumentHelp("Channels of the code.", valueName: "n"))
  var codeChannels = 64

  @Option(help: ArgumentHelp("Residual blocks on each side.", valueName: "n"))
  var blocks = 2

  @Option(
    help: ArgumentHelp(
      "The part of the distortion that is 1 - SSIM instead of the squared error.",
      valueName: "share"
    )
  )
  var similarity = 0.5

  @OptionGroup var learning: LearningOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !(16...1024).contains(piece) || !piece.isMultiple(of: 8) {
      throw ValidationError("--piece must be a multiple of 8 between 16 and 1024.")
    }
    if !(0...1).contains(similarity) { throw ValidationError("--similarity must be 0 to 1.") }
    if !(1...1024).contains(features) || !(1...1024).contains(codeChannels)
      || !(1...32).contains(blocks)
    {
      throw ValidationError("--features, --code-channels and --blocks are out of range.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try learning.check(mayReplace: outputOptions.force, in: context)
    func read(_ paths: [String], everyAxis: Bool) throws -> CompressionImages {
      let images = try CompressionImages(
        paths,
        everyAxis: everyAxis,
        progress: context.progress,
        interruption: context.interruption
      )
      for note in images.notes { context.progress.warn(note) }
      return images
    }
    func standard(_ path: String) -> String {
      URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }
    let trained = images.map(standard)
    for path in test
    where trained.contains(where: { folder in
      let (one, other) = (standard(path) + "/", folder + "/")
      return one.hasPrefix(other) || other.hasPrefix(one)
    }) {
      context.progress.warn(
        "Images of \(path) are trained on too; what is measured on them tells nothing of others."
      )
    }
    let training = try read(images, everyAxis: true)
    var request = CompressionTrainer.Request()
    (request.pieceSize, request.features, request.codeChannels, request.blocks) = (
      piece, features, codeChannels, blocks
    )
    request.similarityShare = similarity
    let trainer = CompressionTrainer(
      training: training,
      test: try read(test, everyAxis: false),
      request: request,
      checkpointFolder: learning.checkpoints,
      outputs: OutputGuard(mayReplace: true, interruption: context.interruption),
      progress: context.progress,
      interruption: context.interruption
    )
    var configuration = LearningConfiguration()
    configuration.batchSize = 8
    configuration.steps = 4000
    // The loss is in bits a pixel, and its gradient's norm rarely above 1.
    configuration.clipNorm = 1
    learning.apply(to: &configuration)
    let outcome = try trainer.train(
      configuration,
      budget: learning.budget,
      resumes: learning.resume
    )
    let model = TrainedCompressionModel(
      outcome: outcome,
      origin: learning.origin(dataset: training.name)
    )
    try context.outputs.writeFolder(learning.model) { try model.write(to: $0) }
    trainer.discardCheckpoints()
    try learning.confirm(
      steps: outcome.learning.steps,
      seconds: outcome.epochs.last?.seconds ?? 0,
      parameters: model.parameterCount,
      results: model.results,
      on: "test planes",
      notes: outcome.notes,
      in: context
    )
    return .complete
  }
}

/// The choice of a network and its rate.
struct CompressionModelOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A model's name or folder; none compresses exactly.", valueName: "model")
  )
  var model: String?

  /// Loads the network.
  /// - Returns: The network; nil without one.
  /// - Throws: What finding and loading a model throws.
  func load() throws -> CompressionModel? {
    try model.map { try CompressionModel(ModelStore().model($0)) }
  }
}

/// `lamina vision compress run`.
struct VisionCompressRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Compresses pictures and volumes.",
    discussion: """
      Without --model every value is kept. With one, --quality chooses how much is lost, and --lossless keeps \
      what the network lost beside it, so that nothing is. A scan that a network restored looks plausible \
      where it is wrong.
      """
  )

  @Argument(help: "A picture, a volume, or DICOM; or several with a folder as output.")
  var images: [String]

  @OptionGroup var network: CompressionModelOptions

  @Option(
    help: ArgumentHelp(
      "The network's rate: 0 the smallest file, 100 the best.",
      valueName: "0...100"
    )
  )
  var quality = 50.0

  @Flag(help: "Keep every value, also with a network.")
  var lossless = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A .lamc file, or a folder for several.", valueName: "path")
  )
  var output: String

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { network.model != nil }

  private struct Case: Encodable {
    let id: String
    let status: String
    let error: String?
    let file: String?
    let bytes: Int?
    let plainBytes: Int?
    let bitsPerValue: Double?
  }

  private struct Answer: Encodable {
    let schema = "lamina.compression-run/1"
    let mode: CompressedHeader.Mode
    let cases: [Case]
    let notice = Version.disclaimer
  }

  func validate() throws {
    if !(0...100).contains(quality) { throw ValidationError("--quality must be 0 to 100.") }
    if images.count > 1, output.lowercased().hasSuffix(".lamc") {
      throw ValidationError("--output must be a folder for several images.")
    }
    if images.count == 1, !output.lowercased().hasSuffix(".lamc") {
      throw ValidationError("--output must end in .lamc.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let targets = try CompressionPaths.targets(images, output: output, ending: ".lamc")
    for target in targets { try context.outputs.check(target) }
    let model = try network.load()
    let compressor =
      model.map {
        ImageCompressor(model: $0, quality: quality / 100, isExact: lossless)
      } ?? ImageCompressor()
    var cases: [Case] = []
    for (path, target) in zip(images, targets) {
      let id = URL(fileURLWithPath: path).lastPathComponent
      do {
        let image = try PlanarImage(
          path: path,
          selection: selection.selection,
          progress: context.progress
        )
        let data = try compressor.compressed(
          image,
          path: id,
          progress: context.progress,
          interruption: context.interruption
        )
        try context.outputs.write(data, to: target)
        cases.append(
          Case(
            id: id,
            status: "done",
            error: nil,
            file: target,
            bytes: data.count,
            plainBytes: image.plainBytes,
            bitsPerValue: 8 * Double(data.count)
              / Double(max(1, image.width * image.height * image.depth))
          )
        )
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        guard images.count > 1 else { throw error }
        context.progress.warn("\(id): \(error.description)")
        cases.append(
          Case(
            id: id,
            status: "failed",
            error: error.description,
            file: nil,
            bytes: nil,
            plainBytes: nil,
            bitsPerValue: nil
          )
        )
      }
    }
    let mode: CompressedHeader.Mode =
      model == nil ? .lossless : lossless ? .residual : .lossy
    try context.confirm(Answer(mode: mode, cases: cases)) {
      cases.map { item in
        guard let bytes = item.bytes, let plain = item.plainBytes, let bits = item.bitsPerValue
        else { return "\(item.id): failed" }
        return "\(item.id): \(bytes) bytes of \(plain), "
          + "\(ReportNumber.significant(bits, 4)) bits a value"
      }.joined(separator: "\n")
    }
    return cases.contains { $0.bytes == nil } ? .partial : .complete
  }
}

/// Where several outputs go.
enum CompressionPaths {
  /// One output for each input.
  /// - Parameters:
  ///   - inputs: Files.
  ///   - output: A file for one input, a folder for several.
  ///   - ending: The outputs' ending within a folder.
  /// - Returns: The outputs.
  /// - Throws: `ValidationError` when two inputs have one name.
  static func targets(_ inputs: [String], output: String, ending: String) throws -> [String] {
    guard inputs.count > 1 else { return [output] }
    let names = inputs.map { URL(fileURLWithPath: $0).lastPathComponent }
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw ValidationError("Two inputs are called \(twice); compress them one by one.")
    }
    return names.map { "\(OutputPath.normalised(output))/\($0)\(ending)" }
  }
}

/// `lamina vision compress evaluate`.
struct VisionCompressEvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures rate and distortion beside JPEG, and exact files beside PNG.",
    discussion: """
      IMAGES are as for train; planes are taken in 8 bits, those of volumes at even distances. JPEG is \
      baseline with optimal tables, compared at the same bits.
      """
  )

  @Argument(help: "Pictures and volumes, or folders of them.")
  var images: [String]

  @OptionGroup var network: CompressionModelOptions

  @Option(help: ArgumentHelp("Planes at most.", valueName: "n"))
  var planes = 32

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A .json file for the results.", valueName: "file")
  )
  var output: String

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { network.model != nil }

  func validate() throws {
    if !output.lowercased().hasSuffix(".json") {
      throw ValidationError("--output must end in .json.")
    }
    if !(1...100_000).contains(planes) { throw ValidationError("--planes must be at least 1.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try context.outputs.check(output)
    let model = try network.load()
    let found = try CompressionImages(
      images,
      everyAxis: false,
      progress: context.progress,
      interruption: context.interruption
    )
    for note in found.notes { context.progress.warn(note) }
    let measurement = try CompressionMeasurement(
      model,
      images: found.thinned(to: planes),
      interruption: context.interruption
    )
    try context.outputs.write(try JSONOutput.data(measurement), to: output)
    try context.confirm(measurement) {
      let rows = measurement.rows.map { row in
        let texts = [
          row.network.bitsPerPixel, row.network.psnr, row.jpegPSNR, row.network.msssim,
          row.jpegMSSSIM,
        ].map { $0.map { ReportNumber.significant($0, 5) } ?? "-" }
        return
          "quality \(ReportNumber.significant(100 * row.network.quality, 3)): \(texts[0]) bits "
          + "a pixel, PSNR \(texts[1]) (JPEG \(texts[2])), MS-SSIM \(texts[3]) (JPEG \(texts[4]))"
      }
      let residual =
        measurement.residualBits.map { ", upon the network \(ReportNumber.significant($0, 4))" }
        ?? ""
      return
        (rows + [
          "exact: \(ReportNumber.significant(measurement.losslessBits, 4)) bits a pixel\(residual), "
            + "PNG \(ReportNumber.significant(measurement.pngBits, 4)); "
            + "\(measurement.losses) of \(measurement.planes) planes not restored"
        ]).joined(separator: "\n")
    }
    return .complete
  }
}

/// `lamina vision decompress`.
struct VisionDecompressCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "decompress",
    abstract: "Restores compressed images.",
    discussion: "Pictures become .png; volumes .nii, .nii.gz, .nrrd or .mha with their geometry."
  )

  @Argument(help: "A .lamc file.")
  var file: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The model that the file was made with (default: the one of its name).",
      valueName: "model"
    )
  )
  var model: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("The image's file.", valueName: "file"))
  var output: String

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private struct Answer: Encodable {
    let schema = "lamina.decompression/1"
    let file: String
    let mode: CompressedHeader.Mode
    let size: [Int]
    let type: String
    let notice = Version.disclaimer
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try context.outputs.check(output)
    let compressed = try CompressedFile(path: file)
    let header = compressed.header
    var network: CompressionModel?
    if let needed = header.model {
      if let model {
        network = try CompressionModel(ModelStore().model(model))
      } else {
        guard let found = try? ModelStore().model(needed.name) else {
          throw CompressionError.needsModel(path: file, name: needed.name, found: nil)
        }
        network = try CompressionModel(found)
      }
    }
    let image = try compressed.restored(
      model: network,
      progress: context.progress,
      interruption: context.interruption
    )
    try image.write(to: output, outputs: context.outputs)
    let answer = Answer(file: output, mode: header.mode, size: header.size, type: header.type)
    try context.confirm(answer) {
      "\(output): \(header.size.map(String.init).joined(separator: " x ")) \(header.type)"
        + (header.mode == .lossy ? ", as a network restored it" : ", every value as it was")
    }
    return .complete
  }
}
