import Foundation

/// A list of scalar computations in double precision, from which derivatives follow by the chain rule.
///
/// The reference of a loss is its formula, written with `Scalar`s and nothing else: no derivative is
/// spelled out, so that none can be wrong in the same way as the fast code's.
final class ScalarTape {
  private struct Entry {
    let first: Int
    let firstSlope: Double
    let second: Int
    let secondSlope: Double
  }

  private var entries: [Entry] = []

  /// A number whose derivative is wanted.
  func input(_ value: Double) -> Scalar { note(value, -1, 0, -1, 0) }

  fileprivate func note(
    _ value: Double,
    _ first: Int,
    _ firstSlope: Double,
    _ second: Int,
    _ secondSlope: Double
  ) -> Scalar {
    entries.append(
      Entry(first: first, firstSlope: firstSlope, second: second, secondSlope: secondSlope)
    )
    return Scalar(value: value, index: entries.count - 1, tape: self)
  }

  /// Derivatives of a result for every number on the tape, by index.
  func derivatives(of result: Scalar) -> [Double] {
    var slopes = [Double](repeating: 0, count: entries.count)
    guard result.index >= 0 else { return slopes }
    slopes[result.index] = 1
    for index in stride(from: result.index, through: 0, by: -1) where slopes[index] != 0 {
      let entry = entries[index]
      if entry.first >= 0 { slopes[entry.first] += slopes[index] * entry.firstSlope }
      if entry.second >= 0 { slopes[entry.second] += slopes[index] * entry.secondSlope }
    }
    return slopes
  }
}

/// A number in double precision that may depend on a tape's inputs.
struct Scalar: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  let value: Double
  fileprivate let index: Int
  fileprivate let tape: ScalarTape?

  fileprivate init(value: Double, index: Int, tape: ScalarTape?) {
    self.value = value
    self.index = index
    self.tape = tape
  }

  /// A constant.
  init(_ value: Double) { self.init(value: value, index: -1, tape: nil) }
  init(floatLiteral value: Double) { self.init(value) }
  init(integerLiteral value: Int) { self.init(Double(value)) }

  /// The place in `ScalarTape.derivatives`; an input has one.
  var place: Int { index }

  private func mapped(_ value: Double, _ slope: Double) -> Scalar {
    tape?.note(value, index, slope, -1, 0) ?? Scalar(value)
  }

  private static func joined(
    _ left: Scalar,
    _ right: Scalar,
    _ value: Double,
    _ leftSlope: Double,
    _ rightSlope: Double
  ) -> Scalar {
    (left.tape ?? right.tape)?.note(value, left.index, leftSlope, right.index, rightSlope)
      ?? Scalar(value)
  }

  static func + (left: Scalar, right: Scalar) -> Scalar {
    joined(left, right, left.value + right.value, 1, 1)
  }
  static func - (left: Scalar, right: Scalar) -> Scalar {
    joined(left, right, left.value - right.value, 1, -1)
  }
  static func * (left: Scalar, right: Scalar) -> Scalar {
    joined(left, right, left.value * right.value, right.value, left.value)
  }
  static func / (left: Scalar, right: Scalar) -> Scalar {
    let quotient = left.value / right.value
    return joined(left, right, quotient, 1 / right.value, -quotient / right.value)
  }
  static prefix func - (x: Scalar) -> Scalar { x.mapped(-x.value, -1) }
  static func += (left: inout Scalar, right: Scalar) { left = left + right }

  var exponential: Scalar {
    let result = exp(value)
    return mapped(result, result)
  }
  var logarithm: Scalar { mapped(log(value), 1 / value) }
  var squareRoot: Scalar {
    let result = value.squareRoot()
    return mapped(result, result == 0 ? 0 : 0.5 / result)
  }
  var magnitude: Scalar { mapped(abs(value), value == 0 ? 0 : value > 0 ? 1 : -1) }

  var arctangent: Scalar { mapped(atan(value), 1 / (1 + value * value)) }

  /// The power of a number of at least 0 to a constant exponent.
  func power(_ exponent: Double) -> Scalar {
    mapped(pow(value, exponent), exponent == 0 ? 0 : exponent * pow(value, exponent - 1))
  }

  /// The larger of the number and a bound, flat below the bound.
  func atLeast(_ bound: Double) -> Scalar { value > bound ? self : Scalar(bound) }
}

extension Array<Scalar> {
  /// The sum, 0 for none.
  var sum: Scalar { reduce(0, +) }

  /// log Σ eˣ, shifted by the largest.
  var logSumExp: Scalar {
    let peak = Scalar(map(\.value).max() ?? 0)
    if !peak.value.isFinite { return peak }
    return map { ($0 - peak).exponential }.sum.logarithm + peak
  }
}

/// Runs a loss's formula in double precision.
func referenceLoss(
  of operands: [Tensor],
  values: [Tensor],
  _ formula: ([[Scalar]]) -> Scalar
) -> Tensor {
  let tape = ScalarTape()
  let inputs = values.map { $0.values.map { tape.input(Double($0)) } }
  let result = formula(inputs)
  let slopes = tape.derivatives(of: result)
  let gradients = zip(inputs, values).map { scalars, tensor in
    Tensor(scalars.map { Float(slopes[$0.place]) }, shape: tensor.shape)
  }
  return Tensor([Float(result.value)], shape: []).recorded(from: operands) { gradient in
    gradients.map { $0 * gradient.scalar }
  }
}
