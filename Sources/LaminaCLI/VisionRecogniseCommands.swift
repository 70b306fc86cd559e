import ArgumentParser
import Foundation
import Pipelines
import Recognition
import Support

/// `lamina vision recognise train`.
struct VisionRecogniseTrainCommand: Verb {
  /// What is minimised.
  enum Loss: String, ExpressibleByArgument, CaseIterable {
    case arcface, triplet
  }

  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network that brings images of the same thing near each other.",
    discussion: """
      DATA is as for classify train; a class is an identity. The purpose is stated, kept in the model and \
      shown in every result. No model for faces comes with Lamina; surveillance is a forbidden use.
      """
  )

  @Argument(help: "Folder, table or .npz.")
  var data: String

  @Option(
    help: ArgumentHelp(
      "For what things or people are recognised, and with what right.",
      valueName: "text"
    )
  )
  var purpose: String

  @Option(help: ArgumentHelp("What is minimised.", valueName: "arcface|triplet"))
  var loss = Loss.arcface

  @Option(
    help: ArgumentHelp(
      "Margin: radians of arcface (0.5), distance of triplets (0.3).",
      valueName: "m"
    )
  )
  var margin: Double?

  @OptionGroup var training: VisionTrainingOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if purpose.trimmingCharacters(in: .whitespaces).count < 8 {
      throw ValidationError("--purpose must say for what images are recognised.")
    }
    if let margin, !(margin > 0 && margin < 1.5) {
      throw ValidationError("--margin must be above 0 and below 1.5.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    var request = training.request
    request.embeds = true
    request.purpose = purpose
    switch loss {
    case .arcface:
      request.loss = .arcFace(
        margin: margin ?? ClassificationRequest.arcMargin,
        scale: ClassificationRequest.arcScale
      )
    case .triplet: request.loss = .triplet(margin: margin ?? 0.3)
    }
    try training.train(data, request, mayReplace: outputOptions.force, in: context)
    return .complete
  }
}

/// `lamina vision recognise run`.
struct VisionRecogniseRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Finds the images of a gallery that show the same as the inputs.",
    discussion: """
      GALLERY is a folder; its folders are identities. With two inputs and no gallery their similarity is \
      told.
      """
  )

  @Argument(help: "Pictures or volumes, or folders of them.")
  var inputs: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("A folder of known images.", valueName: "folder"))
  var gallery: String?

  @Option(help: ArgumentHelp("Matches of each input.", valueName: "n"))
  var matches = 5

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A .json file for the matches.", valueName: "file")
  )
  var output: String

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private struct Answer: Encodable {
    let schema = "lamina.matches/1"
    let model: String
    let purpose: String?
    let gallery: Int
    let cases: [ImageGallery.Result]
    let failed: [String: String]
    let notice: String
  }

  func validate() throws {
    if !output.lowercased().hasSuffix(".json") {
      throw ValidationError("--output must end in .json.")
    }
    if !(1...1000).contains(matches) { throw ValidationError("--matches must be 1 to 1000.") }
    if gallery == nil, inputs.count != 2 {
      throw ValidationError("Give --gallery, or two images to compare.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try context.outputs.check(output)
    let package = try ModelStore().model(model)
    var known = try ImageGallery(package)
    var failed: [String: String] = [:]
    func attempt(_ id: String, isOneOfMany: Bool, _ work: () throws -> Void) throws {
      try context.interruption.check()
      do { try work() } catch let error as any ClassifiedError where error.failure != .interrupted {
        guard isOneOfMany else { throw error }
        context.progress.warn("\(id): \(error.description)")
        failed[id] = error.description
      }
    }
    let queries: [(id: String, path: String)]
    if let gallery {
      queries = try inputs.flatMap(Self.images)
      let base = URL(fileURLWithPath: gallery).standardizedFileURL.path
      let files = try LabelledFolder.files(gallery)
      for file in files {
        let parts = file.split(separator: "/")
        let identity = parts.count > 1 ? String(parts[parts.count - 2]) : nil
        try attempt(file, isOneOfMany: true) {
          try known.add(base + "/" + file, id: file, identity: identity)
        }
      }
      guard known.count > 0 else {
        throw RecognitionError.noImages(path: gallery, reason: "none of its files can be read")
      }
    } else {
      try known.add(inputs[0], id: URL(fileURLWithPath: inputs[0]).lastPathComponent, identity: nil)
      queries = try Self.images(inputs[1])
    }
    var results: [ImageGallery.Result] = []
    for query in queries {
      try attempt(query.id, isOneOfMany: queries.count > 1) {
        results.append(try known.search(query.path, id: query.id, limit: matches))
      }
    }
    let answer = Answer(
      model: package.description.name,
      purpose: package.description.plan.recognition?.purpose,
      gallery: known.count,
      cases: results,
      failed: failed,
      notice: "A similar image is no proof of identity. " + Version.disclaimer
    )
    try context.outputs.write(try JSONOutput.data(answer), to: output)
    try context.confirm(answer) {
      (["Purpose: \(answer.purpose ?? "not stated")"]
        + results.map { result in
          let best = result.matches.first
          return "\(result.id): \(best?.identity ?? best?.id ?? "nothing")"
            + (best.map { "  \($0.similarity)\($0.isSame ? "" : " (below the threshold)")" } ?? "")
        }).joined(separator: "\n")
    }
    return failed.isEmpty ? .complete : .partial
  }

  /// An image, or those of a folder and the folders within.
  private static func images(_ path: String) throws -> [(id: String, path: String)] {
    let place = URL(fileURLWithPath: path).standardizedFileURL
    guard try FileManager.default.isExistingFolder(path) else {
      return [(place.lastPathComponent, place.path)]
    }
    return try LabelledFolder.files(path).map { ($0, place.path + "/" + $0) }
  }
}
