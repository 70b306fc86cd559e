/// Element-wise operations by index, in double precision.
enum ReferenceElementwise {
  /// The operands' values at every cell of the broadcast shape, row-major.
  private static func cells(_ operands: [Tensor], _ shape: [Int]) -> [[Double]] {
    let values = operands.map(\.values)
    return GridIndices(shape).map { cell in
      zip(operands, values).map { operand, values in
        let own = zip(cell.suffix(operand.rank), operand.shape).map { $1 == 1 ? 0 : $0 }
        return Double(values[flat(own, operand.shape)])
      }
    }
  }

  /// y = f(operands), cell by cell.
  static func map(
    _ operands: [Tensor],
    shape: [Int],
    _ function: ([Double]) -> Double
  ) -> Tensor {
    Tensor(cells(operands, shape).map { Float(function($0)) }, shape: shape)
  }

  /// The gradient of one operand: over the cells that it was repeated to, Σ g · ∂f/∂operand.
  static func gradient(
    of index: Int,
    _ operands: [Tensor],
    shape: [Int],
    gradient: Tensor,
    _ derivative: ([Double]) -> Double
  ) -> Tensor {
    let operand = operands[index]
    var result = [Double](repeating: 0, count: operand.count)
    let arriving = gradient.values
    let contents = cells(operands, shape)
    for (place, cell) in GridIndices(shape).enumerated() {
      let own = zip(cell.suffix(operand.rank), operand.shape).map { $1 == 1 ? 0 : $0 }
      result[flat(own, operand.shape)] += Double(arriving[place]) * derivative(contents[place])
    }
    return Tensor(result.map { Float($0) }, shape: operand.shape)
  }
}

/// Whether operations shall follow their definitions, in double precision.
var usesReference: Bool { Kernels.current is ReferenceKernels }
