import Foundation
import Imaging
import Networks
import Support
import Synchronization
import Tensors

/// What a model computed when it was made, for other machines and precisions to be held against.
///
/// It holds numbers alone, nothing of any scan. Two kinds of evidence complete each other:
/// - `scores` are what single precision gave for patches of random numbers, by seed. They can be
///   computed again wherever the model is, and show whether a machine computes what another did.
/// - `precisions` says how far other precisions were from single precision: on the same patches, and,
///   because noise tells little about scans, on real scans when the model was trained.
public struct ModelSelfTest: Codable, Sendable, Equatable {
  /// How a precision compares with single precision.
  public struct Comparison: Codable, Sendable, Equatable {
    /// Share of voxels of the test scans with the same label, 0 to 1.
    public var agreement: Double
    /// The lowest Dice coefficient of a structure between the two, 0 to 1.
    public var lowestDice: Double
    /// Voxels compared.
    public var voxels: Int
    /// Root mean square of the difference of scores over that of the scores, on the seeded patches.
    public var scoreError: Double

    package init(agreement: Double, lowestDice: Double, voxels: Int, scoreError: Double) {
      self.agreement = agreement
      self.lowestDice = lowestDice
      self.voxels = voxels
      self.scoreError = scoreError
    }
  }

  /// Seed of the patches.
  public var seed: UInt64
  /// Single precision's scores of the seeded patches at evenly spaced places.
  public var scores: [Float]
  /// Each precision, by its name, that was compared.
  public var precisions: [String: Comparison]
  /// What was compared, such as "4 held-out scans".
  public var source: String
  /// The largest input of each convolution on real scans, which gives 8-bit integers their scales;
  /// nil where they were not measured.
  public var largestInputs: [Float]?
  /// Version of the program that measured.
  public var program: String

  package init(
    seed: UInt64,
    scores: [Float],
    precisions: [String: Comparison],
    source: String,
    largestInputs: [Float]? = nil,
    program: String = Version.current
  ) {
    self.seed = seed
    self.scores = scores
    self.precisions = precisions
    self.source = source
    self.largestInputs = largestInputs
    self.program = program
  }

  /// The seed of every self-test.
  static let standardSeed: UInt64 = 20_000
  /// Number of `scores`.
  private static let scoreCount = 64
  /// Scans compared at most, so that the test takes little of a training's time.
  static let scanLimit = 4
  /// Voxels of these scans at most, but for the first: lower precisions are slow where the processor
  /// has no instructions for them.
  private static let voxelLimit = 8_000_000

  /// How many of the first scans are compared.
  static func scanCount(_ scans: [ScanChannels]) -> Int {
    var (count, voxels) = (0, 0)
    for scan in scans.prefix(scanLimit) {
      voxels += scan.geometry.voxelCount
      if count > 0, voxels > voxelLimit { break }
      count += 1
    }
    return count
  }
  /// Differences of scores between machines, in units of the scores' root mean square: kernels of
  /// several processors sum in other orders, and Winograd's filtering loses two digits of seven.
  static let machineTolerance = 1e-2

  /// The size of the seeded patches.
  package struct Patches: Sendable, Equatable {
    /// Channels and spatial axes of one patch.
    package var shape: [Int]
    /// Patches scored at once, as many as in prediction.
    package var batchSize = PatchScorer.defaultBatchSize

    package init(shape: [Int], batchSize: Int = PatchScorer.defaultBatchSize) {
      self.shape = shape
      self.batchSize = batchSize
    }
  }

  /// The scores of seeded patches of random numbers, as normalised intensities would be.
  static func scores(of network: PlannedNetwork, patches: Patches, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed)
    let count = patches.batchSize * patches.shape.reduce(1, *)
    return PatchScorer(network, batchSize: patches.batchSize).scores(
      of: (0..<count).map { _ in Float(random.normal()) },
      shape: patches.shape
    )
  }

  /// Root mean square of the difference over that of the expected values; infinite when either is not
  /// finite.
  package static func error(_ scores: [Float], expected: [Float]) -> Double {
    guard scores.count == expected.count, !expected.isEmpty else { return .infinity }
    var (difference, size) = (0.0, 0.0)
    for (a, b) in zip(scores, expected) {
      difference += (Double(a) - Double(b)) * (Double(a) - Double(b))
      size += Double(b) * Double(b)
    }
    guard difference.isFinite, size.isFinite else { return .infinity }
    return difference == 0 ? 0 : (difference / max(size, .leastNormalMagnitude)).squareRoot()
  }

  /// Some of the scores of the standard patches.
  static func sampledScores(of network: PlannedNetwork, patches: Patches) -> [Float] {
    sample(scores(of: network, patches: patches, seed: standardSeed))
  }

  private static func sample(_ scores: [Float]) -> [Float] {
    let count = min(scoreCount, scores.count)
    return (0..<count).map { scores[$0 * scores.count / count] }
  }

  /// Measures a model.
  /// - Parameters:
  ///   - network: The network with its final weights.
  ///   - single: The same network, planned in single precision.
  ///   - patches: The size of the seeded patches.
  ///   - labels: The meanings of the classes.
  ///   - scans: Scans to segment in each precision.
  ///   - examples: Scans on which 8-bit integers find their scales; best others than `scans`.
  ///   - source: What the scans are, such as "4 held-out scans".
  ///   - interruption: Looked at between groups of slices.
  ///   - makePredictor: The way from a scan to labels with a network.
  /// - Returns: The self-test; precisions that the engine computes as single precision are left out.
  /// - Throws: What prediction throws.
  package static func measure(
    _ network: any Network,
    single: PlannedNetwork,
    patches: Patches,
    labels: [LabelDefinition],
    scans: [ScanChannels],
    examples: [ScanChannels],
    source: String,
    interruption: Interruption,
    makePredictor: (PlannedNetwork) throws -> any ScanPredictor
  ) throws -> ModelSelfTest {
    func labelMap(_ scan: ScanChannels, by predictor: any ScanPredictor) throws -> LabelMap {
      try predictor.predict(
        scan,
        outputs: PredictionOutputs(),
        progress: SilentProgress(),
        interruption: interruption
      )
    }
    func labelMaps(_ network: PlannedNetwork) throws -> [LabelMap] {
      let predictor = try makePredictor(network)
      return try scans.map { try labelMap($0, by: predictor) }
    }
    let expectedScores = scores(of: single, patches: patches, seed: standardSeed)
    var expected: [LabelMap]?
    var precisions: [String: Comparison] = [:]
    let inputs = KeptInputs()
    let observed = try PlannedNetwork(network) { inputs.keep($0) }
    if !examples.isEmpty {
      let observer = try makePredictor(observed)
      for example in examples.prefix(scanCount(examples)) {
        _ = try labelMap(example, by: observer)
      }
    }
    let largestInputs = single.largestInputs(on: inputs.examples)
    for precision in InferencePrecision.allCases where precision != .float32 && !scans.isEmpty {
      if precision == .int8, largestInputs.isEmpty { continue }
      var options = InferencePlanOptions(precision)
      options.largestInputs = largestInputs
      let planned = try PlannedNetwork(network, options: options)
      let scoreError = Self.error(
        scores(of: planned, patches: patches, seed: standardSeed),
        expected: expectedScores
      )
      guard scoreError > 0 else { continue }
      let wanted = try expected ?? labelMaps(single)
      expected = wanted
      var counts = LabelAgreement(labels.map(\.id))
      for (found, wanted) in zip(try labelMaps(planned), wanted) { counts.add(found, wanted) }
      precisions[precision.rawValue] = Comparison(
        agreement: counts.agreement,
        lowestDice: counts.lowestDice,
        voxels: counts.voxels,
        scoreError: scoreError
      )
    }
    return ModelSelfTest(
      seed: standardSeed,
      scores: sample(expectedScores),
      precisions: precisions,
      source: source,
      largestInputs: largestInputs.isEmpty ? nil : largestInputs
    )
  }

  /// Some of the inputs that a network sees.
  private final class KeptInputs: Sendable {
    /// Batches kept, evenly over a scan's slices as every third is kept.
    private static let limit = 32
    private let state = Mutex((seen: 0, kept: [Tensor]()))

    var examples: [Tensor] { state.withLock { $0.kept } }

    func keep(_ x: Tensor) {
      state.withLock { state in
        if state.seen % 3 == 0, state.kept.count < Self.limit { state.kept.append(x) }
        state.seen += 1
      }
    }
  }

  /// Whether this machine's single precision gives the stored scores.
  /// - Parameters:
  ///   - network: The model's network.
  ///   - patches: The size of the seeded patches.
  /// - Returns: The error relative to the scores' size, and whether it is within the tolerance.
  /// - Throws: Nothing for single precision.
  func check(
    _ network: any Network,
    patches: Patches
  ) throws -> (error: Double, holds: Bool) {
    let found = Self.sample(
      Self.scores(of: try PlannedNetwork(network), patches: patches, seed: seed)
    )
    let error = Self.error(found, expected: scores)
    return (error, error <= Self.machineTolerance)
  }
}

/// How often two label maps agree.
package struct LabelAgreement {
  package private(set) var voxels = 0
  private var equal = 0
  private var own = [Int](repeating: 0, count: 1 << 16)
  private var other = [Int](repeating: 0, count: 1 << 16)
  private var both = [Int](repeating: 0, count: 1 << 16)
  private let ids: [Int]

  package init(_ ids: [Int]) { self.ids = ids }

  package mutating func add(_ a: LabelMap, _ b: LabelMap) {
    precondition(a.labels.count == b.labels.count, "label maps of different size")
    voxels += a.labels.count
    for (x, y) in zip(a.labels, b.labels) {
      own[Int(x)] += 1
      other[Int(y)] += 1
      guard x == y else { continue }
      equal += 1
      both[Int(x)] += 1
    }
  }

  /// Share of voxels with the same label; 1 without voxels.
  package var agreement: Double { voxels == 0 ? 1 : Double(equal) / Double(voxels) }

  /// The Dice coefficient of a structure; nil where it is in neither map.
  package func dice(_ id: Int) -> Double? {
    guard own.indices.contains(id) else { return nil }
    let size = own[id] + other[id]
    return size == 0 ? nil : 2 * Double(both[id]) / Double(size)
  }

  /// The lowest Dice coefficient of a structure; those that are in neither map are left out.
  package var lowestDice: Double { ids.compactMap { dice($0) }.min() ?? 1 }
}

extension ModelDescription {
  /// What the model's networks see in a self-test.
  package var testPatches: ModelSelfTest.Patches {
    ModelSelfTest.Patches(
      shape: [network.inputChannels] + plan.patchSize,
      batchSize: plan.testBatchSize
    )
  }
}

extension InferencePlanOptions {
  /// Default options but for the precision and what it needs of a self-test.
  init(_ precision: InferencePrecision, _ selfTest: ModelSelfTest? = nil) {
    self.init()
    self.precision = precision
    largestInputs = selfTest?.largestInputs ?? []
  }
}
