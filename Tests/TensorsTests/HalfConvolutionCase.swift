import CKernels
import Support

/// A low-precision convolution of made-up numbers: what the kernels compute, and a plain loop.
struct HalfConvolutionCase: Sendable, CustomStringConvertible {
  var inputs = 32
  var outputs = 32
  var batch = 1
  var size = [1, 5, 19]
  var kernel = [1, 3, 3]
  var stride = [1, 1, 1]
  var padding = [0, 1, 1]
  var dilation = [1, 1, 1]
  var transposed = false
  var product = ck_half_bf16
  var input = ck_half_bf16
  var output = ck_half_bf16
  /// Whether the input is read as leaky(factor x + addition).
  var pending = false
  var residual = false
  var statistics = false

  static let productScale: Float = 0.02
  static let outputScale: Float = 0.03
  static let residualScale: Float = 0.015
  static let slope: Float = 0.125
  static let finalSlope: Float = 0.25
  static let residualFactor: Float = 0.75

  var description: String {
    let options = [
      transposed ? "transposed" : "", pending ? "pending" : "", residual ? "residual" : "",
    ]
    return """
      \(inputs)->\(outputs) \(size) k\(kernel) s\(stride) p\(padding) d\(dilation) \
      types \(input) \(product) \(output) \(options.joined(separator: " "))
      """
  }

  var isPlainInput: Bool { input == ck_half_float }
  var isPlainOutput: Bool { output == ck_half_float }
  var steps: [Int] { transposed ? kernel : stride }

  var outputSize: [Int] {
    (0..<3).map { axis in
      if transposed { return size[axis] * kernel[axis] }
      let reach = dilation[axis] * (kernel[axis] - 1) + 1
      return (size[axis] + 2 * padding[axis] - reach) / stride[axis] + 1
    }
  }

  var cells: Int { size.reduce(1, *) }
  var outputCells: Int { outputSize.reduce(1, *) }
  var taps: Int { kernel.reduce(1, *) }
  /// Output channels with those that fill up the last block.
  var outputLanes: Int { isPlainOutput ? outputs : (outputs + 31) / 32 * 32 }
  /// The value of an output of 8-bit integers ends there.
  var limit: Float { output == ck_half_int8 ? 127 * Self.outputScale : .infinity }

  /// Numbers from -1 to 1 in no order.
  static func number(_ index: Int, _ salt: Int) -> Float {
    var bits = UInt32(truncatingIfNeeded: index &* 2_654_435_761 &+ salt &* 40_503)
    bits ^= bits >> 15
    bits = bits &* 2_246_822_519
    bits ^= bits >> 13
    return (Float(bits % 2001) - 1000) / 1000
  }

  static func rounded(_ x: Float, _ type: Int, scale: Float) -> Float {
    if type == ck_half_bf16 { return half(x).value }
    if type == ck_half_float { return x }
    return Float(integer(x, scale: scale)) * scale
  }

  static func half(_ x: Float) -> (bits: UInt16, value: Float) {
    var bits: UInt16 = 0
    withUnsafePointer(to: x) { ck_narrow($0, &bits, 1) }
    return (bits, Float(bitPattern: UInt32(bits) << 16))
  }

  static func integer(_ x: Float, scale: Float) -> Int8 {
    Int8(min(max((x * (1 / scale)).rounded(.toNearestOrEven), -127), 127))
  }

  static func leaky(_ x: Double, _ slope: Float) -> Double { max(x, Double(slope) * x) }

  /// The stored input at a channel and cell of the whole batch.
  func stored(_ channel: Int, _ cell: Int) -> Float {
    Self.rounded(Self.number(channel * cells + cell, 1), input, scale: Self.productScale)
  }

  static func factor(_ channel: Int) -> Float { 1 + number(channel, 2) / 2 }
  static func addition(_ channel: Int) -> Float { number(channel, 3) / 4 }
  static func bias(_ channel: Int) -> Float { number(channel, 4) / 2 }

  /// The input as the product sees it, in real numbers.
  func factors(_ channel: Int, _ cell: Int) -> Float {
    var x = stored(channel, cell)
    if pending {
      x = Self.factor(channel) * x
      x += Self.addition(channel)
      x = max(x, Self.slope * x)
    }
    return Self.rounded(x, product, scale: Self.productScale)
  }

  var plainWeights: [Float] {
    let range = 1 / Float(inputs * (transposed ? 1 : taps)).squareRoot()
    return (0..<outputs * inputs * taps).map { Self.number($0, 5) * range }
  }

  func residualValue(_ sample: Int, _ channel: Int, _ cell: Int) -> Float {
    Self.rounded(
      Self.number((sample * outputLanes + channel) * outputCells + cell, 6),
      output,
      scale: Self.residualScale
    )
  }

  private static func place(_ index: Int, in size: [Int]) -> [Int] {
    let row = index / size[2]
    return [row / size[1], row % size[1], index % size[2]]
  }

  /// The outputs `[batch][outputs][cells]` of a plain loop, and a bound on the size of their sums.
  func expected() -> (values: [Double], sizes: [Double]) {
    let plain = plainWeights
    func place(_ o: Int, _ i: Int) -> Int { (transposed ? i * outputs + o : o * inputs + i) * taps }
    var weights = plain
    for o in 0..<outputs {
      let all = (0..<inputs).flatMap { i in plain[place(o, i)..<place(o, i) + taps] }
      let scale = all.map { abs($0) }.reduce(0, max) / 127
      for i in 0..<inputs {
        for t in place(o, i)..<place(o, i) + taps {
          weights[t] =
            product == ck_half_bf16
            ? Self.half(plain[t]).value
            : (plain[t] / scale).rounded(.toNearestOrEven) * scale
        }
      }
    }
    var values = [Double](repeating: 0, count: batch * outputs * outputCells)
    var sizes = values
    let to = outputSize
    for n in 0..<batch {
      for i in 0..<inputs {
        let channel = n * inputs + i
        let x = (0..<cells).map { factors(channel, $0) }
        for index in 0..<outputCells * taps {
          let cell = index / taps
          let tap = index % taps
          let out = Self.place(cell, in: to)
          let offset = Self.place(tap, in: kernel)
          var from = [0, 0, 0]
          var inside = true
          for axis in 0..<3 {
            if transposed {
              from[axis] = out[axis] / kernel[axis]
              inside = inside && out[axis] % kernel[axis] == offset[axis]
            } else {
              from[axis] =
                out[axis] * stride[axis] + offset[axis] * dilation[axis] - padding[axis]
              inside = inside && from[axis] >= 0 && from[axis] < size[axis]
            }
          }
          guard inside else { continue }
          let value = Double(x[(from[0] * size[1] + from[1]) * size[2] + from[2]])
          for o in 0..<outputs {
            let term = value * Double(weights[place(o, i) + tap])
            values[(n * outputs + o) * outputCells + cell] += term
            sizes[(n * outputs + o) * outputCells + cell] += abs(term)
          }
        }
      }
      for o in 0..<outputs {
        for cell in 0..<outputCells {
          let at = (n * outputs + o) * outputCells + cell
          var y = Self.leaky(values[at] + Double(Self.bias(o)), Self.slope)
          if residual {
            y = y * Double(Self.residualFactor) + Double(residualValue(n, o, cell))
            y = Self.leaky(y, Self.finalSlope)
          }
          values[at] = min(max(y, -Double(limit)), Double(limit))
        }
      }
    }
    return (values, sizes)
  }
}
