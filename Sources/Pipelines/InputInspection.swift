import Foundation
import Imaging
import ImagingIO
import Support

/// What an input holds: its series, the range of their values, and what reading them found.
public struct InputInspection: Sendable {
  /// The values of a volume.
  public struct ValueRange: Sendable, Equatable {
    /// The smallest finite value.
    public let minimum: Double
    /// The largest finite value.
    public let maximum: Double
    /// The scalar type, such as "int16".
    public let scalarName: String
  }

  /// One series.
  public struct Series: Sendable {
    /// The format's name.
    public let format: String
    /// The file, when the input is a folder of single files.
    public let file: String?
    /// Its description; problems found while reading the values stand with the others.
    public var summary: SeriesSummary
    /// The range of the values by volume number; of a 4-D volume its first and last time point's.
    public var ranges: [Int: ValueRange]
    /// The noise by volume number, where it can be told; of a 4-D volume its first time point's.
    public var noise: [Int: Noise]
  }

  /// The file or folder.
  public let path: String
  /// What it holds.
  public let series: [Series]

  /// Looks at a file, a DICOM folder, or a folder of single files, and reads every volume once.
  /// - Parameters:
  ///   - path: The input.
  ///   - progress: Told about long reading.
  ///   - interruption: Stops between volumes.
  /// - Throws: `SupportError.notFound`; `ImagingIOError` when nothing in the input can be read.
  public init(
    _ path: String,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    self.path = path
    let files = try Self.files(of: path)
    var found: [Series] = []
    for file in files {
      let format = try ImageFormats.format(of: file)
      let summaries = try format.inspect(file, progress: progress)
      for (index, summary) in summaries.enumerated() {
        try interruption.check()
        var series = Series(
          format: format.name,
          file: files.count > 1 ? file : nil,
          summary: summary,
          ranges: [:],
          noise: [:]
        )
        let isAlone = files.count == 1 && summaries.count == 1
        let selector = summaries.count == 1 ? nil : "\(index + 1)"
        for volume in summary.volumes {
          try series.read(
            volume,
            of: file,
            format: format,
            selector: selector,
            isAlone: isAlone && summary.volumes.count == 1,
            progress: progress
          )
        }
        found.append(series)
      }
    }
    series = found
  }

  /// The path itself, or the images of a folder that no format reads as a whole.
  private static func files(of path: String) throws -> [String] {
    guard try FileManager.default.isExistingFolder(path),
      !ImageFormats.all.contains(where: { $0.recognises(path) })
    else {
      return [path]
    }
    do {
      return try CaseListing(path).cases.map(\.path)
    } catch let error as SupportError {
      throw error
    } catch { throw ImagingIOError.unrecognised(path: path) }
  }
}

extension InputInspection.Series {
  fileprivate mutating func read(
    _ volume: VolumeSummary,
    of path: String,
    format: any ImageFormat,
    selector: String?,
    isAlone: Bool,
    progress: any ProgressReporter
  ) throws {
    let points = volume.size.count > 3 ? volume.size[3] : 1
    for point in points > 1 ? [1, points] : [1] {
      do {
        var selection = VolumeSelection(series: selector)
        if summary.volumes.count > 1 { selection.volume = volume.number }
        if points > 1 { selection.timePoint = point }
        let loaded = try format.read(path, selection: selection, progress: progress)
        let new = loaded.summary.problems.filter { !summary.problems.contains($0) }
        summary.problems.append(contentsOf: new)
        if let range = loaded.volume.valueRange {
          ranges[volume.number] = ranges[volume.number].map { $0.union(range) } ?? range
        }
        if point == 1 { noise[volume.number] = loaded.volume.noise }
      } catch let error as ImagingIOError {
        // Nothing else is there to tell about: a damaged file is an error, not a finding.
        if isAlone, case .damaged = error { throw error }
        let problem = InputProblem(
          code: "unreadable-volume",
          message: error.description,
          remedy: "Leave volume \(volume.number) out or mend it."
        )
        if !summary.problems.contains(problem) { summary.problems.append(problem) }
      }
    }
  }
}

extension InputInspection.ValueRange {
  fileprivate func union(_ other: Self) -> Self {
    Self(
      minimum: min(minimum, other.minimum),
      maximum: max(maximum, other.maximum),
      scalarName: scalarName
    )
  }
}

extension AnyVolume {
  /// The smallest and largest finite value, or nil when there is none.
  fileprivate var valueRange: InputInspection.ValueRange? {
    func range<Value: BinaryInteger>(_ values: [Value]) -> InputInspection.ValueRange? {
      guard let low = values.min(), let high = values.max() else { return nil }
      return .init(minimum: Double(low), maximum: Double(high), scalarName: scalarName)
    }
    func range<Value: BinaryFloatingPoint>(_ values: [Value]) -> InputInspection.ValueRange? {
      var low = Value.infinity
      var high = -Value.infinity
      for value in values where value.isFinite {
        low = min(low, value)
        high = max(high, value)
      }
      guard low <= high else { return nil }
      return .init(minimum: Double(low), maximum: Double(high), scalarName: scalarName)
    }
    return switch self {
    case .int8(let volume): range(volume.voxels)
    case .uint8(let volume): range(volume.voxels)
    case .int16(let volume): range(volume.voxels)
    case .uint16(let volume): range(volume.voxels)
    case .int32(let volume): range(volume.voxels)
    case .uint32(let volume): range(volume.voxels)
    case .int64(let volume): range(volume.voxels)
    case .uint64(let volume): range(volume.voxels)
    case .float32(let volume): range(volume.voxels)
    case .float64(let volume): range(volume.voxels)
    }
  }
}
