import Evaluation
import Foundation
import ImagingIO
import Support
import Synchronization

/// Pictures with boxes around the objects in them.
///
/// What cannot be used is left out and told in `problems`; nothing is guessed.
public struct DetectionDataset: Sendable {
  /// An object.
  public struct Object: Sendable, Equatable {
    /// How an object counts.
    public enum Kind: String, Sendable {
      /// As one object.
      case counted
      /// Not: whether it is found or not, nothing is gained or lost (Pascal VOC's "difficult").
      case difficult
      /// Not, and any number of detections may lie in it (COCO's "iscrowd").
      case crowd
    }

    /// The class, counted from 0.
    public let label: Int
    /// Where it lies.
    public let box: DetectionBox
    /// How it counts.
    public let kind: Kind
    /// The picture's pixels within; nil where the data set does not say.
    public let mask: RunLengthMask?

    /// Creates an object.
    /// - Parameters:
    ///   - label: The class, counted from 0.
    ///   - box: Where it lies.
    ///   - kind: How it counts.
    ///   - mask: The picture's pixels within.
    public init(
      label: Int,
      box: DetectionBox,
      kind: Kind = .counted,
      mask: RunLengthMask? = nil
    ) {
      self.label = label
      self.box = box
      self.kind = kind
      self.mask = mask
    }
  }

  /// A picture and its objects.
  public struct Image: Sendable, Equatable {
    /// The name, without folder and ending.
    public let id: String
    /// The file.
    public let path: String
    /// Columns.
    public let width: Int
    /// Rows.
    public let height: Int
    /// The objects, those that do not count too.
    public let objects: [Object]
    /// The slice along the third axis, from 0; nil for pictures.
    public let slice: Int?
    /// The case that a slice belongs to, which is never split; nil for pictures, each of which stands alone.
    public let caseID: String?

    /// Creates a picture's entry.
    /// - Parameters:
    ///   - id: The name.
    ///   - path: The file.
    ///   - width: Columns.
    ///   - height: Rows.
    ///   - objects: The objects.
    ///   - slice: The slice along the third axis, from 0, if the file is a volume.
    ///   - caseID: The case that a slice belongs to.
    public init(
      id: String,
      path: String,
      width: Int,
      height: Int,
      objects: [Object],
      slice: Int? = nil,
      caseID: String? = nil
    ) {
      self.id = id
      self.path = path
      self.width = width
      self.height = height
      self.objects = objects
      self.slice = slice
      self.caseID = caseID
    }
  }

  /// The data set's name.
  public let name: String
  /// The classes' names.
  public let classes: [String]
  /// The pictures, in the order of the list.
  public let images: [Image]
  /// What was mended or left out, in the order in which it was found.
  public let problems: [DetectionProblem]

  /// Creates a data set of what was read before.
  /// - Parameters:
  ///   - name: The data set's name.
  ///   - classes: The classes' names.
  ///   - images: The pictures.
  ///   - problems: What was mended or left out.
  public init(
    name: String,
    classes: [String],
    images: [Image],
    problems: [DetectionProblem] = []
  ) {
    self.name = name
    self.classes = classes
    self.images = images
    self.problems = problems
  }

  /// How often each thing was found.
  public var problemCounts: [DetectionProblem.Kind: Int] {
    problems.reduce(into: [:]) { $0[$1.kind, default: 0] += 1 }
  }

  /// A sentence for each kind of problem, with its number and the first example.
  public var notes: [String] {
    DetectionProblem.Kind.allCases.compactMap { kind in
      let found = problems.filter { $0.kind == kind }
      guard let first = found.first else { return nil }
      let detail = first.detail.isEmpty ? "" : ": \(first.detail)"
      return DetectionProblem.words(kind, found.count) + " (\(first.place)\(detail))."
    }
  }

  /// Objects that count, by class.
  public var objectCounts: [Int] {
    images.reduce(into: [Int](repeating: 0, count: classes.count)) { counts, image in
      for object in image.objects where object.kind == .counted { counts[object.label] += 1 }
    }
  }

  /// The cases of slices, and the pictures that stand alone, in the order of the list.
  public var cases: [String] {
    var seen: Set<String> = []
    return images.map { $0.caseID ?? $0.id }.filter { seen.insert($0).inserted }
  }

  /// A part of the pictures, chosen by a seed, and the rest; slices of one case stay together.
  /// - Parameters:
  ///   - share: The part's share of the pictures or cases; at least one of two or more.
  ///   - seed: The seed.
  /// - Returns: The rest and the part.
  public func split(
    heldOut share: Double,
    seed: UInt64
  ) -> (training: DetectionDataset, heldOut: DetectionDataset) {
    let units = cases
    var order = Array(units.indices)
    var random = RandomStream(seed: seed).split(0x6465_7465)
    order.shuffle(using: &random)
    let count =
      units.count < 2 || share <= 0
      ? 0 : min(units.count - 1, max(1, Int((share * Double(units.count)).rounded())))
    let chosen = Set(order.prefix(count).map { units[$0] })
    func part(_ isHeldOut: Bool) -> DetectionDataset {
      DetectionDataset(
        name: name,
        classes: classes,
        images: images.filter { chosen.contains($0.caseID ?? $0.id) == isHeldOut },
        problems: isHeldOut ? [] : problems
      )
    }
    return (part(false), part(true))
  }

  /// The pictures that are not among others, by their files.
  /// - Parameter others: Pictures that must not be trained on.
  /// - Returns: The rest under the same name.
  public func without(_ others: DetectionDataset) -> DetectionDataset {
    func place(_ image: Image) -> String {
      URL(fileURLWithPath: image.path).resolvingSymlinksInPath().standardizedFileURL.path
    }
    let known = Set(others.images.map(place))
    return DetectionDataset(
      name: name,
      classes: classes,
      images: images.filter { !known.contains(place($0)) },
      problems: problems
    )
  }

  /// Reads a data set of any layout.
  /// - Parameters:
  ///   - path: A folder in Pascal VOC's layout, a JSON file in COCO's, or a folder of volumes with label
  ///     maps, which has a `dataset.json` (`volumes(_:classes:interruption:)`).
  ///   - split: The name of the list of pictures, for VOC: "train", "val", "trainval" or "test"; nil
  ///     takes every picture that has annotations.
  ///   - images: The folder of the pictures, for COCO; nil looks beside the file.
  ///   - classes: The classes' names in the order of the network's outputs; nil takes those found.
  ///   - interruption: Looked at between pictures.
  /// - Returns: The data set.
  /// - Throws: `SupportError.notFound` or `.interrupted`; `RecognitionError.noBoxDataset` or
  ///   `.damagedAnnotations`.
  public static func open(
    _ path: String,
    split: String? = nil,
    images: String? = nil,
    classes: [String]? = nil,
    interruption: Interruption = Interruption()
  ) throws -> DetectionDataset {
    let isFolder = try FileManager.default.isExistingFolder(path)
    if !isFolder, let split {
      throw RecognitionError.noBoxDataset(path: path, reason: "a JSON file has no list \(split)")
    }
    if isFolder, FileManager.default.fileExists(atPath: path + "/dataset.json") {
      if let split {
        throw RecognitionError.noBoxDataset(path: path, reason: "volumes have no list \(split)")
      }
      return try volumes(path, classes: classes, interruption: interruption)
    }
    return isFolder
      ? try voc(path, split: split, classes: classes, interruption: interruption)
      : try coco(path, images: images, classes: classes, interruption: interruption)
  }
}
