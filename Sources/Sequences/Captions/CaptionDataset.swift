import Evaluation
import Foundation
import ImagingIO
import Pipelines
import Recognition
import Support

/// Images with one sentence or several about each.
///
/// A table with the columns `image` and `caption` (several rows for several sentences; `split`, `patient`
/// and `labels`, the image's label map, are used), or a file of captions as COCO's: `images` with `id` and `file_name`,
/// `annotations` with `image_id` and `caption`.
public struct CaptionDataset: Sendable {
  /// The images; all pictures, or all volumes.
  package var images: LabelledImages
  /// The sentences of each image, as words, by its name.
  package let captions: [String: [[String]]]
  /// The file of each image's label map, by the image's name; empty where the data set has none.
  package let labelMaps: [String: String]
  /// Whether the images are volumes.
  public let areVolumes: Bool

  /// The data set's name.
  public var name: String { images.name }
  /// The number of images.
  public var count: Int { images.count }
  /// What was left out, one sentence each.
  public var problems: [String] { images.problems }

  private static let largestFile = 1 << 30
  /// Longer sentences are cut.
  static let mostWords = 200

  /// Reads a table or a file of captions.
  /// - Parameters:
  ///   - path: A .csv, .tsv or .json.
  ///   - folder: Where the images of a JSON file are; nil looks beside it.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `SequencesError.noCaptions`.
  public init(path: String, images folder: String? = nil) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    guard let data = FileManager.default.contents(atPath: path), data.count <= Self.largestFile
    else { throw SupportError.unreadable(path: path, reason: "it cannot be read as a file") }
    let name = path.lowercased()
    if name.hasSuffix(".json") {
      try self.init(coco: data, path: path, folder: folder)
    } else if name.hasSuffix(".csv") || name.hasSuffix(".tsv") {
      try self.init(table: data, path: path)
    } else {
      throw SequencesError.noCaptions(path: path, reason: "it is neither a table nor JSON")
    }
  }

  private struct Row {
    var name: String
    var file: String
    var labels: String?
    var captions: [String]
    var split: LabelledImages.Split?
    var group: String?
  }

  private init(table data: Data, path: String) throws {
    func fault(_ reason: String) -> SequencesError { .noCaptions(path: path, reason: reason) }
    let table: DelimitedTable
    do throws(DelimitedTable.Fault) {
      table = try DelimitedTable(data)
    } catch {
      throw fault(error.reason)
    }
    func column(_ names: String...) -> Int? { names.lazy.compactMap { table.column($0) }.first }
    guard let image = column("image", "file", "path", "file_name"),
      let caption = column("caption", "sentence", "findings", "report", "text")
    else { throw fault("it needs the columns image and caption") }
    let (split, group) = (column("split"), column("patient", "group", "subject"))
    let labels = column("labels", "label_map", "mask")
    let base = URL(fileURLWithPath: path).deletingLastPathComponent().path
    func file(_ name: String) -> String { name.hasPrefix("/") ? name : base + "/" + name }
    var (rows, places): ([Row], [String: Int]) = ([], [:])
    for row in table.rows {
      if let place = places[row[image]] {
        rows[place].captions.append(row[caption])
        continue
      }
      places[row[image]] = rows.count
      rows.append(
        Row(
          name: row[image],
          file: file(row[image]),
          labels: labels.map { file(row[$0]) },
          captions: [row[caption]],
          split: split.flatMap { LabelledImages.Split(name: row[$0]) },
          group: group.map { row[$0] }.flatMap { $0.isEmpty ? nil : $0 }
        )
      )
    }
    try self.init(rows, path: path)
  }

  private struct COCO: Decodable {
    struct Image: Decodable {
      let id: Int
      let file_name: String
    }
    struct Annotation: Decodable {
      let image_id: Int
      let caption: String
    }
    let images: [Image]
    let annotations: [Annotation]
  }

  private init(coco data: Data, path: String, folder: String?) throws {
    let file: COCO
    do {
      file = try JSONDecoder().decode(COCO.self, from: data)
    } catch {
      throw SequencesError.noCaptions(
        path: path,
        reason:
          "it is no file of captions with images (id, file_name) and annotations (image_id, caption)"
      )
    }
    let base = folder ?? URL(fileURLWithPath: path).deletingLastPathComponent().path
    let captions = Dictionary(grouping: file.annotations, by: \.image_id)
    try self.init(
      file.images.compactMap { image in
        // Names that lead out of the folder are no pictures of the set.
        guard !image.file_name.hasPrefix("/"),
          !image.file_name.split(separator: "/").contains("..")
        else { return nil }
        return Row(
          name: image.file_name,
          file: base + "/" + image.file_name,
          captions: (captions[image.id] ?? []).map(\.caption)
        )
      },
      path: path
    )
  }

  private init(_ rows: [Row], path: String) throws {
    var items: [LabelledImages.Item] = []
    var captions: [String: [[String]]] = [:]
    var labelMaps: [String: String] = [:]
    var (missing, unlabelled, others, silent, volumes) = (0, 0, 0, 0, 0)
    for row in rows {
      let sentences = row.captions.map { Array(CaptionWords.words($0).prefix(Self.mostWords)) }
        .filter { !$0.isEmpty }
      guard !sentences.isEmpty else {
        silent += 1
        continue
      }
      guard FileManager.default.fileExists(atPath: row.file) else {
        missing += 1
        continue
      }
      if let labels = row.labels {
        guard FileManager.default.fileExists(atPath: labels), !FileManager.default.isFolder(labels)
        else {
          unlabelled += 1
          continue
        }
        labelMaps[row.name] = labels
      }
      let source: LabelledImages.Source
      switch LabelledImages.sources(row.file, slicesPerVolume: 1).first?.source {
      case .some(.picture): source = .picture(row.file)
      case .some(.slice):
        source = .stack(row.file, StackedSlices(slices: 1))
        volumes += 1
      default:
        others += 1
        continue
      }
      captions[row.name] = sentences
      items.append(
        LabelledImages.Item(
          id: row.name,
          source: source,
          classes: [0],
          split: row.split,
          group: row.group
        )
      )
    }
    var problems: [String] = []
    if silent > 0 { problems.append("\(silent) images have no sentence and were left out.") }
    if missing > 0 { problems.append("\(missing) images are not there.") }
    if unlabelled > 0 {
      problems.append(
        "\(unlabelled) images have no label map where the table says, and were left out."
      )
    }
    if others > 0 { problems.append("\(others) files are no images and were left out.") }
    guard !items.isEmpty else {
      throw SequencesError.noCaptions(
        path: path,
        reason: problems.first ?? "it names no image"
      )
    }
    guard volumes == 0 || volumes == items.count else {
      throw SequencesError.noCaptions(
        path: path,
        reason:
          "it names \(items.count - volumes) pictures and \(volumes) volumes; one network sees one "
          + "kind"
      )
    }
    areVolumes = volumes > 0
    self.captions = captions
    self.labelMaps = labelMaps
    images = LabelledImages(
      name: LabelledImages.stem(path),
      classNames: ["image"],
      areFindings: false,
      items: items,
      problems: problems
    )
  }

  /// Sentences about images in memory, for tests.
  package init(_ images: LabelledImages, captions: [String: [[String]]]) {
    self.images = images
    self.captions = captions
    (areVolumes, labelMaps) = (false, [:])
  }

  /// The images with volumes and label maps seen as a plan says.
  func with(_ stack: StackedSlices?, _ labels: LabelChannels?) -> LabelledImages {
    var result = images
    result.items = images.items.map { item in
      var source = item.source
      if let stack, case .stack(let path, _) = source { source = .stack(path, stack) }
      if let labels, let map = labelMaps[item.id] { source = .labelled(source, map: map, labels) }
      return LabelledImages.Item(
        id: item.id,
        source: source,
        classes: item.classes,
        split: item.split,
        group: item.group
      )
    }
    return result
  }

  /// The part of a split.
  /// - Parameter split: The split.
  /// - Returns: The same data set with these images alone.
  public func part(_ split: LabelledImages.Split) -> CaptionDataset {
    var result = self
    result.images = images.part(split)
    return result
  }
}
