/// What label numbers become in a picture: 0 background, i the i-th structure.
struct PicturedClasses {
  /// Whether the images are pictures, which have no sides of a patient and no unit of length.
  let arePictures: Bool
  private let numbers: [UInt16: UInt8]
  /// What a number is that stands for no structure: 1 where numbers count objects of one kind.
  private let other: UInt8

  /// Takes a data set's structures.
  /// - Parameter dataset: The data set.
  init(_ dataset: SegmentationDataset) {
    arePictures = dataset.isPictures
    other = dataset.countsObjects ? 1 : 0
    let classes = Dictionary(
      dataset.labels.enumerated().map { ($0.element.id, UInt8(clamping: $0.offset + 1)) },
      uniquingKeysWith: { first, _ in first }
    )
    // What no region is drawn with becomes what a faultless prediction would show.
    numbers = Dictionary(
      dataset.mapLabels.compactMap { label in
        classes[dataset.written(label.id)].map { (UInt16(truncatingIfNeeded: label.id), $0) }
      },
      uniquingKeysWith: { first, _ in first }
    )
  }

  /// The class of a number.
  subscript(number: UInt16) -> UInt8 { number == 0 ? 0 : numbers[number] ?? other }
}
