import Pipelines
import Support
import Synchronization
import Tensors

/// Labelled images as a network sees them, read once and kept in memory.
///
/// They are kept before means and deviations, on the scale on which the range of intensities is 1.
package struct FittedImages: Sendable {
  /// The images' names, classes, groups and attributes.
  package let items: [LabelledImages.Item]
  /// The plan by which they were fitted.
  package let plan: RecognitionPlan
  /// Images that could not be read, one sentence each.
  package let problems: [String]
  private let values: [Float]
  private let stride: Int

  /// More values than this are refused, 8 GB.
  private static let largestCount = 2 << 30

  /// Reads images; those that cannot be read, or show nothing, are left out.
  /// - Parameters:
  ///   - images: The images.
  ///   - plan: What the network sees.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  /// - Throws: `RecognitionError.noImages` when none can be read, or they are too many to keep;
  ///   `SupportError.interrupted`.
  package init(
    _ images: LabelledImages,
    plan: RecognitionPlan,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    self.plan = plan
    stride = plan.channels * plan.height * plan.width
    guard images.count * stride <= Self.largestCount else {
      throw RecognitionError.noImages(
        path: images.name,
        reason: "\(images.count) images of \(plan.height) x \(plan.width) do not fit into 8 GB; "
          + "make --size smaller"
      )
    }
    var (kept, values, problems): ([LabelledImages.Item], [Float], [String]) = ([], [], [])
    values.reserveCapacity(images.count * stride)
    progress.begin("reading \(images.count) images", total: images.count)
    var neutral = plan
    neutral.means = plan.means.map { _ in 0 }
    neutral.deviations = plan.means.map { _ in 1 }
    var reader = ImageReader()
    for (index, item) in images.items.enumerated() {
      try interruption.check()
      do {
        let image = try reader.read(item)
        try image.checkContent(path: item.id)
        values += neutral.fitted(image).values
        kept.append(item)
      } catch let error as any ClassifiedError {
        problems.append("\(item.id) was left out. \(error.description)")
      }
      if index % 100 == 99 { progress.update(index + 1, detail: nil) }
    }
    progress.end()
    guard !kept.isEmpty || images.count == 0 else {
      throw RecognitionError.noImages(path: images.name, reason: problems[0])
    }
    self.values = values
    self.problems = problems
    items = kept
  }

  /// The number of images.
  package var count: Int { items.count }

  /// An image, one plane after another.
  package subscript(index: Int) -> ArraySlice<Float> {
    values[index * stride..<(index + 1) * stride]
  }

  /// The mean and the deviation of each channel over all images.
  ///
  /// Deviations are at least 1/255; label maps stay 0 and 1.
  package var statistics: (means: [Double], deviations: [Double]) {
    let area = plan.height * plan.width
    var means: [Double] = []
    var deviations: [Double] = []
    for channel in 0..<plan.imageChannels {
      var (sum, squares) = (0.0, 0.0)
      for index in 0..<count {
        let first = index * stride + channel * area
        for place in first..<first + area {
          let value = Double(values[place])
          sum += value
          squares += value * value
        }
      }
      let number = Double(max(1, count * area))
      let mean = sum / number
      means.append((mean * 1e6).rounded() / 1e6)
      let deviation = max(0, squares / number - mean * mean).squareRoot()
      deviations.append(max(1.0 / 255, (deviation * 1e6).rounded() / 1e6))
    }
    let labels = plan.channels - plan.imageChannels
    return (
      means + [Double](repeating: 0, count: labels),
      deviations + [Double](repeating: 1, count: labels)
    )
  }

  /// Images as the network takes them.
  /// - Parameters:
  ///   - indices: Which images.
  ///   - augmentation: How far they are changed; nil leaves them.
  ///   - stream: The stream from which each image's changes are drawn, by its place in the batch.
  /// - Returns: `[N, C, H, W]`.
  package func batch(
    _ indices: [Int],
    augmentation: RecognitionAugmentation? = nil,
    stream: RandomStream = RandomStream(seed: 0)
  ) -> Tensor {
    let (stride, plan) = (stride, plan)
    let area = plan.height * plan.width
    let images = Mutex([[Float]](repeating: [], count: indices.count))
    Parallelism.forEach(indices.count) { place in
      var image: [Float]
      if let augmentation {
        var random = stream.split(place)
        image = augmentation.applied(
          to: self[indices[place]],
          height: plan.height,
          width: plan.width,
          labels: plan.channels - plan.imageChannels,
          &random
        )
      } else {
        image = Array(self[indices[place]])
      }
      for index in 0..<stride {
        let channel = index / area
        image[index] =
          (image[index] - Float(plan.means[channel])) / Float(plan.deviations[channel])
      }
      images.withLock { $0[place] = image }
    }
    return Tensor(
      images.withLock { Array($0.joined()) },
      shape: [indices.count, plan.channels, plan.height, plan.width]
    )
  }

  /// The same images with a plan of other means and deviations.
  package func with(_ plan: RecognitionPlan) -> FittedImages {
    FittedImages(self, plan: plan)
  }

  private init(_ other: FittedImages, plan: RecognitionPlan) {
    precondition(
      plan.imageSize == other.plan.imageSize && plan.channels == other.plan.channels,
      "images were fitted to another size"
    )
    (self.plan, items, problems) = (plan, other.items, other.problems)
    (values, stride) = (other.values, other.stride)
  }
}

extension ProgressReporter {
  /// Tells what a training leaves out: the first ones by name, then how many there are.
  /// - Parameter problems: One sentence each.
  package func warnOfLeftOut(_ problems: [String]) {
    let told = 5
    for problem in problems.prefix(told) { warn(problem) }
    if problems.count > told { warn("\(problems.count) in all were left out.") }
  }
}
