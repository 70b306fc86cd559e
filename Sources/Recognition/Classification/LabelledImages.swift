import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support

/// Images with the classes that they show.
public struct LabelledImages: Sendable {
  /// What an image is for.
  public enum Split: String, Codable, Sendable, CaseIterable {
    /// Trained on.
    case training
    /// Looked at on the way, and for calibration.
    case validation
    /// Measured at the end, and never before.
    case test

    /// The split by one of its usual names; nil for others.
    /// - Parameter name: Such as "train" or "valid", in any case of letters.
    public init?(name: String) {
      switch name.lowercased() {
      case "train", "training", "tr": self = .training
      case "val", "valid", "validation", "dev": self = .validation
      case "test", "testing", "ts": self = .test
      default: return nil
      }
    }
  }

  /// One image.
  package struct Item: Sendable {
    /// The name: the path within the data set, or the number in its file.
    package let id: String
    /// Where its pixels are.
    package let source: Source
    /// The classes that it shows: one, or any number where findings are told.
    package var classes: [Int]
    /// The numbers that belong to it, in the order of the data set's targets.
    package var targets: [Double] = []
    /// What it is for, if the data set says so.
    package var split: Split?
    /// What must not be divided between splits, such as a patient; nil for an image on its own.
    package var group: String?
    /// What else the table says, for results by subgroup.
    package var attributes: [String: String] = [:]

    package init(
      id: String,
      source: Source,
      classes: [Int],
      split: Split? = nil,
      group: String? = nil,
      attributes: [String: String] = [:]
    ) {
      self.id = id
      self.source = source
      self.classes = classes
      self.split = split
      self.group = group
      self.attributes = attributes
    }
  }

  /// Where an image's pixels are.
  package indirect enum Source: Sendable {
    /// In a picture's file.
    case picture(String)
    /// In a slice of a volume, so far along the third axis as the share says.
    case slice(String, share: Double)
    /// In several slices of a volume, which are the image's planes.
    case stack(String, StackedSlices)
    /// In memory.
    case stored(StoredImages, Int)
    /// An image, and the file of its label map.
    case labelled(Source, map: String, LabelChannels)
  }

  /// The data set's name.
  public let name: String
  /// The classes, in the order of their numbers.
  public let classNames: [String]
  /// Whether an image may show none or several of the classes.
  public let areFindings: Bool
  /// The images.
  package var items: [Item]
  /// What was left out or is odd, one sentence each, with counts.
  public var problems: [String]

  /// The number of images.
  public var count: Int { items.count }

  package init(
    name: String,
    classNames: [String],
    areFindings: Bool,
    items: [Item],
    problems: [String]
  ) {
    self.name = name
    self.classNames = classNames
    self.areFindings = areFindings
    self.items = items
    self.problems = problems
  }

  /// Reads a data set in any of the layouts that are known.
  ///
  /// A folder with a folder for each class, also within `train`, `val` and `test`; a table with the
  /// columns `image` and `label` (or one column for each finding), its paths relative to it; an `.npz` with
  /// `train_images`, `train_labels` and so on, as MedMNIST's; a table of pixels with the label in the last
  /// column.
  /// - Parameters:
  ///   - path: The folder or file.
  ///   - slicesPerVolume: How many slices of a volume are images, from its middle half.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `RecognitionError.notADataset`;
  ///   `ImagingIOError.damaged`.
  public init(path: String, slicesPerVolume: Int = 8) throws {
    let name = path.lowercased()
    if try FileManager.default.isExistingFolder(path) {
      try self.init(folder: path, slicesPerVolume: slicesPerVolume)
    } else if name.hasSuffix(".npz") {
      try self.init(arrays: path)
    } else if name.hasSuffix(".csv") || name.hasSuffix(".tsv") || name.hasSuffix(".csv.gz") {
      try self.init(table: path, slicesPerVolume: slicesPerVolume)
    } else {
      throw RecognitionError.notADataset(path: path, reason: "it is neither folder, table nor .npz")
    }
  }

  /// The name without its folders and endings.
  package static func stem(_ path: String) -> String {
    let name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
    return String(name.split(separator: ".").first ?? Substring(name))
  }

  private static let volumeEndings = [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".mgz", ".dcm"]

  /// The images of a file: a picture, or slices of a volume; none for other files.
  package static func sources(
    _ path: String,
    slicesPerVolume: Int
  ) -> [(suffix: String, source: Source)] {
    let name = path.lowercased()
    if PictureFormat.endings.contains(where: name.hasSuffix) { return [("", .picture(path))] }
    guard volumeEndings.contains(where: name.hasSuffix) else { return [] }
    return (0..<slicesPerVolume).map { index in
      ("#\(index + 1)", .slice(path, share: ImageReader.share(index, of: slicesPerVolume)))
    }
  }
}

/// Images of one size in memory, 8 bits a value.
package final class StoredImages: Sendable {
  /// Rows of each.
  package let height: Int
  /// Columns of each.
  package let width: Int
  /// 1 or 3; of colours pixel by pixel.
  package let channels: Int
  private let bytes: [UInt8]

  /// Keeps images.
  /// - Parameters:
  ///   - height: Rows.
  ///   - width: Columns.
  ///   - channels: 1 or 3, fastest.
  ///   - bytes: One image after another.
  /// - Precondition: Whole images.
  package init(height: Int, width: Int, channels: Int, bytes: [UInt8]) {
    precondition(
      height > 0 && width > 0 && [1, 3].contains(channels)
        && bytes.count % (height * width * channels) == 0,
      "\(bytes.count) bytes for images of \(height) x \(width) x \(channels)"
    )
    (self.height, self.width, self.channels, self.bytes) = (height, width, channels, bytes)
  }

  /// The number of images.
  package var count: Int { bytes.count / (height * width * channels) }

  /// One image.
  package func image(_ index: Int) -> ImagePlanes {
    let area = height * width
    let first = index * area * channels
    return ImagePlanes(
      height: height,
      width: width,
      values: (0..<channels).flatMap { channel in
        (0..<area).map { Float(bytes[first + $0 * channels + channel]) }
      }
    )
  }
}
