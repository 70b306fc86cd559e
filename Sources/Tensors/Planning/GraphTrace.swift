import Synchronization

/// A value of a traced graph, by number.
package struct SymbolicValue: Sendable, Hashable {
  package let index: Int
}

/// What a normalisation in a graph does; its operands are x, then scale and shift where it has them.
package struct NormalizationAction: Sendable {
  package let extent: NormalizationExtent
  package let epsilon: Float
  package let negativeSlope: Float
  package let statistics: NormalizationStatistics?
  package let hasScale: Bool
  package let hasShift: Bool
}

/// What an operation's code knows beside its operands, for whoever writes a traced graph down.
package enum StepAttribute: Sendable, Equatable {
  case integers([Int])
  case number(Float)
  case text(String)
}

/// One step of a traced graph.
package struct GraphStep: Sendable {
  /// What the step does.
  ///
  /// The named cases are those that planning fuses or has kernels of its own for.
  package enum Action: Sendable {
    /// Operands: x, weight, and the bias if there is one.
    case convolution(ConvolutionShape)
    /// Operands: x, weight, and the bias if there is one.
    case transposedConvolution(ConvolutionShape)
    case normalization(NormalizationAction)
    case leakyReLU(negativeSlope: Float)
    /// Operands: x, slopes.
    case parametricReLU
    case activation(Activation)
    case maxPooling(PoolingShape)
    case averagePooling(PoolingShape)
    case concatenation
    case addition
    case scaling(Float)
    /// Nearest upsampling by whole factors, one for each spatial axis.
    case repetition([Int])
    /// Runs the operation's own code.
    case general(name: String)
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
  /// What the operation was asked for, by the names of its arguments.
  package let attributes: [String: StepAttribute]
  /// The operation itself, for what planning has no kernel for.
  package let body: @Sendable ([Tensor]) -> Tensor

  /// The values among the operands.
  var values: [Int] {
    operands.compactMap { operand in
      if case .value(let symbol) = operand { symbol.index } else { nil }
    }
  }

  /// The weight at a place of the operands, nil past the last one.
  func constant(_ place: Int) -> Tensor? {
    guard place < operands.count, case .constant(let tensor) = operands[place] else { return nil }
    return tensor
  }
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

  /// The shapes of all values by number.
  package var shapes: [[Int]] { state.withLock { $0.shapes } }

  /// Adds an input of the graph.
  package func input(shape: [Int]) -> Tensor {
    state.withLock { state in
      state.shapes.append(shape)
      return Tensor(shape: shape, symbol: SymbolicValue(index: state.shapes.count - 1))
    }
  }

  /// Adds a step and returns the tensor that stands for its result.
  package func note(
    _ action: GraphStep.Action,
    on operands: [Tensor],
    shape: [Int],
    attributes: [String: StepAttribute] = [:],
    body: @escaping @Sendable ([Tensor]) -> Tensor
  ) -> Tensor {
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
          shape: shape,
          attributes: attributes,
          body: body
        )
      )
      return Tensor(shape: shape, symbol: result)
    }
  }
}
