import Layers
import Support
import Tensors

extension OperationCatalog {
  /// Upsampling, padding, further pooling, normalisation and activations.
  static let spatial: [OperationCase] = []
}
