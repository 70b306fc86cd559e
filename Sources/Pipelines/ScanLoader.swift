import Foundation
import Imaging
import ImagingIO
import Support

/// What kind of image a model takes.
enum ScanKind: Sendable, Equatable {
  /// Scans, which have a place in a patient.
  case scan
  /// Single slices, whose place does not matter.
  case slice
  /// Pictures whose colours are channels.
  case colours
  /// Pictures, whose colours become grey.
  case picture
  /// Grey pictures where a file is one, otherwise scans.
  case scanOrPicture

  /// Whether a case is read as a picture whose colours become grey.
  func isGreyPicture(_ path: String) -> Bool {
    switch self {
    case .picture: true
    case .scanOrPicture: PictureFormat.endings.contains { path.lowercased().hasSuffix($0) }
    case .scan, .slice, .colours: false
    }
  }
}

/// Reads the channels of a case and checks that the model can see them together.
struct ScanLoader {
  /// Channels that the model takes.
  let channels: Int
  /// What kind of image it takes.
  let kind: ScanKind
  /// Which series and volume of each input.
  let selection: VolumeSelection
  /// Told about reading.
  let progress: any ProgressReporter

  /// Origins and directions of channels may differ by this much, mm, before that is said.
  private static let placeTolerance = 1e-3

  /// Reads a case: one file for each channel, or one file with a time point for each.
  /// - Parameter item: The case.
  /// - Returns: The channels, and the first of them as it was read.
  /// - Throws: What reading throws; `PipelinesError.unsuitableScan`.
  func load(_ item: SegmentationInputs.Case) throws -> (ScanChannels, LoadedVolume) {
    if kind == .colours || kind.isGreyPicture(item.path) { return try loadPicture(item) }
    var paths = item.channelPaths
    // A scan of one channel may lie beside others of its series.
    if channels == 1 { paths = [paths[0]] }
    var loaded: [LoadedVolume] = []
    if paths.count == 1, channels > 1 {
      loaded = try timePoints(of: paths[0])
    } else {
      guard paths.count == channels else { throw wrongCount(item.path, paths.count) }
      for path in paths { loaded.append(try read(path)) }
    }
    let first = loaded[0]
    var problems: [String] = []
    for (number, other) in loaded.enumerated().dropFirst() {
      let (a, b) = (first.volume.geometry, other.volume.geometry)
      let gap = (a.spacing - b.spacing) / a.spacing
      guard a.size == b.size, (0..<3).allSatisfy({ abs(gap[$0]) < 1e-4 }) else {
        throw PipelinesError.unsuitableScan(
          path: item.path,
          reason: "channel \(number) has another size or spacing than channel 0"
        )
      }
      if a.difference(from: b) != nil { problems.append("\(number)") }
    }
    if !problems.isEmpty {
      progress.warn(
        "\(item.path): channel \(problems.joined(separator: ", ")) lies elsewhere in the patient "
          + "than channel 0, whose place is used."
      )
    }
    return (ScanChannels(loaded.map(\.volume)), first)
  }

  private func wrongCount(_ path: String, _ count: Int) -> PipelinesError {
    .unsuitableScan(
      path: path,
      reason: "the case has \(count) \(count == 1 ? "channel" : "channels"), the model takes "
        + "\(channels)"
    )
  }

  private func read(_ path: String, selection: VolumeSelection? = nil) throws -> LoadedVolume {
    let loaded = try ImageFormats.read(
      path,
      selection: selection ?? self.selection,
      progress: progress
    )
    // Images without a place in the patient must not get a segmentation that pretends to one.
    let codes = Set(loaded.summary.problems.map(\.code))
    if kind != .slice, !codes.isDisjoint(with: ["no-orientation", "no-patient-geometry"]) {
      throw PipelinesError.unsuitableScan(
        path: path,
        reason: "it has no orientation in the patient, which this model needs"
      )
    }
    return loaded
  }

  /// A 4-D file whose points are channels.
  private func timePoints(of path: String) throws -> [LoadedVolume] {
    let summaries = try ImageFormats.inspect(path, progress: progress)
    guard summaries.count == 1, let volumes = summaries.first?.volumes, volumes.count == 1,
      let points = volumes[0].size.count == 4 ? volumes[0].size[3] : nil, points == channels
    else { throw wrongCount(path, 1) }
    return try (1...channels).map { point in
      var selection = selection
      selection.timePoint = point
      return try read(path, selection: selection)
    }
  }

  /// A picture: its colours are channels, or become grey.
  private func loadPicture(_ item: SegmentationInputs.Case) throws -> (ScanChannels, LoadedVolume) {
    guard item.path.lowercased().hasSuffix(".nii.gz") == false,
      var colours = try? PictureChannels.read(item.path)
    else {
      let loaded = try ImageFormats.read(item.path, selection: selection, progress: progress)
      guard channels == 1 else { throw wrongCount(item.path, 1) }
      return (ScanChannels([loaded.volume]), loaded)
    }
    if kind != .colours { colours = [try GreyPicture.read(item.path)] }
    guard colours.count == channels else { throw wrongCount(item.path, colours.count) }
    let summary = SeriesSummary(
      uid: "",
      modality: nil,
      description: nil,
      slices: 1,
      transferSyntax: nil,
      problems: [],
      volumes: []
    )
    let first = LoadedVolume(volume: colours[0], summary: summary, files: [item.path])
    return (ScanChannels(colours), first)
  }
}
