import Enhancement
import Foundation
import Imaging
import Layers
import Networks
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

/// Published weights of networks for images become steps, and give what PyTorch gives.
@Suite struct ImageNetworkImportTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Values of the networks are some units; Winograd's filtering rounds in single precision.
  private static let tolerance = Tolerance(absolute: 2e-4, relative: 2e-4)

  /// A fixture's weights in a file of their own, and PyTorch's input and output.
  private func fixture(_ name: String) throws -> (path: String, input: Tensor, output: Tensor) {
    let stored = try Safetensors(contentsOf: Fixtures.path("restoration/\(name).safetensors"))
    let weights = stored.tensors.filter { $0.key.hasPrefix("weights.") }
    let path = folder.file(UUID().uuidString + ".safetensors")
    try Safetensors(
      tensors: Dictionary(
        uniqueKeysWithValues: weights.map { (String($0.key.dropFirst(8)), $0.value) }
      )
    ).encoded().write(to: URL(fileURLWithPath: path))
    return (
      path, try #require(stored.tensors["input"]), try #require(stored.tensors["output"])
    )
  }

  private func imported(_ source: String, plan: String?) throws -> ModelPackage {
    let place = folder.file(UUID().uuidString)
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    var options = ImportOptions(name: "network")
    if let plan {
      options.planPath = place + "-plan.json"
      try Data(plan.utf8).write(to: URL(fileURLWithPath: place + "-plan.json"))
    }
    return try ModelImporter.run(
      source,
      options: options,
      to: place,
      progress: SilentProgress(),
      interruption: Interruption()
    ).package
  }

  /// Channels of a batch, its samples as slices one behind the other.
  private func channels(_ batch: Tensor, count: Int) throws -> [Volume<Float>] {
    let shape = batch.shape
    let plane = shape[2] * shape[3]
    let geometry = try ImageGeometry(
      size: [shape[3], shape[2], shape[0]],
      spacing: .one,
      origin: .zero,
      direction: .identity
    )
    let values = batch.values
    return (0..<count).map { channel in
      Volume(
        geometry: geometry,
        voxels: (0..<shape[0]).flatMap { sample in
          let start = (sample * shape[1] + channel) * plane
          return Array(values[start..<start + plane])
        }
      )
    }
  }

  @Test(
    arguments: [
      ("names/dncnn-kair-bn", nil, EnhancementPlan.Task.denoise, 1),
      ("names/dncnn-saoyan", nil, .denoise, 1),
      ("names/msrresnet-older", nil, .superResolution, 4),
      ("names/rrdb-basicsr", nil, .superResolution, 4),
      ("names/rrdb-esrgan", nil, .superResolution, 4),
      ("names/rrdb-sequence-one", nil, .superResolution, 2),
      ("names/vdsr-older", #"{"enhancement": {"task": "restoration"}}"#, .restoration, 1),
      ("srcnn", #"{"enhancement": {"task": "restoration"}}"#, .restoration, 1),
    ] as [(String, String?, EnhancementPlan.Task, Int)]
  )
  func publishedWeightsGiveWhatPyTorchGives(
    name: String,
    plan: String?,
    task: EnhancementPlan.Task,
    scale: Int
  ) throws {
    let (path, input, output) = try fixture(name)
    let package = try imported(path, plan: plan)
    #expect(package.description.task == .enhancement(task))
    let made = try #require(package.description.plan.enhancement)
    #expect(made.scale == [scale, scale, 1] && made.intensity == .fixed(low: 0, high: 255))
    let enhancer = try Enhancer(package)
    let count = enhancer.channelCount
    let found = try enhancer.apply(
      channels(input, count: count).map { $0.map { $0 * 255 } },
      progress: SilentProgress(),
      interruption: Interruption()
    )
    for (a, b) in zip(found, try channels(output, count: count)) {
      expectClose(a.voxels.map { Double($0) / 255 }, b.voxels.map(Double.init), Self.tolerance)
    }
  }

  @Test func fFDNetIsToldTheNoise() throws {
    let network = NetworkConfiguration.ffdNet(FFDNetConfiguration(depth: 3, features: 8))
    var random = RandomStream(seed: 4)
    let weights = try network.makeNetwork(random: &random)
    let path = folder.file("ffdnet.safetensors")
    try weights.weights.encoded().write(to: URL(fileURLWithPath: path))
    let package = try imported(path, plan: nil)
    let level = try #require(package.description.plan.enhancement?.noiseLevel)
    #expect(level.standard == 25.0 / 255 && level.highest == 75.0 / 255)
    let image = try SampleModel.scan([16, 14, 1], isPlanar: true)
    let result = try Enhancer(package, noiseLevel: 0.2).improved(image)
    let input = image.voxels.map { $0 / 255 } + [Float](repeating: 0.2, count: 16 * 14)
    let expected = weights(Tensor(input, shape: [1, 2, 14, 16]), in: .inference).values
    expectClose(
      result.voxels.map { Double($0) / 255 },
      expected.map(Double.init),
      Self.tolerance
    )
    #expect(throws: EnhancementError.self) { try Enhancer(package, noiseLevel: 0.5) }
  }

  @Test func piecesAreAsLargeAsTheNetworkReaches() throws {
    let package = try imported(try fixture("names/dncnn-saoyan").path, plan: nil)
    let plan = try #require(package.description.plan.enhancement)
    guard case .dnCNN(let values) = package.description.network else {
      Issue.record("\(package.description.network)")
      return
    }
    #expect(plan.halo == values.depth && plan.seam == .exact)
  }

  @Test func aPlanFileSaysWhatWeightsDoNot() throws {
    let vdsr = try fixture("names/vdsr-older").path
    let package = try imported(
      vdsr,
      plan: """
        {"enhancement": {"scale": [2, 2, 3], "modality": "MR", "orientation": "RAS",
          "intensity": {"percentiles": {"low": 0, "high": 99}}}}
        """
    )
    let plan = try #require(package.description.plan.enhancement)
    #expect(plan.scale == [2, 2, 3] && plan.enlargement == .spline && plan.modality == "MR")
    #expect(plan.intensity == .percentiles(low: 0, high: 99))
    #expect(package.description.channels == ["MR"])
    let scan = try SampleModel.scan([10, 9, 4])
    #expect(try Enhancer(package).improved(scan).geometry.size == SIMD3(20, 18, 12))
  }

  @Test func whatIsMissingIsAskedFor() throws {
    func reason(_ name: String, _ plan: String?) throws -> String {
      let path = try fixture(name).path
      do {
        _ = try imported(path, plan: plan)
        return ""
      } catch let error as any ClassifiedError {
        return error.description
      }
    }
    #expect(try reason("names/vdsr-older", nil).contains("scale"))
    #expect(try reason("fsrcnn", nil).contains("scale"))
    // Its images have two channels.
    #expect(try reason("names/dncnn-kair", nil).contains("2 channels"))
    #expect(
      try reason("names/rrdb-esrgan", #"{"enhancement": {"scale": [4, 4, 1]}}"#)
        .contains("enlarges by 4 itself")
    )
    #expect(
      try reason("names/dncnn-saoyan", #"{"enhancement": {"contextSlices": 1}}"#)
        .contains("contextSlices")
    )
    #expect(try reason("names/dncnn-saoyan", #"{"steps": []}"#).contains("not scores"))
  }

  @Test func aGraphGivesWhatItsNetworkGives() throws {
    let rrdb = NetworkConfiguration.rrdb(
      RRDBConfiguration(channels: 1, blocks: 1, features: 8, growth: 4)
    )
    let enlarging = SampleModel.plan(patch: 24, halo: 4) {
      $0.task = .superResolution
      $0.scale = [4, 4, 1]
      $0.enlargement = .network
    }
    let image = try SampleModel.scan([19, 13, 2])
    for (name, network, made) in [
      ("plain", SampleModel.dnCNN(), SampleModel.plan(patch: 24, halo: 4)),
      ("finer", rrdb, enlarging),
    ] {
      let source = folder.file(name)
      try SampleModel.write(to: source, network, made)
      let package = try ModelPackage(path: source)
      let file = folder.file(name + ".onnx")
      try package.exportedNetwork().encoded().write(to: URL(fileURLWithPath: file))
      let plan = """
        {"channelsLast": false, "enhancement": {"task": "\(made.task.rawValue)",
          "intensity": {"fixed": {"low": 0, "high": 255}}}}
        """
      let graph = try imported(file, plan: plan)
      #expect(graph.description.plan.enhancement?.scale == made.scale)
      #expect(graph.description.origin?.format == "ONNX")
      let (found, expected) = (
        try Enhancer(graph).improved(image), try Enhancer(package).improved(image)
      )
      #expect(found.geometry == expected.geometry)
      expectClose(
        found.voxels.map { Double($0) / 255 },
        expected.voxels.map { Double($0) / 255 },
        Self.tolerance
      )
      let open = #expect(throws: PipelinesError.self) {
        try imported(file, plan: #"{"channelsLast": false, "enhancement": {}}"#)
      }
      #expect(open?.description.contains("intensities") == true)
    }
  }

  @Test func ncnnsFilesGiveWhatPyTorchGives() throws {
    let stored = try Safetensors(contentsOf: Fixtures.path("ncnn/converted.safetensors"))
    let package = try imported(
      Fixtures.path("ncnn/converted.param"),
      plan: #"{"enhancement": {"intensity": {"fixed": {"low": 0, "high": 1}}}}"#
    )
    #expect(package.description.plan.enhancement?.scale == [2, 2, 1])
    let found = try Enhancer(package).apply(
      channels(#require(stored.tensors["input"]), count: 3),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let expected = try channels(#require(stored.tensors["output"]), count: 3)
    for (a, b) in zip(found, expected) {
      expectClose(a.voxels.map(Double.init), b.voxels.map(Double.init), Self.tolerance)
    }
  }

  @Test func aGraphOfOneSizeIsRefused() throws {
    let error = #expect(throws: PipelinesError.self) {
      try imported(
        Fixtures.path("graphs/slices.onnx"),
        plan: #"{"channelsLast": false, "enhancement": {"task": "denoise"}}"#
      )
    }
    #expect(error?.description.contains("free sizes") == true)
  }
}
