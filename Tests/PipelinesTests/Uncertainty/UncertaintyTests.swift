import Foundation
import Imaging
import ImagingIO
import Networks
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

/// Maps and scores of uncertainty, against the probabilities of the same members.
@Suite struct UncertaintyTests {
  // MARK: Entropy

  @Test func entropyIsZeroWhereCertainAndOneWhereAllClassesAreAlike() {
    // Three classes at four places: certain, undecided, two of three, and 0.5, 0.25, 0.25.
    let values: [Float] = [1, 1.0 / 3, 0.5, 0.5, 0, 1.0 / 3, 0.5, 0.25, 0, 1.0 / 3, 0, 0.25]
    let found = (0..<4).map {
      ClassEntropy.competing.value(values, place: $0, places: 4, classes: 3)
    }
    let wanted: [Float] = [0, 1, log(2) / log(3), 1.5 * log(2) / log(3)]
    for (a, b) in zip(found, wanted) { #expect(abs(a - b) < 1e-6) }
  }

  @Test func entropyOfRegionsIsTheMeanOfTheirOwn() {
    // Two outputs: (0.5, 1) has one bit of two; (0.25, 0.25) has twice that of 0.25.
    let values: [Float] = [0.5, 0.25, 1, 0.25]
    let quarter: Float = 0.811_278_1
    let found = (0..<2).map {
      ClassEntropy.independent.value(values, place: $0, places: 2, classes: 2)
    }
    #expect(abs(found[0] - 0.5) < 1e-6 && abs(found[1] - quarter) < 1e-6)
  }

  @Test func valuesOutsideOfProbabilitiesCountAsCertain() {
    let values: [Float] = [.nan, 1.5, -0.5]
    #expect(ClassEntropy.competing.value(values, place: 0, places: 1, classes: 3) == 0)
  }

  // MARK: Agreement

  @Test func volumesAndOverlapsAreThoseOfTheMaps() throws {
    let geometry = try ImageGeometry(
      size: [4, 1, 1],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    let agreement = try MemberAgreement()
    for labels: [UInt16] in [[1, 1, 0, 2], [1, 1, 1, 0], [0, 1, 0, 0]] {
      try agreement.add(LabelMap(geometry: geometry, labels: labels, table: []))
    }
    let found = try agreement.compare([1, 2, 3], interruption: Interruption())
    #expect(found[1]?.voxels == [2, 3, 1])
    // Pairs: 2·2/5, 2·1/3, 2·1/4.
    let dice = (4.0 / 5 + 2.0 / 3 + 0.5) / 3
    #expect(abs((found[1]?.pairwiseDice ?? 0) - dice) < 1e-12)
    #expect(found[2]?.voxels == [1, 0, 0])
    // The pair of the two maps without it does not count.
    #expect(found[2]?.pairwiseDice == 0)
    #expect(found[3]?.voxels == [0, 0, 0])
    #expect(found[3].map { $0.pairwiseDice == nil } == true)
  }

  // MARK: Runs

  private static func imported(_ name: String, in folder: TemporaryFolder) throws -> ModelPackage {
    try FileManager.default.createDirectory(
      atPath: folder.file(name),
      withIntermediateDirectories: true
    )
    return try ModelImporter.run(
      Fixtures.path("nnunet/models/" + name),
      options: ImportOptions(name: name),
      to: folder.file(name),
      progress: SilentProgress(),
      interruption: Interruption()
    ).package
  }

  private static func run(
    _ models: [ModelPackage],
    _ scan: String,
    _ change: (inout SegmentationRun.Options) -> Void = { _ in }
  ) throws -> SegmentationRun.Result {
    var options = SegmentationRun.Options()
    options.wantsUncertainty = true
    change(&options)
    return try SegmentationRun(
      models: models,
      options: options,
      progress: SilentProgress(),
      interruption: Interruption()
    ).segment(SegmentationInputs([scan]).cases[0])
  }

  private static func probabilities(_ predictor: any ScanPredictor, _ scan: String) throws -> (
    values: [Float], classes: Int
  ) {
    let sink = try ProbabilitySink()
    _ = try predictor.predict(
      ScanChannels([NIfTIReader.read(scan).volume]),
      outputs: PredictionOutputs(probabilities: sink),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    return (sink.withValues { Array($0) }, sink.size[0])
  }

  /// Entropy in double precision, straight from the formula.
  private static func entropy(_ probabilities: [Double]) -> Double {
    -probabilities.reduce(0) { $1 > 0 ? $0 + $1 * log($1) : $0 }
      / log(Double(probabilities.count))
  }

  /// Compares maps with the members' probabilities, `[class][voxel]` each; all have equal shares.
  private static func expectSplit(_ result: SegmentationRun.Result, _ members: [[Float]]) throws {
    let maps = try #require(result.uncertainty)
    let statistics = try #require(try result.statistics().uncertainty)
    #expect(statistics.members.count == members.count)
    let count = maps.total.voxels.count
    let classes = members[0].count / count
    let aleatoric = try #require(maps.aleatoric).voxels
    let epistemic = try #require(maps.epistemic).voxels
    var (largest, worst) = (0.0, 0.0)
    for voxel in 0..<count {
      let rows = members.map { member in
        (0..<classes).map { Double(member[$0 * count + voxel]) }
      }
      let mean = (0..<classes).map { index in
        rows.reduce(0) { $0 + $1[index] } / Double(rows.count)
      }
      let total = Self.entropy(mean)
      let expected = rows.reduce(0) { $0 + Self.entropy($1) } / Double(rows.count)
      worst = max(
        worst,
        abs(Double(maps.total.voxels[voxel]) - min(total, 1)),
        abs(Double(aleatoric[voxel]) - min(expected, total, 1)),
        abs(Double(epistemic[voxel]) - max(0, total - expected))
      )
      largest = max(largest, total - expected)
    }
    // Sums of a few numbers in single precision; probabilities add up to 1 but for rounding.
    #expect(worst < 2e-5)
    #expect(largest > 1e-3, "the members never disagree")
  }

  @Test func mapsSplitTheEntropyOfNetworks() throws {
    let folder = try TemporaryFolder()
    let model = try Self.imported("plain", in: folder)
    let scan = Fixtures.path("nnunet/models/plain_0000.nii.gz")
    let result = try Self.run([model], scan) { $0.usesMirroring = false }
    let folds = try model.description.ensemble.map { member in
      let own = try Self.run([model], scan) {
        $0.usesMirroring = false
        $0.folds = [member.name]
        $0.wantsProbabilities = true
      }
      return try #require(own.probabilities).withValues { Array($0) }
    }
    #expect(folds.count > 1)
    try Self.expectSplit(result, folds)
  }

  @Test func mapsSplitTheEntropyOfMirrorImages() throws {
    let folder = try TemporaryFolder()
    let model = try Self.imported("plain", in: folder)
    guard case .nnUNet(let plan) = model.description.plan else {
      Issue.record("\(model.description.plan)")
      return
    }
    let scan = Fixtures.path("nnunet/models/plain_0000.nii.gz")
    let result = try Self.run([model], scan) {
      $0.folds = [model.description.ensemble[0].name]
      $0.usesMirroring = true
    }
    var exact = InferencePlanOptions()
    exact.usesWinograd = false
    let predictor = NNUNetPredictor(
      plan: plan,
      networks: [try ScoringNetwork(model.makeNetwork(), options: exact)],
      labels: model.description.labels
    )
    let members = predictor.members(.every)
    #expect(members.count == 1 << plan.mirrorAxes.count && members.count > 1)
    try Self.expectSplit(
      result,
      try members.map { try Self.probabilities($0.predictor(), scan).values }
    )
  }

  @Test func askingForUncertaintyChangesNoLabel() throws {
    let folder = try TemporaryFolder()
    let model = try Self.imported("plain", in: folder)
    let scan = Fixtures.path("nnunet/models/plain_0000.nii.gz")
    let plain = try Self.run([model], scan)
    let statistics = try #require(try plain.statistics().uncertainty)
    #expect(statistics.members.count > 1)
    #expect(Set(statistics.members).count == statistics.members.count)
    for structure in statistics.structures {
      let volumes = try #require(structure.memberVolumesML)
      #expect(volumes.count == statistics.members.count)
    }
    // The segmentation does not depend on whether its uncertainty was asked for.
    let without = try Self.run([model], scan) { $0.wantsUncertainty = false }
    #expect(without.labelMap.labels == plain.labelMap.labels)
    #expect(try without.statistics().uncertainty == nil)
  }

  @Test func oneMemberNeedsNoFurtherPrediction() throws {
    let folder = try TemporaryFolder()
    let model = try Self.imported("plain", in: folder)
    let scan = Fixtures.path("nnunet/models/plain_0000.nii.gz")
    let fold = model.description.ensemble[0].name
    let result = try Self.run([model], scan) {
      $0.usesMirroring = false
      $0.folds = [fold]
      $0.wantsProbabilities = true
    }
    let maps = try #require(result.uncertainty)
    #expect(maps.aleatoric == nil && maps.epistemic == nil)
    let sink = try #require(result.probabilities)
    let (values, classes) = (sink.withValues { Array($0) }, sink.size[0])
    let count = maps.total.voxels.count
    for voxel in 0..<count {
      let row = (0..<classes).map { Double(values[$0 * count + voxel]) }
      #expect(abs(Double(maps.total.voxels[voxel]) - min(1, Self.entropy(row))) < 1e-5)
    }
    // The score is the mean over labelled voxels.
    let labelled = result.labelMap.labels.indices.filter { result.labelMap.labels[$0] != 0 }
    let mean =
      labelled.reduce(0) { $0 + Double(maps.total.voxels[$1]) } / Double(labelled.count)
    let score = try #require(try result.statistics().uncertainty?.meanEntropy)
    // Steps of 2^-24.
    #expect(abs(score - mean) < 1e-6)
  }

  @Test func partsAndThreadsChangeNoBit() throws {
    let folder = try TemporaryFolder()
    let model = try Self.imported("plain", in: folder)
    guard case .nnUNet(let plan) = model.description.plan else {
      Issue.record("\(model.description.plan)")
      return
    }
    let scan = try NIfTIReader.read(Fixtures.path("nnunet/models/plain_0000.nii.gz")).volume
    let network = try model.makeNetwork()
    func found(parts: Int, threads: Int) throws -> ([UInt32], [UInt32], [String]) {
      var options = NNUNetPredictor.Options()
      options.fewestParts = parts
      let predictor = NNUNetPredictor(
        plan: plan,
        networks: [try ScoringNetwork(network)],
        labels: model.description.labels,
        options: options
      )
      let estimator = UncertaintyEstimator(
        entropy: .competing,
        members: predictor.members(.every),
        labels: model.description.labels.map(\.id),
        memoryLimit: nil,
        readsPrediction: false
      )
      let maps = try Parallelism.$threadCount.withValue(threads) {
        try estimator.maps(
          of: ScanChannels([scan]),
          progress: SilentProgress(),
          interruption: Interruption()
        )
      }
      let spreads = maps.spreads.sorted { $0.key < $1.key }.map {
        "\($0.key) \($0.value.voxels) \($0.value.pairwiseDice ?? -1)"
      }
      return (
        maps.total.voxels.map(\.bitPattern),
        (maps.aleatoric?.voxels ?? []).map(\.bitPattern), spreads
      )
    }
    let first = try found(parts: 1, threads: 1)
    #expect(first.0.contains { $0 != 0 })
    for (parts, threads) in [(3, 1), (1, 3)] {
      let other = try found(parts: parts, threads: threads)
      #expect(first == other, "\(parts) parts, \(threads) threads")
    }
  }

  @Test func modelsAndCeilingsThatCannotServeAreRefused() throws {
    let folder = try TemporaryFolder()
    let model = try Self.imported("plain", in: folder)
    let scan = Fixtures.path("nnunet/models/plain_0000.nii.gz")
    let noDropout = #expect(throws: PipelinesError.self) {
      try Self.run([model], scan) { $0.uncertaintySamples = 4 }
    }
    #expect(noDropout == .noDropout(model: "plain"))
    #expect(noDropout?.failure == .usage)
    let estimator = UncertaintyEstimator(
      entropy: .competing,
      members: [],
      labels: [],
      memoryLimit: 1000,
      readsPrediction: false
    )
    let tight = #expect(throws: PipelinesError.self) {
      try estimator.maps(
        of: ScanChannels([NIfTIReader.read(scan).volume]),
        progress: SilentProgress(),
        interruption: Interruption()
      )
    }
    #expect(tight?.failure == .missingComponent)
  }
}
