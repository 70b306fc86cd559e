import Networks
import Pipelines

/// All that a training of a network for numbers depends on, besides `LearningConfiguration`.
public struct RegressionConfiguration: Codable, Sendable, Equatable {
  /// What is minimised, on numbers less their mean over their deviation.
  public enum Loss: String, Codable, Sendable, CaseIterable {
    /// Half the square of small errors, and the distance of large ones (Huber 1964).
    case huber
    /// The negative logarithmic likelihood of a normal distribution whose mean and variance the network
    /// tells (Nix and Weigend 1994, equation 7).
    case gaussian
  }

  /// The architecture.
  public var network: NetworkConfiguration
  /// What stands between an image and the network.
  public var plan: RecognitionPlan
  /// How far images are changed.
  public var augmentation: RecognitionAugmentation
  /// What is minimised.
  public var loss: Loss
  /// Images trained on, by a hash of their names and numbers, so that a resumed run sees the same.
  public var imagesHash = ""
}

/// What is asked for when a network for numbers is trained; nil is chosen from the images.
public struct RegressionRequest: Sendable {
  /// Network, size, channels, fitting, intensities, augmentation and shares; the rest is not looked at,
  /// nor is the augmentation's scaling, as another scale would be another volume.
  public var images = ClassificationRequest()
  /// What is minimised.
  public var loss = RegressionConfiguration.Loss.huber
  /// The share of images whose number should lie in the interval.
  public var coverage = 0.9
  /// Slices of a volume, which are the channels of the network's input.
  public var slices = 8

  /// Creates the defaults that the properties show.
  public init() {}

  /// The values of a training; the numbers' means and the images' are found when these are read.
  /// - Parameter data: The images.
  /// - Returns: The values.
  /// - Throws: `RecognitionError.unknownNetwork`, `.unfitTraining`, `.noImages`.
  func configuration(for data: MeasuredImages) throws -> RegressionConfiguration {
    let stack =
      data.areVolumes ? try data.images.stack(slices: slices, fitting: images.fitting) : nil
    let set = data.with(stack)
    let step = max(1, set.count / ClassificationRequest.sampleCount)
    let sample = stride(from: 0, to: set.count, by: step).compactMap { place in
      try? set.items[place].read()
    }
    guard !sample.isEmpty else {
      throw RecognitionError.noImages(path: data.name, reason: "none of the first can be read")
    }
    let channels =
      stack?.slices ?? images.channels ?? (sample.contains(where: \.hasColours) ? 3 : 1)
    let size: [Int]
    if let wanted = images.imageSize {
      size = wanted
    } else if images.fitting == .pad {
      size = ImagePlanes.paddedSize(of: sample)
    } else {
      size = ClassificationRequest.usualSize(sample)
    }
    var plan = RecognitionPlan(task: .regression, imageSize: size, channels: channels)
    plan.fitting = images.fitting
    plan.stack = stack
    plan.intensity =
      images.intensity
      ?? (data.areVolumes ? .percentiles(low: 0.5, high: 99.5) : .fixed(low: 0, high: 255))
    plan.takesColours = images.channels == 1 ? true : nil
    let regression = RecognitionPlan.Regression(
      targets: data.targets.map {
        RecognitionPlan.Regression.Target(
          name: $0.name,
          unit: $0.unit,
          mean: 0,
          deviation: 1,
          range: [0, 0]
        )
      },
      hasSpread: loss == .gaussian,
      coverage: coverage
    )
    plan.regression = regression
    guard
      let network = VectorNetworkCatalog.configuration(
        named: images.network,
        inputChannels: channels,
        outputChannels: regression.outputs,
        imageSize: size
      )
    else {
      if VectorNetworkCatalog.names.contains(images.network) {
        throw RecognitionError.unfitTraining(
          reason: "\(images.network) takes no images of \(size[0]) x \(size[1]) pixels; choose a "
            + "larger --size"
        )
      }
      throw RecognitionError.unknownNetwork(
        name: images.network,
        known: VectorNetworkCatalog.names
      )
    }
    var augmentation = images.augmentation
    augmentation.scaling = 0
    return RegressionConfiguration(
      network: network,
      plan: plan,
      augmentation: augmentation,
      loss: loss
    )
  }
}
