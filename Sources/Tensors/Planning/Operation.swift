/// Runs an operation; the one way in for everything that a plan may contain.
///
/// - With values, the body runs at once. Operands in bfloat16 are widened for it and its result is
///   rounded, unless the operation says that it takes them as they are; gradients pass through.
/// - While a plan is traced and an operand is symbolic, the operation is noted instead, and the body
///   runs each time the plan does.
/// - Parameters:
///   - name: The operation's name in plans, profiles and messages.
///   - operands: All tensors that the result depends on, weights too.
///   - shape: The result's shape.
///   - action: How planning knows the operation; by its name alone when nil.
///   - attributes: What the body knows beside its operands, for whoever writes a trace down.
///   - takesBFloat16: Whether the body handles bfloat16 itself.
///   - body: Computes the result, tracked (`recorded(from:pullback:)`) where its operands are. It must
///     use the operands it is given, and no tensor from outside.
/// - Returns: The result, of the given shape.
package func operation(
  _ name: String,
  on operands: [Tensor],
  shape: [Int],
  action: GraphStep.Action? = nil,
  attributes: [String: StepAttribute] = [:],
  takesBFloat16: Bool = false,
  _ body: @escaping @Sendable ([Tensor]) -> Tensor
) -> Tensor {
  if let trace = GraphTrace.current, operands.contains(where: { $0.symbol != nil }) {
    return trace.note(
      action ?? .general(name: name),
      on: operands,
      shape: shape,
      attributes: attributes,
      body: body
    )
  }
  let result: Tensor
  if !takesBFloat16, operands.contains(where: { $0.elementType == .bfloat16 }) {
    result = body(operands.map { $0.cast(to: .float32) }).cast(to: .bfloat16)
  } else {
    result = body(operands)
  }
  precondition(
    result.shape == shape,
    "\(name) of \(operands.map(\.shape)) gave \(result.shape), not \(shape)"
  )
  return result
}
