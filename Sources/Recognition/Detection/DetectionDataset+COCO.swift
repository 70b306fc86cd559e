import Foundation
import Support

extension DetectionDataset {
  /// Reads a JSON file in COCO's layout.
  ///
  /// Lin et al. 2014, "Microsoft COCO: common objects in context": `images` with `id` and `file_name`,
  /// `categories` with `id` and `name`, `annotations` with `image_id`, `category_id`, `bbox` (left, top,
  /// width and height in pixels from 0), `iscrowd` and, where there are outlines, `segmentation` (polygons,
  /// or runs of pixels as numbers or letters).
  /// - Parameters:
  ///   - path: The file, such as `annotations/instances_train.json`.
  ///   - folder: The folder of the pictures; nil looks in the file's folder, in folders beside it that
  ///     are called `images` or as the file's ending after `instances_`.
  ///   - classes: The classes' names; nil takes the categories in the order of their numbers.
  ///   - interruption: Looked at between pictures.
  /// - Returns: The data set.
  /// - Throws: `RecognitionError.damagedAnnotations`; `SupportError.interrupted`.
  public static func coco(
    _ path: String,
    images folder: String? = nil,
    classes: [String]? = nil,
    interruption: Interruption = Interruption()
  ) throws -> DetectionDataset {
    func damaged(_ reason: String) -> RecognitionError {
      .damagedAnnotations(path: path, reason: reason)
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw damaged("there is no such file")
    }
    let file: COCOFile
    do {
      file = try JSONDecoder().decode(COCOFile.self, from: data)
    } catch let error as DecodingError {
      throw damaged(Self.reason(error))
    }
    guard !file.images.isEmpty else { throw damaged("it lists no images") }
    guard Set(file.images.map(\.id)).count == file.images.count else {
      throw damaged("two images have one id")
    }
    let names = Dictionary(
      file.categories.map { ($0.id, $0.name) },
      uniquingKeysWith: { first, _ in first }
    )
    guard names.count == file.categories.count else {
      throw damaged("two categories have one id")
    }
    guard Set(names.values).count == names.count else {
      throw damaged("two categories have one name")
    }
    var problems: [DetectionProblem] = []
    let known = Set(file.images.map(\.id))
    var objects: [Int: [StatedObject]] = [:]
    for annotation in file.annotations {
      guard known.contains(annotation.image) else {
        problems.append(DetectionProblem(.orphanedBox, "image \(annotation.image)"))
        continue
      }
      objects[annotation.image, default: []].append(annotation.stated(names))
    }
    let root = folder ?? pictureFolder(of: path, names: file.images.prefix(100).map(\.name))
    let stated = file.images.map { image in
      StatedImage(
        id: (image.name as NSString).deletingPathExtension,
        path: root + "/" + image.name,
        width: image.width ?? 0,
        height: image.height ?? 0,
        objects: objects[image.id] ?? []
      )
    }
    let safe = stated.filter { !$0.id.split(separator: "/").contains("..") }
    problems += stated.filter { $0.id.split(separator: "/").contains("..") }
      .map { DetectionProblem(.missingPicture, $0.id, "its path leaves the folder") }
    return try checked(
      name: (path as NSString).lastPathComponent,
      classes: classes ?? file.categories.sorted { $0.id < $1.id }.map(\.name),
      safe,
      problems: problems,
      interruption: interruption
    )
  }

  private static func pictureFolder(of path: String, names: [String]) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    let stem = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    let split = stem.split(separator: "_").last.map(String.init) ?? stem
    let here = folder.isEmpty ? "." : folder
    let places = ["", "/images", "/\(split)", "/images/\(split)"]
    let candidates: [String] = places.map { here + $0 } + places.map { "\(here)/..\($0)" }
    return candidates.first { folder in
      names.contains { FileManager.default.fileExists(atPath: folder + "/" + $0) }
    } ?? here
  }

  private static func reason(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      "\(place(context)) has no \(key.stringValue)"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "\(place(context)) has a value of another kind"
    case .dataCorrupted(let context): "it is no JSON (\(context.debugDescription))"
    @unknown default: "it is no JSON of this layout"
    }
  }

  private static func place(_ context: DecodingError.Context) -> String {
    let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
    return path.isEmpty ? "the file" : path.joined(separator: ".")
  }
}

/// What is read of a COCO file.
private struct COCOFile: Decodable {
  struct Image: Decodable {
    let id: Int
    let name: String
    let width: Int?
    let height: Int?

    enum CodingKeys: String, CodingKey {
      case id, width, height
      case name = "file_name"
    }
  }

  struct Category: Decodable {
    let id: Int
    let name: String
  }

  struct Annotation: Decodable {
    let image: Int
    let category: Int
    let box: [Double]?
    let isCrowd: Int?
    let outline: StatedOutline?

    enum CodingKeys: String, CodingKey {
      case image = "image_id"
      case category = "category_id"
      case box = "bbox"
      case isCrowd = "iscrowd"
      case outline = "segmentation"
    }

    func stated(_ names: [Int: String]) -> DetectionDataset.StatedObject {
      let edges = box ?? []
      let isSound =
        edges.count == 4 && edges.allSatisfy(\.isFinite) && edges[2] > 0 && edges[3] > 0
      return DetectionDataset.StatedObject(
        className: names[category] ?? "category \(category)",
        box: isSound
          ? DetectionBox(
            left: edges[0],
            top: edges[1],
            right: edges[0] + edges[2],
            bottom: edges[1] + edges[3]
          ) : DetectionBox(left: 0, top: 0, right: 0, bottom: 0),
        kind: isCrowd == 1 ? .crowd : .counted,
        isSound: isSound,
        outline: outline.flatMap { $0 == .nothing ? nil : $0 }
      )
    }
  }

  let images: [Image]
  let categories: [Category]
  let annotations: [Annotation]

  enum CodingKeys: String, CodingKey { case images, categories, annotations }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    images = try container.decode([Image].self, forKey: .images)
    categories = try container.decodeIfPresent([Category].self, forKey: .categories) ?? []
    // A test set of COCO has none.
    annotations = try container.decodeIfPresent([Annotation].self, forKey: .annotations) ?? []
  }
}
