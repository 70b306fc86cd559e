import Foundation
import Imaging
import ImagingIO
import Support

/// Writes a mended copy of a data set, in nnU-Net's raw layout; the originals stay as they are.
///
/// - Label maps that lie less than `gapLimitMM` from their scan get the scan's place.
/// - Labels stored as fractions become whole numbers, where none is further than a thousandth from one.
/// - Of several cases that show the same scan the first is kept.
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
    for name in ["imagesTr", "labelsTr"] {
      try FileManager.default.createDirectory(
        atPath: folder + "/" + name,
        withIntermediateDirectories: true
      )
    }
    let copies = Set(check.copies.flatMap { $0.dropFirst() })
    let faults = Dictionary(grouping: check.findings.filter(\.isFault)) { $0.caseID ?? "" }
    var actions = dataset.unpaired.map { message in
      Action(
        caseID: String(message.prefix { $0 != " " }),
        kind: .leftOut,
        reason: message
      )
    }
    var kept = 0
    progress.begin("writing \(dataset.cases.count) cases", total: dataset.cases.count)
    for (index, entry) in dataset.cases.enumerated() {
      try interruption.check()
      let reasons = (faults[entry.id] ?? []).filter { !Self.isMendable($0) }
      if let reason = reasons.first?.message {
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

  /// The check looked at what can be mended too, and said so in the remedy.
  private static func isMendable(_ finding: DatasetFinding) -> Bool {
    (finding.kind == .grid || finding.kind == .brokenLabels)
      && finding.remedy.hasPrefix("--fix")
  }

  private func write(_ entry: SegmentationDataset.Case, to folder: String) throws -> [Action] {
    let scanPath = "\(folder)/imagesTr/\(entry.id)_0000.nii.gz"
    let labelPath = "\(folder)/labelsTr/\(entry.id).nii.gz"
    try copy(entry.image, to: scanPath)
    let scan = try ImageFormats.read(entry.image).volume.geometry
    let stored = try ImageFormats.read(entry.label).volume
    let gap = scan.largestGap(from: stored.geometry)
    let rounded = stored.roundedLabels
    var reasons: [String] = []
    if gap > 0 {
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

  /// The description with the new number of cases; a list of files no longer holds.
  private func writeDescription(to folder: String, count: Int) throws {
    let text = FileManager.default.contents(atPath: dataset.descriptionPath) ?? Data()
    var values = (try? JSONSerialization.jsonObject(with: text)) as? [String: Any] ?? [:]
    for key in ["training", "test", "numTest", "dataset"] { values[key] = nil }
    values["numTraining"] = count
    values["file_ending"] = ".nii.gz"
    let data = try JSONSerialization.data(
      withJSONObject: values,
      options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    )
    let path = folder + "/dataset.json"
    do {
      try data.write(to: URL(fileURLWithPath: path))
    } catch {
      throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
    }
  }
}
