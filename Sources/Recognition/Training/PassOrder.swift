import Support

/// Which samples a step is taken on when all are seen equally often.
package enum PassOrder {
  /// The samples of a step: position p of the endless row of passes is place p % n of the order of pass
  /// p / n, which is drawn.
  /// - Parameters:
  ///   - step: Counted from 0.
  ///   - count: Samples of a step.
  ///   - size: All samples, at least 1.
  ///   - stream: The stream from which the orders are drawn.
  /// - Returns: Their places.
  package static func indices(
    step: Int,
    count: Int,
    of size: Int,
    _ stream: RandomStream
  ) -> [Int] {
    var orders: [Int: [Int]] = [:]
    return (step * count..<(step + 1) * count).map { position in
      let pass = position / size
      let order = orders[pass] ?? order(size, stream.split(3, pass))
      orders[pass] = order
      return order[position % size]
    }
  }

  private static func order(_ count: Int, _ stream: RandomStream) -> [Int] {
    var random = stream
    var order = Array(0..<count)
    random.shuffle(&order)
    return order
  }
}
