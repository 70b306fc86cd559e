import OperationCases
import Support
import Tensors
import TestSupport
import Testing

/// Convolutions large enough for Winograd's filtering, and weight gradients of every kind.
@Suite("Kernels of training")
struct TrainingKernelsTests {
  /// Rounding of Winograd's filtering, some 20 times that of the sums themselves.
  ///
  /// F(4 x 4, 3 x 3) multiplies inputs by up to 100 and weights by 1/576 before they meet (Lavin and
  /// Gray 2016, section 5). Gradients of weights sum a few thousand products of normal numbers.
  static let winograd = Tolerance(absolute: 1e-3, relative: 2e-5)

  static let cases: [OperationCase] = [
    convolution("image", [2, 24, 30, 27], [19, 24, 3, 3], padding: 1),
    convolution("many channels", [1, 80, 24, 24], [48, 80, 3, 3], padding: 1),
    convolution("volume", [2, 17, 9, 14, 13], [21, 17, 3, 3, 3], padding: 1),
    OperationCase("flat window in a volume", [[1, 16, 5, 16, 18], [16, 16, 1, 3, 3]]) {
      Tensors.convolution(
        $0[0],
        weight: $0[1],
        bias: nil,
        shape: ConvolutionShape(stride: [1, 1, 1], padding: [0, 1, 1], dilation: [1, 1, 1])
      )
    },
    convolution("one channel", [2, 1, 12, 20, 18], [20, 1, 3, 3, 3], padding: 1),
    convolution("three channels by steps", [2, 3, 31, 29], [20, 3, 5, 5], padding: 2, stride: 2),
    convolution("steps", [2, 20, 33, 31], [40, 20, 3, 3], padding: 1, stride: 2),
    convolution(
      "steps in a volume",
      [1, 18, 13, 12, 11],
      [33, 18, 3, 3, 3],
      padding: 1,
      stride: 2
    ),
    convolution("holes", [1, 20, 27, 29], [17, 20, 3, 3], padding: 2, dilation: 2),
    convolution("one cell", [2, 40, 21, 23], [25, 40, 1, 1], padding: 0),
    convolution("few outputs", [2, 20, 31, 22], [1, 20, 3, 3], padding: 1),
    OperationCase("transposed", [[2, 20, 13, 11], [20, 17, 2, 2], [17]]) {
      transposedConvolution(
        $0[0],
        weight: $0[1],
        bias: $0[2],
        shape: ConvolutionShape(rank: 2, stride: 2)
      )
    },
    OperationCase("transposed in a volume", [[1, 20, 5, 6, 7], [20, 40, 1, 2, 2]]) {
      transposedConvolution(
        $0[0],
        weight: $0[1],
        bias: nil,
        shape: ConvolutionShape(stride: [1, 2, 2], padding: [0, 0, 0], dilation: [1, 1, 1])
      )
    },
  ]

  static let grouped: [OperationCase] = [
    OperationCase("groups", [[2, 32, 20, 19], [48, 16, 3, 3]]) {
      Tensors.convolution(
        $0[0],
        weight: $0[1],
        bias: nil,
        shape: ConvolutionShape(rank: 2, padding: 1, groups: 2)
      )
    },
    OperationCase("each channel by itself", [[2, 24, 20, 19], [24, 1, 3, 3]]) {
      Tensors.convolution(
        $0[0],
        weight: $0[1],
        bias: nil,
        shape: ConvolutionShape(rank: 2, padding: 1, groups: 24)
      )
    },
  ]

  private static func convolution(
    _ name: String,
    _ input: [Int],
    _ weight: [Int],
    padding: Int,
    stride: Int = 1,
    dilation: Int = 1
  ) -> OperationCase {
    let shape = ConvolutionShape(
      rank: input.count - 2,
      stride: stride,
      padding: padding,
      dilation: dilation
    )
    return OperationCase(name, [input, weight, [weight[0]]]) {
      Tensors.convolution($0[0], weight: $0[1], bias: $0[2], shape: shape)
    }
  }

  @Test("the fast kernels equal the reference kernels", arguments: cases)
  func equalsReference(_ test: OperationCase) {
    let operands = test.operands
    let expected = Kernels.$current.withValue(ReferenceKernels()) { test.run(operands) }
    for layout in [TensorLayout.plain, FastKernels.preferredLayout] {
      let actual = test.run([operands[0].relaid(layout)] + operands.dropFirst())
      expectClose(actual.output, expected.output, Self.winograd, "output of \(layout)")
      for (index, pair) in zip(actual.gradients, expected.gradients).enumerated() {
        guard let found = pair.0, let wanted = pair.1 else {
          Issue.record("operand \(index) has no gradient")
          continue
        }
        expectClose(found, wanted, Self.winograd, "gradient \(index) of \(layout)")
      }
    }
  }

  @Test(
    "not one bit depends on the number of threads",
    arguments: cases + grouped,
    [ElementType.float32, .bfloat16]
  )
  func threadsDoNotMatter(_ test: OperationCase, _ type: ElementType) {
    let single = test.operands
    let test = OperationCase(test.name, test.shapes) { test.operation($0).cast(to: .float32) }
    let operands = [single[0].cast(to: type)] + single.dropFirst()
    let one = Parallelism.$threadCount.withValue(1) { test.run(operands) }
    for threads in type == .float32 ? [2, 3, 7] : [3] {
      let more = Parallelism.$threadCount.withValue(threads) { test.run(operands) }
      #expect(one.output.values == more.output.values)
      for (a, b) in zip(one.gradients, more.gradients) { #expect(a?.values == b?.values) }
    }
  }

  @Test("padding lanes of results and data gradients stay zero", arguments: cases)
  func paddingLanesStayZero(_ test: OperationCase) {
    let output = test.operation(test.operands)
    guard case .blocked = output.layout else { return }
    let again = output.plain.relaid(output.layout)
    #expect(output.storage.elements.elementsEqual(again.storage.elements))
  }

  /// The rounding of a result to bfloat16, 2⁻⁸ of it, and of sums of such gradients, which cancel.
  static let half = Tolerance(absolute: 0.05, relative: 0.01)

  /// The last place of bfloat16's eight: sums of rounded operands differ in single precision's last
  /// digits, and are then rounded, some to the other side.
  static let oneStep = Tolerance(absolute: 1e-3, relative: 1.0 / 128)

  @Test(
    "in bfloat16 results are those of the rounded operands, rounded",
    arguments: cases + grouped
  )
  func takesBFloat16(_ test: OperationCase) {
    // Weights too: some kernels round them, and may.
    let operands = test.operands.map { $0.cast(to: .bfloat16).cast(to: .float32) }
    let rounded = [operands[0].cast(to: .bfloat16)] + operands.dropFirst()
    #expect(test.operation(rounded).elementType == .bfloat16)
    // The same, with a result in single precision for the weighted sum.
    let widened = OperationCase(test.name, test.shapes) {
      test.operation($0).cast(to: .float32)
    }
    let actual = widened.run(rounded)
    let expected = widened.run(operands)
    let wanted = expected.output.cast(to: .bfloat16).cast(to: .float32)
    expectClose(actual.output, wanted, Self.oneStep, "output")
    #expect(actual.gradients[0]?.elementType == .bfloat16)
    for (index, pair) in zip(actual.gradients, expected.gradients).enumerated() {
      guard let found = pair.0, let wanted = pair.1 else {
        Issue.record("operand \(index) has no gradient")
        continue
      }
      if index > 0 { #expect(found.elementType == .float32) }
      // Relative to the largest: every number carries the rounding of the gradient that arrived.
      let scale = 1 / max(1, wanted.values.map { abs($0) }.max() ?? 1)
      expectClose(
        (found.cast(to: .float32) * scale).plain,
        (wanted * scale).plain,
        Self.half,
        "gradient \(index)"
      )
    }
  }

  @Test("normalisation and joining take bfloat16 as it is", arguments: [16, 21])
  func normalizesBFloat16(channels: Int) {
    func run(_ type: ElementType, _ kernels: any KernelSet) -> [[Float]] {
      var random = RandomStream(seed: 9)
      let values = (0..<2 * channels * 13 * 17).map { _ in Float(random.normal()) }
      let gains = (0..<channels).map { _ in Float(random.uniform(in: 0.5..<1.5)) }
      // Both runs see the same, rounded numbers.
      let x = Tensor(values, shape: [2, channels, 13, 17]).cast(to: .bfloat16).cast(to: type)
      let keys = [GradientKey(), GradientKey()]
      return Kernels.$current.withValue(kernels) {
        let start = x.relaid(FastKernels.preferredLayout).tracked(by: keys[0])
        let scale = Tensor(gains, shape: [channels]).tracked(by: keys[1])
        let y = normalization(
          start,
          extent: .batch,
          scale: scale,
          shift: nil,
          negativeSlope: 0.1
        ).output
        #expect(y.elementType == type)
        let joined = concatenation([y, start])
        #expect(joined.elementType == type)
        let single = joined.cast(to: .float32)
        let found = gradients(of: (single * single).mean)
        #expect(found[keys[0]]?.elementType == type)
        return [joined.values] + keys.map { found[$0]?.values ?? [] }
      }
    }
    let expected = run(.float32, FastKernels.shared)
    for kernels in [FastKernels.shared, ReferenceKernels()] as [any KernelSet] {
      for (found, wanted) in zip(run(.bfloat16, kernels), expected) {
        expectClose(found, wanted, Self.half, kernels.name)
      }
    }
  }
}
