import Support
import Synchronization

/// Parts of a long loop whose bounds depend on its length alone.
///
/// Sums over the parts, in their order, have the same bits for every number of threads.
struct Pieces: Sendable {
  let count: Int
  let number: Int

  /// Divides a loop.
  /// - Parameters:
  ///   - count: The loop's length.
  ///   - limit: The most parts.
  ///   - fewest: The fewest items of a part.
  init(count: Int, limit: Int = 64, fewest: Int = 1) {
    self.count = count
    number = max(1, min(limit, count / fewest))
  }

  /// The items of a part.
  func range(_ piece: Int) -> Range<Int> {
    (count * piece / number)..<(count * (piece + 1) / number)
  }

  /// Works on all parts side by side.
  /// - Parameter body: Called once for each part.
  /// - Returns: The results in the order of the parts.
  func map<Result: Sendable>(_ body: @Sendable (Range<Int>) -> Result) -> [Result] {
    let results = Mutex<[Result?]>([Result?](repeating: nil, count: number))
    // More ranges than threads would be handed out one by one; the parts are alike.
    Parallelism.forEach(number) { piece in
      let result = body(range(piece))
      results.withLock { $0[piece] = result }
    }
    return results.withLock { $0.compactMap(\.self) }
  }
}
