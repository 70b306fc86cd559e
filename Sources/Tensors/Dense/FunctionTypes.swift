import Foundation

/// A function of one number, as a type so that loops over it are specialised.
protocol UnaryFunction: Sendable {
  static var name: String { get }
  /// What defines it beside its name.
  var attributes: [String: StepAttribute] { get }
  func value(_ x: Float) -> Float
  /// dL/dx from g = dL/dy, y = f(x).
  func gradient(_ g: Float, _ x: Float, _ y: Float) -> Float
  /// The definition, in double precision.
  func exact(_ x: Double) -> Double
  /// f′(x) in double precision.
  func exactDerivative(_ x: Double) -> Double
}

extension UnaryFunction {
  var attributes: [String: StepAttribute] { [:] }
}

/// A function of two numbers, as a type so that loops over it are specialised.
protocol BinaryFunction: Sendable {
  static var name: String { get }
  static func value(_ a: Float, _ b: Float) -> Float
  /// dL/da from g = dL/dy, y = f(a, b).
  static func leftGradient(_ g: Float, _ a: Float, _ b: Float) -> Float
  static func rightGradient(_ g: Float, _ a: Float, _ b: Float) -> Float
  /// The definition, in double precision.
  static func exact(_ a: Double, _ b: Double) -> Double
  /// Both partial derivatives in double precision.
  static func exactDerivatives(_ a: Double, _ b: Double) -> (left: Double, right: Double)
}

struct Exponential: UnaryFunction {
  static let name = "exp"
  func value(_ x: Float) -> Float { exp(x) }
  func gradient(_ g: Float, _ x: Float, _ y: Float) -> Float { g * y }
}

struct Logarithm: UnaryFunction {
  static let name = "log"
  func value(_ x: Float) -> Float { log(x) }
  func gradient(_ g: Float, _ x: Float, _ y: Float) -> Float { g / x }
}

struct SquareRoot: UnaryFunction {
  static let name = "sqrt"
  func value(_ x: Float) -> Float { x.squareRoot() }
  func gradient(_ g: Float, _ x: Float, _ y: Float) -> Float { g * 0.5 / y }
}

struct Square: UnaryFunction {
  static let name = "square"
  func value(_ x: Float) -> Float { x * x }
  func gradient(_ g: Float, _ x: Float, _ y: Float) -> Float { g * 2 * x }
}

struct Magnitude: UnaryFunction {
  static let name = "abs"
  func value(_ x: Float) -> Float { abs(x) }
  func gradient(_ g: Float, _ x: Float, _ y: Float) -> Float { x > 0 ? g : x < 0 ? -g : 0 }
}

struct Negation: UnaryFunction {
  static let name = "negate"
  func value(_ x: Float) -> Float { -x }
  func gradient(_ g: Float, _ x: Float, _ y: Float) -> Float { -g }
}

struct Reciprocal: UnaryFunction {
  static let name = "reciprocal"
  func value(_ x: Float) -> Float { 1 / x }
  func gradient(_ g: Float, _ x: Float, _ y: Float) -> Float { -g * y * y }
}

/// The nearest number of [low, high]; NaN stays.
struct Clamp: UnaryFunction {
  static let name = "clamp"
  let low: Float
  let high: Float
  var attributes: [String: StepAttribute] { ["low": .number(low), "high": .number(high)] }
  func value(_ x: Float) -> Float { x < low ? low : x > high ? high : x }
  func gradient(_ g: Float, _ x: Float, _ y: Float) -> Float { x < low || x > high ? 0 : g }
}

enum Addition: BinaryFunction {
  static let name = "add"
  static func value(_ a: Float, _ b: Float) -> Float { a + b }
  static func leftGradient(_ g: Float, _ a: Float, _ b: Float) -> Float { g }
  static func rightGradient(_ g: Float, _ a: Float, _ b: Float) -> Float { g }
}

enum Subtraction: BinaryFunction {
  static let name = "subtract"
  static func value(_ a: Float, _ b: Float) -> Float { a - b }
  static func leftGradient(_ g: Float, _ a: Float, _ b: Float) -> Float { g }
  static func rightGradient(_ g: Float, _ a: Float, _ b: Float) -> Float { -g }
}

enum Multiplication: BinaryFunction {
  static let name = "multiply"
  static func value(_ a: Float, _ b: Float) -> Float { a * b }
  static func leftGradient(_ g: Float, _ a: Float, _ b: Float) -> Float { g * b }
  static func rightGradient(_ g: Float, _ a: Float, _ b: Float) -> Float { g * a }
}

enum Division: BinaryFunction {
  static let name = "divide"
  static func value(_ a: Float, _ b: Float) -> Float { a / b }
  static func leftGradient(_ g: Float, _ a: Float, _ b: Float) -> Float { g / b }
  static func rightGradient(_ g: Float, _ a: Float, _ b: Float) -> Float { -g * (a / b) / b }
}

/// The larger number, NaN if either is; of equal ones the left gets the gradient.
enum Larger: BinaryFunction {
  static let name = "maximum"
  static func value(_ a: Float, _ b: Float) -> Float { a >= b || a.isNaN ? a : b }
  static func leftGradient(_ g: Float, _ a: Float, _ b: Float) -> Float {
    a >= b || a.isNaN ? g : 0
  }
  static func rightGradient(_ g: Float, _ a: Float, _ b: Float) -> Float {
    a >= b || a.isNaN ? 0 : g
  }
}

/// The smaller number, NaN if either is; of equal ones the left gets the gradient.
enum Smaller: BinaryFunction {
  static let name = "minimum"
  static func value(_ a: Float, _ b: Float) -> Float { a <= b || a.isNaN ? a : b }
  static func leftGradient(_ g: Float, _ a: Float, _ b: Float) -> Float {
    a <= b || a.isNaN ? g : 0
  }
  static func rightGradient(_ g: Float, _ a: Float, _ b: Float) -> Float {
    a <= b || a.isNaN ? 0 : g
  }
}

/// aᵇ as the C library has it; a derivative that would be 0 · ∞ is 0.
enum Power: BinaryFunction {
  static let name = "power"
  static func value(_ a: Float, _ b: Float) -> Float { pow(a, b) }
  static func leftGradient(_ g: Float, _ a: Float, _ b: Float) -> Float {
    b == 0 ? 0 : g * b * pow(a, b - 1)
  }
  static func rightGradient(_ g: Float, _ a: Float, _ b: Float) -> Float {
    a == 0 && b >= 0 ? 0 : g * pow(a, b) * log(a)
  }
}

/// 1 where a > b, else 0.
enum IsGreater: BinaryFunction {
  static let name = "greater"
  static func value(_ a: Float, _ b: Float) -> Float { a > b ? 1 : 0 }
  static func leftGradient(_ g: Float, _ a: Float, _ b: Float) -> Float { 0 }
  static func rightGradient(_ g: Float, _ a: Float, _ b: Float) -> Float { 0 }
}

/// 1 where a = b, else 0.
enum IsEqual: BinaryFunction {
  static let name = "equal"
  static func value(_ a: Float, _ b: Float) -> Float { a == b ? 1 : 0 }
  static func leftGradient(_ g: Float, _ a: Float, _ b: Float) -> Float { 0 }
  static func rightGradient(_ g: Float, _ a: Float, _ b: Float) -> Float { 0 }
}
