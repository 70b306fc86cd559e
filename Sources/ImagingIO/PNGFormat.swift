import Foundation
import Imaging
import Support

/// PNG files as 2-D grey images.
///
/// A PNG knows no patient: the direction is the identity, the origin 0, and the spacing what the
/// file's pHYs chunk says, else 1; the problem "no-patient-geometry" says so. A colour picture whose
/// channels are all equal counts as grey; other colours are not supported here.
public struct PNGFormat: ImageFormat {
  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Creates the format.
  public init() {}

  /// "PNG".
  public var name: String { "PNG" }

  /// Whether the file begins with PNG's signature, or its name says that it should.
  /// - Parameter path: A file that exists.
  /// - Returns: True when the errors of `read` are those to show.
  public func recognises(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue,
      let file = FileHandle(forReadingAtPath: path)
    else { return false }
    defer { try? file.close() }
    guard let start = try? file.read(upToCount: 8) else { return false }
    return [UInt8](start) == Self.signature
  }

  /// Reads the file's properties.
  /// - Parameters:
  ///   - path: The file.
  ///   - progress: Not used.
  /// - Returns: One summary.
  /// - Throws: As `PNGDecoder.decode(contentsOf:)`, and `ImagingIOError.unsupported` for colours.
  public func inspect(_ path: String, progress: any ProgressReporter) throws -> [SeriesSummary] {
    [try read(path, selection: VolumeSelection(), progress: progress).summary]
  }

  /// Reads the picture as a volume of one slice.
  /// - Parameters:
  ///   - path: The file.
  ///   - selection: Series 1 and volume 1, or none.
  ///   - progress: Not used.
  /// - Returns: The volume, `uint8` or `uint16`.
  /// - Throws: As `inspect`, and `ImagingIOError.noSuchSelection`.
  public func read(
    _ path: String,
    selection: VolumeSelection,
    progress: any ProgressReporter
  ) throws -> LoadedVolume {
    if let series = selection.series, series != "1" {
      throw ImagingIOError.noSuchSelection(path: path, selection: "series \(series)")
    }
    if let volume = selection.volume, volume != 1 {
      throw ImagingIOError.noSuchSelection(path: path, selection: "volume \(volume)")
    }
    let image = try PNGDecoder.decode(contentsOf: path)
    let spacing = image.spacingMM ?? [1, 1]
    let geometry = try ImageGeometry(
      size: [image.width, image.height, 1],
      spacing: [spacing.x, spacing.y, 1],
      origin: [0, 0, 0],
      direction: .identity,
      isPlanar: true
    )
    let volume: AnyVolume =
      switch image.samples {
      case .eightBit(let samples):
        .uint8(Volume(geometry: geometry, voxels: try grey(samples, image, path)))
      case .sixteenBit(let samples):
        .uint16(Volume(geometry: geometry, voxels: try grey(samples, image, path)))
      }
    let source =
      image.spacingMM == nil
      ? "1 mm was taken as its pixel spacing"
      : "its pixel "
        + "spacing of \(spacing.x) x \(spacing.y) mm is the file's"
    let problem = InputProblem(
      code: "no-patient-geometry",
      message: "A PNG has no place in a patient; \(source).",
      remedy: "Use it with 2-D models only, or give the DICOM or NIfTI source."
    )
    let summary = SeriesSummary(
      uid: "",
      modality: nil,
      description: nil,
      slices: 1,
      transferSyntax: nil,
      problems: [problem],
      volumes: [
        VolumeSummary(
          number: 1,
          size: [image.width, image.height, 1],
          spacingMM: [spacing.x, spacing.y, 1],
          orientation: geometry.orientation.code,
          why: "the file's only image"
        )
      ]
    )
    return LoadedVolume(volume: volume, summary: summary, files: [path])
  }

  private func grey<Sample: Equatable>(
    _ samples: [Sample],
    _ image: PNGImage,
    _ path: String
  ) throws -> [Sample] {
    guard image.channels > 1 else { return samples }
    var grey: [Sample] = []
    grey.reserveCapacity(image.width * image.height)
    for place in stride(from: 0, to: samples.count, by: image.channels) {
      guard samples[place] == samples[place + 1], samples[place] == samples[place + 2] else {
        throw ImagingIOError.unsupported(
          path: path,
          what: "a colour picture",
          remedy: "convert it to grey values"
        )
      }
      grey.append(samples[place])
    }
    return grey
  }
}
