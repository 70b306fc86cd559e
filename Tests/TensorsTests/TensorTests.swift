import Support
import Tensors
import TestSupport
import Testing

@Suite("Tensor")
struct TensorTests {
  static let counted = Tensor((0..<2 * 5 * 12).map { Float($0) }, shape: [2, 5, 3, 4])

  @Test("values and sums of temporaries are read while their memory lives")
  func temporariesOutliveReading() {
    for _ in 0..<200 {
      let blocked = Self.counted.relaid(.blocked(8))
      #expect(blocked.values == (0..<120).map { Float($0) })
      #expect((Self.counted * 2).values == (0..<120).map { Float($0) * 2 })
      #expect(blocked.sum.scalar == 7140)
      #expect((Self.counted + blocked).sum.scalar == 14280)
    }
  }

  @Test("a blocked tensor reads in row-major order", arguments: [8, 16])
  func blockedKeepsOrder(_ block: Int) {
    let blocked = Self.counted.relaid(.blocked(block))
    #expect(blocked.layout == .blocked(block))
    #expect(blocked.storage.count == 2 * 12 * block)
    #expect(blocked.values == Self.counted.values)
    #expect(blocked.relaid(.blocked(24 - block)).values == Self.counted.values)
  }

  @Test("the first block of [1, 3, 1, 2] holds the channels of a pixel side by side")
  func blockedLayoutByHand() {
    let blocked = Tensor([1, 2, 3, 4, 5, 6], shape: [1, 3, 1, 2]).relaid(.blocked(8))
    let stored = blocked.withElements { Array($0) }
    #expect(stored == [1, 3, 5, 0, 0, 0, 0, 0, 2, 4, 6, 0, 0, 0, 0, 0])
  }

  @Test("a tensor of no dimensions is one number")
  func scalar() {
    #expect(Tensor([2.5], shape: []).scalar == 2.5)
    #expect(Tensor([2.5], shape: [1, 1]).scalar == 2.5)
    #expect(Tensor(repeating: 3, shape: [2, 2]).values == [3, 3, 3, 3])
  }

  @Test("max pooling lets not-a-number through", arguments: [TensorLayout.plain, .blocked(8)])
  func maxPoolingKeepsNotANumber(_ layout: TensorLayout) {
    for place in 0..<4 {
      var values: [Float] = [1, 2, 3, 4]
      values[place] = .nan
      for kernels in [FastKernels.shared, ReferenceKernels()] as [any KernelSet] {
        let pooled = kernels.maxPooling(
          Tensor(values, shape: [1, 1, 2, 2]).relaid(layout),
          shape: PoolingShape(kernel: [2, 2])
        )
        #expect(pooled.output.scalar.isNaN, "\(kernels.name), place \(place)")
      }
    }
  }
}
