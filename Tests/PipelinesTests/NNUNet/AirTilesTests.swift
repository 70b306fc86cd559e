import Imaging
import ImagingIO
import Layers
import Networks
import Pipelines
import Support
import Synchronization
import Tensors
import Testing

/// `--skip-air`: tiles of air take the scores of the first of them, and nothing else changes.
@Suite struct AirTilesTests {
  /// Means of neighbourhoods, which air has near 0 and tissue has not, times random weights: the first
  /// output falls with them, the second rises, and the third does either.
  private final class SmallNetwork: HeadedNetwork {
    let first: Convolution
    let head: Convolution
    let sizeMultiple = 1

    init(biases: [Float]) {
      var random = RandomStream(seed: 11)
      first = Convolution(
        inputChannels: 1,
        outputChannels: 8,
        kernelSize: [3, 3, 3],
        random: &random
      )
      head = Convolution(
        inputChannels: 8,
        outputChannels: biases.count,
        kernelSize: [1, 1, 1],
        random: &random
      )
      first.weight.value = Tensor(
        (0..<8).flatMap { _ in [Float](repeating: Float(abs(random.normal())) / 27, count: 27) },
        shape: first.weight.shape
      )
      head.weight.value = Tensor(
        head.weight.value.values.enumerated().map { index, value in
          switch index / 8 {
          case 0: -abs(value)
          case 1: abs(value)
          default: value
          }
        },
        shape: head.weight.shape
      )
      head.bias?.value = Tensor(biases, shape: [biases.count])
    }

    var children: [(name: String, layer: any Layer)] { [("first", first), ("head", head)] }

    func features(_ x: Tensor, in context: Context) -> Tensor {
      relu(first(x, in: context))
    }

    func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
      head(features(x, in: context), in: context)
    }
  }

  /// Keeps what is said.
  private final class Notes: ProgressReporter {
    private let kept = Mutex<[String]>([])
    var texts: [String] { kept.withLock { $0 } }
    func begin(_ step: String, total: Int?) {}
    func update(_ completed: Int, detail: String?) {}
    func end() {}
    func note(_ message: String) { kept.withLock { $0.append(message) } }
    func warn(_ message: String) { note(message) }
  }

  private static let patch = 8
  private static let size = 24
  /// The body is a box of these voxels along each axis.
  private static let body = 9..<14

  private static func plan(
    heads: NNUNetPlan.Heads = .labels([0, 1, 2]),
    channel: NNUNetPlan.Normalization = .ct(mean: -1000, deviation: 100, low: -1024, high: 300)
  ) -> NNUNetPlan {
    NNUNetPlan(
      configuration: "3d_fullres",
      channels: [channel],
      transposeForward: [0, 1, 2],
      spacing: [1, 1, 1],
      patchSize: [patch, patch, patch],
      data: .spline(order: 3, orderAcross: 0, separates: nil),
      segmentation: .spline(order: 1, orderAcross: 0, separates: nil),
      probabilities: .spline(order: 1, orderAcross: 0, separates: nil),
      mirrorAxes: [0, 1, 2],
      heads: heads,
      previousStage: nil
    )
  }

  /// A box of tissue in air; both have noise, so that no tile is constant.
  private static func scan() throws -> ScanChannels {
    var random = RandomStream(seed: 4)
    var values: [Float] = []
    for z in 0..<size {
      for y in 0..<size {
        for x in 0..<size {
          let isBody = [x, y, z].allSatisfy(body.contains)
          values.append(Float((isBody ? 40 : -1000) + 10 * random.normal()))
        }
      }
    }
    let geometry = try ImageGeometry(
      size: SIMD3(repeating: size),
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    return ScanChannels([.float32(Volume(geometry: geometry, voxels: values))])
  }

  /// Tiles that hold none of the body: all but those that meet it along each axis.
  private static var tilesOfAir: Int {
    let starts = TileWindows.starts(size: size, patch: patch, step: 0.5)
    let meeting = starts.filter { $0 < body.upperBound && $0 + patch > body.lowerBound }.count
    return starts.count * starts.count * starts.count - meeting * meeting * meeting
  }

  private static func predict(
    _ network: ScoringNetwork,
    plan: NNUNetPlan,
    skipsAir: Bool,
    usesMirroring: Bool = false,
    parts: Int = 1
  ) throws -> (labels: [UInt16], notes: [String]) {
    var options = NNUNetPredictor.Options()
    options.skipsAir = skipsAir
    options.usesMirroring = usesMirroring
    options.fewestParts = parts
    let notes = Notes()
    let predictor = NNUNetPredictor(
      plan: plan,
      networks: [network],
      labels: [],
      options: options
    )
    let map = try predictor.predict(
      scan(),
      outputs: PredictionOutputs(),
      progress: notes,
      interruption: Interruption()
    )
    return (map.labels, notes.texts)
  }

  private static func remark(_ seen: Int, _ skipped: Int, refused: Bool = false) -> String {
    "Of \(seen) tiles that hold nothing but air \(skipped) were not computed"
      + (refused ? ": the network sees more than background there." : ".")
  }

  /// Five starts along an axis, of which three meet the body.
  @Test func tilesOfAirAreCounted() {
    #expect(Self.tilesOfAir == 5 * 5 * 5 - 3 * 3 * 3)
  }

  @Test(arguments: [false, true], [false, true])
  func allTilesOfAirButOneAreSkippedAndNoLabelChanges(isHeaded: Bool, mirrors: Bool) throws {
    let network = SmallNetwork(biases: [12, 0, 0])
    let scoring =
      isHeaded
      ? try ScoringNetwork(network)
      : ScoringNetwork(planned: try PlannedNetwork(network))
    let whole = try Self.predict(
      scoring,
      plan: Self.plan(),
      skipsAir: false,
      usesMirroring: mirrors
    )
    let found = try Self.predict(
      scoring,
      plan: Self.plan(),
      skipsAir: true,
      usesMirroring: mirrors
    )
    #expect(Set(whole.labels).count > 1)
    #expect(found.labels == whole.labels)
    #expect(found.notes.last == Self.remark(Self.tilesOfAir, Self.tilesOfAir - 1))
    #expect(!whole.notes.contains { $0.contains("air") })
  }

  @Test func regionsBelowOneHalfAreBackground() throws {
    let plan = Self.plan(heads: .regions(painted: [1, 2]))
    let scoring = try ScoringNetwork(SmallNetwork(biases: [-12, -12]))
    let whole = try Self.predict(scoring, plan: plan, skipsAir: false)
    let found = try Self.predict(scoring, plan: plan, skipsAir: true)
    #expect(Set(whole.labels).count > 1)
    #expect(found.labels == whole.labels)
    #expect(found.notes.last == Self.remark(Self.tilesOfAir, Self.tilesOfAir - 1))
  }

  /// A network that leads by less than the margin, and one that sees a structure in air.
  @Test(arguments: [[Float(3), 0, 0], [0, 12, 0]])
  func nothingIsSkippedWhereAirIsNotBackground(biases: [Float]) throws {
    let scoring = try ScoringNetwork(SmallNetwork(biases: biases))
    let whole = try Self.predict(scoring, plan: Self.plan(), skipsAir: false)
    let found = try Self.predict(scoring, plan: Self.plan(), skipsAir: true)
    #expect(found.labels == whole.labels)
    #expect(found.notes.last == Self.remark(Self.tilesOfAir, 0, refused: true))
  }

  /// Tiles at the border of two parts are seen twice; air is computed once for both.
  @Test func partsShareTheTileOfAir() throws {
    let scoring = try ScoringNetwork(SmallNetwork(biases: [12, 0, 0]))
    let whole = try Self.predict(scoring, plan: Self.plan(), skipsAir: false)
    let found = try Self.predict(scoring, plan: Self.plan(), skipsAir: true, parts: 2)
    #expect(found.labels == whole.labels)
    // Rows 0 to 12 (whose last row is interpolated with) and 12 to 23: starts 0, 4, 8, 12 and
    // 8, 12, 16; those that meet the body are 4, 8, 12 and 8, 12.
    let seen = 5 * 4 * 5 + 5 * 3 * 5
    let meeting = 3 * 3 * 3 + 3 * 2 * 3
    #expect(found.notes.last == Self.remark(seen - meeting, seen - meeting - 1))
  }

  @Test func valuesThatAreNoHUAreAllComputed() throws {
    let scoring = try ScoringNetwork(SmallNetwork(biases: [12, 0, 0]))
    let plan = Self.plan(channel: .zScore(usesMask: false))
    let whole = try Self.predict(scoring, plan: plan, skipsAir: false)
    let found = try Self.predict(scoring, plan: plan, skipsAir: true)
    #expect(found.labels == whole.labels)
    #expect(found.notes.last?.hasPrefix("No air was skipped") == true)
  }
}
