import Synchronization

/// A value of a traced graph, by number.
package struct SymbolicValue: Sendable, Hashable {
  let index: Int
}

/// One step of a traced graph.
package struct GraphStep: Sendable {
  /// What the step does.
  package enum Action: Sendable {
    /// Runs the operation's own code.
    case general(name: String, body: @Sendable ([Tensor]) -> Tensor)
  }

  /// A tensor that the step reads.
  package enum Operand: Sendable {
    /// The result of an earlier step, or the input.
    case value(SymbolicValue)
    /// A weight.
    case constant(Tensor)
  }

  package let action: Action
  package let operands: [Operand]
  package let result: SymbolicValue
  package let shape: [Int]
}

/// What a network does with a symbolic input, step by step.
package final class GraphTrace: Sendable {
  /// The trace in progress, to which operations on symbolic tensors are noted.
  @TaskLocal package static var current: GraphTrace?

  private struct State {
    var shapes: [[Int]] = []
    var steps: [GraphStep] = []
  }

  private let state = Mutex(State())

  package init() {}

  /// The steps so far, in order.
  package var steps: [GraphStep] { state.withLock { $0.steps } }

  /// Adds an input of the graph.
  package func input(shape: [Int]) -> Tensor {
    state.withLock { state in
      state.shapes.append(shape)
      return Tensor(shape: shape, symbol: SymbolicValue(index: state.shapes.count - 1))
    }
  }

  /// Adds a step and returns the tensor that stands for its result.
  package func note(_ action: GraphStep.Action, operands: [Tensor], shape: [Int]) -> Tensor {
    state.withLock { state in
      let result = SymbolicValue(index: state.shapes.count)
      state.shapes.append(shape)
      state.steps.append(
        GraphStep(
          action: action,
          operands: operands.map { operand in
            operand.symbol.map { .value($0) } ?? .constant(operand.detached)
          },
          result: result,
          shape: shape
        )
      )
      return Tensor(shape: shape, symbol: result)
    }
  }
}
