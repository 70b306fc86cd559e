import Evaluation
import Foundation
import ImagingIO
import Pipelines
import Support

/// Images with the numbers that belong to each: a table with a row for each image.
public struct MeasuredImages: Sendable {
  /// What belongs to each image.
  public struct Target: Sendable, Equatable {
    /// The column's name without its unit.
    public let name: String
    /// The unit that stands in brackets behind the name, or after the last "_" of a usual one.
    public let unit: String

    /// Names a number.
    /// - Parameters:
    ///   - name: The column's name without its unit.
    ///   - unit: The unit.
    public init(name: String, unit: String) {
      self.name = name
      self.unit = unit
    }
  }

  /// The images; their `targets` are in the order of `targets`.
  package private(set) var images: LabelledImages
  /// The numbers by name.
  public let targets: [Target]
  /// Whether the images are volumes.
  public let areVolumes: Bool

  /// The number of images.
  public var count: Int { images.count }
  /// The data set's name.
  public var name: String { images.name }
  /// What was left out, one sentence each.
  public var problems: [String] { images.problems }

  /// Units that a column's name may end with after a "_".
  private static let usualUnits = [
    "mm", "mm2", "mm3", "cm", "cm2", "cm3", "ml", "l", "um", "years", "months", "weeks", "days",
    "kg", "g", "hu", "percent", "px",
  ]
  private static let fewestCases = 4

  /// Reads a table.
  ///
  /// A column holds the images' paths (`image`, `file`, `path`), relative to the table or absolute; `split`
  /// and `patient` are used where they are there. Rows without a number are left out and counted.
  /// - Parameters:
  ///   - path: A .csv or .tsv.
  ///   - names: The columns of numbers, with or without their units; when empty the only column of
  ///     numbers that there is.
  ///   - isForTraining: Whether all numbers may not be the same.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `RecognitionError.notATable`, `.noImages`.
  public init(table path: String, targets names: [String], isForTraining: Bool = true) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    func fault(_ reason: String) -> RecognitionError { .notATable(path: path, reason: reason) }
    guard let data = FileManager.default.contents(atPath: path),
      data.count <= LabelledImages.largestTable
    else { throw SupportError.unreadable(path: path, reason: "it cannot be opened as a table") }
    let table: DelimitedTable
    do throws(DelimitedTable.Fault) {
      table = try DelimitedTable(data)
    } catch {
      throw fault(error.reason)
    }
    func column(_ names: [String]) -> Int? { names.lazy.compactMap { table.column($0) }.first }
    guard let image = column(LabelledImages.imageColumns) else {
      throw fault("no column is called \(LabelledImages.imageColumns.joined(separator: ", "))")
    }
    let (split, group) = (table.column("split"), column(LabelledImages.groupColumns))
    let known = Set([image, split, group].compactMap(\.self))
    let columns = try Self.targetColumns(table, names, known: known, fault)
    let targets = columns.map { Self.target(table.columns[$0]) }
    guard Set(targets.map(\.name)).count == targets.count else {
      throw fault("two targets have one name, \(targets.map(\.name).joined(separator: ", "))")
    }
    let base = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var items: [LabelledImages.Item] = []
    var (missing, others, empty) = (0, 0, 0)
    var (pictures, volumes) = (0, 0)
    for (number, row) in table.rows.enumerated() {
      let cells = columns.map { row[$0] }
      guard cells.allSatisfy({ !$0.isEmpty }) else {
        empty += 1
        continue
      }
      let numbers = try zip(cells, targets).map { cell, target -> Double in
        guard let value = Double(cell), value.isFinite, abs(value) < 1e30 else {
          throw fault("row \(number + 2) has \"\(cell.prefix(20))\" as \(target.name), no number")
        }
        return value
      }
      let file = row[image].hasPrefix("/") ? row[image] : base + "/" + row[image]
      guard FileManager.default.fileExists(atPath: file) else {
        missing += 1
        continue
      }
      let source: LabelledImages.Source
      switch LabelledImages.sources(file, slicesPerVolume: 1).first?.source {
      case .some(.picture):
        source = .picture(file)
        pictures += 1
      case .some(.slice):
        source = .stack(file, StackedSlices(slices: 1))
        volumes += 1
      default:
        others += 1
        continue
      }
      var item = LabelledImages.Item(
        id: row[image],
        source: source,
        classes: [],
        split: split.flatMap { LabelledImages.Split(name: row[$0]) },
        group: group.map { row[$0] }.flatMap { $0.isEmpty ? nil : $0 }
      )
      item.targets = numbers
      items.append(item)
    }
    var problems: [String] = []
    if empty > 0 { problems.append("\(empty) rows lack a number and were left out.") }
    if missing > 0 { problems.append("\(missing) images of the table are not there.") }
    if others > 0 { problems.append("\(others) files are no images and were left out.") }
    guard !items.isEmpty else {
      throw RecognitionError.noImages(path: path, reason: problems.first ?? "it has no row")
    }
    guard pictures == 0 || volumes == 0 else {
      throw fault("it names \(pictures) pictures and \(volumes) volumes; one network sees one kind")
    }
    if isForTraining {
      guard items.count >= Self.fewestCases else {
        throw fault(
          "it has \(items.count) images with numbers; at least \(Self.fewestCases) are needed"
        )
      }
      for (place, target) in targets.enumerated() {
        let values = items.map { $0.targets[place] }
        guard let low = values.min(), let high = values.max(), low < high else {
          throw fault("\(target.name) is \(values[0]) everywhere, so that nothing can be learnt")
        }
      }
    }
    self.targets = targets
    areVolumes = volumes > 0
    images = LabelledImages(
      name: LabelledImages.stem(path),
      classNames: targets.map(\.name),
      areFindings: false,
      items: Self.graded(items),
      problems: problems
    )
  }

  /// Measures images that are in memory, for tests.
  package init(_ images: LabelledImages, targets: [Target]) {
    self.images = images
    self.targets = targets
    areVolumes = false
    self.images.items = Self.graded(images.items)
  }

  /// Classes by fifths of the first number, so that every split has numbers of all sizes.
  private static func graded(_ items: [LabelledImages.Item]) -> [LabelledImages.Item] {
    let fifths = items.count >= 25 ? 5 : 1
    let order = items.indices.sorted {
      (items[$0].targets[0], $0) < (items[$1].targets[0], $1)
    }
    var result = items
    for (rank, index) in order.enumerated() {
      result[index].classes = [rank * fifths / items.count]
    }
    return result
  }

  private static func targetColumns(
    _ table: DelimitedTable,
    _ names: [String],
    known: Set<Int>,
    _ fault: (String) -> RecognitionError
  ) throws -> [Int] {
    let rest = table.columns.indices.filter { !known.contains($0) }
    if !names.isEmpty {
      return try names.map { name in
        let found = rest.first {
          [table.columns[$0], target(table.columns[$0]).name].contains {
            $0.lowercased() == name.lowercased()
          }
        }
        guard let found else {
          throw fault(
            "it has no column \(name), but "
              + rest.map { table.columns[$0] }.joined(separator: ", ")
          )
        }
        return found
      }
    }
    let numbers = rest.filter { place in
      table.rows.contains { !$0[place].isEmpty }
        && table.rows.allSatisfy { $0[place].isEmpty || Double($0[place]) != nil }
    }
    guard numbers.count == 1 else {
      throw fault(
        numbers.isEmpty
          ? "no column holds numbers alone"
          : "it has \(numbers.count) columns of numbers; choose with --target: "
            + numbers.map { table.columns[$0] }.joined(separator: ", ")
      )
    }
    return numbers
  }

  /// "volume (mm3)", "volume [mm3]" and "volume_mm3" are a volume in mm3.
  static func target(_ column: String) -> Target {
    for (open, close) in [("(", ")"), ("[", "]")] where column.hasSuffix(close) {
      if let place = column.range(of: open, options: .backwards) {
        let name = column[..<place.lowerBound].trimmingCharacters(in: .whitespaces)
        let unit = column[place.upperBound...].dropLast().trimmingCharacters(in: .whitespaces)
        if !name.isEmpty { return Target(name: name, unit: unit) }
      }
    }
    let parts = column.split(separator: "_", omittingEmptySubsequences: false)
    if parts.count > 1, let last = parts.last, usualUnits.contains(last.lowercased()) {
      return Target(name: parts.dropLast().joined(separator: "_"), unit: String(last))
    }
    return Target(name: column, unit: "")
  }

  /// The images with volumes seen as a plan says.
  func with(_ stack: StackedSlices?) -> LabelledImages {
    guard let stack else { return images }
    var result = images
    for index in result.items.indices {
      guard case .stack(let path, _) = result.items[index].source else { continue }
      var item = LabelledImages.Item(
        id: result.items[index].id,
        source: .stack(path, stack),
        classes: result.items[index].classes,
        split: result.items[index].split,
        group: result.items[index].group
      )
      item.targets = result.items[index].targets
      result.items[index] = item
    }
    return result
  }

  /// The part of a split.
  /// - Parameter split: The split.
  /// - Returns: The same data set with these images alone.
  public func part(_ split: LabelledImages.Split) -> MeasuredImages {
    var result = self
    result.images = images.part(split)
    return result
  }
}
