import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// Trains a network that gives grey pictures colours, after Zhang, Isola and Efros 2016: classes of
/// colours, rare ones weighted more, by a small U-Net.
public struct ColourTrainer: Sendable {
  /// What is asked for.
  public struct Request: Sendable {
    /// The photographs' smaller side; squares of three quarters of it are trained on.
    public var side = 96
    /// Channels of the U-Net's stages.
    public var features = [16, 32, 64, 96]
    /// λ of the weights of classes, 0 to 1; 1 for equal weights.
    public var mixing = 0.5
    /// Of the annealed mean.
    public var temperature = 0.38
    /// Share of the photographs that are held out, if none are named.
    public var heldOutShare = 0.2

    /// Creates the defaults that the properties show.
    public init() {}
  }

  struct Values: Codable, Sendable, Equatable {
    let network: NetworkConfiguration
    let side: Int
    let weights: [Float]
    let photographs: String
  }

  private let photographs: Photographs
  private let heldOut: [String]
  private let request: Request
  private let bins = ColourBins()
  private let run: LearningRun
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Reads the photographs.
  /// - Parameters:
  ///   - paths: Files to train on, or also to hold out from.
  ///   - test: Files to measure on; some of `paths`, by the seed, when empty.
  ///   - request: What is asked for.
  ///   - seed: Chooses what is held out.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step.
  /// - Throws: What reading throws; `StylizationError.noPictures`.
  public init(
    photographs paths: [String],
    test: [String],
    request: Request,
    seed: UInt64,
    checkpointFolder: String,
    outputs: OutputGuard,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    var training = paths.filter { !test.contains($0) }
    heldOut = test.isEmpty ? Self.drawn(from: paths, request.heldOutShare, seed: seed) : test
    let held = Set(heldOut)
    training = training.filter { !held.contains($0) }
    photographs = try Photographs(
      training,
      side: request.side,
      wantsColour: true,
      progress: progress,
      interruption: interruption
    )
    self.request = request
    run = LearningRun(
      checkpointFolder: checkpointFolder,
      weightType: .float32,
      outputs: outputs,
      progress: progress,
      interruption: interruption
    )
    (self.progress, self.interruption) = (progress, interruption)
  }

  private static func drawn(from paths: [String], _ share: Double, seed: UInt64) -> [String] {
    var random = RandomStream(seed: seed).split(0x636F_6C6F)
    let count = share == 0 ? 0 : max(1, Int((Double(paths.count) * share).rounded()))
    return paths.sorted().shuffled(using: &random).prefix(count).sorted()
  }

  /// What could not be used, one sentence each.
  public var problems: [String] { photographs.problems }

  /// Removes the checkpoints; for when the model is safely written.
  public func discardCheckpoints() { run.discardCheckpoints() }

  /// Trains and measures.
  /// - Parameters:
  ///   - learning: The numbers of the run.
  ///   - budget: How long to train.
  ///   - resumes: Whether to go on from a checkpoint that is there.
  /// - Returns: The trained network.
  /// - Throws: What `LearningRun.train` throws.
  public func train(
    _ learning: LearningConfiguration,
    budget: SegmentationTrainer.Budget,
    resumes: Bool
  ) throws -> TrainedPictureNetwork {
    var counts = [Double](repeating: 0, count: bins.centres.count)
    var (sum, pixels) = (SIMD2<Double>.zero, 0.0)
    for item in photographs.items {
      for place in stride(from: 0, to: item.bytes.count, by: 3) {
        let lab = CIELab.lab(
          red: item.bytes[place],
          green: item.bytes[place + 1],
          blue: item.bytes[place + 2]
        )
        for (bin, share) in bins.shares(a: lab.y, b: lab.z) { counts[bin] += Double(share) }
        sum += SIMD2(Double(lab.y), Double(lab.z))
        pixels += 1
      }
    }
    let mean = sum / max(1, pixels)
    var network = UNetConfiguration(
      inputChannels: 1,
      outputChannels: bins.centres.count,
      features: request.features
    )
    network.normalization = .batch
    let task = ColourTask(
      values: Values(
        network: .unet(network),
        side: request.side,
        weights: ColourBins.weights(shares: counts.map { $0 / pixels }, mixing: request.mixing),
        photographs: photographs.hash
      ),
      photographs: photographs,
      bins: bins
    )
    let outcome = try run.train(task, learning, budget: budget, resumes: resumes)
    var trained = TrainedPictureNetwork(
      plan: StylizationPlan(
        side: request.side,
        colours: StylizationPlan.Colours(
          bins: bins.centres.map { [Double($0.x), Double($0.y)] },
          mean: [mean.x, mean.y],
          temperature: request.temperature
        )
      ),
      summary: "Gives grey photographs likely colours.",
      configuration: .unet(network),
      outcome: outcome,
      photographs: photographs.items.count
    )
    if !heldOut.isEmpty {
      let colouriser = Colouriser(
        network: outcome.network,
        bins: bins.centres,
        meanColour: SIMD2(Float(mean.x), Float(mean.y)),
        side: request.side,
        temperature: request.temperature
      )
      let (evaluation, problems) = try colouriser.evaluate(
        heldOut,
        progress: progress,
        interruption: interruption
      )
      for problem in problems { progress.warn(problem) }
      trained.results = evaluation.results
      trained.heldOut = evaluation.cases.map(\.id)
    }
    return trained
  }
}

/// What a network of colours learns.
struct ColourTask: LearningTask {
  struct Batch: Sendable {
    let light: Tensor
    let target: Tensor
  }

  let values: ColourTrainer.Values
  let photographs: Photographs
  let bins: ColourBins

  var network: NetworkConfiguration { values.network }

  /// A multiple of 16, so that the U-Net divides it.
  private var side: Int { max(16, values.side * 3 / 4 / 16 * 16) }

  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch {
    let (side, count, classes) = (side, configuration.batchSize, bins.centres.count)
    let area = side * side
    let stream = RandomStream(seed: configuration.seed).split(0x636F_6C6F)
    var light = [Float](repeating: 0, count: count * area)
    var target = [Float](repeating: 0, count: count * classes * area)
    for place in 0..<count {
      var random = stream.split(step, place)
      let bytes = photographs.crop(side, random: &random)
      for pixel in 0..<area {
        let lab = CIELab.lab(
          red: bytes[3 * pixel],
          green: bytes[3 * pixel + 1],
          blue: bytes[3 * pixel + 2]
        )
        light[place * area + pixel] = lab.x / 50 - 1
        let shares = bins.shares(a: lab.y, b: lab.z)
        let weight = shares.first.map { values.weights[$0.bin] } ?? 1
        for (bin, share) in shares {
          target[(place * classes + bin) * area + pixel] = share * weight
        }
      }
    }
    return Batch(
      light: Tensor(light, shape: [count, 1, side, side]),
      target: Tensor(target, shape: [count, classes, side, side])
    )
  }

  func images(of batch: Batch) -> Tensor { batch.light }

  /// The weighted cross-entropy of soft classes (equation 2), averaged over pixels.
  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor {
    let scores = network(batch.light, in: context)
    let logs = scores - scores.logSumExp(axes: [1], keepingAxes: true)
    return (logs * batch.target).sum * (-1 / Float(batch.light.count))
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] { [] }
}
