import Foundation
import Registration
import Support

/// Labelled scans that are laid over a scan and vote on its labels: `atlas:FOLDER,fusion=staple`.
package struct RegisteredAtlases: Sendable {
  /// What a text begins with that names atlases.
  package static let prefix = "atlas:"

  /// The text that named them.
  package let text: String
  /// The labelled scans, in nnU-Net's raw layout.
  package let dataset: SegmentationDataset
  /// How each is laid over a scan.
  package let settings: RegistrationSettings
  /// How their labels are joined.
  package let fusion: LabelFusion

  /// Whether a text names atlases.
  /// - Parameter text: What `--model` was given.
  /// - Returns: True for texts that begin with `atlas:`.
  package static func names(_ text: String) -> Bool { text.hasPrefix(prefix) }

  /// Opens a folder of atlases.
  /// - Parameter text: `atlas:FOLDER`, then settings after commas: `transform`, `fusion`, `metric`,
  ///   `spacing` (mm), `bending` (mm²), `samples` and `seed`.
  /// - Throws: `RegistrationError.invalidSetting`, `.unfitAtlases`; what opening a data set throws.
  package init(describedBy text: String) throws {
    self.text = text
    var parts = text.dropFirst(Self.prefix.count).split(
      separator: ",",
      omittingEmptySubsequences: false
    ).map(String.init)
    let folder = parts.removeFirst()
    guard !folder.isEmpty else {
      throw RegistrationError.invalidSetting(name: "atlas", reason: "it names no folder")
    }
    var settings = RegistrationSettings(kind: .bspline)
    var fusion = LabelFusion.locallyWeighted
    for part in parts {
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard pair.count == 2 else {
        throw RegistrationError.invalidSetting(name: part, reason: "it has no value")
      }
      let (name, value) = (pair[0], pair[1])
      switch name {
      case "transform": settings.kind = try Self.choice(value, name)
      case "fusion": fusion = try Self.choice(value, name)
      case "metric": settings.measure = try Self.choice(value, name)
      case "spacing": settings.controlSpacingMM = try Self.number(value, name)
      case "bending": settings.bendingWeight = try Self.number(value, name)
      case "samples":
        let count = try Self.number(value, name)
        guard (100...1e9).contains(count) else {
          throw RegistrationError.invalidSetting(name: name, reason: "\(value) is not 100 to 1e9")
        }
        settings.linearSamples = Int(count)
        settings.splineSamples = Int(count)
      case "seed":
        guard let seed = UInt64(value) else {
          throw RegistrationError.invalidSetting(name: name, reason: "\(value) is no whole number")
        }
        settings.seed = seed
      default:
        throw RegistrationError.invalidSetting(
          name: name,
          reason: "atlases take transform, fusion, metric, spacing, bending, samples and seed"
        )
      }
    }
    try settings.check()
    self.settings = settings
    self.fusion = fusion
    dataset = try SegmentationDataset(path: folder)
    guard !dataset.cases.isEmpty else {
      throw RegistrationError.unfitAtlases(reason: "\(folder) has no scan with a label map")
    }
    guard !dataset.isPictures, !dataset.countsObjects, dataset.regions.isEmpty else {
      throw RegistrationError.unfitAtlases(
        reason: "\(folder) holds pictures, objects or overlapping regions; atlases are scans whose "
          + "labels exclude each other"
      )
    }
    guard dataset.ignoreLabel == nil, dataset.channelNames.count == 1 else {
      throw RegistrationError.unfitAtlases(
        reason:
          "\(folder) has voxels that nobody labelled (ignored), or several channels; atlases are "
          + "wholly labelled scans of one channel"
      )
    }
  }

  /// What a record says of them: the hash is that of all files' hashes.
  /// - Returns: The record.
  /// - Throws: `SupportError` when a file cannot be read.
  func record() throws -> RunRecord.Model {
    let hashes = try dataset.cases.flatMap { item in
      [try SHA256.hexDigest(ofFile: item.image), try SHA256.hexDigest(ofFile: item.label)]
    }
    return RunRecord.Model(
      name: dataset.name,
      version: Version.current,
      path: dataset.path,
      weightsSHA256: try SHA256.hexDigest(of: Data(hashes.joined(separator: "\n").utf8)),
      plan:
        "\(dataset.cases.count) atlases, \(settings.kind.rawValue) by \(settings.measure.name), "
        + "\(fusion.rawValue) fusion (\(text))"
    )
  }

  private static func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ value: String,
    _ name: String
  ) throws -> Choice {
    guard let choice = Choice(rawValue: value) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw RegistrationError.invalidSetting(name: name, reason: "\(value) is none of \(known)")
    }
    return choice
  }

  private static func number(_ value: String, _ name: String) throws -> Double {
    guard let number = Double(value), number.isFinite else {
      throw RegistrationError.invalidSetting(name: name, reason: "\(value) is no number")
    }
    return number
  }
}
