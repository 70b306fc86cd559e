import Foundation

/// The activation functions and their derivatives, in double precision.
enum ActivationReference {
  static func value(_ x: Tensor, _ activation: Activation) -> Tensor {
    Tensor(x.values.map { Float(value(Double($0), activation)) }, shape: x.shape)
  }

  static func gradient(_ gradient: Tensor, x: Tensor, _ activation: Activation) -> Tensor {
    let values = zip(gradient.values, x.values).map {
      Float(Double($0) * slope(Double($1), activation))
    }
    return Tensor(values, shape: x.shape)
  }

  private static func logistic(_ v: Double) -> Double { 1 / (1 + exp(-v)) }

  private static func normal(_ v: Double) -> Double { erfc(-v / 2.0.squareRoot()) / 2 }

  /// √(2/π) (v + 0.044715 v³).
  private static func geluArgument(_ v: Double) -> Double {
    (2 / Double.pi).squareRoot() * (v + 0.044715 * v * v * v)
  }

  private static func value(_ v: Double, _ activation: Activation) -> Double {
    switch activation {
    case .sigmoid: logistic(v)
    case .tanh: Foundation.tanh(v)
    case .softplus(let beta): log(1 + exp(Double(beta) * v)) / Double(beta)
    case .elu(let alpha): v > 0 ? v : Double(alpha) * (exp(v) - 1)
    case .gelu(.exact): v * normal(v)
    case .gelu(.tanh): v / 2 * (1 + Foundation.tanh(geluArgument(v)))
    case .silu: v * logistic(v)
    case .hardSwish: v * min(max(v + 3, 0), 6) / 6
    }
  }

  private static func slope(_ v: Double, _ activation: Activation) -> Double {
    switch activation {
    case .sigmoid: return logistic(v) * (1 - logistic(v))
    case .tanh: return 1 - Foundation.tanh(v) * Foundation.tanh(v)
    case .softplus(let beta): return logistic(Double(beta) * v)
    case .elu(let alpha): return v > 0 ? 1 : Double(alpha) * exp(v)
    case .gelu(.exact): return normal(v) + v * exp(-v * v / 2) / (2 * Double.pi).squareRoot()
    case .gelu(.tanh):
      let t = Foundation.tanh(geluArgument(v))
      let inner = (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * v * v)
      return (1 + t) / 2 + v / 2 * (1 - t * t) * inner
    case .silu: return logistic(v) + v * logistic(v) * (1 - logistic(v))
    case .hardSwish: return v <= -3 ? 0 : v >= 3 ? 1 : v / 3 + 0.5
    }
  }
}

/// The parametric rectifier.
enum ParametricReLUReference {
  private static func channel(_ place: Int, _ x: Tensor, _ slope: Tensor) -> Int {
    slope.count == 1 ? 0 : place / x.spatialCount % x.shape[1]
  }

  static func value(_ x: Tensor, _ slope: Tensor) -> Tensor {
    let slopes = slope.values
    let ys = x.values.enumerated().map { place, v in
      v > 0 ? v : Float(Double(slopes[channel(place, x, slope)]) * Double(v))
    }
    return Tensor(ys, shape: x.shape)
  }

  static func gradients(
    _ gradient: Tensor,
    x: Tensor,
    _ slope: Tensor
  ) -> (x: Tensor, slope: Tensor) {
    let (xs, gs, slopes) = (x.values, gradient.values, slope.values)
    var (dx, da) = (gs, [Double](repeating: 0, count: slopes.count))
    for place in xs.indices where !(xs[place] > 0) {
      let c = channel(place, x, slope)
      dx[place] = Float(Double(slopes[c]) * Double(gs[place]))
      da[c] += Double(xs[place]) * Double(gs[place])
    }
    return (Tensor(dx, shape: x.shape), Tensor(da.map { Float($0) }, shape: slope.shape))
  }
}
