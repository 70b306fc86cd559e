import Foundation
import Support
import Tensors
import TestSupport
import Testing

/// The activations' own polynomials against the C library in double precision.
@Suite("Activations")
struct ActivationTests {
  struct Function: Sendable, CustomStringConvertible {
    let description: String
    /// Units in the last place of the result.
    let units: Double
    let operation: @Sendable (Tensor) -> Tensor
    let definition: @Sendable (Double) -> Double
    let derivative: @Sendable (Double) -> Double
  }

  private static func logistic(_ v: Double) -> Double { 1 / (1 + exp(-v)) }
  private static func normal(_ v: Double) -> Double { erfc(-v / 2.0.squareRoot()) / 2 }

  // exp itself is within 2 units; each further rounding adds up to half a unit, and a quotient as
  // many as both of its operands have.
  static let functions = [
    Function(
      description: "sigmoid",
      units: 3,
      operation: { sigmoid($0) },
      definition: { logistic($0) },
      derivative: { logistic($0) * logistic(-$0) }
    ),
    Function(
      description: "tanh",
      units: 3,
      operation: { Tensors.tanh($0) },
      definition: { Foundation.tanh($0) },
      derivative: { 1 / (cosh($0) * cosh($0)) }
    ),
    Function(
      description: "softplus",
      units: 4,
      operation: { softplus($0) },
      definition: { max($0, 0) + log1p(exp(-abs($0))) },
      derivative: { logistic($0) }
    ),
    Function(
      description: "elu",
      units: 3,
      operation: { elu($0) },
      definition: { $0 > 0 ? $0 : expm1($0) },
      derivative: { $0 > 0 ? 1 : exp($0) }
    ),
    Function(
      description: "gelu",
      units: 6,
      operation: { gelu($0) },
      definition: { $0 * normal($0) },
      derivative: { normal($0) + $0 * exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot() }
    ),
    Function(
      description: "silu",
      units: 4,
      operation: { silu($0) },
      definition: { $0 * logistic($0) },
      derivative: { logistic($0) + $0 * logistic($0) * logistic(-$0) }
    ),
  ]

  /// −12 to 12 in uneven steps, and numbers close to 0.
  static let places: [Float] =
    (-4000...4000).map { Float($0) * 0.0030001 } + (1...30).map { Float(exp2(-Double($0))) }
    + (1...30).map { -Float(exp2(-Double($0))) }

  @Test("values are within a few units in the last place", arguments: functions)
  func values(_ function: Function) {
    let y = function.operation(Tensor(Self.places, shape: [Self.places.count])).values
    var worst = (units: 0.0, place: Float(0))
    for (x, found) in zip(Self.places, y) {
      let expected = function.definition(Double(x))
      let units = abs(Double(found) - expected) / Double(Float(expected).ulp)
      if !(units <= worst.units) { worst = (units, x) }
    }
    #expect(worst.units <= function.units, "at \(worst.place)")
  }

  @Test("derivatives are within rounding", arguments: functions)
  func derivatives(_ function: Function) {
    let key = GradientKey()
    let x = Tensor(Self.places, shape: [Self.places.count]).tracked(by: key)
    let found = gradients(of: function.operation(x).sum)[key]?.values ?? []
    // Sums of terms near 1 that cancel where the slope is small: a few units of 1 itself.
    expectClose(
      found.map { Double($0) },
      Self.places.map { function.derivative(Double($0)) },
      Tolerance(absolute: 4e-7, relative: 4e-7)
    )
  }

  @Test("infinities and huge numbers end where they should")
  func extremes() {
    let x = Tensor([.infinity, 1e30, -1e30], shape: [3])
    #expect(sigmoid(x).values == [1, 1, 0])
    #expect(Tensors.tanh(x).values == [1, 1, -1])
    #expect(softplus(x).values == [.infinity, 1e30, 0])
    #expect(elu(x, alpha: 2).values == [.infinity, 1e30, -2])
    #expect(gelu(x).values == [.infinity, 1e30, 0])
    #expect(gelu(x, form: .tanh).values == [.infinity, 1e30, 0])
    #expect(silu(x).values == [.infinity, 1e30, 0])
    #expect(hardSwish(x).values == [.infinity, 1e30, 0])
    let undefined = Tensor([.nan], shape: [1])
    for function in Self.functions { #expect(function.operation(undefined).scalar.isNaN) }
  }

  @Test("the hard swish is 0 up to −3 and the identity from 3 on")
  func hardSwishTable() {
    let key = GradientKey()
    let x = Tensor([-4, -3, -1, 0, 1.5, 3, 5], shape: [7]).tracked(by: key)
    expectClose(
      hardSwish(x).values,
      [0, 0, -1.0 / 3, 0, 1.125, 3, 5],
      Tolerance(absolute: 1e-6, relative: 0)
    )
    expectClose(
      gradients(of: hardSwish(x).sum)[key]?.values ?? [],
      [0, 0, 1.0 / 6, 0.5, 1, 1, 1],
      Tolerance(absolute: 1e-6, relative: 0)
    )
  }

  @Test("a parametric rectifier has one slope for each channel")
  func parametricReLUTable() {
    let key = GradientKey()
    let x = Tensor([-1, 2, -3, 4], shape: [1, 2, 1, 2])
    let slope = Tensor([0.5, 10], shape: [2]).tracked(by: key)
    let y = parametricReLU(x, slope: slope)
    #expect(y.values == [-0.5, 2, -30, 4])
    #expect(gradients(of: y.sum)[key]?.values == [-1, -3])
  }

  @Test("a softmax of huge numbers neither overflows nor vanishes")
  func softmaxExtremes() {
    let x = Tensor([1000, 1000, -1000, 0], shape: [2, 2])
    #expect(softmax(x, axis: 1).values == [0.5, 0.5, 0, 1])
    let logarithms = logSoftmax(x, axis: -1).values
    expectClose(
      logarithms,
      [-0.6931472, -0.6931472, -1000, 0],
      Tolerance(absolute: 1e-6, relative: 0)
    )
    expectClose(
      softmax(x, axis: 0).values,
      [1, 1, 0, 0],
      Tolerance(absolute: 1e-6, relative: 0)
    )
  }

  @Test("sigmoid and softplus leave padding lanes at zero")
  func paddingLanes() {
    let x = Tensor(repeating: 0, shape: [1, 3, 2, 2]).relaid(.blocked(8))
    for y in [sigmoid(x), softplus(x)] {
      #expect(y.storage.elements.filter { $0 != 0 }.count == 12)
    }
    let full = Tensor(repeating: 0, shape: [1, 8, 2, 2]).relaid(.blocked(8))
    #expect(sigmoid(full).layout == .blocked(8))
  }
}
