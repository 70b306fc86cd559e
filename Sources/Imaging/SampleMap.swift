import CKernels
import Foundation
import Support

/// The sparse matrix that resamples one axis: for each output sample the inputs that count.
struct SampleMap: Sendable {
  private let input: Int
  private let output: Int
  private let starts: [Int32]
  private let sources: [Int32]
  private let weights: [Float]

  /// Rows side by side when the axis is the fastest one.
  private static let block = 16
  /// Smaller weights are left out: together they are below single precision's rounding.
  private static let negligible = 1e-10

  /// Builds the matrix.
  /// - Parameters:
  ///   - input: Samples before.
  ///   - output: Samples after.
  ///   - order: The spline's degree.
  ///   - alignment: Which points lie on each other.
  init(
    from input: Int,
    to output: Int,
    order: ZoomResampling.Order,
    alignment: ZoomResampling.Alignment
  ) {
    self.input = input
    self.output = output
    let positions = (0..<output).map { index in
      switch alignment {
      case .faces: (Double(index) + 0.5) * Double(input) / Double(output) - 0.5
      case .centers:
        output == 1 ? 0 : Double(index) * Double(input - 1) / Double(output - 1)
      }
    }
    let rows: [[(source: Int, weight: Double)]]
    switch order {
    case .nearest:
      rows = positions.map { [(Int(Self.clamped($0, input) + 0.5), 1)] }
    case .linear:
      rows = positions.map { position in
        let place = Self.clamped(position, input)
        let first = Int(place)
        let share = place - Double(first)
        return share == 0
          ? [(first, 1)] : [(first, 1 - share), (min(first + 1, input - 1), share)]
      }
    case .cubic: rows = Self.cubicRows(positions, input: input)
    }
    var starts: [Int32] = [0]
    var sources: [Int32] = []
    var weights: [Float] = []
    for row in rows {
      for tap in row where abs(tap.weight) >= Self.negligible {
        sources.append(Int32(min(max(tap.source, 0), input - 1)))
        weights.append(Float(tap.weight))
      }
      starts.append(Int32(sources.count))
    }
    self.starts = starts
    self.sources = sources
    self.weights = weights
  }

  private static func clamped(_ position: Double, _ count: Int) -> Double {
    min(max(position, 0), Double(count - 1))
  }

  /// How many samples come out for one that goes in.
  var growth: Double { Double(output) / Double(input) }

  /// Whether every output is the input of the same index.
  var isIdentity: Bool {
    input == output && weights.allSatisfy { $0 == 1 } && sources.count == output
      && sources.indices.allSatisfy { sources[$0] == Int32($0) }
  }

  /// The input of each output of a nearest-sample map.
  var nearestSources: [Int] { sources.map(Int.init) }

  // MARK: - Cubic splines

  /// Samples repeated at each end before the spline is fitted, as scipy does for `mode='nearest'`.
  private static let margin = 12
  /// The pole of the cubic B-spline's prefilter (Unser 1999, "Splines: a perfect fit", box 2).
  private static let pole = 3.0.squareRoot() - 2
  /// The prefilter's response is below 1e-14 of its peak further away than this.
  private static let reach = 25

  /// Rows of spline prefilter and evaluation in one: the ends are repeated, then mirrored at the
  /// outer faces.
  private static func cubicRows(
    _ positions: [Double],
    input: Int
  ) -> [[(source: Int, weight: Double)]] {
    let count = input + 2 * margin
    // responses[j][k]: coefficient j - reach + k of an impulse at j.
    let responses = (0..<count).map { impulseResponse(at: $0, count: count) }
    return positions.map { position in
      let place = clamped(position + Double(margin), count)
      let base = Int(place.rounded(.down))
      let t = place - Double(base)
      let taps = [
        (1 - t) * (1 - t) * (1 - t) / 6,
        (4 + 3 * t * t * (t - 2)) / 6,
        (4 + 3 * (1 - t) * (1 - t) * ((1 - t) - 2)) / 6,
        0.0,
      ]
      let last = 1 - taps[0] - taps[1] - taps[2]
      var sums: [Int: Double] = [:]
      for (offset, tap) in [taps[0], taps[1], taps[2], last].enumerated() {
        let coefficient = min(max(base - 1 + offset, 0), count - 1)
        for sample in max(0, coefficient - reach)...min(count - 1, coefficient + reach) {
          let response = responses[sample][coefficient - sample + reach]
          let source = min(max(sample - margin, 0), input - 1)
          sums[source, default: 0] += tap * response
        }
      }
      return sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
  }

  /// Coefficients around an impulse: causal and anticausal recursion, mirrored at the outer faces.
  private static func impulseResponse(at impulse: Int, count: Int) -> [Double] {
    let z = pole
    let low = max(0, impulse - 2 * reach)
    let high = min(count - 1, impulse + 2 * reach)
    var values = [Double](repeating: 0, count: high - low + 1)
    values[impulse - low] = (1 - z) * (1 - 1 / z)
    if low == 0 {
      // c0 = x0 + z sum over i of z^i x_i: the mirrored signal before the first sample.
      var sum = 0.0
      for index in values.indices { sum += pow(z, Double(index)) * values[index] }
      values[0] += z * sum
    }
    for index in values.indices.dropFirst() { values[index] += z * values[index - 1] }
    if high == count - 1 {
      values[values.count - 1] *= z / (z - 1)
    } else {
      values[values.count - 1] *= -z / (1 - z * z)
    }
    for index in values.indices.dropLast().reversed() {
      values[index] = z * (values[index + 1] - values[index])
    }
    return (-reach...reach).map { offset in
      let index = impulse + offset - low
      return values.indices.contains(index) ? values[index] : 0
    }
  }

  // MARK: - Application

  /// Resamples one axis of an array, x fastest.
  func applied(to values: [Float], size: SIMD3<Int>, axis: Int) -> [Float] {
    var newSize = size
    newSize[axis] = output
    let count = newSize.x * newSize.y * newSize.z
    return [Float](unsafeUninitializedCapacity: count) { target, initialized in
      values.withUnsafeBufferPointer { source in
        if let source = source.baseAddress, let target = target.baseAddress {
          apply(source, target, size: size, axis: axis)
        }
      }
      initialized = count
    }
  }

  private func apply(
    _ source: UnsafePointer<Float>,
    _ target: UnsafeMutablePointer<Float>,
    size: SIMD3<Int>,
    axis: Int
  ) {
    starts.withUnsafeBufferPointer { starts in
      sources.withUnsafeBufferPointer { sources in
        weights.withUnsafeBufferPointer { weights in
          // Only read; each item writes its own part of the target.
          nonisolated(unsafe) let map = ck_axis_map(
            input: Int64(input),
            output: Int64(output),
            starts: starts.baseAddress,
            sources: sources.baseAddress,
            weights: weights.baseAddress,
            fill: 0
          )
          nonisolated(unsafe) let source = source
          nonisolated(unsafe) let target = target
          if axis == 0 {
            alongX(source, target, rows: size.y * size.z, map: map)
            return
          }
          let inner = axis == 1 ? size.x : size.x * size.y
          let outer = axis == 1 ? size.z : 1
          Parallelism.forEachRange(outer * output) { range in
            withUnsafePointer(to: map) {
              ck_apply_axis_map(
                source,
                target,
                $0,
                Int64(inner),
                Int64(range.lowerBound),
                Int64(range.upperBound)
              )
            }
          }
        }
      }
    }
  }

  /// Rows along x are turned, some at a time, so that their samples lie side by side.
  private func alongX(
    _ source: UnsafePointer<Float>,
    _ target: UnsafeMutablePointer<Float>,
    rows: Int,
    map: ck_axis_map
  ) {
    nonisolated(unsafe) let source = source
    nonisolated(unsafe) let target = target
    nonisolated(unsafe) let map = map
    let width = Self.block
    let blocks = (rows + width - 1) / width
    Parallelism.forEachRange(blocks, minimumChunk: 8) { range in
      let turned = AlignedBuffer<Float>(uninitializedCount: input * width)
      let results = AlignedBuffer<Float>(uninitializedCount: output * width)
      for block in range {
        let first = block * width
        let used = min(width, rows - first)
        for row in 0..<width {
          // Rows past the last are filled with the last and not stored.
          let line = source + (first + min(row, used - 1)) * input
          for x in 0..<input { turned.mutableElements[x * width + row] = line[x] }
        }
        withUnsafePointer(to: map) {
          ck_apply_axis_map(
            turned.pointer,
            results.mutableElements.baseAddress,
            $0,
            Int64(width),
            0,
            Int64(output)
          )
        }
        for row in 0..<used {
          let line = target + (first + row) * output
          for x in 0..<output { line[x] = results.pointer[x * width + row] }
        }
      }
    }
  }
}
