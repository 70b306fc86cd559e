import ImagingIO
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
  /// Network, size, channels, fitting, intensities, augmentation and shares; the rest is not looked at.
  public var images = ClassificationRequest()
  /// What is minimised.
  public var loss = RegressionConfiguration.Loss.huber
  /// The share of images whose number should lie in the interval.
  public var coverage = 0.9
  /// Slices of a volume, which are the channels of the network's input.
  public var slices = 8

  /// Creates the defaults that the properties show; images are not scaled at random, as that would change
  /// volumes.
  public init() {
    images.augmentation.scaling = 0
  }

  /// The values of a training; the numbers' means and the images' are found when these are read.
  /// - Parameter data: The images.
  /// - Returns: The values.
  /// - Throws: `RecognitionError.unknownNetwork`, `.unfitTraining`, `.noImages`.
  func configuration(for data: MeasuredImages) throws -> RegressionConfiguration {
    let stack = data.areVolumes ? try stack(for: data) : nil
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
      // The largest, in steps of 8 pixels.
      let sides = [sample.map(\.height).max() ?? 8, sample.map(\.width).max() ?? 8]
      size = sides.map { min(224, ($0 + 7) / 8 * 8) }
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
    return RegressionConfiguration(
      network: network,
      plan: plan,
      augmentation: images.augmentation,
      loss: loss
    )
  }

  /// Slices over the whole volume; with `pad` at distances that reach over the largest one.
  private func stack(for data: MeasuredImages) throws -> StackedSlices {
    guard images.fitting == .pad else { return StackedSlices(slices: slices) }
    var (spacings, depths): ([[Double]], [Double]) = ([], [])
    for item in data.images.items {
      guard case .stack(let path, _) = item.source,
        let volume = try? ImageFormats.inspect(path).first?.volumes.first,
        volume.size.count >= 3, volume.spacingMM.count >= 3,
        volume.spacingMM.allSatisfy({ (1e-3...1e3).contains($0) })
      else { continue }
      spacings.append(Array(volume.spacingMM.prefix(3)))
      depths.append(Double(volume.size[2]) * volume.spacingMM[2])
    }
    guard let depth = depths.max() else {
      throw RecognitionError.noImages(path: data.name, reason: "no volume's header can be read")
    }
    func median(_ axis: Int) -> Double {
      let sorted = spacings.map { $0[axis] }.sorted()
      return sorted[sorted.count / 2]
    }
    return StackedSlices(
      slices: slices,
      spacingMM: [median(0), median(1), max(median(2), depth / Double(slices))]
        .map { ($0 * 1e4).rounded() / 1e4 }
    )
  }
}
