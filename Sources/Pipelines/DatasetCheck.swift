import Foundation
import Imaging
import ImagingIO
import Support

/// What a look at every file of a data set found.
public struct DatasetCheck: Sendable {
  /// Everything that is wrong or odd, faults first.
  public let findings: [DatasetFinding]
  /// Ids of cases that show the same scan, for each scan that several show.
  public let copies: [[String]]
  /// Sizes, spacings and intensities of the cases without a fault; nil when there is none.
  public let fingerprint: DatasetFingerprint?

  /// Faults that make training wrong; one line each.
  public var faults: [String] { findings.filter(\.isFault).map(\.message) }
  /// Oddities that do not; one line each.
  public var notes: [String] { findings.filter { !$0.isFault }.map(\.message) }

  /// Checks a data set; one case is held in memory at a time.
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
    try check(dataset, progress: progress, interruption: interruption) { _ in }
  }

  /// Reads a scan; a picture as grey values.
  static func scan(_ path: String, asPicture: Bool) throws -> Volume<Float> {
    (asPicture ? try GreyPicture.read(path) : try ImageFormats.read(path).volume).asFloat
  }

  /// A labelled scan as read.
  struct LoadedCase: Sendable {
    let id: String
    /// The first channel.
    let scan: Volume<Float>
    /// Further channels, on its grid.
    var further: [Volume<Float>] = []
    let labelMap: LabelMap

    /// All channels.
    var channels: ScanChannels { ScanChannels(([scan] + further).map { .float32($0) }) }

    /// The case with all its objects as one structure.
    func joined(as label: Int) -> LoadedCase {
      var map = labelMap
      map.labels = map.labels.map { $0 == 0 ? 0 : UInt16(clamping: label) }
      return LoadedCase(id: id, scan: scan, further: further, labelMap: map)
    }
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
    var loaded: [LoadedCase] = []
    let check = try check(dataset, progress: progress, interruption: interruption) {
      loaded.append($0)
    }
    return (check, loaded)
  }

  /// Reads every case, and gives those without a fault to a visitor.
  static func check(
    _ dataset: SegmentationDataset,
    progress: any ProgressReporter,
    interruption: Interruption,
    visit: (LoadedCase) -> Void
  ) throws -> DatasetCheck {
    guard !dataset.labels.isEmpty else {
      return try checkScans(
        dataset,
        progress: progress,
        interruption: interruption,
        visit: visit
      )
    }
    var findings = dataset.unpaired.map { file in
      DatasetFinding(
        .unpaired,
        file.id,
        fault: true,
        file.message,
        remedy: "bring the other file under this name, or take this one out"
      )
    }
    findings += repeatedNames(dataset)
    var sizes: [SIMD3<Int>] = []
    var collector = FingerprintCollector()
    var digests: [(id: String, digest: String)] = []
    progress.begin("checking \(dataset.cases.count) cases", total: dataset.cases.count)
    for (index, entry) in dataset.cases.enumerated() {
      try interruption.check()
      let found = try CaseCheck(entry, of: dataset)
      findings += found.findings
      if let digest = found.digest { digests.append((entry.id, digest)) }
      if let loaded = found.loaded {
        sizes.append(loaded.scan.geometry.size)
        collector.add(
          dataset.countsObjects ? loaded.joined(as: dataset.labels[0].id) : loaded,
          labels: dataset.mapLabels
        )
        visit(loaded)
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    let fingerprint = collector.fingerprint(labels: dataset.mapLabels)
    findings += unusedLabels(fingerprint)
    let copies = CopiedScans(digests)
    findings += copies.findings
    findings += try copies.leaks(in: dataset, interruption: interruption)
    findings += strays(dataset, sizes: sizes)
    return DatasetCheck(
      findings: findings.filter(\.isFault) + findings.filter { !$0.isFault },
      copies: copies.groups,
      fingerprint: fingerprint
    )
  }

  private static func unusedLabels(_ fingerprint: DatasetFingerprint?) -> [DatasetFinding] {
    (fingerprint?.structures ?? []).filter { $0.cases == 0 }.map { structure in
      DatasetFinding(
        .unusedLabel,
        nil,
        fault: false,
        "no label map shows \(structure.name) (\(structure.id))",
        remedy: "take it out of dataset.json, or check the label maps' numbers"
      )
    }
  }

  private static func repeatedNames(_ dataset: SegmentationDataset) -> [DatasetFinding] {
    Dictionary(grouping: dataset.cases, by: \.id).filter { $0.value.count > 1 }.keys.sorted().map {
      DatasetFinding(
        .repeatedName,
        $0,
        fault: true,
        "\($0) names several cases",
        remedy: "list each case once, under a name of its own"
      )
    }
  }

  /// Images that lie in the folder but belong to no case, each with what is wrong.
  private static func strays(
    _ dataset: SegmentationDataset,
    sizes: [SIMD3<Int>]
  ) -> [DatasetFinding] {
    let testPlaces: Set = ["imagesTs", "labelsTs"]
    let known = Set(dataset.cases.flatMap { $0.images + [$0.label] }.map { standard($0) })
    let files: [String]
    do {
      files = try FileManager.default.files(below: dataset.path, links: .named)
    } catch {
      return [
        DatasetFinding(
          .stray,
          nil,
          fault: false,
          "not all folders could be looked at for images that no case uses: \(error.description)",
          remedy: "none needed where the cases are complete"
        )
      ]
    }
    // Without their partner they are faults already.
    let unpaired = dataset.unpaired.map(\.id)
    let names = files.filter { name in
      (name.hasSuffix(".nii.gz") || name.hasSuffix(".nii"))
        && !testPlaces.contains(String(name.prefix { $0 != "/" }))
        && !known.contains(standard(dataset.path + "/" + name))
        && !unpaired.contains { name.contains($0) }
    }
    let ids = Set(dataset.cases.map(\.id))
    func finding(_ message: String, _ remedy: String) -> DatasetFinding {
      DatasetFinding(.stray, nil, fault: false, message, remedy: remedy)
    }
    return names.map { name in
      let prefix = "\(name) is not used: "
      guard
        let summary = try? NIfTIFormat().inspect(
          dataset.path + "/" + name,
          progress: SilentProgress()
        ).first,
        let size = summary.volumes.first?.size
      else { return finding(prefix + "it cannot be read", "obtain it again, or remove it") }
      let file = SegmentationDataset.stem(URL(fileURLWithPath: name).lastPathComponent)
      let isLabel = file.lowercased().hasPrefix("label")
      let id = ids.first { file.hasSuffix($0) }
      var remedy = "remove it, or bring its partner"
      var reason =
        id.map { "\($0) has its \(isLabel ? "label map" : "scan") already" }
        ?? (isLabel
          ? "no scan of its name is in imagesTr" : "no label map of its name is in labelsTr")
      if id == nil, name.hasPrefix("imagesTr/"), !file.hasSuffix("_0000") {
        reason = "scans are named CASE_0000 and an ending"
        remedy = "rename it to \(file)_0000 and its ending"
      }
      if ids.contains(where: { isChannel(file, of: $0) }) {
        let count = dataset.channelNames.count
        reason = "dataset.json names \(count) \(count == 1 ? "channel" : "channels")"
        remedy = "name its channel in dataset.json, or remove it"
      }
      if let oddity = sizeOddity(size, sizes) { reason += ", and \(oddity)" }
      return finding(prefix + reason, remedy)
    }
  }

  /// Whether a file has a case's name and the number of a channel.
  private static func isChannel(_ file: String, of id: String) -> Bool {
    let digits = file.dropFirst(id.count + 1)
    return file.hasPrefix(id + "_") && digits.count == 4 && digits.allSatisfy(\.isNumber)
  }

  private static func sizeOddity(_ size: [Int], _ sizes: [SIMD3<Int>]) -> String? {
    guard size.count >= 3, !sizes.isEmpty else { return nil }
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

  /// A sentence as the part of a line: without its full stop, from a small letter on.
  static func clause(_ sentence: String) -> String {
    let body = sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
    return body.prefix(1).lowercased() + body.dropFirst()
  }
}
