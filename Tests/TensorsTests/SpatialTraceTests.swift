import OperationCases
import Support
import Tensors
import TestSupport
import Testing

/// The operations as plans and bfloat16 use them.
@Suite("Spatial operations in plans")
struct SpatialTraceTests {
  /// Cases whose operands go into one operation each.
  static let cases = OperationCatalog.all.filter { test in
    [
      "adaptive", "global", "group-", "layer-", "sigmoid", "tanh", "softplus", "elu", "gelu",
      "silu", "prelu", "softmax-axis", "log-softmax", "upsample", "pad-", "pixel",
    ].contains { test.name.hasPrefix($0) }
  }

  @Test("a traced operation gives the same values when its step is run", arguments: cases)
  func tracing(_ test: OperationCase) throws {
    let operands = test.operands
    let trace = GraphTrace()
    let symbolic = operands.map { trace.input(shape: $0.shape) }
    let result = GraphTrace.$current.withValue(trace) { test.operation(symbolic) }
    let expected = test.operation(operands)
    #expect(result.shape == expected.shape)
    let step = try #require(trace.steps.first)
    #expect(trace.steps.count == 1)
    let given = step.operands.map { operand in
      switch operand {
      case .constant(let tensor): tensor
      case .value(let value): operands[symbolic.firstIndex { $0.symbol == value } ?? 0]
      }
    }
    #expect(step.body(given).values == expected.values)
  }

  @Test("bfloat16 operands are widened and the result is rounded", arguments: cases)
  func halfPrecision(_ test: OperationCase) {
    let operands = test.operands.map { $0.cast(to: .bfloat16) }
    let result = test.operation(operands)
    #expect(result.elementType == .bfloat16)
    let expected = test.operation(operands.map { $0.cast(to: .float32) })
    #expect(result.values == expected.cast(to: .bfloat16).values)
  }
}
