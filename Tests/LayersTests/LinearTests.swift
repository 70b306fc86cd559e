import Layers
import Support
import Tensors
import Testing

@Suite("Linear and embedding layers")
struct LinearTests {
  @Test("output and gradients of a linear layer equal PyTorch's")
  func linearEqualsPyTorch() throws {
    var random = RandomStream(seed: 1)
    let layer = Linear(inputs: 3, outputs: 4, random: &random)
    try StoredLayer("linear").expectEqual(layer) { [layer($0[0], in: Context(.training))] }
  }

  @Test("first weights lie between ±1 / √inputs")
  func firstWeights() {
    var random = RandomStream(seed: 1)
    let layer = Linear(inputs: 16, outputs: 50, random: &random)
    let values = layer.weight.value.values
    #expect(values.allSatisfy { abs($0) <= 0.25 })
    #expect((values.max() ?? 0) > 0.24 && (values.min() ?? 0) < -0.24)
    #expect(Linear(inputs: 2, outputs: 2, hasBias: false, random: &random).trainableCount == 4)
  }

  @Test("an embedding picks rows, by numbers and by indices, and its gradient counts them")
  func embeddingPicksRows() {
    var random = RandomStream(seed: 1)
    let layer = Embedding(count: 4, width: 2, random: &random)
    layer.weight.value = Tensor([0, 1, 10, 11, 20, 21, 30, 31], shape: [4, 2])
    let context = Context(.training)
    let picked = layer(Tensor([3, 0, 3], shape: [3, 1]), in: context)
    #expect(picked.shape == [3, 1, 2])
    #expect(picked.values == [30, 31, 0, 1, 30, 31])
    let same = layer(IndexTensor([3, 0, 3], shape: [3, 1]), in: context)
    #expect(same.values == picked.values)
    for loss in [picked.sum, same.sum] {
      #expect(gradients(of: loss)[layer.weight.key]?.values == [1, 1, 0, 0, 0, 0, 2, 2])
    }
  }
}
