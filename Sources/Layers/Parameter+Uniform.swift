import Support
import Tensors

extension Parameter {
  /// Random weights between −limit and limit, all equally likely.
  /// - Parameters:
  ///   - shape: The shape.
  ///   - limit: The largest magnitude, above 0.
  ///   - random: The stream to draw from.
  /// - Returns: A trainable parameter.
  public static func uniform(
    _ shape: [Int],
    limit: Double,
    random: inout RandomStream
  ) -> Parameter {
    let values = (0..<shape.reduce(1, *)).map { _ in
      Float(random.uniform(in: -limit..<limit))
    }
    return Parameter(Tensor(values, shape: shape))
  }
}
