import Imaging

/// Which class a network learns for each number of a label map.
///
/// Classes count the structures from 1, or where regions are learnt the numbers that make them up; what
/// is ignored is the class after them, which losses leave out, and everything else background, 0.
struct LabelClasses: Sendable {
  /// The structures' classes.
  let foreground: Range<UInt16>
  /// What a sample may be asked to show: the classes of each structure or region.
  let structures: [[UInt16]]
  private let classOfLabel: [UInt16]

  /// The classes of a data set.
  /// - Parameter dataset: Its structures, in the order of the classes, and what it ignores.
  init(_ dataset: SegmentationDataset) {
    let labels = dataset.mapLabels
    foreground = 1..<UInt16(labels.count + 1)
    var table = [UInt16](repeating: 0, count: 1 << 16)
    for (index, label) in labels.enumerated() { table[label.id] = UInt16(index + 1) }
    structures =
      dataset.regions.isEmpty
      ? foreground.map { [$0] } : dataset.regions.map { region in region.labels.map { table[$0] } }
    if let ignored = dataset.ignoreLabel { table[ignored] = foreground.upperBound }
    classOfLabel = table
  }

  /// The class of a label map's number.
  subscript(label: UInt16) -> UInt16 { classOfLabel[Int(label)] }
}
