import Foundation
import Imaging
import Support
import Transforms

/// Labelled scans in nnU-Net's raw layout or the Medical Segmentation Decathlon's.
public struct SegmentationDataset: Sendable {
  /// One labelled scan.
  public struct Case: Sendable, Equatable {
    /// The id.
    public let id: String
    /// The scan's file.
    public let image: String
    /// The label map's file.
    public let label: String
  }

  /// A file without its partner.
  public struct Unpaired: Sendable, Equatable {
    /// The id.
    public let id: String
    /// What is missing, without a full stop.
    public let message: String

    init(_ id: String, has what: String) {
      self.id = id
      message = "\(id) has \(what)"
    }
  }

  /// The folder.
  public let path: String
  /// The description's file.
  let descriptionPath: String
  /// The data set's name.
  public let name: String
  /// Where the data came from, and under which licence, as `dataset.json` says.
  public let reference: String
  /// Terms of use, as `dataset.json` says.
  public let licence: String
  /// The channel's name.
  public let channelName: String
  /// The meanings of the label numbers.
  public let labels: [LabelDefinition]
  /// The number of voxels that nobody labelled, which a training leaves out; nil without any.
  public private(set) var ignoreLabel: Int?
  /// Scans with labels of a model, which are trained on in every fold.
  public private(set) var pseudoCases: [Case] = []
  /// Scans with a label map, by id.
  public let cases: [Case]
  /// What the names of the files end with.
  let fileEnding: String
  /// Ids of scans without a label map, and of label maps without a scan.
  public let unpaired: [Unpaired]
  /// What the numbers of the label maps mean to the generator of images.
  ///
  /// Nil where the description does not say it; cases are label maps alone otherwise, `image` being the
  /// label map too.
  public let synthesis: SynthesisTable?
  /// Whether images are pictures (PNG, JPEG, TIFF) and not scans.
  public let isPictures: Bool
  /// Whether label numbers count objects, of which `labels` holds the one kind.
  public let countsObjects: Bool
  /// Volumes of several structures together that a model of the data reports; nil for none.
  public let totals: [ModelDescription.Total]?

  private struct Header: Decodable {
    let name: String?
    let reference: String?
    let licence: String?
    let labels: [String: Value]
    let channel_names: [String: String]?
    let modality: [String: String]?
    let file_ending: String?
    let training: [Pair]?
    let synthesis: SynthesisTable?
    let totals: [ModelDescription.Total]?
    let instances: Bool?
    let folders: Folders?

    struct Folders: Decodable {
      let images: String
      let labels: String
    }

    struct Pair: Decodable {
      let image: String
      let label: String
    }

    /// nnU-Net has `{"name": 1}`, the Decathlon `{"1": "name"}`.
    enum Value: Decodable {
      case number(Int)
      case text(String)
      case other

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
          self = .number(number)
        } else if let text = try? container.decode(String.self) {
          self = Int(text).map { .number($0) } ?? .text(text)
        } else {
          self = .other
        }
      }
    }
  }

  /// Reads a data set's description and lists its cases; images are not opened.
  ///
  /// The ending (`file_ending`) of pictures makes a data set of pictures; they are seen as grey values,
  /// also where three channels are named, and each lies in one file. With `"instances": true` label
  /// values count objects of the one kind that `labels` names. The key
  /// `"folders": {"images": "...", "labels": "..."}` names other folders than `imagesTr` and `labelsTr`;
  /// an image then has its label map's name, with or without `_0000`.
  ///
  /// A description with the key `synthesis` stands for label maps alone, in `labelsTr` or the folder
  /// itself.
  /// - Parameters:
  ///   - path: The folder of the images.
  ///   - description: The file to read instead of the folder's own `dataset.json`.
  ///   - withoutLabels: Whether scans alone count: every scan of `imagesTr`, `imagesUn` and `imagesTs`
  ///     is a case, and there are no structures.
  /// - Throws: `SupportError.notFound`; `PipelinesError.notADataset` when the description is missing or
  ///   malformed, holds regions or several channels, or there is no case.
  public init(path: String, description: String? = nil, withoutLabels: Bool = false) throws {
    self.path = path
    descriptionPath = description ?? path + "/dataset.json"
    for needed in [path, description].compactMap({ $0 })
    where !FileManager.default.fileExists(atPath: needed) {
      throw SupportError.notFound(path: needed)
    }
    func unusable(_ reason: String) -> PipelinesError { .notADataset(path: path, reason: reason) }
    guard let data = FileManager.default.contents(atPath: descriptionPath)
    else { throw unusable("it has no readable dataset.json") }
    guard let header = try? JSONDecoder().decode(Header.self, from: data) else {
      throw unusable("its dataset.json is not valid or names no labels")
    }
    name = header.name ?? URL(fileURLWithPath: path).lastPathComponent
    reference = header.reference ?? "not stated"
    licence = header.licence ?? "not stated"
    let channels = header.channel_names ?? header.modality ?? [:]
    let ending = header.file_ending ?? ".nii.gz"
    fileEnding = ending
    isPictures = Self.pictureEndings.contains(ending.lowercased())
    countsObjects = !withoutLabels && (header.instances ?? false)
    guard channels.count <= 1 || (isPictures && channels.count == 3) else {
      throw unusable("it has \(channels.count) channels, not 1")
    }
    channelName = isPictures ? "grey" : channels.values.first ?? "image"
    (labels, ignoreLabel) =
      withoutLabels ? ([], nil) : try Self.definitions(header.labels, unusable)

    if countsObjects, !withoutLabels, labels.count != 1 || !isPictures {
      throw unusable(
        "its labels count objects, which needs pictures and one label beside background"
      )
    }
    synthesis = withoutLabels ? nil : header.synthesis
    do {
      try synthesis?.check()
    } catch { throw unusable("its table for synthesis is wrong: \(error)") }
    totals = withoutLabels ? nil : header.totals
    let ids = Set(labels.map(\.id))
    for total in totals ?? [] where total.labels.isEmpty || !ids.isSuperset(of: total.labels) {
      throw unusable("its total \(total.name) sums labels that it does not have")
    }
    let classes = labels.count
    guard synthesis?.entries.allSatisfy({ $0.output <= classes }) ?? true else {
      throw unusable("its table for synthesis has more classes than labels")
    }
    let (cases, unpaired) =
      if withoutLabels {
        (Self.scans(in: path, ending: ending), [Unpaired]())
      } else if synthesis != nil {
        (Self.labelMaps(in: path, ending: ending), [Unpaired]())
      } else if let pairs = header.training {
        Self.listed(pairs, in: path)
      } else {
        Self.found(
          in: path,
          images: header.folders?.images ?? "imagesTr",
          labels: header.folders?.labels ?? "labelsTr",
          ending: ending
        )
      }
    guard !cases.isEmpty else {
      throw unusable(withoutLabels ? "it has no scan" : "no scan has a label map")
    }
    self.cases = cases
    self.unpaired = unpaired
  }

  private static let pictureEndings: Set = [".png", ".jpg", ".jpeg", ".tif", ".tiff"]

  /// The most structures of one model.
  public static let maximumLabels = 250

  private static func definitions(
    _ values: [String: Header.Value],
    _ unusable: (String) -> PipelinesError
  ) throws -> (labels: [LabelDefinition], ignored: Int?) {
    var names: [Int: String] = [:]
    for (key, value) in values.sorted(by: { $0.key < $1.key }) {
      switch value {
      case .number(let id):
        if let other = names[id] { throw unusable("\(other) and \(key) share the label \(id)") }
        names[id] = key
      case .text(let name):
        guard let id = Int(key) else { throw unusable("the label \(key) has no number") }
        names[id] = name
      case .other: throw unusable("the label \(key) is a region; regions are not supported yet")
      }
    }
    let ignored = names.first { $0.value == "ignore" }?.key
    if let ignored {
      // nnU-Net's rule, which tells a slip of the pen.
      guard ignored == names.keys.max(), (1...65535).contains(ignored) else {
        throw unusable(
          "its ignore label \(ignored) is not the highest number, or not one from 1 to 65535"
        )
      }
      names[ignored] = nil
    }
    let foreground = names.filter { $0.key != 0 }.sorted { $0.key < $1.key }
    guard !foreground.isEmpty, foreground.allSatisfy({ (1...65535).contains($0.key) }) else {
      throw unusable("its labels are not numbers from 1 to 65535")
    }
    guard Set(foreground.map(\.value)).count == foreground.count else {
      throw unusable("two of its labels share a name")
    }
    guard foreground.count <= maximumLabels else {
      throw unusable("it has \(foreground.count) labels, more than \(maximumLabels)")
    }
    let definitions = foreground.enumerated().map { index, entry in
      LabelDefinition(
        id: entry.key,
        name: entry.value,
        color: LabelDefinition.defaultColor(index)
      )
    }
    return (definitions, ignored)
  }

  /// What the numbers of label maps mean: the structures and the ignored label.
  var mapTable: [LabelDefinition] {
    labels
      + (ignoreLabel.map {
        [LabelDefinition(id: $0, name: "ignore", color: LabelDefinition.defaultColor(labels.count))]
      } ?? [])
  }

  /// The data set with further cases to train on.
  /// - Parameters:
  ///   - pseudoCases: Scans with labels of a model.
  ///   - ignoreLabel: The number of voxels that are not labelled.
  /// - Returns: The larger data set.
  func adding(pseudoCases: [Case], ignoreLabel: Int) -> SegmentationDataset {
    var result = self
    result.pseudoCases = pseudoCases
    result.ignoreLabel = ignoreLabel
    return result
  }

  private static func listed(_ pairs: [Header.Pair], in path: String) -> ([Case], [Unpaired]) {
    var cases: [Case] = []
    var unpaired: [Unpaired] = []
    for pair in pairs {
      func resolved(_ name: String) -> String {
        URL(fileURLWithPath: path).appendingPathComponent(name).standardizedFileURL.path
      }
      let id = stem(URL(fileURLWithPath: pair.label).lastPathComponent)
      let (image, label) = (resolved(pair.image), resolved(pair.label))
      let files = FileManager.default
      switch (files.fileExists(atPath: image), files.fileExists(atPath: label)) {
      case (true, true): cases.append(Case(id: id, image: image, label: label))
      case (true, false): unpaired.append(Unpaired(id, has: "no label map"))
      case (false, true): unpaired.append(Unpaired(id, has: "no scan"))
      case (false, false): unpaired.append(Unpaired(id, has: "neither scan nor label map"))
      }
    }
    return (cases.sorted { $0.id < $1.id }, unpaired.sorted { $0.message < $1.message })
  }

  private static func found(
    in path: String,
    images imageFolder: String,
    labels labelFolder: String,
    ending: String
  ) -> ([Case], [Unpaired]) {
    func names(_ folder: String) -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: path + "/" + folder)) ?? [])
        .filter { $0.hasSuffix(ending) && !$0.hasPrefix(".") }
        .map { String($0.dropLast(ending.count)) }
    }
    let labels = Set(names(labelFolder))
    // nnU-Net's own folder holds channels; what bears no number there is no case.
    let isNumbered = imageFolder == "imagesTr"
    var images: [String: String] = [:]
    for name in names(imageFolder) {
      if name.hasSuffix("_0000"), isNumbered || !labels.contains(name) {
        images[String(name.dropLast(5))] = name
      } else if !isNumbered {
        images[name] = name
      }
    }
    let ids = Set(images.keys)
    let cases = images.filter { labels.contains($0.key) }.sorted { $0.key < $1.key }.map {
      Case(
        id: $0.key,
        image: "\(path)/\(imageFolder)/\($0.value)\(ending)",
        label: "\(path)/\(labelFolder)/\($0.key)\(ending)"
      )
    }
    let unpaired =
      ids.subtracting(labels).map { Unpaired($0, has: "no label map in \(labelFolder)") }
      + labels.subtracting(ids).map { Unpaired($0, has: "no scan in \(imageFolder)") }
    return (cases, unpaired.sorted { $0.message < $1.message })
  }

  private static func labelMaps(in path: String, ending: String) -> [Case] {
    let files = FileManager.default
    let folder = files.fileExists(atPath: path + "/labelsTr") ? path + "/labelsTr" : path
    return ((try? files.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { $0.hasSuffix(ending) && !$0.hasPrefix(".") }.sorted()
      .map { name in
        let file = folder + "/" + name
        return Case(id: String(name.dropLast(ending.count)), image: file, label: file)
      }
  }

  /// A file's name without the endings of images.
  static func stem(_ name: String) -> String {
    for ending in [".nii.gz", ".nii", ".hdr", ".img"] where name.hasSuffix(ending) {
      return String(name.dropLast(ending.count))
    }
    return name
  }

  /// Splits the cases into five folds by a seeded shuffle of the sorted ids.
  ///
  /// Copies of one scan go where the first of them goes; without copies they change nothing.
  /// - Parameters:
  ///   - fold: Which fold is held out, 0 to 4, or nil for none.
  ///   - seed: Seed of the shuffle.
  ///   - copies: Ids of cases that show the same scan, as `DatasetCheck` finds them.
  /// - Returns: Cases to train on and cases held out, each in the order of the ids.
  public func split(
    holdingOut fold: Int?,
    seed: UInt64,
    copies: [[String]] = []
  ) -> (training: [Case], heldOut: [Case]) {
    guard let fold else { return (cases, []) }
    var random = RandomStream(seed: seed).split(Self.splitPurpose)
    var order = Array(cases.indices)
    order.shuffle(using: &random)
    var folds = Dictionary(
      order.enumerated().map { (cases[$0.element].id, $0.offset % Self.foldCount) },
      uniquingKeysWith: { first, _ in first }
    )
    for group in copies {
      guard let first = group.first, let chosen = folds[first] else { continue }
      for id in group { folds[id] = chosen }
    }
    return (
      cases.filter { folds[$0.id] != fold },
      cases.filter { folds[$0.id] == fold }
    )
  }

  /// The number of folds of a cross-validation.
  public static let foldCount = 5
  private static let splitPurpose = 0x666F_6C64
}
