import Foundation
import Imaging
import ImagingIO
import Support

/// Labels that a model gives scans, so that they can be trained on with those labelled by hand.
///
/// Lee 2013, "Pseudo-label: the simple and efficient semi-supervised learning method", voxel by voxel:
/// where the model's most likely class has at least a given probability, it is the label; elsewhere the
/// voxel is ignored.
public struct PseudoLabels: Sendable {
  /// The probability from which on a voxel is labelled.
  public let confidence: Double
  private let model: ModelPackage
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a labeller.
  /// - Parameters:
  ///   - model: The model that labels.
  ///   - confidence: The probability from which on a voxel is labelled, 0 to 1.
  ///   - progress: Told about each scan.
  ///   - interruption: Looked at between scans.
  public init(
    model: ModelPackage,
    confidence: Double,
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.model = model
    self.confidence = confidence
    self.progress = progress
    self.interruption = interruption
  }

  /// Labels scans and adds them to a data set.
  ///
  /// Label maps that an interrupted run of the same model and confidence left are taken as they are.
  /// - Parameters:
  ///   - scans: The scans.
  ///   - folder: Where the label maps are kept; it is made.
  ///   - dataset: The data set.
  /// - Returns: The data set with further cases that are trained on in every fold.
  /// - Throws: `UnlabelledError`; what segmenting and writing throw.
  public func adding(
    _ scans: [SegmentationInputs.Case],
    in folder: String,
    to dataset: SegmentationDataset
  ) throws -> SegmentationDataset {
    let description = model.description
    guard description.labels.map(\.id) == dataset.labels.map(\.id),
      description.labels.map(\.name) == dataset.labels.map(\.name)
    else { throw UnlabelledError.otherStructures(model: description.name) }
    guard !dataset.countsObjects else {
      throw UnlabelledError.noClassProbabilities(model: description.name)
    }
    guard !scans.isEmpty else { throw UnlabelledError.noScans(path: dataset.path) }
    let ignored = dataset.ignoreLabel ?? (dataset.labels.map(\.id).max() ?? 0) + 1
    guard ignored <= Int(UInt16.max) else {
      throw UnlabelledError.noNumberToIgnore(path: dataset.path)
    }
    // What another model or confidence left is not taken for these.
    let weights = description.files.sorted { $0.key < $1.key }.map(\.value).joined()
    let mark = try SHA256.hexDigest(of: Data(weights.utf8)).prefix(12)
    let folder = "\(folder)/\(mark)-\(confidence)"
    let (run, numbers) = try model.probabilityRun(interruption)
    progress.begin("labelling \(scans.count) scans", total: scans.count)
    var (sure, all) = (0, 0)
    let cases = try scans.enumerated().map { index, scan in
      try interruption.check()
      let path = "\(folder)/\(scan.id).nii.gz"
      if !FileManager.default.fileExists(atPath: path) {
        let result = try run.segment(scan)
        guard let sink = result.probabilities else {
          throw UnlabelledError.noClassProbabilities(model: description.name)
        }
        let labels = sink.withValues {
          Self.labels(
            UnsafeBufferPointer($0),
            numbers: numbers,
            confidence: Float(confidence),
            ignored: ignored
          )
        }
        sure += labels.count { Int($0) != ignored }
        all += labels.count
        try write(
          LabelMap(geometry: result.labelMap.geometry, labels: labels, table: []),
          to: path,
          in: folder
        )
      }
      progress.update(index + 1, detail: scan.id)
      return SegmentationDataset.Case(
        id: scan.id,
        image: scan.path,
        furtherImages: Array(scan.channelPaths.prefix(dataset.channelNames.count).dropFirst()),
        label: path
      )
    }
    progress.end()
    if all > 0 {
      let share = (1000 * Double(sure) / Double(all)).rounded() / 10
      progress.note("\(share) % of the voxels of \(scans.count) scans are labelled surely enough.")
    }
    return dataset.adding(pseudoCases: cases, ignoreLabel: ignored)
  }

  /// Removes the label maps of a run that is done.
  /// - Parameter folder: Where they were kept.
  public static func discard(_ folder: String) {
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// The most likely class's number where it is likely enough, elsewhere the ignored one.
  package static func labels(
    _ values: UnsafeBufferPointer<Float>,
    numbers: [Int],
    confidence: Float,
    ignored: Int
  ) -> [UInt16] {
    let voxels = values.count / max(1, numbers.count)
    return (0..<voxels).map { voxel in
      var (best, winner) = (values[voxel], 0)
      for c in 1..<max(1, numbers.count) where values[c * voxels + voxel] > best {
        (best, winner) = (values[c * voxels + voxel], c)
      }
      return UInt16(best >= confidence ? numbers[winner] : ignored)
    }
  }

  /// Writes a map whole or not at all.
  private func write(_ map: LabelMap, to path: String, in folder: String) throws {
    let part = "\(path).\(getpid()).part.nii.gz"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw SupportError.unwritable(path: folder, reason: OutputGuard.reason(of: error))
    }
    try NIfTIWriter.write(map, to: part)
    guard rename(part, path) == 0 else {
      throw SupportError.unwritable(path: path, reason: String(cString: strerror(errno)))
    }
  }

  /// Reads the cases that were added to a data set.
  /// - Parameter dataset: The data set.
  /// - Returns: The cases.
  /// - Throws: What reading throws.
  static func read(_ dataset: SegmentationDataset) throws -> [DatasetCheck.LoadedCase] {
    try dataset.pseudoCases.map { entry in
      let channels = try dataset.readChannels(entry)
      return DatasetCheck.LoadedCase(
        id: entry.id,
        scan: channels[0],
        further: Array(channels.dropFirst()),
        labelMap: try NIfTIReader.readLabelMap(entry.label, table: dataset.mapTable)
      )
    }
  }
}
