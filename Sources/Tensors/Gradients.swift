/// Derivatives of one number with respect to the tracked leaves that it depends on.
public struct Gradients: Sendable {
  private let tensors: [GradientKey: Tensor]

  package init(_ tensors: [GradientKey: Tensor]) { self.tensors = tensors }

  /// The gradient of a leaf, of the leaf's shape; nil when the number does not depend on it.
  public subscript(key: GradientKey) -> Tensor? { tensors[key] }
}

/// Walks back from a loss to every tracked leaf (reverse-mode differentiation).
///
/// Intermediate values are freed on the way, so that a graph can be walked once.
/// - Parameter loss: A tensor of one element.
/// - Returns: The gradients by key; empty when nothing was tracked.
/// - Precondition: `loss` has one element, and its graph was not walked before.
public func gradients(of loss: Tensor) -> Gradients {
  precondition(loss.count == 1, "the loss must be one number, not \(loss.shape)")
  guard let root = loss.node else { return Gradients([:]) }
  return Gradients(walkedBack(from: root, gradient: Tensor(repeating: 1, shape: loss.shape)))
}

/// The gradients of all leaves under a node, from the gradient of the node's own value.
func walkedBack(from root: GradientNode, gradient: Tensor) -> [GradientKey: Tensor] {
  // Every node after all that depend on it: falling depth.
  var reached: Set<ObjectIdentifier> = [ObjectIdentifier(root)]
  var nodes = [root]
  var next = 0
  while next < nodes.count {
    for case let operand? in nodes[next].operands
    where reached.insert(ObjectIdentifier(operand)).inserted {
      nodes.append(operand)
    }
    next += 1
  }
  let order = nodes.enumerated().sorted {
    ($0.element.depth, $1.offset) > ($1.element.depth, $0.offset)
  }

  var pending = [ObjectIdentifier(root): gradient]
  var found: [GradientKey: Tensor] = [:]
  for (_, node) in order {
    guard let gradient = pending.removeValue(forKey: ObjectIdentifier(node)) else { continue }
    if let key = node.key {
      found[key] = found[key].map { sum($0, gradient) } ?? gradient.plain
      continue
    }
    guard let pullback = node.takePullback() else {
      preconditionFailure("the graph was walked before; compute the loss again")
    }
    let operands = node.operands
    let contributions = pullback(gradient)
    precondition(
      contributions.count == operands.count,
      "\(contributions.count) gradients for \(operands.count) operands"
    )
    for (operand, contribution) in zip(operands, contributions) {
      guard let operand, let contribution else { continue }
      let id = ObjectIdentifier(operand)
      pending[id] = pending[id].map { sum($0, contribution) } ?? contribution
    }
  }
  return found
}

private func sum(_ a: Tensor, _ b: Tensor) -> Tensor {
  precondition(a.shape == b.shape, "gradients of \(a.shape) and \(b.shape) for one value")
  if let sum = FastKernels.halfSum(a, b) { return sum }
  return a.detached + b.detached
}
