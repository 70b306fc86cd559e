import Foundation

// The definitions of the element-wise functions and their derivatives in double precision.

extension Exponential {
  func exact(_ x: Double) -> Double { exp(x) }
  func exactDerivative(_ x: Double) -> Double { exp(x) }
}

extension Logarithm {
  func exact(_ x: Double) -> Double { log(x) }
  func exactDerivative(_ x: Double) -> Double { 1 / x }
}

extension SquareRoot {
  func exact(_ x: Double) -> Double { x.squareRoot() }
  func exactDerivative(_ x: Double) -> Double { 1 / (2 * x.squareRoot()) }
}

extension Square {
  func exact(_ x: Double) -> Double { x * x }
  func exactDerivative(_ x: Double) -> Double { 2 * x }
}

extension Magnitude {
  func exact(_ x: Double) -> Double { abs(x) }
  func exactDerivative(_ x: Double) -> Double { x > 0 ? 1 : x < 0 ? -1 : 0 }
}

extension Negation {
  func exact(_ x: Double) -> Double { -x }
  func exactDerivative(_ x: Double) -> Double { -1 }
}

extension Reciprocal {
  func exact(_ x: Double) -> Double { 1 / x }
  func exactDerivative(_ x: Double) -> Double { -1 / (x * x) }
}

extension Clamp {
  func exact(_ x: Double) -> Double { x < Double(low) ? Double(low) : min(x, Double(high)) }
  func exactDerivative(_ x: Double) -> Double {
    x < Double(low) || x > Double(high) ? 0 : 1
  }
}

extension Addition {
  static func exact(_ a: Double, _ b: Double) -> Double { a + b }
  static func exactDerivatives(_ a: Double, _ b: Double) -> (left: Double, right: Double) {
    (1, 1)
  }
}

extension Subtraction {
  static func exact(_ a: Double, _ b: Double) -> Double { a - b }
  static func exactDerivatives(_ a: Double, _ b: Double) -> (left: Double, right: Double) {
    (1, -1)
  }
}

extension Multiplication {
  static func exact(_ a: Double, _ b: Double) -> Double { a * b }
  static func exactDerivatives(_ a: Double, _ b: Double) -> (left: Double, right: Double) {
    (b, a)
  }
}

extension Division {
  static func exact(_ a: Double, _ b: Double) -> Double { a / b }
  static func exactDerivatives(_ a: Double, _ b: Double) -> (left: Double, right: Double) {
    (1 / b, -a / (b * b))
  }
}

extension Larger {
  static func exact(_ a: Double, _ b: Double) -> Double { a >= b || a.isNaN ? a : b }
  static func exactDerivatives(_ a: Double, _ b: Double) -> (left: Double, right: Double) {
    a >= b || a.isNaN ? (1, 0) : (0, 1)
  }
}

extension Smaller {
  static func exact(_ a: Double, _ b: Double) -> Double { a <= b || a.isNaN ? a : b }
  static func exactDerivatives(_ a: Double, _ b: Double) -> (left: Double, right: Double) {
    a <= b || a.isNaN ? (1, 0) : (0, 1)
  }
}

extension Power {
  static func exact(_ a: Double, _ b: Double) -> Double { pow(a, b) }
  static func exactDerivatives(_ a: Double, _ b: Double) -> (left: Double, right: Double) {
    (b == 0 ? 0 : b * pow(a, b - 1), a == 0 && b >= 0 ? 0 : pow(a, b) * log(a))
  }
}

extension IsGreater {
  static func exact(_ a: Double, _ b: Double) -> Double { a > b ? 1 : 0 }
  static func exactDerivatives(_ a: Double, _ b: Double) -> (left: Double, right: Double) {
    (0, 0)
  }
}

extension IsEqual {
  static func exact(_ a: Double, _ b: Double) -> Double { a == b ? 1 : 0 }
  static func exactDerivatives(_ a: Double, _ b: Double) -> (left: Double, right: Double) {
    (0, 0)
  }
}
