import Foundation
import Imaging
import ImagingIO
import Support

/// What a look at every file of a data set found.
public struct DatasetCheck: Sendable {
  /// Faults that make training wrong; one line each.
  public let faults: [String]
  /// Oddities that do not; one line each.
  public let notes: [String]

  /// Checks a data set.
  /// - Parameters:
  ///   - dataset: The data set.
  ///   - progress: Told about each case.
  ///   - interruption: Looked at before each case.
  /// - Returns: The findings.
  /// - Throws: `SupportError.interrupted`.
  public static func check(
    _ dataset: SegmentationDataset,
    progress: any ProgressReporter = SilentProgress(),
    interruption: Interruption = Interruption()
  ) throws -> DatasetCheck {
    try run(dataset, progress: progress, interruption: interruption).check
  }

  /// A labelled scan as read.
  struct LoadedCase: Sendable {
    let id: String
    let scan: Volume<Float>
    let labelMap: LabelMap
  }

  /// Reads every case: scans and label maps must be readable, share a grid, and use known labels.
  /// - Parameters:
  ///   - dataset: The data set.
  ///   - progress: Told about each case.
  ///   - interruption: Looked at before each case.
  /// - Returns: The findings, and the cases without a fault.
  /// - Throws: `SupportError.interrupted`.
  static func run(
    _ dataset: SegmentationDataset,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (check: DatasetCheck, cases: [LoadedCase]) {
    var faults = dataset.unpaired
    var loaded: [LoadedCase] = []
    progress.begin("checking \(dataset.cases.count) cases", total: dataset.cases.count)
    for (index, entry) in dataset.cases.enumerated() {
      try interruption.check()
      do {
        loaded.append(try load(entry, labels: dataset.labels))
      } catch let error as ImagingError {
        faults.append("\(entry.id): \(lowercasedStart(error.description))")
      } catch let error as any ClassifiedError {
        faults.append("\(entry.id): \(lowercasedStart(error.description))")
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    return (
      DatasetCheck(faults: faults, notes: strays(dataset, loaded: loaded)), loaded
    )
  }

  private static func load(
    _ entry: SegmentationDataset.Case,
    labels: [LabelDefinition]
  ) throws -> LoadedCase {
    let scan = try ImageFormats.read(entry.image).volume.asFloat
    let labelMap = try NIfTIReader.readLabelMap(entry.label, table: labels)
    if let difference = scan.geometry.difference(from: labelMap.geometry) {
      throw ImagingError.gridMismatch(reason: "scan and label map, \(difference)")
    }
    try labelMap.checkTable()
    return LoadedCase(id: entry.id, scan: scan, labelMap: labelMap)
  }

  /// Images that lie in the folder but belong to no case, each with what is wrong.
  private static func strays(
    _ dataset: SegmentationDataset,
    loaded: [LoadedCase]
  ) -> [String] {
    let testPlaces: Set = ["imagesTs", "labelsTs"]
    let known = Set(dataset.cases.flatMap { [$0.image, $0.label] }.map { standard($0) })
    guard let files = FileManager.default.enumerator(atPath: dataset.path) else { return [] }
    // Without their partner they are faults already.
    let unpaired = dataset.unpaired.map { $0.prefix { $0 != " " } }
    let names = files.compactMap { $0 as? String }.filter { name in
      (name.hasSuffix(".nii.gz") || name.hasSuffix(".nii"))
        && !testPlaces.contains(String(name.prefix { $0 != "/" }))
        && !known.contains(standard(dataset.path + "/" + name))
        && !name.split(separator: "/").contains { $0.hasPrefix(".") }
        && !unpaired.contains { name.contains($0) }
    }
    let ids = Set(dataset.cases.map(\.id))
    return names.sorted().map { name in
      let prefix = "\(name) is not used: "
      guard
        let summary = try? NIfTIFormat().inspect(
          dataset.path + "/" + name,
          progress: SilentProgress()
        ).first,
        let size = summary.volumes.first?.size
      else { return prefix + "it cannot be read" }
      let file = SegmentationDataset.stem(URL(fileURLWithPath: name).lastPathComponent)
      let isLabel = file.lowercased().hasPrefix("label")
      let id = ids.first { file.hasSuffix($0) }
      var reason =
        id.map { "\($0) has its \(isLabel ? "label map" : "scan") already" }
        ?? (isLabel
          ? "no scan of its name is in imagesTr" : "no label map of its name is in labelsTr")
      if let oddity = sizeOddity(size, loaded) { reason += ", and \(oddity)" }
      return prefix + reason
    }
  }

  private static func sizeOddity(_ size: [Int], _ loaded: [LoadedCase]) -> String? {
    guard size.count >= 3, !loaded.isEmpty else { return nil }
    let sizes = loaded.map(\.scan.geometry.size)
    let limits = (0..<3).map { axis in
      (sizes.map { $0[axis] }.min() ?? 0, sizes.map { $0[axis] }.max() ?? 0)
    }
    let fits = (0..<3).allSatisfy { (limits[$0].0 / 2...limits[$0].1 * 2).contains(size[$0]) }
    if fits { return nil }
    let ranges = limits.map { "\($0.0)-\($0.1)" }.joined(separator: " x ")
    let own = size.map(String.init).joined(separator: " x ")
    return "its \(own) voxels are far from the data set's \(ranges)"
  }

  private static func standard(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }

  private static func lowercasedStart(_ sentence: String) -> String {
    let body = sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
    return body.prefix(1).lowercased() + body.dropFirst()
  }
}
