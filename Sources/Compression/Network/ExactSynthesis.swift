import Networks
import Support
import Tensors

/// The synthesis of an `ImageCodec` in one order of additions in single precision, the same bits on every
/// machine: what is left over of an image must be added to just what it was taken from.
///
/// The engine's convolutions round otherwise on another kind of processor.
struct ExactSynthesis {
  private struct Layer {
    let weight: [Float]
    let bias: [Float]
    let inputs: Int
    let outputs: Int
  }

  private let layers: [Layer]
  private let blocks: Int
  private let channels: Int

  /// Takes the weights of a network.
  /// - Parameter network: The network; its weights are as stored.
  init(_ network: ImageCodec) {
    layers = network.synthesis.map { layer in
      Layer(
        weight: layer.weight.value.values,
        bias: layer.bias?.value.values
          ?? [Float](repeating: 0, count: layer.weight.shape[0]),
        inputs: layer.weight.shape[1],
        outputs: layer.weight.shape[0]
      )
    }
    blocks = network.configuration.blocks
    channels = network.configuration.channels
  }

  /// The image of a code.
  /// - Parameters:
  ///   - code: `[codeChannels, height, width]`, the inverse gains applied.
  ///   - height: Rows of the code.
  ///   - width: Columns of the code.
  /// - Returns: `[channels, 8 height, 8 width]`.
  func image(of code: [Float], height: Int, width: Int) -> [Float] {
    var maps = convolution(code, layers[0], height, width)
    for block in 0..<blocks {
      let inside = rectified(convolution(maps, layers[1 + 2 * block], height, width))
      let added = convolution(inside, layers[2 + 2 * block], height, width)
      for place in maps.indices { maps[place] += added[place] }
    }
    let before = convolution(maps, layers[layers.count - 2], height, width)
    maps = shuffled(before, factor: 2, height, width)
    let last = convolution(maps, layers[layers.count - 1], 2 * height, 2 * width)
    return shuffled(last, factor: 4, 2 * height, 2 * width)
  }

  private func rectified(_ values: [Float]) -> [Float] {
    values.map { $0 > 0 ? $0 : ImageCodec.negativeSlope * $0 }
  }

  /// 3 x 3 windows with a border of 0; channels and windows are added in their order.
  private func convolution(
    _ input: [Float],
    _ layer: Layer,
    _ height: Int,
    _ width: Int
  ) -> [Float] {
    let area = height * width
    let result = AlignedBuffer<Float>(repeating: 0, count: layer.outputs * area)
    Parallelism.forEach(layer.outputs) { output in
      let target = result.mutableElements
      let first = output * area
      for place in first..<first + area { target[place] = layer.bias[output] }
      input.withUnsafeBufferPointer { input in
        for channel in 0..<layer.inputs {
          let window = (output * layer.inputs + channel) * 9
          for (tap, weight) in layer.weight[window..<window + 9].enumerated() {
            let (dy, dx) = (tap / 3 - 1, tap % 3 - 1)
            let columns = max(0, -dx)..<min(width, width - dx)
            guard !columns.isEmpty else { continue }
            for y in max(0, -dy)..<max(max(0, -dy), min(height, height - dy)) {
              let source = channel * area + (y + dy) * width + dx
              let row = first + y * width
              for x in columns { target[row + x] += weight * input[source + x] }
            }
          }
        }
      }
    }
    return Array(result.elements)
  }

  /// Channels c r² + dy r + dx become pixels of channel c.
  private func shuffled(_ input: [Float], factor: Int, _ height: Int, _ width: Int) -> [Float] {
    let area = height * width
    let count = input.count / (factor * factor * area)
    var result = [Float](repeating: 0, count: input.count)
    let wide = width * factor
    for channel in 0..<count {
      for dy in 0..<factor {
        for dx in 0..<factor {
          let source = ((channel * factor + dy) * factor + dx) * area
          for y in 0..<height {
            let row = channel * area * factor * factor + (y * factor + dy) * wide + dx
            for x in 0..<width { result[row + x * factor] = input[source + y * width + x] }
          }
        }
      }
    }
    return result
  }
}
