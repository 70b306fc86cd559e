import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite("FiniteCheck")
struct FiniteCheckTests {
  /// Two units, each a convolution, batch normalisation and a rectifier.
  private final class Chain: Layer {
    let units: [ConvolutionUnit]

    init() {
      var random = RandomStream(seed: 3)
      units = (0..<2).map { _ in
        ConvolutionUnit(
          inputChannels: 2,
          outputChannels: 2,
          kernelSize: [3, 3],
          normalization: .batch,
          negativeSlope: 0.01,
          random: &random
        )
      }
    }

    var children: [(name: String, layer: any Layer)] {
      units.enumerated().map { ("unit.\($0.offset)", $0.element as any Layer) }
    }

    func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
      units.reduce(x) { $1($0, in: context) }
    }

    func set(_ name: String, _ value: Float) {
      for entry in namedParameters where entry.name == name {
        entry.parameter.value = Tensor(repeating: value, shape: entry.parameter.shape)
      }
    }
  }

  private static let input = Tensor((0..<32).map { Float($0 * 7 % 11) }, shape: [1, 2, 4, 4])

  private func fault(
    of chain: Chain,
    input: Tensor = FiniteCheckTests.input,
    loss: (Tensor) -> Tensor = { ($0 * $0).sum }
  ) -> FiniteCheck.Fault {
    FiniteCheck(chain.namedParameters).diagnose(
      inputs: [input],
      forward: { chain(input, in: Context(.training)) },
      loss: loss
    )
  }

  @Test("a sound step is sound, and is not blamed")
  func sound() {
    let chain = Chain()
    let loss = chain(Self.input, in: Context(.training)).sum
    let check = FiniteCheck(chain.namedParameters)
    #expect(check.isSound(loss: loss, gradients: gradients(of: loss)))
    #expect(fault(of: chain) == .notReproduced)
  }

  @Test("a bad loss or gradient is noticed, wherever it is", arguments: [0, 17, 40_000])
  func noticed(_ place: Int) {
    for bad in [Float.nan, .infinity, -.infinity] {
      let weight = Parameter(Tensor(repeating: 1, shape: [40_001]))
      var slopes = [Float](repeating: 1, count: 40_001)
      slopes[place] = bad
      let loss =
        (weight.value(in: Context(.training)) * Tensor(slopes, shape: [40_001])).sum
      let check = FiniteCheck([("w", weight)])
      let found = gradients(of: loss)
      #expect(!check.isSound(loss: Tensor([1], shape: []), gradients: found))
      #expect(
        !check.isSound(
          loss: Tensor([bad], shape: []),
          gradients: gradients(of: Tensor([1], shape: []))
        )
      )
    }
  }

  @Test("the first bad thing is named by its dotted name")
  func named() {
    var bad = Self.input.values
    bad[5] = .nan
    #expect(fault(of: Chain(), input: Tensor(bad, shape: Self.input.shape)) == .input)

    let poisoned = Chain()
    poisoned.set("unit.1.conv.weight", .infinity)
    #expect(fault(of: poisoned) == .parameter(name: "unit.1.conv.weight"))

    let large = Chain()
    large.set("unit.1.conv.weight", 3e38)
    #expect(fault(of: large) == .output(layer: "unit.1.conv"))

    let steep = Chain()
    steep.set("unit.0.norm.weight", 3e38)
    #expect(fault(of: steep) == .output(layer: "unit.0.norm"))

    #expect(fault(of: Chain()) { ($0 * 3e38 * 3e38).sum } == .loss)
  }

  @Test("a finite loss with an infinite gradient is blamed on the first such parameter")
  func gradientFault() {
    let weight = Parameter(Tensor([0], shape: [1]))
    let context = Context(.training)
    let fault = FiniteCheck([("layer.w", weight)]).diagnose(
      inputs: [],
      forward: { weight.value(in: context) * 3e30 },
      loss: { ($0 * 3e30).sum }
    )
    #expect(fault == .gradient(parameter: "layer.w"))
    #expect(fault.description == "the gradient of layer.w is not finite")
  }

  @Test("running statistics are as before after a diagnosis")
  func statisticsStay() {
    let chain = Chain()
    let before = chain.namedParameters.map(\.parameter.value.values)
    _ = fault(of: chain)
    #expect(chain.namedParameters.map(\.parameter.value.values) == before)
    _ = chain(Self.input, in: Context(.training))
    #expect(chain.namedParameters.map(\.parameter.value.values) != before)
  }
}
