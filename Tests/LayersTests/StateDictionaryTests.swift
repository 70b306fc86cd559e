import Foundation
import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite("State dictionaries")
struct StateDictionaryTests {
  @Test(
    "PyTorch's names become the layers'",
    arguments: [
      ("down.0.1.running_var", "down.0.1.running_var"),
      ("module._orig_mod.head.weight", "head.weight"),
      ("down.0.1.num_batches_tracked", nil),
      ("encoder.stages.1.0.convs.0.conv.bias", "encoder.stages.1.0.convs.0.conv.bias"),
      (
        "decoder.encoder.stages.1.0.convs.0.all_modules.0.weight",
        "encoder.stages.1.0.convs.0.conv.weight"
      ),
      ("decoder.stages.0.convs.1.all_modules.1.bias", "decoder.stages.0.convs.1.norm.bias"),
      ("decoder.stages.0.convs.1.all_modules.2.bias", "decoder.stages.0.convs.1.norm.bias"),
      ("decoder.encoder.weight", "encoder.weight"),
      ("backbone.fpn.inner_blocks.2.weight", "backbone.fpn.inner_blocks.2.0.weight"),
      ("backbone.fpn.layer_blocks.0.0.bias", "backbone.fpn.layer_blocks.0.0.bias"),
      ("rpn.head.conv.weight", "rpn.head.conv.0.0.weight"),
      ("rpn.head.conv.0.0.weight", "rpn.head.conv.0.0.weight"),
      ("roi_heads.mask_head.mask_fcn4.bias", "roi_heads.mask_head.3.0.bias"),
      (
        "roi_heads.mask_predictor.mask_fcn_logits.bias",
        "roi_heads.mask_predictor.mask_fcn_logits.bias"
      ),
      ("all_modules", "all_modules"),
      ("", ""),
    ] as [(String, String?)]
  )
  func names(_ stored: String, _ expected: String?) {
    #expect(StateDictionaryNames.pyTorch(stored) == expected)
  }

  /// A file of tensors, and a counter in a type that no tensor has.
  private func file(_ second: [Float], in folder: TemporaryFolder) throws -> String {
    let header = Data(
      """
      {"a.conv.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},\
      "a.all_modules.0.weight":{"dtype":"F32","shape":[\(second.count)],\
      "data_offsets":[8,\(8 + 4 * second.count)]},\
      "n.num_batches_tracked":{"dtype":"I64","shape":[],\
      "data_offsets":[\(8 + 4 * second.count),\(16 + 4 * second.count)]}}
      """.utf8
    )
    var data = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
    data.append(header)
    for value in [1, 2] + second {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
    }
    data.append(Data(count: 8))
    let path = folder.file("weights.safetensors")
    try data.write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test("equal tensors become one, and counters of other types are left out")
  func aliases() throws {
    let folder = try TemporaryFolder()
    let path = try file([1, 2], in: folder)
    let read = try Safetensors(contentsOf: path, names: .pyTorch)
    #expect(read.tensors.keys.sorted() == ["a.conv.weight"])
    #expect(read.tensors["a.conv.weight"]?.values == [1, 2])
    // Without the mapping the counter's type is an error, as before.
    #expect(throws: LayersError.self) { try Safetensors(contentsOf: path, names: .identical) }
  }

  @Test(
    "tensors of one name that differ are damaged weights",
    arguments: [[1, 3], [1]] as [[Float]]
  )
  func contradiction(_ second: [Float]) throws {
    let folder = try TemporaryFolder()
    let path = try file(second, in: folder)
    let error = #expect(throws: LayersError.self) {
      try Safetensors(contentsOf: path, names: .pyTorch)
    }
    #expect(error?.description.contains("a.conv.weight") == true)
  }

  @Test("a network that will be loaded is built without drawing, and takes stored weights")
  func withoutRandomWeights() throws {
    var random = RandomStream(seed: 3)
    let untouched = random
    let layer = Parameter.withoutRandomWeights {
      Convolution(inputChannels: 2, outputChannels: 3, kernelSize: [1, 1], random: &random)
    }
    #expect(random == untouched)
    #expect(Set(layer.weight.value.values) == [0])
    let other = Convolution(
      inputChannels: 2,
      outputChannels: 3,
      kernelSize: [1, 1],
      random: &random
    )
    #expect(Set(other.weight.value.values) != [0])
    try layer.load(other.weights, from: "memory")
    #expect(layer.weight.value.values == other.weight.value.values)
  }

  @Test("convolutions without bias have none")
  func noBias() {
    var random = RandomStream(seed: 3)
    let unit = ConvolutionUnit(
      inputChannels: 1,
      outputChannels: 2,
      kernelSize: [3, 3],
      hasBias: false,
      normalization: .none,
      negativeSlope: 1,
      random: &random
    )
    #expect(unit.namedParameters.map(\.name) == ["conv.weight"])
    // Slope 1 is no activation: the unit stays linear.
    let x = Tensor((0..<9).map { Float($0) - 4 }, shape: [1, 1, 3, 3])
    #expect(unit(x * -1, in: .inference).values == unit(x, in: .inference).values.map { -$0 })
    let up = TransposedConvolution(
      inputChannels: 1,
      outputChannels: 2,
      stride: [2, 2],
      hasBias: false,
      random: &random
    )
    #expect(up.namedParameters.map(\.name) == ["weight"])
  }
}
