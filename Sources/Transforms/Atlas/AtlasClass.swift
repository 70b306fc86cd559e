/// A kind of tissue of an atlas: one distribution of intensities, the same on both sides.
package struct AtlasClass: Sendable, Equatable, Codable {
  /// The label it becomes on the left, or on both sides where it has none: 0 for none, else 1…K.
  package var left: Int
  /// The label it becomes on the right.
  package var right: Int
  /// Whether it belongs to the brain itself, without the fluid about it.
  package var isBrain: Bool
  /// Whether skull stripping may have removed it.
  package var isRemovable: Bool
  /// The number of the kin with which it shares intensities at first; nil for none.
  package var kin: Int?

  package init(left: Int, right: Int, isBrain: Bool, isRemovable: Bool, kin: Int?) {
    self.left = left
    self.right = right
    self.isBrain = isBrain
    self.isRemovable = isRemovable
    self.kin = kin
  }
}
