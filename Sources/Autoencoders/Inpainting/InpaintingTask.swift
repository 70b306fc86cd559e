import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support
import Synchronization
import Tensors

/// All that a training to fill holes depends on, besides `LearningConfiguration`.
public struct InpaintingConfiguration: Codable, Sendable, Equatable {
  /// The architecture.
  public var network: NetworkConfiguration
  /// What stands between an image and the network.
  public var plan: AutoencoderPlan
  /// The weight of an error where nothing is hidden; 1 where something is.
  public var knownWeight: Double
  /// Whether images are mirrored at random.
  public var mirrors: Bool
  /// Images trained on, by a hash of their names, so that a resumed run sees the same.
  public var imagesHash: String
}

/// Images on the scale on which the range of intensities is 1, each of its own size; not a number where
/// nothing is known.
struct ScaledImages: Sendable {
  let ids: [String]
  let images: [ImagePlanes]
  /// Images that could not be read, one sentence each.
  let problems: [String]

  /// More values than this are refused, 8 GB.
  private static let largestCount = 2 << 30

  init(
    _ data: LabelledImages,
    plan: RecognitionPlan,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    var (ids, images, problems): ([String], [ImagePlanes], [String]) = ([], [], [])
    var reader = ImageReader()
    var count = 0
    progress.begin("reading \(data.count) images", total: data.count)
    for (index, item) in data.items.enumerated() {
      try interruption.check()
      do {
        let image = try reader.read(item).with(channels: plan.channels)
        guard let scale = plan.intensity.scale(for: image.values) else {
          throw AutoencodersError.unsuitableImage(
            path: item.id,
            reason: "it is constant, or nowhere finite"
          )
        }
        var scaled = image
        scaled.values = image.values.map { $0.isFinite ? scale.scaled($0) : .nan }
        count += scaled.values.count
        guard count <= Self.largestCount else {
          throw RecognitionError.noImages(
            path: data.name,
            reason: "\(data.count) images do not fit into 8 GB; give fewer, or smaller ones"
          )
        }
        images.append(scaled)
        ids.append(item.id)
      } catch let error as any ClassifiedError where error.failure != .missingInput {
        problems.append("\(item.id) was left out. \(error.description)")
      }
      if index % 100 == 99 { progress.update(index + 1, detail: nil) }
    }
    progress.end()
    (self.ids, self.images, self.problems) = (ids, images, problems)
  }
}

/// A network learns to fill holes.
struct InpaintingTask: LearningTask {
  struct Batch: Sendable {
    /// `[N, C + 1, H, W]`: the image, filled harmonically where it is unknown, and whether it is known.
    let inputs: Tensor
    /// `[N, C, H, W]`.
    let images: Tensor
    /// `[N, C, H, W]`: how much an error counts, 1 in sum.
    let weights: Tensor
  }

  let values: InpaintingConfiguration
  let training: ScaledImages
  let heldOut: ScaledImages

  var network: NetworkConfiguration { values.network }

  private var plan: RecognitionPlan { values.plan.images }

  /// Held-out images that are looked at on the way.
  private static let lookCount = 64

  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch {
    let stream = RandomStream(seed: configuration.seed).split(0x686F_6C65)
    let chosen = ImageOrder(count: training.images.count, stream: stream)
      .batch(step: step, size: configuration.batchSize)
    let parts = Mutex([Sample?](repeating: nil, count: chosen.count))
    Parallelism.forEach(chosen.count) { place in
      var random = stream.split(1, step, place)
      let sample = sample(training.images[chosen[place]], &random)
      parts.withLock { $0[place] = sample }
    }
    let samples = parts.withLock { $0.compactMap(\.self) }
    let (height, width, channels) = (plan.height, plan.width, plan.channels)
    let sum = samples.reduce(0.0) { $0 + $1.weights.reduce(0.0) { $0 + Double($1) } }
    let factor = Float(1 / max(sum, 1e-12))
    return Batch(
      inputs: Tensor(
        samples.flatMap(\.input),
        shape: [samples.count, channels + 1, height, width]
      ),
      images: Tensor(samples.flatMap(\.image), shape: [samples.count, channels, height, width]),
      weights: Tensor(
        samples.flatMap { $0.weights.map { $0 * factor } },
        shape: [samples.count, channels, height, width]
      )
    )
  }

  private struct Sample {
    let input: [Float]
    let image: [Float]
    let weights: [Float]
  }

  /// A part of an image, at a random place where the image is larger, with holes.
  private func sample(_ image: ImagePlanes, _ random: inout RandomStream) -> Sample {
    let (height, width, area) = (plan.height, plan.width, plan.height * plan.width)
    let (rows, columns) = (min(height, image.height), min(width, image.width))
    let top = Int(random.uniform() * Double(image.height - rows + 1))
    let left = Int(random.uniform() * Double(image.width - columns + 1))
    let isMirrored = values.mirrors && random.chance(0.5)
    let shares = values.plan.inpainting?.hiddenShares ?? [0.25, 0.25]
    let shape = HolePattern.Shape.allCases[
      Int(random.uniform() * Double(HolePattern.Shape.allCases.count))
    ]
    let share = shares[0] + (shares[1] - shares[0]) * random.uniform()
    let hidden = HolePattern(shape, share: share)
      .hidden(height: rows, width: columns, &random)
    let channels = plan.channels
    var truth = [Float](repeating: 0, count: channels * area)
    var weights = truth
    var seen = [Float](repeating: .nan, count: channels * rows * columns)
    for y in 0..<rows {
      for x in 0..<columns {
        let (place, isHidden) = (y * width + x, hidden[y * columns + x])
        let column = left + (isMirrored ? columns - 1 - x : x)
        for channel in 0..<channels {
          let value = image.values[
            (channel * image.height + top + y) * image.width + column
          ]
          guard value.isFinite else { continue }
          truth[channel * area + place] = plan.normal(value, channel: channel)
          if !isHidden { seen[(channel * rows + y) * columns + x] = value }
          weights[channel * area + place] = isHidden ? 1 : Float(values.knownWeight)
        }
      }
    }
    let part = ImagePlanes(height: rows, width: columns, values: seen)
    return Sample(
      input: plan.input(part, unknown: part.unknown(hidden), height: height, width: width),
      image: truth,
      weights: weights
    )
  }

  func images(of batch: Batch) -> Tensor { batch.inputs }

  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor {
    let output = NetworkFilling.output(
      of: network(batch.inputs, in: context),
      on: batch.inputs,
      corrects: values.plan.inpainting?.corrects == true
    )
    let difference = output - batch.images
    return (difference.squared() * batch.weights).sum
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] {
    let filler = NetworkFilling(network: network, plan: values.plan)
    var (sum, count) = (0.0, 0)
    for (index, image) in heldOut.images.prefix(Self.lookCount).enumerated() {
      try interruption.check()
      var random = RandomStream(seed: 0x6C6F_6F6B).split(index)
      let hidden = HolePattern().hidden(height: image.height, width: image.width, &random)
      let unknown = image.unknown(hidden)
      guard unknown.contains(false) else { continue }
      let filled = filler.filled(image, unknown: unknown)
      for (place, isHidden) in hidden.enumerated() where isHidden {
        for channel in 0..<image.channels {
          let at = channel * hidden.count + place
          guard image.values[at].isFinite else { continue }
          let error = Double(filled.values[at] - image.values[at])
          sum += error * error
          count += 1
        }
      }
    }
    guard count > 0, sum > 0 else { return [] }
    return [LearningMetric("psnrInHoles", -10 * log10(sum / Double(count)))]
  }
}

extension RecognitionPlan {
  /// A value of the scale on which the range of intensities is 1, as a network sees it.
  func normal(_ value: Float, channel: Int) -> Float {
    (value - Float(means[channel])) / Float(deviations[channel])
  }

  /// What a network that fills holes is given.
  /// - Parameters:
  ///   - image: The image; values that are unknown do not matter.
  ///   - unknown: Which pixels they are.
  ///   - height: Rows of the input, at least the image's.
  ///   - width: Columns of the input, at least the image's.
  /// - Returns: `[C + 1, height, width]`: the image, filled harmonically where it is unknown, so that a
  ///   network has to learn no more than what that lacks, and whether it is known. Beyond the image all is 0.
  func input(_ image: ImagePlanes, unknown: [Bool], height: Int, width: Int) -> [Float] {
    let (area, own) = (height * width, image.height * image.width)
    var result = [Float](repeating: 0, count: (image.channels + 1) * area)
    guard unknown.contains(false) else { return result }
    for channel in 0..<image.channels {
      let plane = ClassicalFilling.harmonic.filled(
        Array(image.values[channel * own..<(channel + 1) * own]),
        hidden: unknown,
        width: image.width
      )
      for y in 0..<image.height {
        for x in 0..<image.width {
          result[channel * area + y * width + x] =
            normal(plane[y * image.width + x], channel: channel)
        }
      }
    }
    for y in 0..<image.height {
      for x in 0..<image.width where !unknown[y * image.width + x] {
        result[image.channels * area + y * width + x] = 1
      }
    }
    return result
  }
}

extension ImagePlanes {
  /// Where values are hidden, or not finite in any plane.
  func unknown(_ hidden: [Bool]) -> [Bool] {
    let area = height * width
    return hidden.indices.map { place in
      hidden[place] || (0..<channels).contains { !values[$0 * area + place].isFinite }
    }
  }
}

/// A network that fills images of any size, on the scale on which the range of intensities is 1.
struct NetworkFilling: Sendable {
  private let run: @Sendable (Tensor) -> Tensor
  private let plan: RecognitionPlan
  private let multiple: Int

  /// Runs the network as it is.
  init(network: any Network, plan: AutoencoderPlan) {
    self.plan = plan.images
    multiple = network.sizeMultiple
    let corrects = plan.inpainting?.corrects == true
    run = { Self.output(of: network($0, in: .inference), on: $0, corrects: corrects) }
  }

  /// Runs the network by plans.
  init(planned: PlannedNetwork, multiple: Int, plan: AutoencoderPlan) {
    self.plan = plan.images
    self.multiple = multiple
    let corrects = plan.inpainting?.corrects == true
    run = { Self.output(of: planned($0), on: $0, corrects: corrects) }
  }

  /// The filled images of a network's output for `[N, C + 1, H, W]`.
  static func output(of output: Tensor, on inputs: Tensor, corrects: Bool) -> Tensor {
    corrects ? output + inputs.sliced(axis: 1, start: 0, end: output.shape[1]) : output
  }

  /// What the network makes of an image; values that are known are its too.
  /// - Parameters:
  ///   - image: The image; values that are unknown do not matter.
  ///   - unknown: Which pixels they are.
  /// - Returns: An image of the same size.
  func filled(_ image: ImagePlanes, unknown: [Bool]) -> ImagePlanes {
    func rounded(_ side: Int) -> Int { (side + multiple - 1) / multiple * multiple }
    // At least what was trained on, so that a network of many levels sees as much as it did then.
    let height = rounded(max(image.height, plan.height))
    let width = rounded(max(image.width, plan.width))
    let (area, channels) = (height * width, image.channels)
    let input = plan.input(image, unknown: unknown, height: height, width: width)
    let output = run(Tensor(input, shape: [1, channels + 1, height, width])).values
    var result = image
    for channel in 0..<channels {
      for y in 0..<image.height {
        for x in 0..<image.width {
          result.values[(channel * image.height + y) * image.width + x] =
            output[channel * area + y * width + x] * Float(plan.deviations[channel])
            + Float(plan.means[channel])
        }
      }
    }
    return result
  }
}
