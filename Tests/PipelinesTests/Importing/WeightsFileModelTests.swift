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

/// Weights alone, whose network is recognised and whose plan comes from a file.
@Suite struct WeightsFileModelTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func slicesAreScoredByTheNetworkOfTheWeights() throws {
    var random = RandomStream(seed: 5)
    let network = try NetworkConfiguration.classicUNet(
      ClassicUNetConfiguration(inputChannels: 1, outputChannels: 3, features: [4, 8])
    ).makeNetwork(random: &random)
    let weights = folder.path + "/model.safetensors"
    let stored = Safetensors(
      tensors: Dictionary(
        uniqueKeysWithValues: network.namedParameters.map { ($0.name, $0.parameter.value) }
      )
    )
    try stored.encoded().write(to: URL(fileURLWithPath: weights))
    let package = try folder.imported(
      weights,
      plan: """
        {"steps": [{"orient": {"code": "LPS"}}], "labels": ["a", "b"],
         "network": {"takesDefaults": true}}
        """
    )
    #expect(package.description.labels.map(\.name) == ["a", "b"])
    #expect(package.description.origin?.format == "state dictionary")

    let size = SIMD3(8, 12, 3)
    let geometry = try ImageGeometry(
      size: size,
      spacing: [1, 1, 2],
      origin: [0, 0, 0],
      direction: Orientation(code: "LPS").direction
    )
    let scan = Volume(
      geometry: geometry,
      voxels: (0..<geometry.voxelCount).map { _ in Float(random.uniform()) }
    )
    let path = folder.path + "/scan.nii.gz"
    try NIfTIWriter.write(.float32(scan), to: path)
    let run = try SegmentationRun(
      model: package,
      options: SegmentationRun.Options(),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let found = try run.segment(SegmentationInputs.Case(id: "scan", path: path)).labelMap.labels

    // The plan's axes are x, y, z, so that a slice is [x][y].
    var wanted = [UInt16](repeating: 0, count: geometry.voxelCount)
    for z in 0..<size.z {
      let pixels = (0..<size.x).flatMap { x in (0..<size.y).map { y in scan[x, y, z] } }
      let scores = network(Tensor(pixels, shape: [1, 1, size.x, size.y]), in: .inference).values
      let area = size.x * size.y
      for x in 0..<size.x {
        for y in 0..<size.y {
          let pixel = x * size.y + y
          let best = (0..<3).max { scores[$0 * area + pixel] < scores[$1 * area + pixel] }
          wanted[(z * size.y + y) * size.x + x] = UInt16(best ?? 0)
        }
      }
    }
    #expect(found == wanted)
    #expect(Set(found).count > 1)
  }

  @Test func whatIsNotKnownIsSaid() throws {
    let strange = folder.path + "/strange.safetensors"
    try Safetensors(tensors: ["a": Tensor([1, 2], shape: [2])]).encoded()
      .write(to: URL(fileURLWithPath: strange))
    let plan = #"{"steps": []}"#
    let unknown = #expect(throws: NetworksError.self) { try folder.imported(strange, plan: plan) }
    #expect(unknown?.failure == .missingComponent)
    // A network that gives images is no segmentation.
    let images = Fixtures.path("restoration/dncnn-plain.safetensors")
    let stored = try Safetensors(contentsOf: images, skipping: { !$0.hasPrefix("weights.") })
    let denoiser = folder.path + "/denoiser.safetensors"
    try stored.encoded().write(to: URL(fileURLWithPath: denoiser))
    let image = #expect(throws: PipelinesError.self) { try folder.imported(denoiser, plan: plan) }
    #expect(image?.description.contains("dncnn") ?? false)
    let slices = folder.path + "/slices.safetensors"
    var random = RandomStream(seed: 1)
    try NetworkConfiguration.classicUNet(
      ClassicUNetConfiguration(inputChannels: 1, outputChannels: 2, features: [4])
    ).makeNetwork(random: &random).weights.encoded().write(to: URL(fileURLWithPath: slices))
    let missing = #expect(throws: PipelinesError.self) {
      try folder.imported(slices, plan: #"{"network": {"takesDefaults": true}}"#)
    }
    #expect(missing?.description.contains("steps") ?? false)
    let hostile = Fixtures.path("torch/hostile.pt")
    #expect(throws: LayersError.self) { try folder.imported(hostile, plan: plan) }
  }
}
