import OperationCases
import Support
import Tensors
import Testing

/// Upsampling, normalisation, activations and their like on several threads.
@Suite("Spatial operations on threads")
struct SpatialThreadsTests {
  /// Large enough to be worth a second thread.
  static let large: [OperationCase] = [
    OperationCase("adaptive average", [[2, 16, 48, 40]]) {
      adaptiveAveragePooling($0[0], to: [7, 9])
    },
    OperationCase("adaptive max", [[2, 16, 48, 40]]) { adaptiveMaxPooling($0[0], to: [7, 9]) },
    OperationCase("group", [[2, 16, 48, 40], [16], [16]]) {
      groupNormalization($0[0], groups: 4, scale: $0[1], shift: $0[2])
    },
    OperationCase("layer", [[301, 197], [197], [197]]) {
      layerNormalization($0[0], dimensions: 1, scale: $0[1], shift: $0[2])
    },
    OperationCase("gelu", [[2, 5, 97, 83]]) { gelu($0[0]) },
    OperationCase("silu", [[2, 5, 97, 83]]) { silu($0[0]) },
    OperationCase("prelu", [[2, 5, 97, 83], [5]]) { parametricReLU($0[0], slope: $0[1]) },
    OperationCase("log softmax", [[7, 19, 301]]) { logSoftmax($0[0], axis: 1) },
    OperationCase("softmax of rows", [[301, 197]]) { softmax($0[0], axis: 1) },
    OperationCase("linear", [[1, 5, 13, 19, 17]]) {
      upsampled($0[0], to: [26, 39, 33], interpolation: .linear)
    },
    OperationCase("cubic", [[2, 5, 37, 29]]) {
      upsampled($0[0], to: [74, 61], interpolation: .cubic)
    },
    OperationCase("padding", [[2, 5, 97, 83]]) {
      padded($0[0], before: [3, 2], after: [1, 5], mode: .reflect)
    },
    OperationCase("pixel shuffle", [[2, 20, 37, 29]]) { pixelShuffled($0[0], factor: 2) },
    OperationCase("grid", [[2, 5, 37, 29], [2, 61, 53, 2]]) {
      gridSampled($0[0], grid: $0[1] * 0.5)
    },
  ]

  @Test("not one bit depends on the number of threads", arguments: large)
  func threadsDoNotMatter(_ test: OperationCase) {
    for layout in [TensorLayout.plain, .blocked(8)] {
      let operands = test.operands.map { $0.rank >= 4 ? $0.relaid(layout) : $0 }
      let one = Parallelism.$threadCount.withValue(1) { test.run(operands) }
      for threads in [2, 3] {
        let more = Parallelism.$threadCount.withValue(threads) { test.run(operands) }
        #expect(one.output.values == more.output.values)
        for (a, b) in zip(one.gradients, more.gradients) { #expect(a?.values == b?.values) }
      }
    }
  }
}
