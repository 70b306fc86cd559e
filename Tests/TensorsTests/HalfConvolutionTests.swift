import CKernels
import Testing

@Suite("Low-precision convolutions")
struct HalfConvolutionTests {
  static let levels = [ck_half_portable, ck_half_avx2, ck_half_avx512, ck_half_amx]

  static let halfCases: [HalfConvolutionCase] = [
    .init(pending: true, statistics: true),
    .init(inputs: 64, outputs: 40, batch: 2, pending: true, residual: true, statistics: true),
    .init(inputs: 1, outputs: 5, input: ck_half_float),
    .init(inputs: 3, outputs: 25, stride: [1, 2, 2], input: ck_half_float, pending: true),
    .init(inputs: 25, outputs: 3, kernel: [1, 1, 1], padding: [0, 0, 0], output: ck_half_float),
    .init(outputs: 3, output: ck_half_float, residual: true),
    .init(inputs: 40, kernel: [1, 1, 1], stride: [1, 2, 2], padding: [0, 0, 0]),
    .init(inputs: 40, size: [3, 4, 5], kernel: [3, 3, 3], padding: [1, 1, 1], statistics: true),
    .init(size: [4, 6, 7], kernel: [3, 3, 3], stride: [2, 2, 2], padding: [1, 1, 1]),
    .init(padding: [0, 2, 2], dilation: [1, 2, 2]),
    .init(inputs: 40, outputs: 33, size: [2, 3, 4], kernel: [2, 2, 2], transposed: true),
    .init(size: [1, 3, 40], kernel: [1, 5, 2], padding: [0, 2, 1], output: ck_half_int8),
    .init(input: ck_half_int8, pending: true),
  ]

  static let integerCases: [HalfConvolutionCase] = halfCases.map { given in
    var integers = given
    integers.product = ck_half_int8
    if given.input == ck_half_bf16 { integers.input = ck_half_int8 }
    if given.output == ck_half_bf16, given.outputs != 40 { integers.output = ck_half_int8 }
    return integers
  }

  @Test("every set of instructions computes what a plain loop does", arguments: halfCases)
  func matchesPlainLoop(_ given: HalfConvolutionCase) throws {
    try check(given)
  }

  @Test("integer factors give what a plain loop does", arguments: integerCases)
  func integersMatchPlainLoop(_ given: HalfConvolutionCase) throws {
    try check(given)
  }

  @Test("integer factors give the same bits with every set", arguments: integerCases)
  func integersAgreeBitForBit(_ given: HalfConvolutionCase) throws {
    let portable = try #require(given.run(limit: ck_half_portable))
    for level in Self.levels {
      guard let other = given.run(limit: level) else { continue }
      #expect(other.bytes == portable.bytes, "instructions \(level)")
      #expect(
        other.statistics.map { $0.bitPattern } == portable.statistics.map { $0.bitPattern },
        "instructions \(level)"
      )
    }
  }

  @Test("the plan does not depend on the set of instructions")
  func planIgnoresInstructions() {
    var shape = ck_half()
    shape.batch = 1
    shape.input_size = (4, 20, 30)
    shape.output_size = (4, 20, 30)
    shape.kernel = (3, 3, 3)
    shape.stride = (1, 1, 1)
    shape.pad = (1, 1, 1)
    shape.dilation = (1, 1, 1)
    shape.input_blocks = 2
    shape.outputs = 64
    let plans = Self.levels.map { level in
      shape.limit = Int32(level)
      ck_half_plan(&shape)
      return [shape.depth_rows, shape.rows, shape.panels, ck_half_workspace(&shape)]
    }
    #expect(plans.allSatisfy { $0 == plans[0] })
    #expect(ck_half_units(&shape) >= ck_half_spatial_units(&shape))
    let cells = (0..<ck_half_spatial_units(&shape)).map { ck_half_unit_cells(&shape, $0) }
    #expect(cells.reduce(0, +) == 4 * 20 * 30)
  }

  /// Sums of single precision differ by a few of its steps (2^-24) of the sum of sizes; then y is
  /// rounded to 8 bits of mantissa, or by half a step of 8-bit integers.
  private func tolerance(_ given: HalfConvolutionCase, value: Double, size: Double) -> Double {
    let sums = 2e-6 * size + 1e-5
    if given.output == ck_half_float { return sums }
    if given.output == ck_half_bf16 { return sums + abs(value) / 256 }
    return sums + 0.501 * Double(HalfConvolutionCase.outputScale)
  }

  private func check(_ given: HalfConvolutionCase) throws {
    let (values, sizes) = given.expected()
    var ran = 0
    for level in Self.levels {
      guard let result = given.run(limit: level) else { continue }
      ran += 1
      try #require(result.values.count == values.count)
      var worst = (ratio: 0.0, index: 0)
      for (index, value) in values.enumerated() {
        let allowed = tolerance(given, value: value, size: sizes[index])
        let ratio = abs(Double(result.values[index]) - value) / allowed
        if !(ratio <= worst.ratio) { worst = (ratio, index) }
      }
      #expect(
        worst.ratio <= 1,
        """
        instructions \(level): [\(worst.index)] is \(result.values[worst.index]), \
        expected \(values[worst.index])
        """
      )
      for (o, moment) in result.moments.enumerated() {
        // Statistics are taken before y is rounded, of at most a few hundred cells.
        guard given.output != ck_half_int8 else { continue }
        let cells = given.outputCells
        var of: [Double] = []
        for n in 0..<given.batch {
          let start = (n * given.outputs + o) * cells
          of += values[start..<start + cells]
        }
        let count = Double(of.count)
        let mean: Double = of.reduce(0, +) / count
        var squares = 0.0
        for value in of { squares += (value - mean) * (value - mean) }
        let variance = squares / count
        #expect(abs(moment.mean - mean) < 1e-5, "instructions \(level), channel \(o)")
        #expect(abs(moment.variance - variance) < 1e-4, "instructions \(level), channel \(o)")
      }
    }
    #expect(ran >= 1)
  }
}
