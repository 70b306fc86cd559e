/// How a tensor's values lie in memory.
public enum TensorLayout: Equatable, Hashable, Sendable {
  /// Row-major, the last index fastest.
  case plain
  /// `[N, ⌈C/b⌉, spatial…, b]` for a tensor of shape `[N, C, spatial…]`; lanes past C hold zero.
  ///
  /// The layout that oneDNN's convolutions work in; it is kept from layer to layer.
  case blocked(Int)

  /// The block size, 0 for plain; the shims' code for the layout.
  var block: Int {
    switch self {
    case .plain: 0
    case .blocked(let size): size
    }
  }
}
