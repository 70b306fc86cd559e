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
}
