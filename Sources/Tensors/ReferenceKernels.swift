import Foundation
import Support

/// The definitions themselves, as plain loops in double precision: what the fast kernels must equal.
package struct ReferenceKernels: KernelSet {
  package let name = "reference"
  package var isReference: Bool { true }

  package init() {}

  /// Calls the body with output cell, input cell and window cell of every product of a convolution.
  private func forEachTap(
    output: [Int],
    input: [Int],
    kernel: [Int],
    shape: ConvolutionShape,
    _ body: (_ output: Int, _ input: Int, _ kernel: Int) -> Void
  ) {
    for cell in GridIndices(output) {
      for tap in GridIndices(kernel) {
        let place = cell.indices.map { axis in
          cell[axis] * shape.stride[axis] - shape.padding[axis] + tap[axis] * shape.dilation[axis]
        }
        guard zip(place, input).allSatisfy({ (0..<$1).contains($0) }) else { continue }
        body(flat(cell, output), flat(place, input), flat(tap, kernel))
      }
    }
  }

  package func convolution(
    _ x: Tensor,
    weight: Tensor,
    bias: Tensor?,
    shape: ConvolutionShape
  ) -> Tensor {
    let (input, kernel) = (Array(x.shape.dropFirst(2)), Array(weight.shape.dropFirst(2)))
    let output = shape.outputSize(input, kernel: kernel)
    let (xs, ws, bs) = (x.values, weight.values, bias?.values)
    let (inSpace, outSpace, taps) = (x.spatialCount, output.reduce(1, *), kernel.reduce(1, *))
    let (outChannels, groupInputs) = (weight.shape[0], weight.shape[1])
    var ys = [Double](repeating: 0, count: x.shape[0] * outChannels * outSpace)
    for n in 0..<x.shape[0] {
      for o in 0..<outChannels {
        let yStart = (n * outChannels + o) * outSpace
        for s in 0..<outSpace { ys[yStart + s] = Double(bs?[o] ?? 0) }
        let group = o / (outChannels / shape.groups)
        for i in 0..<groupInputs {
          let xStart = (n * x.shape[1] + group * groupInputs + i) * inSpace
          let wStart = (o * groupInputs + i) * taps
          forEachTap(output: output, input: input, kernel: kernel, shape: shape) { y, source, k in
            ys[yStart + y] += Double(xs[xStart + source]) * Double(ws[wStart + k])
          }
        }
      }
    }
    return Tensor(ys.map { Float($0) }, shape: [x.shape[0], outChannels] + output)
  }

  package func convolutionInputGradient(
    _ gradient: Tensor,
    weight: Tensor,
    inputSize: [Int],
    shape: ConvolutionShape
  ) -> Tensor {
    let (output, kernel) = (Array(gradient.shape.dropFirst(2)), Array(weight.shape.dropFirst(2)))
    let (gs, ws) = (gradient.values, weight.values)
    let (inSpace, outSpace, taps) =
      (inputSize.reduce(1, *), gradient.spatialCount, kernel.reduce(1, *))
    let (outChannels, groupInputs) = (weight.shape[0], weight.shape[1])
    let channels = groupInputs * shape.groups
    var dx = [Double](repeating: 0, count: gradient.shape[0] * channels * inSpace)
    for n in 0..<gradient.shape[0] {
      for o in 0..<outChannels {
        let group = o / (outChannels / shape.groups)
        for i in 0..<groupInputs {
          let xStart = (n * channels + group * groupInputs + i) * inSpace
          let (wStart, yStart) =
            ((o * groupInputs + i) * taps, (n * outChannels + o) * outSpace)
          forEachTap(
            output: output,
            input: inputSize,
            kernel: kernel,
            shape: shape
          ) { y, source, k in
            dx[xStart + source] += Double(gs[yStart + y]) * Double(ws[wStart + k])
          }
        }
      }
    }
    return Tensor(dx.map { Float($0) }, shape: [gradient.shape[0], channels] + inputSize)
  }

  package func convolutionWeightGradient(
    _ x: Tensor,
    gradient: Tensor,
    weightShape: [Int],
    shape: ConvolutionShape
  ) -> Tensor {
    let (input, output) = (Array(x.shape.dropFirst(2)), Array(gradient.shape.dropFirst(2)))
    let kernel = Array(weightShape.dropFirst(2))
    let (xs, gs) = (x.values, gradient.values)
    let (inSpace, outSpace, taps) = (x.spatialCount, gradient.spatialCount, kernel.reduce(1, *))
    let (outChannels, groupInputs) = (weightShape[0], weightShape[1])
    var dw = [Double](repeating: 0, count: weightShape.reduce(1, *))
    for n in 0..<x.shape[0] {
      for o in 0..<outChannels {
        let group = o / (outChannels / shape.groups)
        for i in 0..<groupInputs {
          let xStart = (n * x.shape[1] + group * groupInputs + i) * inSpace
          let (wStart, yStart) =
            ((o * groupInputs + i) * taps, (n * outChannels + o) * outSpace)
          forEachTap(output: output, input: input, kernel: kernel, shape: shape) { y, source, k in
            dw[wStart + k] += Double(xs[xStart + source]) * Double(gs[yStart + y])
          }
        }
      }
    }
    return Tensor(dw.map { Float($0) }, shape: weightShape)
  }

  package func leakyReLU(_ x: Tensor, negativeSlope: Float) -> Tensor {
    Tensor(x.values.map { $0 > 0 ? $0 : negativeSlope * $0 }, shape: x.shape)
  }

  package func leakyReLUGradient(
    _ gradient: Tensor,
    output: Tensor,
    negativeSlope: Float
  ) -> Tensor {
    let values = zip(gradient.values, output.values).map { $1 > 0 ? $0 : negativeSlope * $0 }
    return Tensor(values, shape: gradient.shape)
  }

  package func concatenation(_ parts: [Tensor]) -> Tensor {
    var shape = parts[0].shape
    shape[1] = parts.reduce(0) { $0 + $1.shape[1] }
    var values: [Float] = []
    let contents = parts.map { ($0.values, $0.shape[1] * $0.spatialCount) }
    for n in 0..<shape[0] {
      for (content, stride) in contents { values += content[n * stride..<(n + 1) * stride] }
    }
    return Tensor(values, shape: shape)
  }

  package func split(_ x: Tensor, channels: [Int]) -> [Tensor] {
    let values = x.values
    let spatial = x.spatialCount
    var start = 0
    return channels.map { count in
      var part: [Float] = []
      for n in 0..<x.shape[0] {
        let from = (n * x.shape[1] + start) * spatial
        part += values[from..<from + count * spatial]
      }
      start += count
      var shape = x.shape
      shape[1] = count
      return Tensor(part, shape: shape)
    }
  }
}

/// All index tuples of a grid, the last axis fastest.
struct GridIndices: Sequence, IteratorProtocol {
  private let size: [Int]
  private var next_: [Int]?

  init(_ size: [Int]) {
    self.size = size
    next_ = size.contains(0) ? nil : [Int](repeating: 0, count: size.count)
  }

  mutating func next() -> [Int]? {
    guard let current = next_ else { return nil }
    var following = current
    var axis = size.count - 1
    while axis >= 0 {
      following[axis] += 1
      if following[axis] < size[axis] { break }
      following[axis] = 0
      axis -= 1
    }
    next_ = axis >= 0 ? following : nil
    return current
  }
}

/// The row-major place of an index tuple.
func flat(_ index: [Int], _ size: [Int]) -> Int {
  zip(index, size).reduce(0) { $0 * $1.1 + $1.0 }
}
