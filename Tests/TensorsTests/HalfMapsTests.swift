import CKernels
import Testing

@Suite("Low-precision maps")
struct HalfMapsTests {
  static let levels = [ck_half_portable, ck_half_avx2, ck_half_avx512].map { Int32($0) }

  /// A bfloat16 block whose lane 0 holds the values and lane 31 their negatives.
  private func block(_ values: [Float]) -> [UInt16] {
    var cells = [UInt16](repeating: 0, count: values.count * 32)
    for (index, value) in values.enumerated() {
      cells[index * 32] = HalfConvolutionCase.half(value).bits
      cells[index * 32 + 31] = HalfConvolutionCase.half(-value).bits
    }
    return cells
  }

  private func lane(_ lane: Int, of cells: [UInt16]) -> [Float] {
    stride(from: lane, to: cells.count, by: 32).map {
      Float(bitPattern: UInt32(cells[$0]) << 16)
    }
  }

  @Test("pools of 2 x 3 cells by hand", arguments: levels)
  func pools(_ level: Int32) {
    // 1 2 3 | pad      windows 2 x 2, stride 2, the right one half outside
    // 4 5 6 |
    var shape = ck_pooling()
    shape.input = (1, 2, 3)
    shape.output = (1, 1, 2)
    shape.kernel = (1, 2, 2)
    shape.stride = (1, 2, 2)
    shape.pad = (0, 0, 0)
    let x = block([1, 2, 3, 4, 5, 6])
    var y = [UInt16](repeating: 7, count: 64)
    ck_half_max_pool(x, &y, &shape, 0, 1, level)
    #expect(lane(0, of: y) == [5, 6])
    #expect(lane(31, of: y) == [-1, -3])
    ck_half_average_pool(x, &y, &shape, 0, 1, level)
    #expect(lane(0, of: y) == [3, 4.5])
    #expect(lane(31, of: y) == [-3, -4.5])
  }

  @Test("a maximum over not-a-number is not a number", arguments: levels)
  func poolsKeepNaN(_ level: Int32) {
    var shape = ck_pooling()
    shape.input = (1, 1, 3)
    shape.output = (1, 1, 1)
    shape.kernel = (1, 1, 3)
    shape.stride = (1, 1, 1)
    shape.pad = (0, 0, 0)
    var y = [UInt16](repeating: 7, count: 32)
    ck_half_max_pool(block([1, .nan, 2]), &y, &shape, 0, 1, level)
    #expect(lane(0, of: y).allSatisfy { $0.isNaN })
    #expect(lane(1, of: y) == [0])
  }

  @Test("a sum of two maps, each normalised on the way", arguments: levels)
  func sums(_ level: Int32) {
    // leaky(2 x + 1, 1/2) + u, then leaky(., 1/4): x = -2 gives -1.5 + 1 = -0.5, then -0.125.
    let x = block([-2, 3]), u = block([1, 4])
    let factor = [Float](repeating: 2, count: 32)
    let addition = [Float](repeating: 1, count: 32)
    var y = [UInt16](repeating: 7, count: 64)
    x.withUnsafeBufferPointer { x in
      u.withUnsafeBufferPointer { u in
        factor.withUnsafeBufferPointer { f in
          addition.withUnsafeBufferPointer { a in
            var first = ck_half_term(
              cells: x.baseAddress,
              factor: f.baseAddress,
              addition: a.baseAddress,
              slope: 0.5
            )
            var second = ck_half_term(
              cells: u.baseAddress,
              factor: nil,
              addition: nil,
              slope: 1
            )
            ck_half_sum(&first, &second, 0.25, &y, 2, level)
          }
        }
      }
    }
    #expect(lane(0, of: y) == [-0.125, 11])
    #expect(lane(31, of: y) == [4, -1.625])
    #expect(lane(1, of: y) == [1, 1])
  }

  @Test("upsampling repeats cells along the axes asked for", arguments: levels)
  func upsamples(_ level: Int32) {
    var y = [UInt16](repeating: 7, count: 8 * 32)
    let size: [Int64] = [1, 1, 2], scale: [Int64] = [1, 2, 2]
    ck_half_upsample(block([1, 2]), &y, size, scale, 0, 1, level)
    #expect(lane(0, of: y) == [1, 1, 2, 2, 1, 1, 2, 2])
    #expect(lane(31, of: y) == [-1, -1, -2, -2, -1, -1, -2, -2])
  }

  @Test("8-bit integers are nearest, ties to even, and end at 127", arguments: levels)
  func integers(_ level: Int32) {
    // The scale 1/2 is exact: 1.25 is 2.5 steps, 1.75 is 3.5.
    let x = block([1.25, 1.75, 100, 0.5])
    var q = [Int8](repeating: 7, count: 4 * 32)
    ck_half_to_int8(x, &q, 0.5, 4, level)
    #expect(stride(from: 0, to: 128, by: 32).map { q[$0] } == [2, 4, 127, 1])
    #expect(stride(from: 31, to: 128, by: 32).map { q[$0] } == [-2, -4, -127, -1])
    var y = [UInt16](repeating: 7, count: 4 * 32)
    ck_half_from_int8(q, &y, 0.5, 4, level)
    #expect(lane(0, of: y) == [1, 2, 63.5, 0.5])
  }

  @Test("plain channels go to a block and back", arguments: levels)
  func plainChannels(_ level: Int32) {
    // 19 cells: a whole group of 16 and a rest.
    let first = (0..<19).map { Float($0) }, second = (0..<19).map { -Float($0) / 2 }
    var y = [UInt16](repeating: 7, count: 19 * 32)
    var back = [[Float]](repeating: [Float](repeating: 7, count: 19), count: 2)
    first.withUnsafeBufferPointer { a in
      second.withUnsafeBufferPointer { b in
        ck_half_from_plain([a.baseAddress, b.baseAddress], 2, &y, 19, level)
      }
    }
    #expect(lane(0, of: y) == first)
    #expect(lane(1, of: y) == second)
    #expect(lane(2, of: y).allSatisfy { $0 == 0 })
    var one = back[0], two = back[1]
    one.withUnsafeMutableBufferPointer { a in
      two.withUnsafeMutableBufferPointer { b in
        ck_half_to_plain(y, [a.baseAddress, b.baseAddress], 2, 19, level)
      }
    }
    back = [one, two]
    #expect(back == [first, second])
  }
}
