import Support

/// The pixels of a batch in rows of a fixed length, over which losses are added up.
struct LossRows: Sendable {
  let samples: Int
  let channels: Int
  let spatial: Int

  /// Pixels of a row; a fixed number, so that sums do not depend on the thread count.
  static let length = 1024

  /// A row: pixels of one sample, by their places in the labels and in channel 0.
  struct Row {
    let sample: Int
    let firstLabel: Int
    let firstValue: Int
    let count: Int
  }

  /// Rows of each sample.
  var perSample: Int { (spatial + Self.length - 1) / Self.length }
  /// Rows in all.
  var count: Int { samples * perSample }

  /// Visits every row, some of them side by side.
  /// - Parameter body: Is given the row's number and the row.
  func forEach(_ body: @Sendable (Int, Row) -> Void) {
    let perSample = self.perSample
    EngineThreads.forEachRange(count, itemCost: Self.length * channels * 8) { range in
      for item in range {
        let (sample, start) = (item / perSample, item % perSample * Self.length)
        body(
          item,
          Row(
            sample: sample,
            firstLabel: sample * spatial + start,
            firstValue: sample * channels * spatial + start,
            count: min(Self.length, spatial - start)
          )
        )
      }
    }
  }
}
