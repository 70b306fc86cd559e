/// What a classical method finds.
package struct ClassicalLabels: Sendable, Equatable {
  /// The label of each voxel, x fastest; 0 is background.
  package var labels: [UInt16]
  /// What the labels count, such as "object"; nil where they are classes.
  package var objectName: String?
  /// The largest label that the method gives.
  package var largest: Int

  /// Takes labels.
  /// - Parameters:
  ///   - labels: The label of each voxel.
  ///   - objectName: What the labels count; nil where they are classes.
  ///   - largest: The largest label; nil looks for it.
  package init(_ labels: [UInt16], objectName: String? = nil, largest: Int? = nil) {
    self.labels = labels
    self.objectName = objectName
    self.largest = largest ?? Int(labels.max() ?? 0)
  }
}
