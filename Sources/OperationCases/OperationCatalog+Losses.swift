import Layers
import Support
import Tensors

extension OperationCatalog {
  /// Losses beyond the segmentation pair.
  static let furtherLosses: [OperationCase] = []
}
