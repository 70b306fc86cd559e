import Foundation
import Imaging
import ImagingIO
import Support

/// Writes a mended copy of a data set, in nnU-Net's raw layout; the originals stay as they are.
///
/// - Label maps that lie less than `gapLimitMM` from their scan get the scan's place.
/// - Labels stored as fractions become whole numbers, where none is further than a thousandth from one.
/// - Of several cases that show the same scan the first without such a fault is kept.
/// - Cases that have another fault are left out.
public struct DatasetMending: Sendable {
  /// One thing that was done.
  public struct Action: Codable, Sendable, Equatable {
    /// What was done.
    public enum Kind: String, Codable, Sendable {
      /// The label map was written anew.
      case mended
      /// The case was left out.
      case leftOut = "left-out"
    }

    /// The case.
    public let caseID: String
    /// What was done.
    public let kind: Kind
    /// Why, without a full stop.
    public let reason: String
  }

  private let dataset: SegmentationDataset
  private let check: DatasetCheck

  /// Label maps nearer to their scan than this are moved to it, mm.
  static let gapLimitMM = 1e-2

  /// Creates a mending.
  /// - Parameters:
  ///   - dataset: The data set.
  ///   - check: What is wrong with it.
  public init(_ dataset: SegmentationDataset, check: DatasetCheck) {
    self.dataset = dataset
    self.check = check
  }

  /// Writes the copy.
  /// - Parameters:
  ///   - folder: An empty folder, or one that does not exist.
  ///   - progress: Told about each case.
  ///   - interruption: Looked at before each case.
  /// - Returns: What was done, by case.
  /// - Throws: `PipelinesError.notADataset` when no case is left; `SupportError`, and what reading
  ///   and writing throw.
  public func write(
    to folder: String,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> [Action] {
    guard !dataset.isPictures else {
      throw PipelinesError.notADataset(
        path: dataset.path,
        reason: "scans can be mended, pictures cannot"
      )
    }
    guard dataset.cases.allSatisfy({ $0.images.count == dataset.channelNames.count }) else {
      throw PipelinesError.notADataset(
        path: dataset.path,
        reason: "channels in files of their own can be mended, those in one file cannot"
      )
    }
    for name in ["imagesTr", "labelsTr"] {
      try OutputGuard.makeFolder(folder + "/" + name)
    }
    let lost = Dictionary(
      grouping: check.findings.filter { $0.isFault && !$0.isMendable }
    ) { $0.caseID ?? "" }
    // Of copies the first that is not left out for a fault of its own.
    let copies = Set(check.copies.flatMap { $0.filter { lost[$0] == nil }.dropFirst() })
    var actions = dataset.unpaired.map {
      Action(caseID: $0.id, kind: .leftOut, reason: $0.message)
    }
    var kept = 0
    progress.begin("writing \(dataset.cases.count) cases", total: dataset.cases.count)
    for (index, entry) in dataset.cases.enumerated() {
      try interruption.check()
      if let reason = lost[entry.id]?.first?.message {
        actions.append(Action(caseID: entry.id, kind: .leftOut, reason: reason))
      } else if copies.contains(entry.id) {
        let reason = "\(entry.id) shows the scan of another case"
        actions.append(Action(caseID: entry.id, kind: .leftOut, reason: reason))
      } else {
        actions += try write(entry, to: folder)
        kept += 1
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    guard kept > 0 else {
      throw PipelinesError.notADataset(path: dataset.path, reason: "no case can be mended")
    }
    try writeDescription(to: folder, count: kept)
    return actions.sorted { $0.caseID < $1.caseID }
  }

  private func write(_ entry: SegmentationDataset.Case, to folder: String) throws -> [Action] {
    let labelPath = "\(folder)/labelsTr/\(entry.id).nii.gz"
    for (number, image) in entry.images.enumerated() {
      let suffix = SegmentationDataset.channelSuffix(number)
      try copy(image, to: "\(folder)/imagesTr/\(entry.id)\(suffix).nii.gz")
    }
    let scan = try ImageFormats.read(entry.image).volume.geometry
    let stored = try ImageFormats.read(entry.label).volume
    let gap = scan.largestGap(from: stored.geometry)
    let rounded = stored.roundedLabels
    var reasons: [String] = []
    if gap > CaseCheck.silentGapMM {
      reasons.append("the label map got the scan's place (\(CaseCheck.rounded(gap)) mm)")
    }
    if rounded != nil { reasons.append("labels became whole numbers") }
    guard !reasons.isEmpty else {
      try copy(entry.label, to: labelPath)
      return []
    }
    let labels =
      try rounded ?? NIfTIReader.labelMap(from: stored, table: [], path: entry.label).labels
    try NIfTIWriter.write(LabelMap(geometry: scan, labels: labels, table: []), to: labelPath)
    return [
      Action(caseID: entry.id, kind: .mended, reason: reasons.joined(separator: ", "))
    ]
  }

  /// Copies a file byte for byte, or writes it anew where it is not compressed NIfTI.
  private func copy(_ source: String, to target: String) throws {
    if source.hasSuffix(".nii.gz") {
      do {
        try FileManager.default.copyItem(atPath: source, toPath: target)
      } catch {
        throw SupportError.unwritable(path: target, reason: OutputGuard.reason(of: error))
      }
    } else {
      try NIfTIWriter.write(try ImageFormats.read(source).volume, to: target)
    }
  }

  /// Stands where the labels are put in their order.
  private static let labelsMark = "labels-in-their-order"

  /// The labels as JSON in the order in which regions are drawn, which other writers do not keep; nil
  /// without regions.
  private func regionLabels() throws -> String? {
    guard !dataset.regions.isEmpty else { return nil }
    let encoder = JSONEncoder()
    func entry(_ name: String, _ value: some Encodable) throws -> String {
      let parts = [try encoder.encode(name), try encoder.encode(value)]
      return parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ": ")
    }
    var entries = [try entry("background", 0)]
    entries += try dataset.regions.map { try entry($0.name, $0.labels) }
    if let ignored = dataset.ignoreLabel { entries.append(try entry("ignore", ignored)) }
    return "{" + entries.joined(separator: ", ") + "}"
  }

  /// The description with the new number of cases; a list of files no longer holds.
  private func writeDescription(to folder: String, count: Int) throws {
    guard let text = FileManager.default.contents(atPath: dataset.descriptionPath),
      var values = (try? JSONSerialization.jsonObject(with: text)) as? [String: Any]
    else {
      throw PipelinesError.notADataset(
        path: dataset.path,
        reason: "its dataset.json can no longer be read"
      )
    }
    for key in ["training", "test", "numTest", "dataset", "folders"] { values[key] = nil }
    values["numTraining"] = count
    values["file_ending"] = ".nii.gz"
    let labels = try regionLabels()
    if labels != nil { values["labels"] = Self.labelsMark }
    var data = try JSONSerialization.data(
      withJSONObject: values,
      options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    )
    if let labels {
      let text = String(decoding: data, as: UTF8.self)
      data = Data(text.replacingOccurrences(of: "\"\(Self.labelsMark)\"", with: labels).utf8)
    }
    let path = folder + "/dataset.json"
    do {
      try data.write(to: URL(fileURLWithPath: path))
    } catch {
      throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
    }
  }
}
