import Imaging
import Pipelines
import Support
import Tensors
import Transforms

/// Draws pairs of degraded and clean pieces of images.
///
/// Sample i of step t depends on the seed, t and i alone, so that a resumed run sees what an
/// uninterrupted one would have seen.
package struct EnhancementSampler: Sendable {
  /// One sample, channels slowest, the last axis fastest.
  package struct Sample: Sendable, Equatable {
    /// What the network is given: slices with neighbours, or a box, and the noise level where the network
    /// is told it.
    package var input: [Float]
    /// What it should give.
    package var target: [Float]
    /// 1 where the loss counts, else 0; nil for everywhere.
    package var weights: [Float]?
  }

  /// What one step is computed from.
  package struct Batch: Sendable {
    /// `[N, C, spatial…]`.
    package let input: Tensor
    /// `[N, 1, spatial…]`, larger by the network's scale.
    package let target: Tensor
    /// As the target; nil for everywhere.
    package let weights: Tensor?

    package init(input: Tensor, target: Tensor, weights: Tensor?) {
      self.input = input
      self.target = target
      self.weights = weights
    }
  }

  /// Of so many patches the one with the most detail is taken: air and sky teach nothing.
  ///
  /// In images that have noise of their own detail would be noise, and the first patch is taken.
  private var candidates: Int { configuration.selfSupervision == nil ? 6 : 1 }

  private let images: [EnhancementMaterial.Image]
  private let others: [EnhancementMaterial.Image]
  private let configuration: EnhancementConfiguration
  private let stream: RandomStream
  private let otherStream: RandomStream

  /// Creates a sampler.
  /// - Parameters:
  ///   - images: The images trained on, at least one, none smaller than a sample.
  ///   - others: Images of another kind without partners, from which targets are drawn; empty for none.
  ///   - configuration: The values of the run.
  package init(
    _ images: [EnhancementMaterial.Image],
    others: [EnhancementMaterial.Image] = [],
    configuration: EnhancementConfiguration
  ) {
    precondition(!images.isEmpty, "no image to draw samples from")
    self.images = images
    self.others = others
    self.configuration = configuration
    otherStream = RandomStream(seed: configuration.seed).split(0x6F74_6865)
    stream = RandomStream(seed: configuration.seed).split(0x7361_6D70)
  }

  private var plan: EnhancementPlan { configuration.plan }

  /// Slices, rows and columns of a sample.
  private var box: SIMD3<Int> {
    let patch = configuration.patchSize
    return plan.dimensions == 3 ? [patch[2], patch[1], patch[0]] : [patch[1], patch[0], 1]
  }

  /// Draws one sample.
  /// - Parameters:
  ///   - step: The step, from 0.
  ///   - index: The place in the batch.
  /// - Returns: The sample.
  package func sample(step: Int, index: Int) -> Sample {
    var sample = sample(of: images, stream.split(step, index))
    if !others.isEmpty {
      sample.target = self.sample(of: others, otherStream.split(step, index)).target
    }
    return sample
  }

  private func sample(of images: [EnhancementMaterial.Image], _ stream: RandomStream) -> Sample {
    var random = stream
    let image = images[min(images.count - 1, Int(random.uniform() * Double(images.count)))]
    let size = image.input.geometry.size
    let (box, plan) = (self.box, self.plan)
    var (origin, target) = (SIMD3<Int>(), [Float]())
    let larger = SIMD3(plan.networkScale, plan.networkScale, 1)
    let factor = plan.dimensions == 3 ? SIMD3(repeating: plan.networkScale) : larger
    var most: Float = -1
    for _ in 0..<candidates {
      var place = SIMD3<Int>()
      for axis in 0..<3 {
        place[axis] = Int(random.uniform() * Double(size[axis] - box[axis] + 1))
      }
      let values = image.clean.values(at: place &* factor, box &* factor)
      let detail = Self.detail(values)
      if detail > most { (most, origin, target) = (detail, place, values) }
    }
    let versions = Self.versions(of: image, &random)
    let guided = image.guided.isEmpty ? nil : Self.guided(image, &random)
    // A slice of a volume that is seen with its neighbours.
    let slices =
      plan.dimensions == 3
      ? [origin.z..<origin.z + box.z]
      : (-plan.contextSlices...plan.contextSlices).map {
        let slice = min(max(origin.z + $0, 0), size.z - 1)
        return slice..<slice + 1
      }
    func seen(_ volume: Volume<Float>) -> [Float] {
      slices.flatMap { range in
        volume.values(
          at: [origin.x, origin.y, range.lowerBound],
          [box.x, box.y, range.count]
        )
      }
    }
    var input = seen(guided?.noisy ?? versions.input)
    if let guided {
      // The network corrects what the filter gives.
      let filtered = guided.filtered.values(at: origin, box)
      input += filtered
      target = zip(target, filtered).map { $0 - $1 }
    }
    if let other = versions.target { target = other.values(at: origin, box) }
    let number = Int(random.uniform() * 8)
    let symmetry = box.x == box.y ? SquareSymmetry(number: number) : .identity
    var weights: [Float]?
    var level: Float?
    if configuration.selfSupervision == .noise2void {
      let blind = blinded(&input, &random)
      target = blind.target
      weights = blind.weights
    } else if let guided {
      level = guided.level
    } else if let damage = configuration.damage {
      damage.apply(
        damage.draw(&random),
        to: &input,
        width: box.x,
        height: box.y
      )
    }
    if guided == nil, configuration.selfSupervision != .noise2void,
      let noise = configuration.noise
    {
      let parameters = noise.draw(&random)
      level = parameters.level
      if image.fields.isEmpty {
        noise.apply(parameters, to: &input)
        if configuration.selfSupervision == .noise2noise {
          noise.apply(noise.draw(&random), to: &target)
        }
      } else {
        let (first, second) = Self.fields(of: image, &random)
        let signed = random.uniform() < 0.5 ? -parameters.level : parameters.level
        Self.add(seen(first), to: &input, times: signed)
        if configuration.selfSupervision == .noise2noise {
          let other = noise.draw(&random).level
          Self.add(second.values(at: origin, box), to: &target, times: other)
        }
      }
    }
    var sample = Sample(
      input: symmetry.applied(to: input, side: box.x),
      target: symmetry.applied(to: target, side: box.x * factor.x),
      weights: weights.map { symmetry.applied(to: $0, side: box.x) }
    )
    if let standard = plan.noiseLevel?.standard {
      sample.input += [Float](
        repeating: level ?? Float(standard),
        count: box.x * box.y * box.z
      )
    }
    return sample
  }

  /// What the network is given, and another image of the same thing where there are repeats.
  private static func versions(
    of image: EnhancementMaterial.Image,
    _ random: inout RandomStream
  ) -> (input: Volume<Float>, target: Volume<Float>?) {
    let count = image.repeats.count + 1
    guard count > 1 else { return (image.input, nil) }
    let first = min(count - 1, Int(random.uniform() * Double(count)))
    // Any of the others, all alike.
    let shift = 1 + min(count - 2, Int(random.uniform() * Double(count - 1)))
    func version(_ number: Int) -> Volume<Float> {
      number == 0 ? image.input : image.repeats[number - 1]
    }
    return (version(first), version((first + shift) % count))
  }

  /// Two different fields of noise.
  private static func fields(
    of image: EnhancementMaterial.Image,
    _ random: inout RandomStream
  ) -> (Volume<Float>, Volume<Float>) {
    let count = image.fields.count
    let first = min(count - 1, Int(random.uniform() * Double(count)))
    return (image.fields[first], image.fields[(first + 1) % count])
  }

  private static func add(_ noise: [Float], to values: inout [Float], times level: Float) {
    for place in values.indices { values[place] += level * noise[place] }
  }

  /// One of the noisy versions that a filter was applied to.
  private static func guided(
    _ image: EnhancementMaterial.Image,
    _ random: inout RandomStream
  ) -> EnhancementMaterial.GuidedVersion {
    let count = image.guided.count
    return image.guided[min(count - 1, Int(random.uniform() * Double(count)))]
  }

  /// Hides voxels of the slice or box that the network makes: each is replaced by a neighbour.
  /// - Returns: The values before, and 1 where one was hidden.
  private func blinded(
    _ input: inout [Float],
    _ random: inout RandomStream
  ) -> (target: [Float], weights: [Float]) {
    let (box, radius) = (self.box, EnhancementConfiguration.blindRadius)
    let count = box.x * box.y * box.z
    let start = plan.contextSlices * count
    let target = Array(input[start..<start + count])
    var weights = [Float](repeating: 0, count: count)
    let reach = plan.dimensions == 3 ? radius : 0
    for _ in 0..<max(1, count / EnhancementConfiguration.blindInterval) {
      let place = Int(random.uniform() * Double(count))
      let at = SIMD3(place % box.x, place / box.x % box.y, place / (box.x * box.y))
      var other = at
      // Never the voxel itself, which would tell the network what to find.
      while other == at {
        for (axis, extent) in [radius, radius, reach].enumerated() {
          let shift = Int(random.uniform() * Double(2 * extent + 1)) - extent
          other[axis] = min(max(at[axis] + shift, 0), box[axis] - 1)
        }
      }
      input[start + place] = target[other.x + box.x * (other.y + box.y * other.z)]
      weights[place] = 1
    }
    return (target, weights)
  }

  /// The sum of differences of neighbours along rows.
  private static func detail(_ values: [Float]) -> Float {
    var (sum, last) = (Float(0), values[0])
    for value in values {
      sum += abs(value - last)
      last = value
    }
    return sum
  }

  /// The batch of a step, its samples drawn side by side.
  /// - Parameter step: The step, from 0.
  /// - Returns: The batch.
  package func batch(step: Int) -> Batch {
    let size = configuration.batchSize
    let samples = Parallelism.collected(size) { sample(step: step, index: $0) }
    let patch = configuration.patchSize
    let finer = patch.map { $0 * plan.networkScale }
    let channels = samples[0].input.count / patch.reduce(1, *)
    let weights = samples.compactMap(\.weights)
    return Batch(
      input: Tensor(samples.flatMap(\.input), shape: [size, channels] + patch),
      target: Tensor(samples.flatMap(\.target), shape: [size, 1] + finer),
      weights: weights.isEmpty
        ? nil : Tensor(weights.flatMap { $0 }, shape: [size, 1] + finer)
    )
  }
}
