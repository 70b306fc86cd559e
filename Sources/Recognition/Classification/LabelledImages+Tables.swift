import Evaluation
import Foundation
import ImagingIO
import Support

extension LabelledImages {
  /// A table may hold so many bytes.
  static let largestTable = 1 << 30
  static let imageColumns = ["image", "file", "filename", "path", "image_path"]
  private static let labelColumns = ["label", "class", "diagnosis", "labels", "findings", "target"]
  static let groupColumns = ["patient", "patient_id", "group", "subject", "case"]

  /// Reads a table: of paths and labels, or of pixels with the label in the last column.
  init(table path: String, slicesPerVolume: Int) throws {
    let isPacked = path.lowercased().hasSuffix(".gz")
    let data: Data
    if isPacked {
      data = Data(try PackedBytes.contents(ofFile: path, limit: Self.largestTable))
    } else {
      guard let read = FileManager.default.contents(atPath: path) else {
        throw SupportError.unreadable(path: path, reason: "it cannot be opened")
      }
      data = read
    }
    if Self.isTableOfPixels(data) {
      try self.init(pixels: data, path: path)
    } else {
      try self.init(paths: data, path: path, slicesPerVolume: slicesPerVolume)
    }
  }

  /// Whether the first line holds so many numbers that they are pixels.
  private static func isTableOfPixels(_ data: Data) -> Bool {
    let line = data.prefix { $0 != 10 }
    guard line.count < 1 << 22 else { return false }
    let cells = String(decoding: line, as: UTF8.self).split(separator: ",")
    return cells.count > 16
      && cells.allSatisfy { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) != nil }
  }

  /// Reads square grey images, a row each: their pixels, then the label.
  private init(pixels data: Data, path: String) throws {
    func fault(_ reason: String) -> RecognitionError { .notADataset(path: path, reason: reason) }
    var bytes: [UInt8] = []
    var labels: [Int] = []
    var pixelCount = 0
    for (number, line) in data.split(separator: 10).enumerated() {
      let cells = line.split(separator: UInt8(ascii: ","))
      if number == 0 { pixelCount = cells.count - 1 }
      guard cells.count == pixelCount + 1 else {
        throw fault("row \(number + 1) has \(cells.count) numbers instead of \(pixelCount + 1)")
      }
      for (place, cell) in cells.enumerated() {
        let text = String(decoding: cell, as: UTF8.self).trimmingCharacters(
          in: .whitespacesAndNewlines
        )
        guard let value = Double(text), value >= 0, value == value.rounded(),
          value < (place == pixelCount ? 1000 : 256)
        else { throw fault("row \(number + 1) holds \"\(text.prefix(20))\"") }
        if place < pixelCount { bytes.append(UInt8(value)) } else { labels.append(Int(value)) }
      }
    }
    let side = Int(Double(pixelCount).squareRoot().rounded())
    guard side * side == pixelCount else {
      throw fault("\(pixelCount) pixels are not those of a square image")
    }
    let stored = StoredImages(height: side, width: side, channels: 1, bytes: bytes)
    let classes = (labels.max() ?? 0) + 1
    guard Set(labels).count >= 2 else { throw fault("it has only one class") }
    self.init(
      name: Self.stem(path),
      classNames: (0..<classes).map(String.init),
      areFindings: false,
      items: labels.enumerated().map {
        Item(id: "row-\($0 + 1)", source: .stored(stored, $0), classes: [$1])
      },
      problems: []
    )
  }

  /// Reads paths with labels.
  private init(paths data: Data, path: String, slicesPerVolume: Int) throws {
    func fault(_ reason: String) -> RecognitionError { .notADataset(path: path, reason: reason) }
    let table: DelimitedTable
    do throws(DelimitedTable.Fault) {
      table = try DelimitedTable(data)
    } catch {
      throw fault(error.reason)
    }
    func column(_ names: [String]) -> Int? { names.lazy.compactMap { table.column($0) }.first }
    guard let image = column(Self.imageColumns) else {
      throw fault("no column is called \(Self.imageColumns.joined(separator: ", "))")
    }
    let (split, group) = (table.column("split"), column(Self.groupColumns))
    let label = column(Self.labelColumns)
    let known = Set([image, split, group, label].compactMap(\.self))
    let rest = table.columns.indices.filter { !known.contains($0) }
    // Without a column of labels every column of 0 and 1 is a finding.
    let findings =
      label == nil
      ? rest.filter { place in table.rows.allSatisfy { ["0", "1"].contains($0[place]) } } : []
    guard label != nil || !findings.isEmpty else {
      throw fault("it has no column label, and none of 0 and 1")
    }
    let separators = CharacterSet(charactersIn: ";|")
    func names(_ cell: String) -> [String] {
      cell.components(separatedBy: separators).map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { !$0.isEmpty }
    }
    let areFindings =
      label.map { label in table.rows.contains { names($0[label]).count != 1 } } ?? true
    let classNames =
      label.map { label in
        Set(table.rows.flatMap { names($0[label]) }).sorted(by: Self.comesBefore)
      } ?? findings.map { table.columns[$0] }
    guard classNames.count >= (areFindings ? 1 : 2) else {
      throw fault("it has only the class \(classNames.first ?? "of no name")")
    }
    let numbers = Dictionary(uniqueKeysWithValues: classNames.enumerated().map { ($1, $0) })
    let base = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let attributes = rest.filter { !findings.contains($0) }
    var items: [Item] = []
    var (missing, others, unknownSplits) = (0, 0, 0)
    for row in table.rows {
      let file = row[image].hasPrefix("/") ? row[image] : base + "/" + row[image]
      guard FileManager.default.fileExists(atPath: file) else {
        missing += 1
        continue
      }
      let found = Self.sources(file, slicesPerVolume: slicesPerVolume)
      if found.isEmpty { others += 1 }
      let named = split.map { row[$0] } ?? ""
      if !named.isEmpty, Split(name: named) == nil { unknownSplits += 1 }
      let shown =
        label.map { Set(names(row[$0]).compactMap { numbers[$0] }).sorted() }
        ?? findings.enumerated().filter { row[$1] == "1" }.map(\.offset)
      items += found.map { suffix, source in
        var item = Item(
          id: row[image] + suffix,
          source: source,
          classes: shown,
          split: Split(name: named),
          group: group.map { row[$0] }.flatMap { $0.isEmpty ? nil : $0 }
            ?? (suffix.isEmpty ? nil : row[image])
        )
        for place in attributes { item.attributes[table.columns[place]] = row[place] }
        return item
      }
    }
    var problems: [String] = []
    if missing > 0 { problems.append("\(missing) images of the table are not there.") }
    if others > 0 { problems.append("\(others) files are no images and were left out.") }
    if unknownSplits > 0 {
      problems.append("\(unknownSplits) rows name a split that is not known.")
    }
    guard !items.isEmpty else {
      throw RecognitionError.noImages(path: path, reason: problems.first ?? "it has no row")
    }
    self.init(
      name: Self.stem(path),
      classNames: classNames,
      areFindings: areFindings,
      items: items,
      problems: problems
    )
  }
}
