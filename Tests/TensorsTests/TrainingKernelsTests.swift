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

  @Test("not one bit depends on the number of threads", arguments: cases)
  func threadsDoNotMatter(_ test: OperationCase) {
    let operands = test.operands
    let one = Parallelism.$threadCount.withValue(1) { test.run(operands) }
    for threads in [2, 3, 7] {
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
}
