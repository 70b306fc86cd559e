import Foundation
import Layers
import Pipelines
import Support

/// Turns a finished training of a network for images into a model package.
public struct TrainedEnhancer: Sendable {
  /// The finished run.
  public let outcome: EnhancementTrainer.Outcome
  /// Where it comes from.
  public let origin: ModelOrigin

  /// Creates the package's content.
  /// - Parameters:
  ///   - outcome: The finished run.
  ///   - origin: Where it comes from.
  public init(outcome: EnhancementTrainer.Outcome, origin: ModelOrigin) {
    (self.outcome, self.origin) = (outcome, origin)
  }

  private var configuration: EnhancementConfiguration { outcome.configuration }
  private var plan: EnhancementPlan { configuration.plan }

  private var summary: String {
    let images = plan.modality.map { "\($0) scans" } ?? "images"
    let deed =
      switch plan.task {
      case .denoise: "Removes noise from \(images)"
      case .superResolution:
        "Makes \(images) finer by " + plan.scale.map(String.init).joined(separator: " x ")
      case .restoration: "Restores \(images)"
      case .translation:
        "Makes \(images) look like those of \(configuration.translation?.targetName ?? "others")"
      }
    let manner =
      plan.dimensions == 3
      ? "in 3-D" : plan.contextSlices > 0 ? "slice by slice with neighbours" : "slice by slice"
    return "\(deed) \(manner) with a \(configuration.network.name) network."
  }

  /// Held-out results, for the description.
  public var results: [ModelDescription.Result] {
    guard let evaluation = outcome.evaluation else { return [] }
    return ["psnr", "ssim", "mae", "gradientError"].flatMap { metric in
      [("degraded", "before"), ("improved", "after")].compactMap { name, key in
        guard let found = evaluation.summary[metric]?[key], let mean = found.mean else {
          return nil
        }
        return ModelDescription.Result(
          structure: name,
          metric: metric,
          mean: rounded(mean),
          sd: rounded(found.sd ?? 0),
          cases: found.n
        )
      }
    }
  }

  /// The description, its files' hashes still empty.
  public var description: ModelDescription {
    ModelDescription(
      name: origin.name,
      version: "1.0.0",
      summary: summary,
      channels: [plan.modality ?? "grey"],
      labels: [],
      network: configuration.network,
      plan: .enhancement(plan),
      licence: origin.licence,
      intendedUse:
        "Research on images like those of \(origin.dataset). Enhancement can invent or remove "
        + "structures: keep the original beside the result. "
        + (invention.map { $0 + " " } ?? "") + Version.disclaimer,
      provenance: origin.provenance(
        trainingCases: outcome.trainingCount,
        heldOut: outcome.evaluation?.cases.map(\.id) ?? [],
        seed: configuration.seed,
        steps: configuration.steps,
        seconds: outcome.epochs.last?.seconds ?? 0
      ),
      results: results,
      files: [:]
    )
  }

  /// What a network that was taught to make images look real may do; nil for others.
  private var invention: String? {
    guard configuration.adversarial != nil || plan.diffusion != nil else { return nil }
    let deed =
      plan.task == .translation
      ? "A translated image is a guess at another one" : "The details look real"
    return deed + ", and anatomy in it can be invented: measure nothing in it."
  }

  /// How a discriminator took part, for the card.
  private var game: String? {
    guard let values = configuration.adversarial else { return nil }
    let weights =
      values.cycle.map {
        "cycle \($0.weight), identity \($0.identityWeight), game \(values.adversarialWeight)"
      }
      ?? "difference \(values.pixelWeight), features of the discriminator "
      + "\(values.perceptualWeight), game \(values.adversarialWeight)"
    return "- Game: \(values.game.rawValue), from step \(configuration.pixelSteps) on; weights: "
      + "\(weights); R1 \(values.slopeWeight) every \(values.slopeInterval) steps; spectral norms."
  }

  private var degradation: String {
    var words: [String] = []
    if plan.task == .superResolution {
      words.append(
        "fine images filtered by a cubic kernel in planes, averaged between slices, and reduced by "
          + plan.scale.map(String.init).joined(separator: " x ")
      )
    }
    if let noise = configuration.noise {
      words.append(
        "\(noise.kind.rawValue) noise of \(rounded(100 * noise.lowest)) to "
          + "\(rounded(100 * noise.highest)) % of the range of intensities"
      )
    }
    if let damage = configuration.damage {
      words.append(
        "\(damage.kind.rawValue) of \(rounded(100 * damage.lowest)) to "
          + "\(rounded(100 * damage.highest)) % of the strongest"
      )
    }
    switch configuration.selfSupervision {
    case .noise2void:
      words.append("no clean image was seen: hidden voxels were told from their neighbours")
    case .noise2noise:
      words.append("no clean image was seen: noisy images were told from others of the same thing")
    case nil: break
    }
    return words.isEmpty ? "none" : words.joined(separator: "; ")
  }

  /// The model card, Markdown.
  public var card: String {
    let description = description
    let provenance = description.provenance
    func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: " x ") }
    let samples = "\(configuration.batchSize) samples of \(list(configuration.patchSize))"
    var lines = ["# \(origin.name)", "", description.summary, "", "**\(Version.disclaimer)**", ""]
    lines.append(
      "Enhancement can invent or remove structures. Keep the original, and look at the difference."
    )
    if let invention { lines += ["", "**\(invention)**"] }
    lines += ["", "## Use", "", "```"]
    lines.append("lamina enhance IMAGE --model \(origin.name) --output OUT --report PAGE.html")
    lines.append("lamina segment SCAN --stage \(origin.name) --model MODEL --output OUT")
    lines += ["```", "", description.intendedUse, "", "## Training", ""]
    lines.append("- Data: \(origin.dataset); \(origin.source). Licence: \(origin.licence).")
    lines.append(
      "- \(provenance.trainingCases) images; \(provenance.heldOut.count) held out by seed "
        + "\(configuration.seed)."
    )
    lines.append("- Degradation: \(degradation).")
    lines.append(
      "- Network: \(configuration.network.name), \(outcome.network.weightCount) weights; "
        + "\(plan.summary), halo \(plan.halo) (\(plan.seam.rawValue))."
    )
    if let guide = plan.guide {
      lines.append(
        "- Guide: the network sees what the filter `\(guide)` makes of the noisy image, and corrects it."
      )
    }
    lines.append(
      "- \(configuration.steps) steps of \(samples) in \(provenance.minutes ?? 0) minutes; loss "
        + "\(configuration.loss.rawValue)."
    )
    if let game { lines.append(game) }
    lines.append("- Command: `\(origin.command)`")
    lines.append("- Program: \(provenance.program), \(provenance.date).")
    lines += ["", "## Results on held-out images", ""]
    if let evaluation = outcome.evaluation {
      lines += [
        "Intensities are on the model's scale, whose range is 1.", "",
        "| metric | before | after | gain (95 % interval) | n |", "| --- | --- | --- | --- | --- |",
      ]
      lines += ["psnr", "ssim", "mae", "gradientError"].compactMap { row(evaluation, $0) }
    } else {
      lines.append("None: no image was held out, or no clean image is known.")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func row(_ evaluation: EnhancementEvaluation, _ metric: String) -> String? {
    guard let entry = evaluation.summary[metric], let gain = entry["gain"] else { return nil }
    func text(_ value: Double?) -> String { value.map { "\(rounded($0))" } ?? "undefined" }
    let interval = gain.ci95.map { " (\(rounded($0[0])) to \(rounded($0[1])))" } ?? ""
    return "| \(metric) | \(text(entry["before"]?.mean)) | \(text(entry["after"]?.mean)) | "
      + "\(text(gain.mean))\(interval) | \(gain.n) |"
  }

  /// Writes the package, with the learning curve and the held-out evaluation beside it.
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
    var records: [(name: String, content: any Encodable)] = [
      (TrainingRecord.fileName, EnhancementTrainingRecord(outcome, model: origin.name))
    ]
    if let evaluation = outcome.evaluation {
      records.append((TrainingRecord.heldOutName, evaluation))
    }
    try ModelPackage.write(records: records, to: folder)
  }

  private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}
