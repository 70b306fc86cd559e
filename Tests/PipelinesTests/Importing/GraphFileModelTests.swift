import Foundation
import Imaging
import ImagingIO
import Layers
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

/// Networks of `Tests/Fixtures/graphs`, which find values above 1/2.
@Suite struct GraphFileModelTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Numbers from 0 to 1 on a tilted grid.
  private func scan(_ size: SIMD3<Int>) throws -> Volume<Float> {
    var random = RandomStream(seed: 4)
    let geometry = try ImageGeometry(
      size: size,
      spacing: [1, 1, 1],
      origin: [-3, 8, 20],
      direction: Orientation(code: "PIR").direction
    )
    return Volume(
      geometry: geometry,
      voxels: (0..<geometry.voxelCount).map { _ in Float(random.uniform()) }
    )
  }

  private func labels(_ package: ModelPackage, _ scan: Volume<Float>) throws -> [UInt16] {
    let path = folder.path + "/scan.nii.gz"
    try NIfTIWriter.write(.float32(scan), to: path)
    let run = try SegmentationRun(
      model: package,
      options: SegmentationRun.Options(),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    return try run.segment(SegmentationInputs.Case(id: "scan", path: path)).labelMap.labels
  }

  private func card(_ package: ModelPackage) throws -> String {
    try String(contentsOfFile: package.path + "/README.md", encoding: .utf8)
  }

  @Test(arguments: [0, 1, 2])
  func slicesAlongAnAxisAreJoined(_ axis: Int) throws {
    let plan = """
      {"steps": [{"orient": {"code": "RAS"}}], "sliceAxis": \(axis), "labels": ["bright"],
       "channelsLast": false}
      """
    let package = try folder.imported(Fixtures.path("graphs/slices.onnx"), plan: plan)
    #expect(package.description.labels.map(\.name) == ["bright"])
    let scan = try scan([11, 13, 9])
    #expect(try labels(package, scan) == scan.voxels.map { $0 > 0.5 ? 1 : 0 })
  }

  @Test func aPlanInTheMetadataIsEnough() throws {
    let package = try folder.imported(Fixtures.path("graphs/volume.onnx"))
    let scan = try scan([5, 7, 6])
    #expect(try labels(package, scan) == scan.voxels.map { $0 > 0.5 ? 1 : 0 })
    guard case .volume(let plan) = package.description.plan else {
      Issue.record("the plan is \(package.description.plan)")
      return
    }
    #expect(try card(package).contains("The network has 4 weights."))
    #expect(plan.activation == .none)
    #expect(plan.inferer == .whole)
  }

  @Test(arguments: [true, false]) func theTwoFilesOfNCNNAreOneModel(_ isFolder: Bool) throws {
    let source = folder.path + "/ncnn"
    try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
    let text = "7767517\n2 2\nInput in 0 1 in\nConvolution c 1 1 in out 0=2 1=1 5=1 6=2\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: source + "/net.param"))
    // 1 − x for background and x for what is bright, after a flag for single precision.
    var weights = Data(count: 4)
    for number: Float in [-1, 1, 1, 0] {
      withUnsafeBytes(of: number.bitPattern.littleEndian) { weights.append(contentsOf: $0) }
    }
    try weights.write(to: URL(fileURLWithPath: source + "/net.bin"))
    let package = try folder.imported(
      isFolder ? source : source + "/net.param",
      plan: #"{"steps": [{"orient": {"code": "RAS"}}], "labels": ["bright"]}"#
    )
    #expect(package.description.origin?.format == "ncnn")
    let scan = try scan([11, 13, 9])
    #expect(try labels(package, scan) == scan.voxels.map { $0 > 0.5 ? 1 : 0 })
  }

  /// A frozen graph and a model of Keras: the package's network gives what their programs gave.
  @Test(arguments: ["tensorflow/slices.pb", "keras/unet.h5", "keras/unet.keras"])
  func otherFormatsBecomeGraphs(_ source: String) throws {
    let stored = try Safetensors(
      contentsOf: Fixtures.path(source.split(separator: ".")[0] + ".safetensors")
    )
    let input = try #require(stored.tensors["input"])
    let expected = try #require(stored.tensors["output"])
    let heads =
      expected.shape[1] == 1 ? #"{"regions": {"order": [0]}}"# : #"{"labels": {}}"#
    let output = source.hasSuffix(".pb") ? #""output": "scores", "# : ""
    let package = try folder.imported(
      Fixtures.path(source),
      plan: "{\"steps\": [], " + output + "\"heads\": " + heads + "}"
    )
    let network = try package.makeNetwork()
    // Of probabilities, in single precision on both sides.
    expectClose(
      network(input, in: .inference),
      expected,
      Tolerance(absolute: 2e-5, relative: 2e-5)
    )
  }

  @Test func slicesAlongThreeAxesAgree() throws {
    let source = folder.path + "/multiaxial"
    try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
    for name in ["sagittal_model", "coronal_model", "axial_model", "consensus_layer"] {
      try FileManager.default.copyItem(
        atPath: Fixtures.path("graphs/\(name).onnx"),
        toPath: source + "/\(name).onnx"
      )
    }
    let package = try folder.imported(source)
    #expect(try card(package).contains("The first of 4 networks has 10 weights."))
    #expect(
      package.description.ensemble.map(\.name) == ["sagittal", "coronal", "axial", "consensus"]
    )
    let geometry = try ImageGeometry(
      size: [20, 30, 24],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: Orientation(code: "LIA").direction
    )
    var scan = Volume(geometry: geometry, voxels: [Float](repeating: 0, count: 14400))
    scan[3, 4, 5] = 1
    // Nearly all of the 256 x 256 x 256 voxels are 0, and so is the percentile, which then divides nothing.
    #expect(try labels(package, scan) == scan.voxels.map { $0 > 0.5 ? 1 : 0 })
  }

  @Test func whatTheFileDoesNotSayIsAskedFor() throws {
    func description(_ name: String, _ plan: String?) -> String {
      do {
        _ = try folder.imported(Fixtures.path("graphs/\(name).onnx"), plan: plan)
        return ""
      } catch let error as any ClassifiedError {
        return error.description
      } catch {
        return "\(error)"
      }
    }
    #expect(description("slices", nil).contains("steps"))
    #expect(description("slices", "{}").contains("steps"))
    #expect(description("slices", #"{"steps": [{"conform": {}}, 3]}"#).contains("steps"))
    // One channel of 8 x 8 pixels may as well be 8 channels of 1 x 8.
    #expect(description("slices", #"{"steps": []}"#).contains("channelsLast"))
    func firstChannels(_ rest: String) -> String {
      description("slices", #"{"channelsLast": false, "# + rest + "}")
    }
    #expect(firstChannels(#""steps": [], "labels": ["a", "b"]"#).contains("2 labels"))
    #expect(firstChannels(#""steps": [{"orient": {"code": "RRR"}}]"#).contains("RRR"))
    #expect(firstChannels(#""steps": [], "sliceAxis": 7"#).contains("sliceAxis"))
  }
}
