import Foundation
import Imaging
import ImagingIO
import Support

extension SegmentationRun.Options {
  /// Whether class probabilities are needed for what is wanted.
  var needsProbabilities: Bool { wantsProbabilities || wantsUncertainty }
}

extension SegmentationRun {
  /// What finds how unsure models are; nil where it is not wanted.
  /// - Throws: `PipelinesError.unavailableOutput` for models without probabilities; `.noDropout`.
  static func estimator(
    of models: [ModelPackage],
    _ predictor: any ScanPredictor,
    _ options: Options
  ) throws -> UncertaintyEstimator? {
    guard options.wantsUncertainty else { return nil }
    guard let entropy = models[0].description.entropy else {
      throw PipelinesError.unavailableOutput("uncertainty")
    }
    var request = MemberRequest.every
    if let count = options.uncertaintySamples {
      for model in models where !model.description.hasDropout {
        throw PipelinesError.noDropout(model: model.description.name)
      }
      let stream = RandomStream(seed: options.seed)
      request = .samples(
        seeds: (0..<count).map { number in
          var own = stream.split(number)
          return own.next()
        }
      )
    }
    let members = predictor.members(request)
    guard !members.isEmpty else {
      throw PipelinesError.noDropout(model: models[0].description.name)
    }
    return UncertaintyEstimator(
      entropy: entropy,
      members: members,
      labels: models[0].description.labels.map(\.id),
      memoryLimit: options.memoryLimit,
      readsPrediction: options.uncertaintySamples == nil && members.count == 1
    )
  }

  /// Whether a result folder has the map of uncertainty.
  static func hasUncertainty(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: folder + "/" + Result.uncertaintyName)
  }
}

extension SegmentationRun.Result {
  /// The map of the entropy in a result folder.
  public static let uncertaintyName = "uncertainty.nii.gz"
  /// The map of the members' mean entropy in a result folder.
  public static let aleatoricName = "uncertainty-aleatoric.nii.gz"
  /// The map of what the members disagree about in a result folder.
  public static let epistemicName = "uncertainty-epistemic.nii.gz"

  /// Writes the maps of uncertainty, if they were wanted: single precision, 0 to 1, the scan's grid.
  ///
  /// `uncertainty.nii.gz` is the sum of the other two, which are there when members were compared.
  /// - Parameter folder: A folder that exists.
  /// - Throws: `SupportError.unwritable`.
  public func writeUncertainty(to folder: String) throws {
    guard let uncertainty else { return }
    let files: [(String, Volume<Float>?)] = [
      (Self.uncertaintyName, uncertainty.total), (Self.aleatoricName, uncertainty.aleatoric),
      (Self.epistemicName, uncertainty.epistemic),
    ]
    for (name, map) in files {
      guard let map else { continue }
      try NIfTIWriter.write(.float32(map), to: folder + "/" + name)
    }
  }
}

extension ModelDescription {
  /// Whether every network of the model has dropout that can be drawn.
  var hasDropout: Bool {
    network.hasDropout && (companions ?? []).allSatisfy { $0.network.hasDropout }
  }
}
