import Layers
import Tensors
import TestSupport
import Testing

@Suite("Spatial layers")
struct SpatialLayersTests {
  static let rounding = Tolerance(absolute: 1e-5, relative: 0)

  @Test("parameters have PyTorch's names and the first values 1, 0 and a quarter")
  func parameters() {
    let group = GroupNormalization(groups: 2, channels: 4)
    let row = LayerNormalization(shape: [3, 5])
    for layer in [group, row] as [any Layer] {
      #expect(layer.namedParameters.map(\.name) == ["weight", "bias"])
      #expect(layer.namedParameters[0].parameter.value.values.allSatisfy { $0 == 1 })
      #expect(layer.namedParameters[1].parameter.value.values.allSatisfy { $0 == 0 })
    }
    #expect(row.weight.shape == [3, 5])
    #expect(group.trainableCount == 8)
    #expect(ParametricReLU().namedParameters.map(\.name) == ["weight"])
    #expect(ParametricReLU(channels: 2).weight.value.values == [0.25, 0.25])
  }

  @Test("layers apply their parameters")
  func values() {
    let x = Tensor([1, 3, 10, 30], shape: [1, 2, 1, 2])
    let group = GroupNormalization(groups: 2, channels: 2, epsilon: 0)
    group.weight.value = Tensor([1, 2], shape: [2])
    group.bias.value = Tensor([5, 0], shape: [2])
    expectClose(group(x, in: .inference).values, [4, 6, -2, 2], Self.rounding)
    let row = LayerNormalization(shape: [2], epsilon: 0)
    row.weight.value = Tensor([1, 2], shape: [2])
    expectClose(row(x, in: .inference).values, [-1, 2, -1, 2], Self.rounding)
    #expect(ParametricReLU()(Tensor([-4, 4], shape: [2]), in: .inference).values == [-1, 4])
  }

  @Test("training gives gradients of all parameters")
  func training() {
    let x = Tensor([1, 3, -10, 30], shape: [1, 2, 1, 2])
    for layer in [
      GroupNormalization(groups: 1, channels: 2), LayerNormalization(shape: [1, 2]),
      ParametricReLU(channels: 2),
    ] as [any Layer] {
      let found = gradients(of: layer(x, in: Context(.training)).sum)
      for (name, parameter) in layer.namedParameters {
        #expect(found[parameter.key]?.shape == parameter.shape, "\(name)")
      }
    }
  }

  @Test("upsampling and pixel shuffling enlarge every axis")
  func enlarging() {
    let x = Tensor([0, 4], shape: [1, 1, 1, 2])
    let linear = Upsampling(factors: [1, 2], interpolation: .linear)
    expectClose(linear(x, in: .inference).values, [0, 1, 3, 4], Self.rounding)
    #expect(Upsampling(factors: [2, 1])(x, in: .inference).values == [0, 4, 0, 4])
    let channels = Tensor([1, 2, 3, 4], shape: [1, 4, 1, 1])
    #expect(PixelShuffle(factor: 2)(channels, in: .inference).shape == [1, 1, 2, 2])
  }
}
