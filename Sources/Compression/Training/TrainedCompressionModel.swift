import Foundation
import Imaging
import Layers
import Networks
import Pipelines
import Recognition
import Support

/// Turns a finished training for compression into a model package.
public struct TrainedCompressionModel: Sendable {
  /// The finished run.
  public let outcome: CompressionTrainer.Outcome
  /// Where it comes from.
  public let origin: ModelOrigin

  /// Creates the package's content.
  /// - Parameters:
  ///   - outcome: The finished run.
  ///   - origin: Where it comes from.
  public init(outcome: CompressionTrainer.Outcome, origin: ModelOrigin) {
    (self.outcome, self.origin) = (outcome, origin)
  }

  /// The network's trainable values.
  public var parameterCount: Int { outcome.network.trainableCount }

  /// Results on planes that were kept back.
  public var results: [ModelDescription.Result] {
    outcome.measurement.rows.flatMap { row in
      let setting = "quality \(Self.text(row.network.quality))"
      return [
        ("bitsPerPixel", Optional(row.network.bitsPerPixel)), ("psnr", row.network.psnr),
        ("msssim", row.network.msssim),
      ].compactMap { metric, value in
        value.map {
          ModelDescription.Result(
            structure: setting,
            metric: metric,
            mean: ($0 * 10_000).rounded() / 10_000,
            sd: 0,
            cases: outcome.measurement.planes
          )
        }
      }
    }
  }

  /// The description, its files' hashes still empty.
  public var description: ModelDescription {
    ModelDescription(
      name: origin.name,
      version: "1.0.0",
      summary: "Compresses grey images to "
        + "\(Self.text(outcome.measurement.rows.first?.network.bitsPerPixel)) to "
        + "\(Self.text(outcome.measurement.rows.last?.network.bitsPerPixel)) bits a pixel.",
      channels: ["intensity"],
      labels: [],
      network: outcome.configuration.network,
      plan: .compression(outcome.configuration.plan),
      licence: origin.licence,
      intendedUse: "Research on images like \(origin.dataset). \(Version.disclaimer)",
      provenance: origin.provenance(
        trainingCases: outcome.trained.files,
        heldOut: [],
        seed: outcome.learning.seed,
        steps: outcome.learning.steps,
        seconds: outcome.epochs.last?.seconds ?? 0
      ),
      results: results,
      files: [:]
    )
  }

  /// The model card, Markdown.
  public var card: String {
    let description = description
    let measurement = outcome.measurement
    var lines = [
      "# \(origin.name)", "", description.summary, "", "**\(Version.disclaimer)**", "", "## Use",
      "",
      "```",
      "lamina vision compress run IMAGE --model \(origin.name) --quality 50 --output IMAGE.lamc",
      "lamina vision decompress IMAGE.lamc --model \(origin.name) --output IMAGE.nii.gz", "```", "",
      description.intendedUse,
      "What a network restores looks plausible where it is wrong: keep the original, or compress with "
        + "--lossless.", "", "## Training", "",
      "- Data: \(origin.dataset); \(origin.source). Licence: \(origin.licence).",
      "- \(outcome.trained.planes) planes of \(outcome.trained.files) files trained on; "
        + "\(measurement.planes) planes of \(measurement.images) measured.",
      "- Network: \(outcome.configuration.network.name), \(parameterCount) weights.",
      "- \(outcome.learning.steps) steps of \(outcome.learning.batchSize) pieces, seed "
        + "\(outcome.learning.seed).",
      "- Command: `\(origin.command)`",
      "- Program: \(description.provenance.program), \(description.provenance.date).", "",
      "## Results", "",
      "Means over planes of 8 bits; JPEG (baseline, optimal tables) at the same bits.", "",
      "| quality | bits a pixel | PSNR, dB | JPEG's | MS-SSIM | JPEG's |",
      "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += measurement.rows.map { row in
      let values: [Double?] = [
        row.network.bitsPerPixel, row.network.psnr, row.jpegPSNR, row.network.msssim,
        row.jpegMSSSIM,
      ]
      return "| \(Self.text(row.network.quality)) | "
        + values.map { Self.text($0) }.joined(separator: " | ") + " |"
    }
    lines += [
      "",
      "Exact files: \(Self.text(measurement.losslessBits)) bits a pixel without the network, "
        + "\(Self.text(measurement.residualBits)) upon it; PNG: \(Self.text(measurement.pngBits)).",
    ]
    lines += outcome.notes.map { "\n\($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What `training.json` says.
  private struct Record: Encodable {
    let schema = "lamina.compression-training/1"
    let model: String
    let learning: LearningConfiguration
    let epochs: [SegmentationTrainer.Epoch]
    let looks: [LearningLook]
    let notes: [String]
  }

  /// Writes the package, with the learning curve and the measurement beside it.
  /// - Parameter folder: A folder that exists.
  /// - Throws: `SupportError.unwritable`, or what encoding throws.
  public func write(to folder: String) throws {
    try ModelPackage.write(
      to: folder,
      description: description,
      weights: outcome.network.weights,
      as: outcome.weightType,
      card: card
    )
    try ModelPackage.write(
      records: [
        (
          TrainingRecord.fileName,
          Record(
            model: origin.name,
            learning: outcome.learning,
            epochs: outcome.epochs,
            looks: outcome.looks,
            notes: outcome.notes
          )
        ),
        (TrainingRecord.heldOutName, outcome.measurement),
      ],
      to: folder
    )
  }

  private static func text(_ value: Double?) -> String {
    guard let value else { return "-" }
    return "\((value * 10_000).rounded() / 10_000)"
  }
}
