import Foundation
import Support

/// Where windows lie and what they weigh, as in MONAI's `sliding_window_inference`.
///
/// Windows are ⌊size (1 − overlap)⌋ samples apart, the last one ends with the volume, and the order is
/// that of nested loops with axis 0 outermost. The Gaussian is the product of one for each axis about
/// the window's middle, in single precision, and at least 1/1000.
package struct SlidingWindows: Sendable {
  /// The volume's size, at least the window's.
  package let size: [Int]
  /// Samples before the scan where it is smaller than a window.
  package let padding: [Int]
  /// Samples of a window.
  package let window: [Int]
  /// First samples of windows along each axis.
  package let starts: [[Int]]
  /// Weights within a window.
  package let weights: [Float]

  package init(_ scan: [Int], plan: SlidingWindowPlan) {
    let window = zip(scan, plan.size).map { $1 == 0 ? $0 : $1 }
    let size = zip(scan, window).map { max($0, $1) }
    self.window = window
    self.size = size
    padding = zip(scan, size).map { ($1 - $0) / 2 }
    starts = (0..<3).map { axis in
      let (extent, length) = (size[axis], window[axis])
      guard extent > length else { return [0] }
      let interval = max(1, Int(Double(length) * (1 - plan.overlap[axis])))
      var places: [Int] = []
      var start = 0
      while start + length < extent {
        places.append(start)
        start += interval
      }
      return places + [extent - length]
    }
    weights = Self.weights(window, plan)
  }

  private static func weights(_ window: [Int], _ plan: SlidingWindowPlan) -> [Float] {
    let count = window.reduce(1, *)
    guard plan.blending == .gaussian else { return [Float](repeating: 1, count: count) }
    let lines = (0..<3).map { axis -> [Float] in
      let sigma = Double(window[axis]) * plan.sigmaScale[axis]
      let divisor = Float(-2 * sigma * sigma)
      let start = -Double(window[axis] - 1) / 2
      return (0..<window[axis]).map {
        let x = Float(start + Double($0))
        return exp(x * x / divisor)
      }
    }
    var result: [Float] = []
    result.reserveCapacity(count)
    for a in lines[0] {
      for b in lines[1] {
        let product = a * b
        for c in lines[2] { result.append(product * c) }
      }
    }
    let least = max(result.min() ?? 1, 1e-3)
    return result.map { max($0, least) }
  }

  /// All windows, in order.
  package var origins: [[Int]] {
    starts[0].flatMap { a in starts[1].flatMap { b in starts[2].map { [a, b, $0] } } }
  }
}

/// The weighted mean of windows, given out plane by plane as windows pass.
package final class WindowAccumulator {
  private let grid: SlidingWindows
  private let classes: Int
  private let scan: [Int]
  private let receiver: ScoreStream.Receiver
  /// `[plane][class][row][column]` from plane `first` on, and the sums of weights.
  private var sums: [Float]
  private var weights: [Float]
  private var first = 0

  /// - Parameters:
  ///   - grid: The windows.
  ///   - scan: The size without what surrounds it.
  ///   - classes: Scores of each voxel.
  ///   - receiver: Takes finished planes of the scan, in order.
  package init(
    _ grid: SlidingWindows,
    scan: [Int],
    classes: Int,
    receiver: @escaping ScoreStream.Receiver
  ) {
    self.grid = grid
    self.scan = scan
    self.classes = classes
    self.receiver = receiver
    let area = grid.size[1] * grid.size[2]
    sums = [Float](repeating: 0, count: grid.window[0] * classes * area)
    weights = [Float](repeating: 0, count: grid.window[0] * area)
  }

  /// Adds a window's scores; origins come in the order of the grid.
  /// - Parameters:
  ///   - scores: `[class][plane][row][column]`.
  ///   - origin: The window's first sample.
  /// - Throws: What the receiver throws.
  package func add(_ scores: UnsafeBufferPointer<Float>, at origin: [Int]) throws {
    if origin[0] > first { try pass(to: origin[0]) }
    let (window, width) = (grid.window, grid.size[2])
    let area = grid.size[1] * width
    let patch = window[1] * window[2]
    guard let base = scores.baseAddress else { return }
    let source = SharedPointer(UnsafeMutablePointer(mutating: base))
    let classes = classes
    sums.withUnsafeMutableBufferPointer { sums in
      weights.withUnsafeMutableBufferPointer { total in
        grid.weights.withUnsafeBufferPointer { weight in
          let sums = SharedPointer(sums.baseAddress.unsafelyUnwrapped)
          let total = SharedPointer(total.baseAddress.unsafelyUnwrapped)
          let weight = SharedPointer(
            UnsafeMutablePointer(mutating: weight.baseAddress.unsafelyUnwrapped)
          )
          // Each plane is one thread's.
          Parallelism.forEach(window[0]) { plane in
            for row in 0..<window[1] {
              let place = (origin[1] + row) * width + origin[2]
              let w = weight.pointer + plane * patch + row * window[2]
              let t = total.pointer + plane * area + place
              for column in 0..<window[2] { t[column] += w[column] }
              for index in 0..<classes {
                let from =
                  source.pointer + ((index * window[0] + plane) * window[1] + row) * window[2]
                let to = sums.pointer + (plane * classes + index) * area + place
                for column in 0..<window[2] { to[column] += from[column] * w[column] }
              }
            }
          }
        }
      }
    }
  }

  /// Gives out what is left.
  package func finish() throws { try pass(to: grid.size[0]) }

  private func pass(to start: Int) throws {
    let (width, height) = (grid.size[2], grid.size[1])
    let area = width * height
    let count = min(start - first, grid.window[0])
    for plane in 0..<count {
      let index = first + plane - grid.padding[0]
      guard (0..<scan[0]).contains(index) else { continue }
      let scores = [Float](unsafeUninitializedCapacity: classes * scan[1] * scan[2]) {
        output,
        count in
        sums.withUnsafeBufferPointer { sums in
          weights.withUnsafeBufferPointer { weights in
            for c in 0..<classes {
              for row in 0..<scan[1] {
                let place = (row + grid.padding[1]) * width + grid.padding[2]
                let from = (plane * classes + c) * area + place
                let to = (c * scan[1] + row) * scan[2]
                for column in 0..<scan[2] {
                  output[to + column] = sums[from + column] / weights[plane * area + place + column]
                }
              }
            }
          }
        }
        count = classes * scan[1] * scan[2]
      }
      try receiver(index, scores)
    }
    sums.removeFirst(count * classes * area)
    sums += repeatElement(0, count: count * classes * area)
    weights.removeFirst(count * area)
    weights += repeatElement(0, count: count * area)
    first = start
  }
}
