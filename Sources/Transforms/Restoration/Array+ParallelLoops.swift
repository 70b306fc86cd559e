import Support

extension Array where Element == Float {
  /// An array that threads fill side by side.
  /// - Parameters:
  ///   - count: The number of elements.
  ///   - pieces: Items to share out, such as rows.
  ///   - body: Fills what belongs to a range of the items.
  /// - Returns: The array.
  package static func filled(
    count: Int,
    pieces: Int,
    _ body: @Sendable (Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { room, initialized in
      if let base = room.baseAddress {
        let memory = SharedPointer(base)
        Parallelism.forEachRange(pieces) { body($0, memory.pointer) }
      }
      initialized = count
    }
  }

  /// Changes the array's elements by threads side by side.
  /// - Parameters:
  ///   - pieces: Items to share out, such as rows.
  ///   - body: Changes what belongs to a range of the items.
  package mutating func change(
    pieces: Int,
    _ body: @Sendable (Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) {
    withUnsafeMutableBufferPointer { room in
      guard let base = room.baseAddress else { return }
      let memory = SharedPointer(base)
      Parallelism.forEachRange(pieces) { body($0, memory.pointer) }
    }
  }

  /// The sum of a function of the elements, by pieces of fixed length so that the number of threads
  /// does not matter.
  package func parallelSum(_ term: @escaping @Sendable (Float) -> Double) -> Double {
    Parallelism.sum(count) { range in
      var sum = 0.0
      for i in range { sum += term(self[i]) }
      return sum
    }
  }
}
