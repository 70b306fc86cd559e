import Layers
import Support
import Tensors

extension OperationCatalog {
  /// Algebra, shapes, reductions, recurrence and attention.
  static let dense: [OperationCase] = []
}
