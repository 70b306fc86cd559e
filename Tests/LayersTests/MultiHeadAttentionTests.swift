import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite("Multi-head attention")
struct MultiHeadAttentionTests {
  private let context = Context(.training)

  private func layer() -> MultiHeadAttention {
    var random = RandomStream(seed: 1)
    return MultiHeadAttention(width: 6, heads: 2, random: &random)
  }

  @Test("attention of a sequence to itself equals PyTorch's")
  func selfAttention() throws {
    let layer = layer()
    try StoredLayer("attention").expectEqual(layer) { [layer($0[0], in: context)] }
  }

  @Test("attention of one sequence to another equals PyTorch's")
  func crossedAttention() throws {
    let layer = layer()
    try StoredLayer("attention-crossed").expectEqual(layer) {
      [layer(query: $0[0], key: $0[1], value: $0[2], in: context)]
    }
  }

  @Test("causal attention, and its mask, equal PyTorch's")
  func causalAttention() throws {
    let layer = layer()
    try StoredLayer("attention-causal").expectEqual(layer) {
      [layer(query: $0[0], key: $0[0], value: $0[0], isCausal: true, in: context)]
    }
    let mask = Tensor((0..<25).map { $0 % 5 <= $0 / 5 ? 1 : 0 }, shape: [5, 5])
    try StoredLayer("attention-causal").expectEqual(layer) {
      [layer(query: $0[0], key: $0[0], value: $0[0], mask: mask, in: context)]
    }
  }

  @Test("parameters have PyTorch's names")
  func names() {
    #expect(
      layer().namedParameters.map(\.name) == [
        "in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias",
      ]
    )
  }
}
