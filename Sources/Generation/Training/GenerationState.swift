import Foundation
import Layers
import Networks
import Pipelines
import Support
import Tensors

/// The means over an epoch.
public struct GenerationEpoch: Codable, Sendable, Equatable {
  /// Steps by its end.
  public let step: Int
  /// The generator's loss, or a diffusion model's.
  public let generator: Double
  /// The critic's loss without penalty; nil without a critic.
  public let critic: Double?
  /// The penalty's value; nil without a critic.
  public let penalty: Double?
}

/// A network that is being trained, with its moments.
private struct Player: Sendable {
  let parameters: [(name: String, parameter: Parameter)]
  var optimizer: Optimizer
  var average: WeightAverage?

  init(_ layer: any Layer, beta1: Double, decay: Double) {
    parameters = layer.namedParameters
    optimizer = Optimizer(
      .adam(beta1: beta1, beta2: 0.99, epsilon: 1e-8, weightDecay: 0),
      parameters: parameters
    )
    average = decay > 0 ? WeightAverage(decay: decay, parameters: parameters) : nil
  }

  mutating func step(_ slopes: Gradients, rate: Double) {
    optimizer.step(slopes, learningRate: rate, clipNorm: 10)
    average?.update()
  }

  func stored(_ prefix: String) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (name, parameter) in parameters { result[prefix + "network." + name] = parameter.value }
    for (name, value) in average?.stored ?? [:] { result[prefix + "average." + name] = value }
    for (name, values) in optimizer.moments {
      result[prefix + "moment." + name] = Tensor(values, shape: [values.count])
    }
    return result
  }

  /// - Returns: Whether everything fitted; otherwise nothing is changed.
  mutating func restore(_ all: [String: Tensor], _ prefix: String, steps: Int) -> Bool {
    func part(_ kind: String) -> [String: Tensor] {
      let start = prefix + kind
      return Dictionary(
        uniqueKeysWithValues: all.filter { $0.key.hasPrefix(start) }.map {
          (String($0.key.dropFirst(start.count)), $0.value)
        }
      )
    }
    let (weights, averages, moments) = (part("network."), part("average."), part("moment."))
    let shapes = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.parameter.shape) })
    guard shapes.allSatisfy({ weights[$0.key]?.shape == $0.value }),
      averages.allSatisfy({ shapes[$0.key] == $0.value.shape }),
      moments.allSatisfy({ entry in
        let name = String(entry.key.drop { $0 != "." }.dropFirst())
        return shapes[name].map { $0.reduce(1, *) == entry.value.count } ?? false
      })
    else { return false }
    for (name, parameter) in parameters { if let value = weights[name] { parameter.value = value } }
    average?.restore(updateCount: steps, stored: averages)
    optimizer.restore(stepCount: steps, moments: moments.mapValues(\.values))
    return true
  }
}

/// A training of a model of images between two steps: all that a checkpoint must hold.
package struct GenerationState: Sendable {
  package let configuration: GenerationConfiguration
  package let model: GeneratorModel
  package private(set) var step = 0
  package private(set) var epochs: [GenerationEpoch] = []
  private let critic: ImageCritic?
  private var generatorSide: Player
  private var criticSide: Player?
  private var sums = [0.0, 0, 0, 0]

  private static let key = "lamina.generation-training/1"

  /// Begins with random weights that follow from the seed.
  package init(_ configuration: GenerationConfiguration) throws {
    self.configuration = configuration
    var random = RandomStream(seed: configuration.seed).split(0x6765_6E65)
    model = try GeneratorModel(configuration, random: &random)
    let isGame = configuration.model != .diffusion
    critic = isGame ? ImageCritic(configuration, random: &random) : nil
    generatorSide = Player(
      model.layer,
      beta1: isGame ? 0 : 0.9,
      decay: configuration.averagingDecay
    )
    criticSide = critic.map { Player($0, beta1: 0, decay: 0) }
  }

  private struct Broken: Error {}

  /// Takes one step; one that is not finite takes back both sides.
  /// - Throws: `PipelinesError.trainingDiverged`.
  package mutating func advance(_ pictures: GenerationPictures) throws {
    let before = ParameterSnapshot(generatorSide.parameters + (criticSide?.parameters ?? []))
    let (kept, keptCritic, keptSums) = (generatorSide, criticSide, sums)
    do {
      if critic == nil { try denoise(pictures) } else { try play(pictures) }
      step += 1
    } catch is Broken {
      before.restore()
      (generatorSide, criticSide, sums) = (kept, keptCritic, keptSums)
      throw PipelinesError.trainingDiverged(
        step: step,
        reason: "a loss or gradient is not finite",
        checkpoint: nil
      )
    }
  }

  private func batch(
    _ pictures: GenerationPictures,
    _ random: inout RandomStream
  ) -> (images: Tensor, labels: [Int]?) {
    let c = configuration
    let places = (0..<c.batchSize).map { _ in
      min(pictures.values.count - 1, Int(random.uniform() * Double(pictures.values.count)))
    }
    return (
      Tensor(
        places.flatMap { pictures.values[$0] },
        shape: [c.batchSize, c.channels, c.height, c.width]
      ), c.classNames.isEmpty ? nil : places.map { pictures.labels[$0] }
    )
  }

  private mutating func denoise(_ pictures: GenerationPictures) throws {
    guard let network = model.layer as? DiffusionUNet else { return }
    var random = RandomStream(seed: configuration.seed).split(0x6469_6666, step)
    let (images, labels) = batch(pictures, &random)
    let (steps, noise) = model.process.draw(images.shape, random: &random)
    let (noisy, wanted) = model.process.lesson(images, noise: noise, at: steps)
    let input = model.conditioned(noisy, labels: labels)
    let loss = squaredLoss(network(input, steps: steps, in: Context(.training)), target: wanted)
    let slopes = gradients(of: loss)
    guard FiniteCheck(generatorSide.parameters).isSound(loss: loss, gradients: slopes) else {
      throw Broken()
    }
    let left = 1 - Double(step) / Double(configuration.steps)
    let rise = min(1, Double(step + 1) / 100)
    generatorSide.step(slopes, rate: configuration.generatorRate * rise * max(0.05, left))
    sums = [sums[0] + Double(loss.scalar), 0, 0, sums[3] + 1]
  }

  private mutating func play(_ pictures: GenerationPictures) throws {
    guard let critic else { return }
    let c = configuration
    var random = RandomStream(seed: c.seed).split(0x7475_726E, step)
    let context = Context(.training)
    let game: AdversarialLoss =
      switch c.model {
      case .wganGP: .wasserstein
      case .styleGAN2: .nonSaturating
      case .dcgan, .diffusion: .hinge
      }
    let (images, labels) = batch(pictures, &random)
    let input = model.input(c.batchSize, labels: labels, truncation: nil, random: &random)
    let made = model.layer(input, in: context)
    let change = c.isAugmented ? ImageChange(c.batchSize, size: images.shape, &random) : nil
    func changed(_ x: Tensor) -> Tensor { change?.applied(to: x) ?? x }
    let (real, fake) = (changed(images), changed(made.detached))
    let both = labels.map { $0 + $0 }
    let scores = critic(concatenation([real, fake], axis: 0), classes: both, in: context)
    let loss = game.critic(
      real: scores.sliced(axis: 0, end: c.batchSize),
      fake: scores.sliced(axis: 0, start: c.batchSize)
    )
    var total = loss
    var penalty = sums[2]
    if c.penaltyWeight > 0, step % c.penaltyInterval == 0 {
      let value: Tensor
      if c.model == .wganGP {
        let shares = Tensor(
          (0..<c.batchSize).map { _ in Float(random.uniform()) },
          shape: [c.batchSize, 1, 1, 1]
        )
        value = gradientPenalty(at: fake + (real - fake) * shares, weight: c.penaltyWeight) {
          critic($0, classes: labels, in: context.replay)
        }
      } else {
        value = realSlopePenalty(at: real, weight: c.penaltyWeight) {
          critic($0, classes: labels, in: context.replay)
        }
      }
      penalty += Double(value.scalar) * Double(c.penaltyInterval)
      total = total + value.reshaped(total.shape) * Float(c.penaltyInterval)
    }
    let slopes = gradients(of: total)
    guard FiniteCheck(critic.namedParameters).isSound(loss: total, gradients: slopes) else {
      throw Broken()
    }
    criticSide?.step(slopes, rate: c.criticRate)
    // The critic judges without learning: gradients go back to the images alone.
    let cost = game.generator(fake: critic(changed(made), classes: labels, in: .inference))
    let pulls = gradients(of: cost)
    guard FiniteCheck(generatorSide.parameters).isSound(loss: cost, gradients: pulls) else {
      throw Broken()
    }
    generatorSide.step(pulls, rate: c.generatorRate)
    sums = [
      sums[0] + Double(cost.scalar), sums[1] + Double(loss.scalar), penalty, sums[3] + 1,
    ]
  }

  /// Ends an epoch.
  package mutating func closeEpoch() {
    let count = max(1, sums[3])
    epochs.append(
      GenerationEpoch(
        step: step,
        generator: sums[0] / count,
        critic: critic == nil ? nil : sums[1] / count,
        penalty: critic == nil ? nil : sums[2] / count
      )
    )
    sums = [0, 0, 0, 0]
  }

  /// The averaged weights.
  package var averaged: Safetensors {
    generatorSide.average.map { average in
      Safetensors(tensors: average.values)
    } ?? model.layer.weights
  }

  private struct Summary: Codable {
    let configuration: GenerationConfiguration
    let step: Int
    let epochs: [GenerationEpoch]
    let sums: [Double]
  }

  /// All that a checkpoint must hold.
  package func stored() throws -> Safetensors {
    let summary = Summary(configuration: configuration, step: step, epochs: epochs, sums: sums)
    let text = String(decoding: try JSONEncoder().encode(summary), as: UTF8.self)
    let tensors = generatorSide.stored("generator.")
      .merging(criticSide?.stored("critic.") ?? [:]) { first, _ in first }
    return Safetensors(tensors: tensors, metadata: [Self.key: text])
  }

  /// Goes on from a checkpoint.
  /// - Throws: `PipelinesError.checkpointMismatch`.
  package mutating func restore(_ stored: Safetensors, from path: String) throws {
    func mismatch(_ reason: String) -> PipelinesError {
      .checkpointMismatch(path: path, reason: reason)
    }
    guard
      let summary = stored.metadata[Self.key].flatMap({
        try? JSONDecoder().decode(Summary.self, from: Data($0.utf8))
      })
    else { throw mismatch("it is no checkpoint of such a training") }
    guard summary.configuration == configuration else {
      throw mismatch("its network, images, seed, steps or training values differ")
    }
    guard (0...configuration.steps).contains(summary.step), summary.sums.count == 4,
      generatorSide.restore(stored.tensors, "generator.", steps: summary.step),
      criticSide?.restore(stored.tensors, "critic.", steps: summary.step) ?? true
    else { throw mismatch("its values contradict themselves") }
    (step, epochs, sums) = (summary.step, summary.epochs, summary.sums)
  }
}

/// One change of each image of a batch, the same for real and made ones, with a gradient.
///
/// Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training": shift and
/// brightness.
private struct ImageChange {
  private let shifts: [(down: Int, right: Int)]
  private let brightness: Tensor
  private let reach: [Int]

  init(_ count: Int, size: [Int], _ random: inout RandomStream) {
    let reach = size.suffix(2).map { $0 / 8 }
    var drawn: [(Int, Int)] = []
    var offsets: [Float] = []
    for _ in 0..<count {
      drawn.append(
        (
          Int(random.uniform() * Double(2 * reach[0] + 1)),
          Int(random.uniform() * Double(2 * reach[1] + 1))
        )
      )
      offsets.append(Float(random.uniform() - 0.5) * 0.4)
    }
    self.reach = reach
    shifts = drawn
    brightness = Tensor(offsets, shape: [count, 1, 1, 1])
  }

  func applied(to x: Tensor) -> Tensor {
    let (height, width) = (x.shape[2], x.shape[3])
    let rows = Tensor(repeating: -1, shape: [x.shape[0], x.shape[1], reach[0], width])
    let tall = concatenation([rows, x, rows], axis: 2)
    let columns = Tensor(repeating: -1, shape: [x.shape[0], x.shape[1], tall.shape[2], reach[1]])
    let wide = concatenation([columns, tall, columns], axis: 3)
    let parts = shifts.enumerated().map { index, shift in
      wide.sliced([
        AxisSlice(start: index, end: index + 1), AxisSlice(),
        AxisSlice(start: shift.down, end: shift.down + height),
        AxisSlice(start: shift.right, end: shift.right + width),
      ])
    }
    return concatenation(parts, axis: 0) + brightness
  }
}
