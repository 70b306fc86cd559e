import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite("Spectral normalisation")
struct SpectralNormalizationTests {
  @Test(
    "weight, vectors and gradient equal PyTorch's after three uses in training",
    arguments: [("spectral", 0), ("spectral-transposed", 1)]
  )
  func equalsPyTorch(_ name: String, _ axis: Int) throws {
    let stored = try StoredLayer(name)
    var random = RandomStream(seed: 1)
    let original = Parameter(try stored["original"])
    let wrapped = SpectralNormalization(of: original, axis: axis, random: &random)
    wrapped.leftVector.value = try stored["u.before"]
    wrapped.rightVector.value = try stored["v.before"]
    for _ in 0..<2 { _ = wrapped.value(in: Context(.training)) }
    let used = wrapped.value(in: Context(.training))
    expectClose(used, try stored["used"], StoredLayer.close, "weight")
    expectClose(wrapped.leftVector.value, try stored["u.after"], StoredLayer.close, "u")
    expectClose(wrapped.rightVector.value, try stored["v.after"], StoredLayer.close, "v")
    let found = gradients(of: (used * (try stored["probe"])).sum)[original.key]
    expectClose(try #require(found), try stored["gradient"], StoredLayer.close, "gradient")
    let predicting = wrapped.value(in: .inference)
    expectClose(predicting, try stored["predicting"], StoredLayer.close, "predicting")
    #expect(!predicting.isTracked)
  }

  @Test("a diagonal weight is divided by its largest entry")
  func diagonal() {
    var random = RandomStream(seed: 1)
    let weight = Parameter(Tensor([2, 0, 0, 0, -8, 0, 0, 0, 1], shape: [3, 3]))
    let wrapped = SpectralNormalization(of: weight, random: &random)
    // Fifteen improvements leave (2 / 8)³⁰ of the other directions.
    let exact = Tolerance(absolute: 1e-6, relative: 0)
    expectClose(
      wrapped.value(in: .inference).values,
      [0.25, 0, 0, 0, -1, 0, 0, 0, 0.125],
      exact
    )
    #expect(
      wrapped.parameters(for: "weight").map(\.name) == [
        "parametrizations.weight.original", "parametrizations.weight.0._u",
        "parametrizations.weight.0._v",
      ]
    )
  }

  @Test("the used weight's largest singular value becomes 1")
  func largestSingularValue() {
    var random = RandomStream(seed: 4)
    let values = (0..<24).map { _ in Float(random.normal()) }
    let wrapped = SpectralNormalization(
      of: Parameter(Tensor(values, shape: [4, 6])),
      random: &random
    )
    for _ in 0..<200 { _ = wrapped.value(in: Context(.training)) }
    let weight = wrapped.value(in: .inference)
    // ‖W v‖ over many iterations of WᵀW from another start.
    var vector = Tensor((0..<6).map { Float($0 + 1) }, shape: [6, 1])
    var norm: Float = 0
    for _ in 0..<500 {
      let image = matrixProduct(weight, vector)
      norm = image.squared().sum.squareRoot().scalar / vector.squared().sum.squareRoot().scalar
      let back = matrixProduct(weight.transposed(0, 1), image)
      vector = back / back.squared().sum.squareRoot().scalar
    }
    #expect(abs(norm - 1) < 1e-4)
  }

  @Test("a part that runs again sees the norms that it saw")
  func runningAgain() {
    var random = RandomStream(seed: 4)
    let values = (0..<24).map { _ in Float(random.normal()) }
    let wrapped = SpectralNormalization(
      of: Parameter(Tensor(values, shape: [4, 6])),
      random: &random
    )
    let context = Context(.training)
    let used = wrapped.value(in: context)
    #expect(wrapped.value(in: context.replay).values == used.values)
    #expect(wrapped.value(in: context).values != used.values)
  }
}
