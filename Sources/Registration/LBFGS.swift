/// Minimises a smooth function by the limited-memory method of Broyden, Fletcher, Goldfarb and Shanno
/// (Nocedal and Wright, 2006, "Numerical optimization", algorithms 7.4 and 7.5).
///
/// Steps are bounded in mm, and shortened until the function falls enough (Armijo's rule).
struct LBFGS {
  /// The most steps.
  var iterations: Int
  /// No parameter moves anything by more than this in one step, mm.
  var largestStep: Double
  /// A search ends when no parameter moved anything by more than this, mm.
  var smallestStep: Double
  /// It ends, too, when the function fell by less than this share in each of two steps.
  var tolerance = 1e-5
  /// Pairs of steps and gradients that are kept.
  var memory = 6

  /// What a search found.
  struct Result {
    var parameters: [Double]
    var value: Double
    /// The value after each step.
    var history: [Double]
  }

  /// A value and the gradient.
  typealias Evaluation = (value: Double, gradient: [Double])

  /// Runs the search.
  /// - Parameters:
  ///   - start: Where it begins; parameters are in mm, roughly.
  ///   - stop: Called after each step with the number of steps and the value; throws to end.
  ///   - function: The function; nil where it is undefined, to which no step leads.
  /// - Returns: The best parameters; nil when the function is undefined at the start.
  /// - Throws: What the closures throw.
  func minimize(
    from start: [Double],
    stop: (Int, Double) throws -> Void,
    _ function: ([Double]) throws -> Evaluation?
  ) throws -> Result? {
    guard var current = try function(start) else { return nil }
    var result = Result(
      parameters: start,
      value: current.value,
      history: []
    )
    var pairs: [(step: [Double], change: [Double], inverse: Double)] = []
    var quiet = 0
    while result.history.count < iterations {
      var direction = Self.direction(current.gradient, pairs)
      var slope = Self.dot(direction, current.gradient)
      if !(slope < 0) {
        pairs = []
        direction = current.gradient.map { -$0 }
        slope = Self.dot(direction, current.gradient)
      }
      let reach = Self.largest(direction)
      guard reach > 0, slope < 0, reach.isFinite else { break }
      var length = pairs.isEmpty ? largestStep / reach : min(1, largestStep / reach)
      var accepted: Evaluation?
      var moved: [Double] = []
      for _ in 0..<12 where length * reach > smallestStep / 4 {
        moved = zip(result.parameters, direction).map { $0 + length * $1 }
        guard let trial = try function(moved), trial.value.isFinite else {
          length /= 4
          continue
        }
        if trial.value <= result.value + 1e-4 * length * slope {
          accepted = trial
          break
        }
        // The minimum of the parabola through both values and the slope.
        let curvature = trial.value - result.value - length * slope
        length *= max(0.1, min(0.5, -0.5 * length * slope / curvature))
      }
      guard let next = accepted else {
        if pairs.isEmpty { break }
        pairs = []
        continue
      }
      let step = direction.map { length * $0 }
      let change = zip(next.gradient, current.gradient).map { $0 - $1 }
      let product = Self.dot(step, change)
      if product > 1e-12 * Self.dot(change, change).squareRoot() * Self.dot(step, step).squareRoot()
      {
        pairs.append((step, change, 1 / product))
        if pairs.count > memory { pairs.removeFirst() }
      }
      let fall = result.value - next.value
      current = next
      result.parameters = moved
      result.value = next.value
      result.history.append(next.value)
      try stop(result.history.count, next.value)
      quiet = fall < tolerance * abs(next.value) ? quiet + 1 : 0
      if quiet >= 2 || length * reach < smallestStep { break }
    }
    return result
  }

  private static func direction(
    _ gradient: [Double],
    _ pairs: [(step: [Double], change: [Double], inverse: Double)]
  ) -> [Double] {
    var direction = gradient.map { -$0 }
    var factors: [Double] = []
    for pair in pairs.reversed() {
      let factor = pair.inverse * dot(pair.step, direction)
      factors.append(factor)
      add(-factor, pair.change, to: &direction)
    }
    if let last = pairs.last {
      let scale = 1 / (last.inverse * dot(last.change, last.change))
      for index in direction.indices { direction[index] *= scale }
    }
    for (pair, factor) in zip(pairs, factors.reversed()) {
      let other = pair.inverse * dot(pair.change, direction)
      add(factor - other, pair.step, to: &direction)
    }
    return direction
  }

  private static func add(_ factor: Double, _ values: [Double], to target: inout [Double]) {
    for index in target.indices { target[index] += factor * values[index] }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
  }

  private static func largest(_ values: [Double]) -> Double {
    values.reduce(0) { max($0, abs($1)) }
  }
}
