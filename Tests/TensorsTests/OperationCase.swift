import Layers
import Support
import Tensors
import Testing

/// One operation on operands of given shapes; every engine test runs over the catalogue of these.
struct OperationCase: Sendable, CustomTestStringConvertible {
  /// Which random values an operand gets.
  enum Fill: Sendable {
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
  enum Course: Sendable {
    /// Linear in each operand, as far as steps of 0.5 go.
    case linear
    /// With derivatives of every order, or kinks at least 0.06 away.
    case smooth
    /// Not differentiable at the test's values; differences are not compared.
    case broken
  }

  let name: String
  let shapes: [[Int]]
  let fills: [Fill]
  let course: Course
  let operation: @Sendable ([Tensor]) -> Tensor

  init(
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

  var testDescription: String { name }

  /// Operands of the case's own random stream.
  var operands: [Tensor] {
    var random = RandomStream(seed: 7).split(name.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF })
    return zip(shapes, fills).map { shape, fill in
      Tensor(fill.values(shape.reduce(1, *), random: &random), shape: shape)
    }
  }

  /// Fixed random numbers that weigh the output, so that each of its elements matters by itself.
  func weights(for shape: [Int]) -> Tensor {
    var random = RandomStream(seed: 11)
    return Tensor(Fill.normal.values(shape.reduce(1, *), random: &random), shape: shape)
  }

  /// The output, and the gradient of its weighted sum for each operand.
  func run(_ operands: [Tensor], weights: Tensor? = nil) -> (output: Tensor, gradients: [Tensor?]) {
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
