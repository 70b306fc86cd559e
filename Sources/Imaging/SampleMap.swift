import CKernels

/// How the samples of one axis become others: for each output, up to four neighbouring inputs or
/// spline coefficients, and their weights.
struct SampleMap: Sendable {
  /// Samples before.
  let input: Int
  /// Samples after.
  let output: Int
  /// Inputs or coefficients for each output: 1, 2 or 4.
  let taps: Int
  /// The first of each output's inputs; of cubic splines counted from the margin's beginning.
  let first: [Int32]
  /// `taps` weights for each output.
  let weights: [Double]
  /// Samples that are repeated at each end before a spline is fitted.
  let margin: Int

  /// Samples repeated at each end of cubic splines, as scipy does for `mode='nearest'`.
  private static let cubicMargin = 12

  /// Finds inputs and weights.
  /// - Parameters:
  ///   - input: Samples before.
  ///   - output: Samples after.
  ///   - order: The spline's degree.
  ///   - alignment: Which points lie on each other.
  ///   - positions: The precision of the positions.
  init(
    from input: Int,
    to output: Int,
    order: ZoomResampling.Order,
    alignment: ZoomResampling.Alignment,
    positions: ZoomResampling.Positions = .double
  ) {
    let places = (0..<output).map {
      Self.place(of: $0, input: input, output: output, alignment, positions, order)
    }
    var first: [Int32] = []
    var weights: [Double] = []
    switch order {
    case .nearest:
      (taps, margin) = (1, 0)
      for place in places {
        let nearest = positions == .single ? place : Self.clamped(place, input) + 0.5
        first.append(Int32(min(Int(nearest), input - 1)))
        weights.append(1)
      }
    case .linear:
      (taps, margin) = (input == 1 ? 1 : 2, 0)
      for place in places {
        let inside = Self.clamped(place, input)
        let below = min(Int(inside), max(input - 2, 0))
        let here = 1 - (inside - Double(below))
        first.append(Int32(below))
        // scipy makes the last weight the rest of the others, which matters where labels tie.
        weights += taps == 1 ? [1] : [here, 1 - here]
      }
    case .cubic:
      (taps, margin) = (4, Self.cubicMargin)
      let count = input + 2 * margin
      for place in places {
        let inside = Self.clamped(place + Double(margin), count)
        // The margin keeps all four coefficients inside.
        let base = min(max(Int(inside), 1), count - 3)
        let t = inside - Double(base)
        let s = 1 - t
        let three = [s * s * s / 6, (t * t * (t - 2) * 3 + 4) / 6, (s * s * (s - 2) * 3 + 4) / 6]
        first.append(Int32(base - 1))
        weights += three + [1 - three[0] - three[1] - three[2]]
      }
    }
    self.input = input
    self.output = output
    self.first = first
    self.weights = weights
  }

  /// Where an output lies on the inputs; the operations are in scipy's order, or PyTorch's.
  static func place(
    of index: Int,
    input: Int,
    output: Int,
    _ alignment: ZoomResampling.Alignment,
    _ positions: ZoomResampling.Positions,
    _ order: ZoomResampling.Order
  ) -> Double {
    switch (alignment, positions) {
    case (.centers, .double):
      return output == 1 ? 0 : Double(index) * (Double(input - 1) / Double(output - 1))
    case (.centers, .single):
      return output == 1 ? 0 : Double(Float(index) * (Float(input - 1) / Float(output - 1)))
    case (.faces, .double):
      return (Double(index) + 0.5) * (Double(input) / Double(output)) - 0.5
    case (.faces, .single):
      let scale = Float(input) / Float(output)
      // PyTorch's 'nearest-exact' never subtracts the half that rounding would add; the rest is one
      // fused operation on processors that have it.
      return Double(
        order == .nearest
          ? (Float(index) + 0.5) * scale : Float(-0.5).addingProduct(Float(index) + 0.5, scale)
      )
    }
  }

  private static func clamped(_ position: Double, _ count: Int) -> Double {
    min(max(position, 0), Double(count - 1))
  }

  /// Whether every output is the input of the same index.
  var isIdentity: Bool { input == output }

  /// The input of each output of a nearest-sample map.
  var nearestSources: [Int] { first.map(Int.init) }

  /// Hands the map to a kernel.
  func withKernelAxis<Result>(_ body: (UnsafePointer<ck_zoom_axis>) -> Result) -> Result {
    first.withUnsafeBufferPointer { first in
      weights.withUnsafeBufferPointer { weights in
        var axis = ck_zoom_axis(
          input: Int64(input),
          output: Int64(output),
          taps: Int32(taps),
          margin: Int32(margin),
          first: first.baseAddress,
          weights: weights.baseAddress
        )
        return withUnsafePointer(to: &axis) { body($0) }
      }
    }
  }
}
