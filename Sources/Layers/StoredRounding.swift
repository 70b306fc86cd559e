import Tensors

extension Layer {
  /// Rounds all parameters to what a weights file of a type gives back.
  ///
  /// Where a value would become infinite, nothing is rounded and single precision is the answer.
  /// - Parameter type: How the weights are to be stored.
  /// - Returns: How they can be.
  public func rounded(to type: Safetensors.ScalarType) -> Safetensors.ScalarType {
    guard type != .float32 else { return type }
    var rounded: [(Parameter, Tensor)] = []
    for (_, parameter) in namedParameters {
      let stored = type.stored.withEncoded(parameter.value) {
        type.stored.decoded($0, shape: parameter.shape)
      }
      guard stored.isFinite || !parameter.value.isFinite else { return .float32 }
      rounded.append((parameter, stored))
    }
    for (parameter, value) in rounded { parameter.value = value }
    return type
  }
}
