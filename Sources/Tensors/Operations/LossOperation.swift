import Support

/// What a loss's fast code found: the value, and how gradients follow from the result's.
struct LossOutcome: Sendable {
  let value: Double
  /// For each operand, its gradient times the given number; nil where none is wanted.
  let gradients: @Sendable (Float) -> [Tensor?]
}

/// Runs a loss: one number from tensors.
///
/// Operands in bfloat16 are widened and the result stays in single precision: the eight bits of
/// bfloat16 could not tell one step's loss from the next.
/// - Parameters:
///   - name: The operation's name.
///   - operands: All tensors that the loss depends on.
///   - fast: The loss of plain operands without a past.
///   - reference: The formula, over the operands' values in row-major order.
/// - Returns: One number, of the shape `[]`.
func lossOperation(
  _ name: String,
  on operands: [Tensor],
  fast: @escaping @Sendable ([Tensor]) -> LossOutcome,
  reference: @escaping @Sendable ([[Scalar]]) -> Scalar
) -> Tensor {
  operation(name, on: operands, shape: [], takesBFloat16: true) { operands in
    let inputs = operands.map { $0.cast(to: .float32) }
    let values = inputs.map(\.plain)
    if Kernels.current is ReferenceKernels {
      return referenceLoss(of: inputs, values: values, reference)
    }
    let outcome = fast(values)
    return Tensor([Float(outcome.value)], shape: []).recorded(from: inputs) { gradient in
      outcome.gradients(gradient.scalar)
    }
  }
}

/// Sums over pieces of a fixed length, added up in order: the same bits for every thread count.
enum FixedChunks {
  /// Items of one piece.
  static let length = 4096

  /// Sums of several quantities at once.
  /// - Parameters:
  ///   - count: The number of items.
  ///   - width: The number of quantities.
  ///   - itemCost: The cost of an item, in additions.
  ///   - body: Adds a range of items to the given quantities, which start at 0.
  /// - Returns: The sums.
  static func sums(
    _ count: Int,
    width: Int = 1,
    itemCost: Int = 4,
    _ body: @Sendable (Range<Int>, UnsafeMutablePointer<Double>) -> Void
  ) -> [Double] {
    let chunks = (count + length - 1) / length
    let partial = AlignedBuffer<Double>(repeating: 0, count: chunks * width)
    EngineThreads.forEachRange(chunks, itemCost: length * itemCost) { range in
      for chunk in range {
        let start = chunk * length
        body(start..<min(count, start + length), partial.pointer + chunk * width)
      }
    }
    return withExtendedLifetime(partial) {
      (0..<width).map { place in
        (0..<chunks).reduce(0.0) { $0 + partial.elements[$1 * width + place] }
      }
    }
  }

  /// One sum.
  static func sum(
    _ count: Int,
    itemCost: Int = 4,
    _ body: @Sendable (Range<Int>) -> Double
  ) -> Double {
    sums(count, itemCost: itemCost) { range, sum in sum.pointee = body(range) }[0]
  }
}
