/// A batch whose samples several processes hold, each the same number of them.
///
/// While one is current, segmentation losses count over the whole batch what they sum over it: the
/// soft counts of region losses (`RegionOptions.overBatch`) and the weights of pixels. The mean of the
/// processes' losses and gradients is then what one process with all samples finds. The worst pixels of
/// a top-k loss are still those of the process.
package struct SharedBatch: Sendable {
  /// The number of processes.
  package let parts: Int
  private let sum: @Sendable ([Double]) -> [Double]

  /// The batch that losses of this task are computed for; nil when the process holds all of it.
  @TaskLocal package static var current: SharedBatch?

  /// Describes a batch.
  /// - Parameters:
  ///   - parts: The number of processes.
  ///   - sum: Adds up each value over the processes; every process calls it equally often.
  package init(parts: Int, sum: @escaping @Sendable ([Double]) -> [Double]) {
    self.parts = parts
    self.sum = sum
  }

  /// Each value's sum over the processes.
  func sums(of values: [Double]) -> [Double] { sum(values) }
}
