import Evaluation
import Foundation
import Pipelines
import Recognition
import Support

extension LabelledImages {
  private static let imageColumns = ["image", "file", "filename", "path", "image_path"]

  /// Reads images that may have classes and need none.
  ///
  /// What `LabelledImages` reads; else a folder of pictures and volumes, a table with a column `image`, or one
  /// picture or volume. Without classes `classNames` is empty.
  /// - Parameters:
  ///   - path: The folder or file.
  ///   - slicesPerVolume: How many slices of a volume are images, from its middle half.
  /// - Throws: `SupportError.notFound`; `RecognitionError.notADataset`, `.noImages`.
  public init(withOrWithoutClasses path: String, slicesPerVolume: Int = 8) throws {
    let isFolder = try FileManager.default.isExistingFolder(path)
    let files: [(id: String, path: String)]
    if !isFolder, !Self.sources(path, slicesPerVolume: 1).isEmpty {
      files = [(URL(fileURLWithPath: path).lastPathComponent, path)]
    } else {
      do {
        self = try LabelledImages(path: path, slicesPerVolume: slicesPerVolume)
        return
      } catch let error as RecognitionError {
        guard case .notADataset = error else { throw error }
        if isFolder {
          files = try LabelledFolder.files(path).map { ($0, path + "/" + $0) }
        } else if let listed = try Self.listed(path) {
          files = listed
        } else {
          throw error
        }
      }
    }
    var missing = 0
    var items: [Item] = []
    for (id, file) in files {
      guard FileManager.default.fileExists(atPath: file) else {
        missing += 1
        continue
      }
      items += Self.sources(file, slicesPerVolume: slicesPerVolume).map { suffix, source in
        Item(id: id + suffix, source: source, classes: [], group: suffix.isEmpty ? nil : id)
      }
    }
    guard !items.isEmpty else {
      throw RecognitionError.noImages(path: path, reason: "it names no picture or volume")
    }
    self.init(
      name: Self.stem(path),
      classNames: [],
      areFindings: false,
      items: items,
      problems: missing == 0 ? [] : ["\(missing) files are missing and were left out."]
    )
  }

  /// The files of a table without labels; nil for other tables.
  private static func listed(_ path: String) throws -> [(id: String, path: String)]? {
    guard let data = FileManager.default.contents(atPath: path),
      let table = try? DelimitedTable(data),
      let column = imageColumns.lazy.compactMap({ table.column($0) }).first
    else { return nil }
    let base = URL(fileURLWithPath: path).deletingLastPathComponent().path
    return table.rows.map { row in
      (row[column], row[column].hasPrefix("/") ? row[column] : base + "/" + row[column])
    }
  }

  /// The class that counts as normal.
  /// - Parameters:
  ///   - wanted: Its name, or in a set of numbered classes its number; "normal" where there is such a
  ///     class when nil.
  ///   - path: The data set, for messages.
  /// - Returns: The class's number; nil where there are no classes.
  /// - Throws: `AutoencodersError.noNormalClass`.
  func normalClass(_ wanted: String?, path: String) throws -> Int? {
    if classNames.isEmpty {
      guard wanted == nil else {
        throw AutoencodersError.noNormalClass(path: path, wanted: wanted, known: [])
      }
      return nil
    }
    let names = wanted.map { [$0, "class-" + $0] } ?? ["normal", "Normal", "NORMAL"]
    guard let found = classNames.firstIndex(where: names.contains) else {
      throw AutoencodersError.noNormalClass(path: path, wanted: wanted, known: classNames)
    }
    return found
  }

  /// The images of a class, or all where there are no classes.
  func showing(_ label: Int?) -> LabelledImages {
    guard let label else { return self }
    var result = self
    result.items = items.filter { $0.classes == [label] }
    return result
  }
}

/// What a few images of a data set are like, for choices that were left open.
struct ImageSurvey {
  /// Rows and columns: those of the image in the middle, 8 to 64.
  let usualSize: [Int]
  /// 3 where one has colours, else 1.
  let channels: Int
  /// 0 to 255 for pictures, percentiles where there are slices of volumes.
  let intensity: IntensityRange

  /// The largest side that is chosen.
  private static let usualSide = 64
  /// Images that are looked at.
  private static let sampleCount = 32

  /// Looks at images spread over the data set.
  /// - Parameters:
  ///   - images: The images.
  ///   - path: Their folder or file, for messages.
  /// - Throws: `AutoencodersError.nothingToUse` where none is there, or none can be read.
  init(_ images: LabelledImages, path: String) throws(AutoencodersError) {
    let step = max(1, images.count / Self.sampleCount)
    let sample = stride(from: 0, to: images.count, by: step).compactMap { place in
      try? images.items[place].read()
    }
    guard !sample.isEmpty else {
      throw .nothingToUse(
        path: path,
        reason: images.count == 0 ? "no image is there to train on" : "no image can be read"
      )
    }
    func middle(_ sides: [Int]) -> Int { sides.sorted()[sides.count / 2] }
    usualSize = [middle(sample.map(\.height)), middle(sample.map(\.width))]
      .map { max(8, min(Self.usualSide, $0)) }
    channels = sample.contains(where: \.hasColours) ? 3 : 1
    let areScans = images.items.contains { if case .slice = $0.source { true } else { false } }
    intensity = areScans ? .percentiles(low: 0.5, high: 99.5) : .fixed(low: 0, high: 255)
  }
}
