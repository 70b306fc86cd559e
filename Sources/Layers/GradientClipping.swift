/// How gradients are kept from being too large; a value for plans.
public enum GradientClipping: Codable, Sendable, Equatable {
  /// Not at all.
  case none
  /// All gradients together are shortened to this Euclidean norm (Pascanu et al. 2013).
  case norm(Double)
  /// Every value is cut to ± this size.
  case value(Double)
}
