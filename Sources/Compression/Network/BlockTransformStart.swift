import Foundation
import Layers
import Networks
import Tensors

/// Begins an `ImageCodec` as JPEG's transform: the discrete cosine transform of blocks of 8 x 8 pixels.
///
/// What runs through the network is linear, so that its middle taps can hold the transform's matrix (Ahmed,
/// Natarajan and Rao 1974, "Discrete Cosine Transform"), low frequencies first, and the way back its transpose.
/// Gains are what a uniform quantiser asks for at each weight of the distortion: bits R and squared error
/// D = step² / 12 with dD/dR = -2 ln 2 D. Training then improves on that, instead of finding it first.
struct BlockTransformStart {
  private static let side = ImageCodec.reduction
  private static let (outer, inner) = (4, 2)
  /// What is left of He's random weights, so that channels without a task find one.
  private static let randomScale: Float = 0.02
  /// Taps of a window, and the middle one.
  private static let (taps, middle) = (9, 4)

  /// The weight of the distortion at each rate, on the scale of 8 bits.
  let distortionWeights: [Double]

  /// Sets a network's weights; networks of fewer than 16 maps keep small random ones.
  /// - Parameter network: A network with random weights.
  func apply(to network: ImageCodec) {
    let c = network.configuration
    let cells = Self.outer * Self.outer
    guard c.channels == 1, c.features >= cells, c.rates == distortionWeights.count else {
      if let last = network.synthesis.last { Self.scale(last) }
      return
    }
    let order = Self.frequencies
    let kept = min(c.codeChannels, c.features, order.count)
    let (first, second) = (network.analysis[0], network.analysis[1])
    let code = network.analysis[network.analysis.count - 1]
    let back = network.synthesis[0]
    let enlarging = network.synthesis[network.synthesis.count - 2]
    let last = network.synthesis[network.synthesis.count - 1]
    for layer in [first, second, code, back, enlarging, last] { Self.scale(layer) }
    Self.set(first, (0..<cells).map { ($0, $0, 1) })
    Self.set(last, (0..<cells).map { ($0, $0, 1) })
    Self.set(code, (0..<kept).map { ($0, $0, 1) })
    Self.set(back, (0..<kept).map { ($0, $0, 1) })
    var matrix: [(pixel: Int, frequency: Int, value: Float)] = []
    for (index, frequency) in order.prefix(kept).enumerated() {
      for cell in 0..<cells {
        for place in 0..<Self.inner * Self.inner {
          let y = place / Self.inner * Self.outer + cell / Self.outer
          let x = place % Self.inner * Self.outer + cell % Self.outer
          let value = Self.wave(frequency.y, y) * Self.wave(frequency.x, x)
          matrix.append((cell * Self.inner * Self.inner + place, index, Float(value)))
        }
      }
    }
    Self.set(second, matrix.map { ($0.frequency, $0.pixel, $0.value) })
    Self.set(enlarging, matrix.map { ($0.pixel, $0.frequency, $0.value) })
    setGains(network, order)
  }

  private func setGains(_ network: ImageCodec, _ order: [(y: Int, x: Int)]) {
    let count = network.configuration.codeChannels
    var (gains, scales) = ([Float](), [Float]())
    for weight in distortionWeights {
      let step = (12 / (2 * log(2) * weight)).squareRoot()
      let gain = log(255 / step)
      for channel in 0..<count {
        let frequency = channel < order.count ? order[channel] : (y: 8, x: 8)
        let square = Double(frequency.y * frequency.y + frequency.x * frequency.x)
        // Images have most of their power at low frequencies.
        let spread = log(0.5 / (1 + square))
        gains.append(Float(gain) / ImageCodec.exponentUnit)
        scales.append(Float(max(gain + spread, -1.5)) / ImageCodec.exponentUnit)
      }
    }
    let shape = network.gain.shape
    network.gain.value = Tensor(gains, shape: shape)
    network.inverseGain.value = Tensor(gains.map { -$0 }, shape: shape)
    network.logScale.value = Tensor(scales, shape: shape)
  }

  /// All frequencies of a block, the lowest first.
  private static let frequencies: [(y: Int, x: Int)] = {
    let all = (0..<side * side).map { (y: $0 / side, x: $0 % side) }
    return all.sorted { ($0.y + $0.x, $0.y) < ($1.y + $1.x, $1.y) }
  }()

  /// A value of the orthonormal cosine of a frequency.
  private static func wave(_ frequency: Int, _ place: Int) -> Double {
    let scale = frequency == 0 ? (1 / Double(side)).squareRoot() : (2 / Double(side)).squareRoot()
    return scale * cos(.pi * (Double(place) + 0.5) * Double(frequency) / Double(side))
  }

  private static func scale(_ layer: Convolution) {
    let weight: Tensor = layer.weight.value
    layer.weight.value = weight * randomScale
  }

  /// Adds to middle taps.
  private static func set(
    _ layer: Convolution,
    _ entries: [(output: Int, input: Int, value: Float)]
  ) {
    var values = layer.weight.value.values
    let inputs = layer.weight.shape[1]
    for entry in entries {
      values[(entry.output * inputs + entry.input) * taps + middle] += entry.value
    }
    layer.weight.value = Tensor(values, shape: layer.weight.shape)
  }
}
