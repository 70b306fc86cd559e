import OperationCases
import Support
import Tensors
import TestSupport
import Testing

/// What every dense operation must fulfil beyond the catalogue's own tests.
@Suite("Dense operations")
struct DenseOperationTests {
  /// Large enough that loops are cut: hundreds of thousands of values or of multiplications.
  static let large: [OperationCase] = [
    OperationCase("rows", [[300, 301], [301]]) { $0[0] * $0[1] + 1 },
    OperationCase("functions", [[300, 301]], fill: .positive) { ($0[0].log() / $0[0]).exp() },
    OperationCase("all", [[400, 501]]) { $0[0].sum },
    OperationCase("sums", [[40, 50, 101]]) { $0[0].sum(axes: [1]) },
    OperationCase("apart", [[40, 50, 101]]) { $0[0].variance(axes: [0, 2]) },
    OperationCase("softmax", [[40, 50, 101]]) { softmax($0[0], axis: 1) },
    OperationCase("transpose", [[40, 50, 101]]) { $0[0].transposed([2, 0, 1]) },
    OperationCase("slice", [[400, 501]]) { $0[0].sliced(axis: 1, step: -3) },
    OperationCase("rows picked", [[100, 401]]) {
      $0[0].selecting((0..<300).map { $0 * 7 % 90 }, axis: 0)
    },
    OperationCase("tall product", [[700, 90], [90, 40]]) { matrixProduct($0[0], $0[1]) },
    OperationCase("wide product", [[30, 90], [90, 700]]) { matrixProduct($0[0], $0[1]) },
    OperationCase("products", [[6, 70, 90], [6, 90, 80]]) { matrixProduct($0[0], $0[1]) },
    OperationCase("linear", [[7, 100, 90], [300, 90], [300]]) {
      linear($0[0], weight: $0[1], bias: $0[2])
    },
    OperationCase("lstm", [[6, 40, 30], [400, 30], [400, 100]]) {
      lstm($0[0], weights: [RecurrentWeights(input: $0[1] * 0.1, hidden: $0[2] * 0.1)]).output
    },
    OperationCase("gru", [[6, 40, 30], [300, 30], [300, 100]]) {
      gru($0[0], weights: [RecurrentWeights(input: $0[1] * 0.1, hidden: $0[2] * 0.1)]).output
    },
  ]

  @Test(
    "results and gradients are the same bits for every number of threads",
    arguments: large + OperationCatalog.dense
  )
  func threadsDoNotMatter(_ test: OperationCase) {
    let operands = test.operands
    let one = Parallelism.$threadCount.withValue(1) { test.run(operands) }
    for count in [2, 5] {
      let many = Parallelism.$threadCount.withValue(count) { test.run(operands) }
      #expect(bits(one.output) == bits(many.output), "output, \(count) threads")
      for (index, pair) in zip(one.gradients, many.gradients).enumerated() {
        #expect(
          pair.0.map(bits) == pair.1.map(bits),
          "gradient \(index), \(count) threads"
        )
      }
    }
  }

  @Test(
    "a trace knows the shapes, and running it again gives the values",
    arguments: OperationCatalog.dense
  )
  func tracesRunAgain(_ test: OperationCase) {
    let operands = test.operands
    let expected = test.operation(operands)
    let trace = GraphTrace()
    let traced = GraphTrace.$current.withValue(trace) {
      test.operation(test.shapes.map { trace.input(shape: $0) })
    }
    #expect(traced.shape == expected.shape)
    #expect(traced.symbol != nil)
    var values: [SymbolicValue: Tensor] = [:]
    // Inputs come first, and every value has a number of its own.
    let probe = GraphTrace()
    for operand in operands {
      if let symbol = probe.input(shape: operand.shape).symbol { values[symbol] = operand }
    }
    for step in trace.steps {
      let given = step.operands.compactMap { operand -> Tensor? in
        switch operand {
        case .value(let symbol): values[symbol]
        case .constant(let tensor): tensor
        }
      }
      #expect(given.count == step.operands.count)
      let result = step.body(given)
      #expect(result.shape == step.shape)
      values[step.result] = result
    }
    #expect(traced.symbol.flatMap { values[$0] }?.values == expected.values)
  }

  @Test("operands in bfloat16 give results in bfloat16", arguments: OperationCatalog.dense)
  func halfPrecision(_ test: OperationCase) {
    let operands = test.operands.map { $0.cast(to: .bfloat16) }
    let expected = test.operation(operands.map { $0.cast(to: .float32) })
    let actual = test.operation(operands)
    #expect(actual.elementType == .bfloat16)
    // Each of up to a few dozen roundings in a row is off by 2⁻⁹ of values up to about 4.
    expectClose(actual, expected, Tolerance(absolute: 0.08, relative: 0.03))
  }

  private func bits(_ tensor: Tensor) -> [UInt32] { tensor.values.map(\.bitPattern) }
}
