import Evaluation
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support

/// What an image shows by its labels: numbers of objects, and sizes of structures.
public struct ImageContents: Sendable, Equatable {
  /// A structure or a kind of object.
  public struct Structure: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// How many there are; nil where labels do not count.
    public let count: Int?
    /// Its size in `unit`; nil for boxes.
    public let size: Double?
    /// "mm3" for volumes, "px" for pictures; empty without a size.
    public let unit: String
  }

  /// The image's name.
  public let id: String
  /// Its file.
  public let path: String
  /// The file of its label map; nil for boxes.
  public let labelPath: String?
  /// What it is for, if the data set says so.
  public let split: LabelledImages.Split?
  /// What it shows, in the order of the data set's labels; also what it does not, with 0.
  public let structures: [Structure]
  /// Groups of two or more objects that touch each other; nil where labels do not count.
  public let clusters: Int?

  /// Reads a data set with labels.
  ///
  /// A folder in Pascal VOC's layout or a COCO file gives numbers of objects; a `dataset.json` of scans
  /// the volumes of its structures; pictures whose label values count objects, also a folder of `images`
  /// and `labels` without a description, their number and mean area. Scans that `lamina train` holds out
  /// in its first fold are for the test.
  /// - Parameters:
  ///   - path: The folder or file.
  ///   - progress: Told about each image.
  ///   - interruption: Looked at before each.
  /// - Returns: The images, and what was left out, one sentence each.
  /// - Throws: `SupportError.notFound`, `.interrupted`; `RecognitionError`, `PipelinesError` for folders of
  ///   no known layout or without a single usable case.
  public static func read(
    _ path: String,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (contents: [ImageContents], problems: [String]) {
    let isFolder = try FileManager.default.isExistingFolder(path)
    let hasDescription = FileManager.default.fileExists(atPath: path + "/dataset.json")
    let hasPairs = ["images", "labels"].allSatisfy {
      FileManager.default.fileExists(atPath: path + "/" + $0)
    }
    if isFolder, hasDescription {
      return try labelled(path, progress: progress, interruption: interruption)
    }
    if isFolder, hasPairs {
      let files = try FileManager.default.contentsOfDirectory(atPath: path + "/labels").sorted()
        .filter { $0.lowercased().hasSuffix(".png") || $0.lowercased().hasSuffix(".tif") }
      let cases = files.map { name in
        (
          id: (name as NSString).deletingPathExtension, image: path + "/images/" + name,
          label: path + "/labels/" + name
        )
      }
      return try each(cases, of: path, progress, interruption) {
        try counted($0.id, $0.image, $0.label, name: "objects")
      }
    }
    return try boxed(path, interruption: interruption)
  }

  // MARK: Boxes

  private static func boxed(
    _ path: String,
    interruption: Interruption
  ) throws -> (contents: [ImageContents], problems: [String]) {
    let all = try DetectionDataset.open(path, interruption: interruption)
    var splits: [String: LabelledImages.Split] = [:]
    for (name, split) in [
      ("train", LabelledImages.Split.training), ("val", .validation), ("test", .test),
    ] {
      do {
        let part = try DetectionDataset.open(path, split: name, interruption: interruption)
        for image in part.images { splits[image.id] = split }
      } catch RecognitionError.noBoxDataset(_, _) {
        // A list that is not there, or that names nothing, gives no split.
      }
    }
    let contents = all.images.map { image in
      ImageContents(
        id: image.id,
        path: image.path,
        labelPath: nil,
        split: splits[image.id],
        structures: all.classes.enumerated().map { label, name in
          Structure(
            name: name,
            count: image.objects.count { $0.label == label && $0.kind == .counted },
            size: nil,
            unit: ""
          )
        },
        clusters: nil
      )
    }
    guard !contents.isEmpty else {
      throw RecognitionError.noImages(path: path, reason: "no picture has annotations")
    }
    return (contents, all.notes)
  }

  // MARK: Label maps

  private static func labelled(
    _ path: String,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (contents: [ImageContents], problems: [String]) {
    let data = try SegmentationDataset(path: path)
    guard data.regions.isEmpty, data.synthesis == nil else {
      throw RecognitionError.notATable(
        path: path,
        reason:
          "its labels are regions, or label maps alone; scans or pictures with labels are needed"
      )
    }
    let heldOut =
      data.isPictures || data.cases.count < 5
      ? [] : Set(data.split(holdingOut: 0, seed: 1).heldOut.map(\.id))
    let structures = data.labels
    return try each(
      data.cases.map { (id: $0.id, image: $0.image, label: $0.label) },
      of: path,
      progress,
      interruption
    ) { item in
      if data.countsObjects {
        return try counted(item.id, item.image, item.label, name: structures[0].name)
      }
      let map =
        data.isPictures
        ? try GreyPicture.readLabelMap(item.label, table: [])
        : try NIfTIReader.labelMap(
          from: ImageFormats.read(item.label).volume,
          table: [],
          path: item.label
        )
      var counts: [UInt16: Int] = [:]
      for label in map.labels { counts[label, default: 0] += 1 }
      let voxel = data.isPictures ? 1 : map.geometry.voxelVolumeML * 1000
      return ImageContents(
        id: item.id,
        path: item.image,
        labelPath: item.label,
        split: heldOut.isEmpty ? nil : heldOut.contains(item.id) ? .test : .training,
        structures: structures.map { structure in
          Structure(
            name: structure.name,
            count: nil,
            size: Double(counts[UInt16(structure.id)] ?? 0) * voxel,
            unit: data.isPictures ? "px" : "mm3"
          )
        },
        clusters: nil
      )
    }
  }

  /// Objects of one kind by their label values.
  private static func counted(
    _ id: String,
    _ image: String,
    _ label: String,
    name: String
  ) throws -> ImageContents {
    guard FileManager.default.fileExists(atPath: image) else {
      throw SupportError.notFound(path: image)
    }
    let map = try GreyPicture.readLabelMap(label, table: [])
    let size = map.geometry.size
    let labels = map.labels
    var areas: [UInt16: Int] = [:]
    for value in labels where value > 0 { areas[value, default: 0] += 1 }
    var groups = TouchingObjects(areas.keys.sorted())
    for y in 0..<size.y {
      for x in 0..<size.x {
        let here = labels[y * size.x + x]
        guard here > 0 else { continue }
        if x + 1 < size.x { groups.touch(here, labels[y * size.x + x + 1]) }
        if y + 1 < size.y { groups.touch(here, labels[(y + 1) * size.x + x]) }
      }
    }
    let area = areas.values.reduce(0, +)
    return ImageContents(
      id: id,
      path: image,
      labelPath: label,
      split: nil,
      structures: [
        Structure(
          name: name,
          count: areas.count,
          size: areas.isEmpty ? 0 : Double(area) / Double(areas.count),
          unit: "px"
        )
      ],
      clusters: groups.clusterCount
    )
  }

  /// Reads cases one by one; those that cannot be read are told and left out.
  private static func each(
    _ cases: [(id: String, image: String, label: String)],
    of path: String,
    _ progress: any ProgressReporter,
    _ interruption: Interruption,
    _ read: ((id: String, image: String, label: String)) throws -> ImageContents
  ) throws -> (contents: [ImageContents], problems: [String]) {
    var (contents, problems): ([ImageContents], [String]) = ([], [])
    progress.begin("reading \(cases.count) label maps", total: cases.count)
    for (index, item) in cases.enumerated() {
      try interruption.check()
      do {
        contents.append(try read(item))
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        problems.append("\(item.id) was left out. \(error.description)")
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    guard !contents.isEmpty else {
      throw RecognitionError.noImages(
        path: path,
        reason: problems.first ?? "it has no label map"
      )
    }
    return (contents, problems)
  }

  // MARK: Table

  /// A table of the numbers, as `vision regress train` reads it.
  ///
  /// Cells follow RFC 4180; `columns` are the header.
  /// - Parameter contents: The images; of one data set.
  /// - Returns: CSV, UTF-8.
  public static func csv(_ contents: [ImageContents]) -> String {
    let layout = TableLayout(contents)
    let rows = contents.map { item -> [String] in
      let numbers = item.structures.map { structure in
        layout.tellsSizes ? structure.size ?? 0 : Double(structure.count ?? 0)
      }
      var row = [URL(fileURLWithPath: item.path).standardizedFileURL.path]
      if layout.hasSplit { row.append(item.split?.rawValue ?? "") }
      row += (numbers + (layout.isTotalled ? [numbers.reduce(0, +)] : [])).map { value in
        value == value.rounded() ? "\(Int(value))" : "\((value * 1000).rounded() / 1000)"
      }
      return row
    }
    return ([layout.columns] + rows)
      .map { $0.map(EvaluationReport.csvCell).joined(separator: ",") + "\n" }.joined()
  }

  /// The columns of the table.
  ///
  /// `image` (absolute path), `split` where there is one, a count (`NAME`) or a size (`NAME_mm3` of
  /// volumes, `NAME_px` of pictures) of each structure, and for several of them their sum (`total`,
  /// `total_mm3`, `total_px`).
  /// - Parameter contents: The images; of one data set.
  /// - Returns: The names, as they are before they are written as cells.
  public static func columns(_ contents: [ImageContents]) -> [String] {
    TableLayout(contents).columns
  }
}

/// Which columns a table of contents has.
private struct TableLayout {
  let hasSplit: Bool
  /// Sizes of structures, where nothing is counted.
  let tellsSizes: Bool
  /// Whether the sum of all structures stands last.
  let isTotalled: Bool
  let columns: [String]

  init(_ contents: [ImageContents]) {
    let structures = contents.first?.structures ?? []
    hasSplit = contents.contains { $0.split != nil }
    tellsSizes =
      structures.contains { $0.size != nil } && !structures.contains { $0.count != nil }
    isTotalled = structures.count > 1 && !structures.contains { $0.name == "total" }
    let ending = tellsSizes ? "_\(structures.first?.unit ?? "")" : ""
    var columns = ["image"]
    if hasSplit { columns.append("split") }
    columns += structures.map { $0.name + ending }
    if isTotalled { columns.append("total" + ending) }
    self.columns = columns
  }
}

/// Objects that share edges of pixels, in groups.
private struct TouchingObjects {
  private var parents: [UInt16: UInt16]

  init(_ labels: [UInt16]) {
    parents = Dictionary(uniqueKeysWithValues: labels.map { ($0, $0) })
  }

  private mutating func root(_ label: UInt16) -> UInt16 {
    var here = label
    while let next = parents[here], next != here { here = next }
    parents[label] = here
    return here
  }

  mutating func touch(_ one: UInt16, _ other: UInt16) {
    guard other > 0, one != other else { return }
    let (a, b) = (root(one), root(other))
    if a != b { parents[max(a, b)] = min(a, b) }
  }

  /// Groups of two or more.
  var clusterCount: Int {
    mutating get {
      var sizes: [UInt16: Int] = [:]
      for label in parents.keys.sorted() { sizes[root(label), default: 0] += 1 }
      return sizes.values.count { $0 > 1 }
    }
  }
}
