import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite("Normalisation layers")
struct NormalizationTests {
  /// A few hundred values summed in single precision.
  private static let close = Tolerance(absolute: 2e-6, relative: 2e-6)

  @Test("running statistics and outputs equal PyTorch's over three batches and a prediction")
  func batchNormalizationEqualsPyTorch() throws {
    let path = Fixtures.path("tensors/batch-normalization.safetensors")
    let stored = try Safetensors(contentsOf: path).tensors
    let layer = BatchNormalization(channels: 5)
    layer.weight.value = try #require(stored["weight"])
    layer.bias.value = try #require(stored["bias"])
    for step in 0..<3 {
      let y = layer(try #require(stored["input.\(step)"]), in: Context(.training))
      expectClose(y, try #require(stored["output.\(step)"]), Self.close, "output \(step)")
      expectClose(
        layer.runningMean.value,
        try #require(stored["running_mean.\(step)"]),
        Self.close,
        "mean \(step)"
      )
      expectClose(
        layer.runningVariance.value,
        try #require(stored["running_var.\(step)"]),
        Self.close,
        "variance \(step)"
      )
    }
    let before = layer.runningMean.value.values
    let y = layer(try #require(stored["input.prediction"]), in: .inference)
    expectClose(y, try #require(stored["output.prediction"]), Self.close, "prediction")
    #expect(layer.runningMean.value.values == before)
  }

  @Test("instance normalisation gives mean 0 and variance 1 for each sample and channel")
  func instanceStatistics() {
    var random = RandomStream(seed: 3)
    let x = Tensor(
      (0..<2 * 3 * 64).map { _ in Float(random.normal() * 5 + 9) },
      shape: [2, 3, 8, 8]
    )
    let y = InstanceNormalization(channels: 3)(x, in: .inference).values.map { Double($0) }
    for plane in 0..<6 {
      let values = y[plane * 64..<(plane + 1) * 64]
      let mean = values.reduce(0, +) / 64
      let variance = values.reduce(0) { $0 + $1 * $1 } / 64
      #expect(abs(mean) < 1e-5 && abs(variance - 1) < 1e-4)
    }
  }

  @Test("parameters have PyTorch's names; running statistics are not trainable")
  func names() {
    let layer = BatchNormalization(channels: 5)
    #expect(
      layer.namedParameters.map(\.name) == ["weight", "bias", "running_mean", "running_var"]
    )
    #expect(layer.trainableCount == 10)
    #expect(InstanceNormalization(channels: 5).namedParameters.map(\.name) == ["weight", "bias"])
  }
}
