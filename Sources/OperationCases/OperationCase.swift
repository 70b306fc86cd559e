import Layers
import Support
import Tensors

/// One operation on operands of given shapes; the engine's tests and benchmarks run over the
/// catalogue of these.
public struct OperationCase: Sendable, CustomStringConvertible {
  /// Which random values an operand gets.
  public enum Fill: Sendable {
    /// Of the standard normal distribution.
    case normal
    /// ±(0.75 to 1.25) with alternating signs: far from the kink of rectifiers, also after centring.
    case alternating
    /// Different multiples of 0.5, so that maxima are unique by a margin.
    case distinct
    /// 0, 1 or 2: many equal maxima.
    case ties
    /// 0.5 to 1.5.
    case positive
  }

  /// How the operation bends, which decides the step of finite differences.
  public enum Course: Sendable {
    /// Linear in each operand, as far as steps of 0.5 go.
    case linear
    /// With derivatives of every order, or kinks at least 0.06 away.
    case smooth
    /// Not differentiable at the test's values; differences are not compared.
    case broken
  }

  /// Unique in the catalogue, and the name of stored references.
  public let name: String
  /// The shapes of the operands.
  public let shapes: [[Int]]
  /// The random values of each operand.
  public let fills: [Fill]
  /// How the operation bends.
  public let course: Course
  /// The operation.
  public let operation: @Sendable ([Tensor]) -> Tensor

  /// Creates a case.
  /// - Parameters:
  ///   - name: Unique in the catalogue; of stored references too.
  ///   - shapes: The operands' shapes.
  ///   - fill: The random values of every operand.
  ///   - fills: The random values of each operand, instead.
  ///   - course: How the operation bends.
  ///   - operation: The operation.
  public init(
    _ name: String,
    _ shapes: [[Int]],
    fill: Fill = .normal,
    fills: [Fill]? = nil,
    course: Course = .linear,
    operation: @escaping @Sendable ([Tensor]) -> Tensor
  ) {
    self.name = name
    self.shapes = shapes
    self.fills = fills ?? shapes.map { _ in fill }
    self.course = course
    self.operation = operation
  }

  /// The name.
  public var description: String { name }

  /// Operands of the case's own random stream.
  public var operands: [Tensor] {
    var random = RandomStream(seed: 7).split(name.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF })
    return zip(shapes, fills).map { shape, fill in
      Tensor(fill.values(shape.reduce(1, *), random: &random), shape: shape)
    }
  }

  /// Fixed random numbers that weigh the output, so that each of its elements matters by itself.
  public func weights(for shape: [Int]) -> Tensor {
    var random = RandomStream(seed: 11)
    return Tensor(Fill.normal.values(shape.reduce(1, *), random: &random), shape: shape)
  }

  /// The output, and the gradient of its weighted sum for each operand.
  public func run(
    _ operands: [Tensor],
    weights: Tensor? = nil
  ) -> (output: Tensor, gradients: [Tensor?]) {
    let keys = operands.map { _ in GradientKey() }
    let output = operation(zip(operands, keys).map { $0.tracked(by: $1) })
    let found = gradients(of: (output * (weights ?? self.weights(for: output.shape))).sum)
    return (output, keys.map { found[$0] })
  }
}

extension OperationCase.Fill {
  func values(_ count: Int, random: inout RandomStream) -> [Float] {
    switch self {
    case .normal: return (0..<count).map { _ in Float(random.normal()) }
    case .alternating:
      return (0..<count).map {
        Float(random.uniform(in: 0.75..<1.25)) * ($0 % 2 == 0 ? 1 : -1)
      }
    case .distinct:
      return (0..<count).map { Float($0 - count / 2) * 0.5 }.shuffled(using: &random)
    case .ties: return (0..<count).map { _ in Float(Int(random.uniform(in: 0..<3))) }
    case .positive: return (0..<count).map { _ in Float(random.uniform(in: 0.5..<1.5)) }
    }
  }
}
