import Foundation
import Imaging
import ImagingIO
import Support
import Transforms

/// Labelled scans in nnU-Net's raw layout or the Medical Segmentation Decathlon's.
public struct SegmentationDataset: Sendable {
  /// One labelled scan.
  public struct Case: Sendable, Equatable {
    /// The id.
    public let id: String
    /// The scan's file; of several channels the first one's, or one whose time points they are.
    public let image: String
    /// The files of further channels, in their order.
    public let furtherImages: [String]
    /// The label map's file.
    public let label: String

    init(id: String, image: String, furtherImages: [String] = [], label: String) {
      self.id = id
      self.image = image
      self.furtherImages = furtherImages
      self.label = label
    }

    /// The files of all channels.
    public var images: [String] { [image] + furtherImages }
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
  /// The names of the channels, in their order; at least one.
  public let channelNames: [String]
  /// The meanings of the numbers that a model of the data set writes.
  ///
  /// They are those of the label maps, but for numbers that no region is drawn with.
  public let labels: [LabelDefinition]
  /// Structures made up of several labels, which may overlap, in the order in which they are drawn.
  ///
  /// Where there are any the network has one output for each; empty where labels exclude each other.
  public let regions: [Region]
  /// The meanings of the numbers that label maps hold, but for the ignored one.
  let mapLabels: [LabelDefinition]
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
  /// Whether images are pictures (PNG, JPEG, TIFF, BMP) and not scans.
  public let isPictures: Bool
  /// Whether label numbers count objects, of which `labels` holds the one kind.
  public let countsObjects: Bool
  /// Volumes of several structures together that a model of the data reports; nil for none.
  public let totals: [ModelDescription.Total]?

  struct Header: Decodable {
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

    /// nnU-Net has `{"name": 1}` and `{"name": [1, 2]}`, the Decathlon `{"1": "name"}`.
    enum Value: Decodable {
      case number(Int)
      case text(String)
      case list
      case other

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
          self = .number(number)
        } else if let text = try? container.decode(String.self) {
          self = Int(text).map { .number($0) } ?? .text(text)
        } else if (try? container.decode([Int].self)) != nil {
          self = .list
        } else {
          self = .other
        }
      }
    }
  }

  /// Reads a data set's description and lists its cases; images are not opened.
  ///
  /// Several channels of a case lie in `CASE_0000`, `CASE_0001` and so on, or as time points in the
  /// file that a list of cases (`training`) names. A label that is a list of numbers is a region; then
  /// all labels are, and `regions_class_order` says which number each is drawn with.
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
  ///   malformed, pictures or label maps alone come with several channels or regions, scans alone with
  ///   several channels, or there is no case.
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
    let ending = header.file_ending ?? ".nii.gz"
    fileEnding = ending
    isPictures = PictureFormat.endings.contains(ending.lowercased())
    countsObjects = !withoutLabels && (header.instances ?? false)
    channelNames = try Self.channelNames(header, arePictures: isPictures, unusable)
    guard channelNames.count == 1 || !withoutLabels else {
      throw unusable("pre-training takes scans of one channel, and it has \(channelNames.count)")
    }
    let meanings = try Self.meanings(header, descriptionPath, withoutLabels, unusable)
    (labels, mapLabels, regions) = (meanings.written, meanings.stored, meanings.regions)
    ignoreLabel = meanings.ignored
    guard regions.isEmpty || !(isPictures || header.synthesis != nil) else {
      throw unusable("regions need scans; pictures and label maps alone have labels only")
    }
    guard channelNames.count == 1 || header.synthesis == nil else {
      throw unusable("images made from label maps have one channel, and it names several")
    }

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
        (try Self.scans(in: path, ending: ending, channels: channelNames.count), [Unpaired]())
      } else if synthesis != nil {
        (try Self.labelMaps(in: path, ending: ending), [Unpaired]())
      } else if let pairs = header.training {
        Self.listed(pairs, in: path)
      } else {
        try Self.found(
          in: path,
          images: header.folders?.images ?? "imagesTr",
          labels: header.folders?.labels ?? "labelsTr",
          ending: ending,
          channels: channelNames
        )
      }
    guard !cases.isEmpty else {
      throw unusable(withoutLabels ? "it has no scan" : "no scan has a label map")
    }
    self.cases = cases
    self.unpaired = unpaired
  }

  /// The most structures of one model.
  public static let maximumLabels = 250

  /// What the numbers of label maps mean: the structures and the ignored label.
  var mapTable: [LabelDefinition] {
    mapLabels
      + (ignoreLabel.map {
        [
          LabelDefinition(
            id: $0,
            name: "ignore",
            color: LabelDefinition.defaultColor(mapLabels.count)
          )
        ]
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
