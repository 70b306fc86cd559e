import Foundation
import ImagingIO

extension LabelledImages {
  /// Reads arrays as MedMNIST's: `train_images` `[N, H, W]` or `[N, H, W, 3]` of 8 bits and
  /// `train_labels` `[N, 1]`, or `[N, findings]` of 0 and 1; likewise `val_` and `test_`.
  init(arrays path: String) throws {
    func fault(_ reason: String) -> RecognitionError { .notADataset(path: path, reason: reason) }
    let file = try NPZFile(path)
    let parts = ["train", "val", "test"].filter { file.keys.contains($0 + "_images") }
    guard !parts.isEmpty else { throw fault("it has no train_images") }
    var items: [Item] = []
    var (columns, classes) = (1, 0)
    for (order, part) in parts.enumerated() {
      guard file.keys.contains(part + "_labels") else { throw fault("it has no \(part)_labels") }
      let images = try file.array(part + "_images")
      let labels = try file.array(part + "_labels")
      guard images.type == "|u1", (3...4).contains(images.shape.count),
        images.shape.count == 3 || images.shape[3] == 3, images.shape.allSatisfy({ $0 > 0 })
      else {
        throw fault("\(part)_images are not 8-bit images, but \(images.type) of \(images.shape)")
      }
      let count = images.shape[0]
      guard labels.shape.first == count, (1...2).contains(labels.shape.count) else {
        throw fault("\(part)_labels of \(labels.shape) are not those of \(count) images")
      }
      let width = labels.shape.count == 2 ? labels.shape[1] : 1
      guard order == 0 || width == columns else { throw fault("its labels differ in their number") }
      columns = width
      let numbers = labels.doubles
      guard numbers.allSatisfy({ $0 >= 0 && $0 < 1000 && $0 == $0.rounded() }),
        columns == 1 || numbers.allSatisfy({ $0 <= 1 })
      else { throw fault("\(part)_labels are not numbers of classes") }
      let stored = StoredImages(
        height: images.shape[1],
        width: images.shape[2],
        channels: images.shape.count == 4 ? 3 : 1,
        bytes: Array(images.bytes)
      )
      for index in 0..<count {
        let row = numbers[index * columns..<(index + 1) * columns]
        let shown =
          columns == 1
          ? [Int(row[row.startIndex])] : row.enumerated().filter { $1 == 1 }.map(\.offset)
        classes = max(classes, columns == 1 ? shown[0] + 1 : columns)
        items.append(
          Item(
            id: "\(part)-\(index)",
            source: .stored(stored, index),
            classes: shown,
            split: Split(name: part)
          )
        )
      }
    }
    guard classes >= (columns > 1 ? 1 : 2) else { throw fault("it has only one class") }
    self.init(
      name: Self.stem(path),
      classNames: (0..<classes).map { "class-\($0)" },
      areFindings: columns > 1,
      items: items,
      problems: []
    )
  }
}
