import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing
import Transforms

@Suite struct AtlasPredictorTests {
  private static let names = [
    "white left", "cortex left", "white right", "cortex right", "kernel left", "kernel right",
    "stem", "fluid",
  ]

  private func predictor(leastGain: Double?) throws -> AtlasPredictor {
    AtlasPredictor(
      atlas: try AtlasHead.atlas(),
      settings: AtlasFitter.Settings(),
      locator: nil,
      locatorSpacingMM: 4,
      labels: Self.names.enumerated().map {
        LabelDefinition(id: $0 + 1, name: $1, color: LabelDefinition.defaultColor($0))
      },
      leastGain: leastGain
    )
  }

  private func problems(
    _ predictor: AtlasPredictor,
    _ scan: Volume<Float>
  ) throws -> (labels: LabelMap, problems: [InputProblem]) {
    let problems = PredictionProblems()
    let labels = try predictor.predict(
      ScanChannels([.float32(scan)]),
      outputs: PredictionOutputs(problems: problems),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    return (labels, problems.all)
  }

  @Test func aFitThatTellsLittleIsToldOnce() throws {
    let scan = try AtlasHead.scan(AtlasHead.contrasts[0]).scan
    let (labels, none) = try problems(predictor(leastGain: 0.2), scan)
    #expect(none.isEmpty)
    let (same, some) = try problems(predictor(leastGain: 5), scan)
    #expect(some.map(\.code) == ["poor-fit"])
    #expect(same.labels == labels.labels)
    #expect(Set(labels.labels).count == 9)
    #expect(try problems(predictor(leastGain: nil), scan).problems.isEmpty)
  }

  @Test func aScanOfSomethingElseFitsWorse() throws {
    let head = try AtlasHead.scan(AtlasHead.contrasts[0]).scan
    // A bright bar and a dark one in noise, as large as the head.
    var random = RandomStream(seed: 5)
    var other = head
    let size = head.geometry.size
    for index in other.voxels.indices {
      let x = index % size.x, y = index / size.x % size.y
      let inside = (8..<42).contains(x) && (8..<50).contains(y)
      other.voxels[index] =
        inside ? (x < 25 ? 150 : 60) + Float(random.normal()) * 20 : abs(Float(random.normal())) * 5
    }
    let predictor = try predictor(leastGain: 0.2)
    #expect(try problems(predictor, head).problems.isEmpty)
    #expect(try problems(predictor, other).problems.map(\.code) == ["poor-fit"])
  }
}
