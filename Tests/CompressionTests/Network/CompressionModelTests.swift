import Compression
import Foundation
import Layers
import Networks
import Support
import Tensors
import Testing

@Suite struct CompressionModelTests {
  static func model(seed: UInt64 = 1) -> CompressionModel {
    var random = RandomStream(seed: seed)
    let network = ImageCodec(
      ImageCodecConfiguration(features: 10, codeChannels: 6, blocks: 1, rates: 3),
      random: &random
    )
    // Weights of a new network give images without bounds; small ones stay near 0 to 1.
    for layer in network.synthesis { layer.weight.value = layer.weight.value * 0.4 }
    return CompressionModel(network, name: "test", weights: "digest \(seed)")
  }

  @Test(arguments: [(8, 8), (17, 30), (5, 40)])
  func theExactSynthesisIsTheEngines(width: Int, height: Int) {
    let model = Self.model()
    var random = RandomStream(seed: 8)
    let plane = (0..<width * height).map { _ in Float(random.uniform()) }
    let code = model.code(of: plane, width: width, height: height, quality: 0.6)
    let steps = model.steps(quality: 0.6)
    func image(isExact: Bool) -> [Float] {
      model.plane(of: code, width: width, height: height, steps: steps, isExact: isExact)
    }
    let (exact, fast) = (image(isExact: true), image(isExact: false))
    #expect(exact.count == width * height)
    let largest = exact.map(abs).max() ?? 0
    #expect(largest > 0.003)
    #expect(zip(exact, fast).allSatisfy { abs($0 - $1) <= 1e-4 * max(1, largest) })
  }

  @Test func ratesLieBetweenTheTrainedOnes() {
    let model = Self.model()
    let (low, middle, high) = (
      model.steps(quality: 0), model.steps(quality: 0.25), model.steps(quality: 0.5)
    )
    for place in low.indices {
      #expect(abs(middle[place] - (low[place] * high[place]).squareRoot()) < 1e-5)
      #expect(low[place] > high[place])
    }
  }

  @Test func bitsAreThoseOfTheLogisticDistribution() {
    var random = RandomStream(seed: 4)
    let network = ImageCodec(
      ImageCodecConfiguration(features: 6, codeChannels: 3, blocks: 1, rates: 2),
      random: &random
    )
    let x = Tensor((0..<256).map { _ in Float(random.uniform()) }, shape: [1, 1, 16, 16])
    let noise = Tensor((0..<12).map { _ in Float(random.uniform() - 0.5) }, shape: [1, 3, 2, 2])
    let bits = network.noisy(x, noise: noise, rate: 1, in: .inference).bits.scalar
    let code = network.code(of: x, in: .inference).values
    let gains = network.factors(network.gain, at: 1).values
    let scales = network.factors(network.logScale, at: 1).values
    func distribution(_ value: Double) -> Double { 1 / (1 + exp(-value)) }
    var expected = 0.0
    for (place, value) in code.enumerated() {
      let channel = place / 4
      let y = abs(Double(value * gains[channel] + noise.values[place]))
      let scale = Double(scales[channel])
      expected -= log2(distribution((0.5 - y) / scale) - distribution((-0.5 - y) / scale) + 1e-9)
    }
    #expect(abs(Double(bits) - expected) < 1e-3 * expected)
  }
}
