import OperationCases
import Support
import Synchronization
import Tensors
import TestSupport
import Testing

@Suite("EngineThreads")
struct EngineThreadsTests {
  @Test("every index is visited once", arguments: [1, 2, 3, 7])
  func coversRange(_ threads: Int) {
    for count in [0, 1, 2, 5, 1000] {
      let visits = Mutex([Int](repeating: 0, count: count))
      Parallelism.$threadCount.withValue(threads) {
        EngineThreads.forEachRange(count, itemCost: 1 << 20) { range in
          visits.withLock { for index in range { $0[index] += 1 } }
        }
      }
      #expect(visits.withLock { $0.allSatisfy { $0 == 1 } })
    }
  }

  /// Operations large enough to be worth a second thread.
  static let large: [OperationCase] = [
    OperationCase("convolution", [[1, 16, 48, 40], [24, 16, 3, 3], [24]]) {
      convolution($0[0], weight: $0[1], bias: $0[2], shape: ConvolutionShape(rank: 2, padding: 1))
    },
    OperationCase("transposed", [[1, 24, 24, 20], [24, 16, 2, 2], [16]]) {
      transposedConvolution(
        $0[0],
        weight: $0[1],
        bias: $0[2],
        shape: ConvolutionShape(rank: 2, stride: 2)
      )
    },
    OperationCase("instance", [[2, 16, 48, 40], [16], [16]]) {
      normalization(
        $0[0],
        extent: .instance,
        scale: $0[1],
        shift: $0[2],
        negativeSlope: 0.01
      ).output
    },
    OperationCase("batch", [[2, 5, 96, 80], [5], [5]]) {
      normalization($0[0], extent: .batch, scale: $0[1], shift: $0[2]).output
    },
    OperationCase("max", [[1, 16, 96, 80]]) {
      maxPooling($0[0], shape: PoolingShape(kernel: [2, 2]))
    },
    OperationCase("average", [[1, 16, 96, 80]]) {
      averagePooling($0[0], shape: PoolingShape(kernel: [2, 2]))
    },
    OperationCase("concatenation", [[2, 16, 48, 40], [2, 5, 48, 40]]) { concatenation($0) },
    OperationCase("softmax", [[2, 4, 96, 80]]) { softmax($0[0]) },
    OperationCase("leaky", [[2, 4, 96, 80]]) { leakyReLU($0[0], negativeSlope: 0.1) },
    OperationCase("arithmetic", [[2, 4, 96, 80], [2, 4, 96, 80]]) { $0[0] * 3 + $0[1] * $0[0] },
  ]

  @Test("results do not depend on the number of threads", arguments: large)
  func threadsDoNotMatter(_ test: OperationCase) {
    let operands = test.operands
    let one = Parallelism.$threadCount.withValue(1) { test.run(operands) }
    let two = Parallelism.$threadCount.withValue(2) { test.run(operands) }
    #expect(one.output.values == two.output.values)
    // Weight gradients are sums over the image, which each thread count cuts differently.
    let sums = Tolerance(absolute: 1e-3, relative: 1e-5)
    for (a, b) in zip(one.gradients, two.gradients) {
      expectClose(b?.values ?? [], a?.values ?? [.nan], sums, "gradient")
    }
  }
}
