import Foundation
import Imaging
import ImagingIO
import Layers
import Networks
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

/// Means of the winners' probabilities, against the probabilities that the same runs write.
@Suite struct ConfidenceSumsTests {
  /// A run with its probabilities, `[class][voxel]`.
  private static func run(
    _ models: [ModelPackage],
    _ scan: String
  ) throws -> (statistics: [Int: Double?], labels: [UInt16], probabilities: [Float]) {
    var options = SegmentationRun.Options()
    options.wantsProbabilities = true
    let run = try SegmentationRun(
      models: models,
      options: options,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let result = try run.segment(SegmentationInputs([scan]).cases[0])
    let output = try TemporaryFolder()
    try result.writeProbabilities(to: output.path)
    let stored = try NPZFile(output.file("probabilities.npz")).array("probabilities")
    let measured = try result.statistics().structures
    return (
      Dictionary(uniqueKeysWithValues: measured.map { ($0.label, $0.uncalibratedConfidence) }),
      result.labelMap.labels, stored.floats
    )
  }

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

  /// The mean over the voxels of each label of the value that `chosen` picks.
  private static func means(
    _ labels: [UInt16],
    _ chosen: (_ voxel: Int, _ label: UInt16) -> Float
  ) -> [Int: Double] {
    var sums: [Int: (Double, Int)] = [:]
    for (voxel, label) in labels.enumerated() where label != 0 {
      let old = sums[Int(label)] ?? (0, 0)
      sums[Int(label)] = (old.0 + Double(chosen(voxel, label)), old.1 + 1)
    }
    return sums.mapValues { $0.0 / Double($0.1) }
  }

  /// Probabilities in single precision, their means in double; sums are of steps of 2^-24.
  private static let tolerance = 1e-6

  private static func expect(_ found: [Int: Double?], _ wanted: [Int: Double]) {
    #expect(!wanted.isEmpty)
    for (label, mean) in wanted {
      guard let value = found[label] ?? nil else {
        Issue.record("no confidence of \(label)")
        continue
      }
      #expect(abs(value - mean) < tolerance, "label \(label)")
    }
    for (label, value) in found where wanted[label] == nil {
      #expect(value == nil, "label \(label) has no voxel")
    }
  }

  @Test(arguments: ["plain", "thick", "slices"])
  func classesThatCompeteGiveTheMeanOfTheLargestProbability(_ name: String) throws {
    let folder = try TemporaryFolder()
    let model = try Self.imported(name, in: folder)
    let run = try Self.run([model], Fixtures.path("nnunet/models/\(name)_0000.nii.gz"))
    let count = run.labels.count
    let classes = run.probabilities.count / count
    let wanted = Self.means(run.labels) { voxel, _ in
      (0..<classes).map { run.probabilities[$0 * count + voxel] }.max() ?? 0
    }
    Self.expect(run.statistics, wanted)
  }

  @Test func regionsGiveTheProbabilityOfTheOneThatWasPaintedLast() throws {
    let folder = try TemporaryFolder()
    let model = try Self.imported("regions", in: folder)
    guard case .nnUNet(let plan) = model.description.plan, case .regions(let painted) = plan.heads
    else {
      Issue.record("\(model.description.plan)")
      return
    }
    let run = try Self.run([model], Fixtures.path("nnunet/models/regions_0000.nii.gz"))
    let count = run.labels.count
    let wanted = Self.means(run.labels) { voxel, label in
      painted.firstIndex(of: Int(label)).map { run.probabilities[$0 * count + voxel] } ?? 0
    }
    Self.expect(run.statistics, wanted)
  }

  @Test func severalModelsGiveTheMeanOfTheirProbabilities() throws {
    let folder = try TemporaryFolder()
    let model = try Self.imported("plain", in: folder)
    let run = try Self.run([model, model], Fixtures.path("nnunet/models/plain_0000.nii.gz"))
    let count = run.labels.count
    let wanted = Self.means(run.labels) { voxel, _ in
      stride(from: voxel, to: run.probabilities.count, by: count)
        .map { run.probabilities[$0] }.max() ?? 0
    }
    Self.expect(run.statistics, wanted)
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
    func means(parts: Int, threads: Int) throws -> [Int: Double] {
      var options = NNUNetPredictor.Options()
      options.fewestParts = parts
      options.usesMirroring = false
      let confidence = ConfidenceSums()
      let predictor = NNUNetPredictor(
        plan: plan,
        networks: [try ScoringNetwork(network)],
        labels: model.description.labels,
        options: options
      )
      _ = try Parallelism.$threadCount.withValue(threads) {
        try predictor.predict(
          ScanChannels([scan]),
          outputs: PredictionOutputs(confidence: confidence),
          progress: SilentProgress(),
          interruption: Interruption()
        )
      }
      return confidence.means
    }
    let whole = try means(parts: 1, threads: 1)
    #expect(!whole.isEmpty)
    #expect(try means(parts: 1, threads: 2) == whole)
    #expect(try means(parts: 3, threads: 2) == whole)
  }

  /// Scores 0 and `x` of the middle channel: the winner's probability is a logistic function.
  private final class TwoClassNetwork: Network {
    let sizeMultiple = 1

    func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
      convolution(
        x,
        weight: Tensor([0, 0, 0, 0, 1, 0], shape: [2, 3, 1, 1]),
        bias: nil,
        shape: ConvolutionShape(rank: 2)
      )
    }
  }

  @Test func slicesGiveTheLogisticFunctionOfTwoClassesScores() throws {
    let geometry = try ImageGeometry(
      size: [6, 5, 4],
      spacing: [1, 1, 1],
      origin: .zero,
      direction: .identity
    )
    let scan = Volume<Float>(
      geometry: geometry,
      voxels: (0..<geometry.voxelCount).map { Float(($0 * 37) % 101) }
    )
    let predictor = SlicePredictor(
      plan: SegmentationPlan(
        orientation: geometry.orientation,
        spacingMM: [1, 1, 1],
        patchSize: [8, 8],
        contextSlices: 1
      ),
      network: try PlannedNetwork(TwoClassNetwork()),
      labels: [LabelDefinition(id: 7, name: "bright", color: LabelDefinition.defaultColor(0))],
      usesMirroring: false
    )
    let confidence = ConfidenceSums()
    _ = try predictor.predict(
      ScanChannels([.float32(scan)]),
      outputs: PredictionOutputs(confidence: confidence),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    // The plan standardises values by the scan's mean and standard deviation.
    let values = scan.voxels.map(Double.init)
    let mean = values.reduce(0, +) / Double(values.count)
    let deviation =
      (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    let bright = values.map { ($0 - mean) / deviation }.filter { $0 > 0 }
    let wanted = bright.reduce(0) { $0 + 1 / (1 + Foundation.exp(-$1)) } / Double(bright.count)
    #expect(confidence.means.keys.map { $0 } == [7])
    // The scan is standardised in single precision.
    #expect(abs((confidence.means[7] ?? 0) - wanted) < 1e-5)
  }
}
