import Foundation
import Imaging
import Support

/// Writes the slices of a volume as 8-bit grey PNG files, for people to look at.
public enum PNGSliceWriter {
  /// The part of the values below and above the window that becomes black and white.
  public static let clippedFraction = 0.005
  /// Percentiles are taken from at most this many values, evenly spread over the volume.
  static let sampleCount = 1 << 20

  /// Writes one file for each slice along z: `slice-0001.png` and so on.
  ///
  /// One window for all slices: black is the 0.5th percentile of the finite values, white the
  /// 99.5th. Values that are not finite become black. The rows are the volume's y axis, not turned.
  /// - Parameters:
  ///   - volume: The volume.
  ///   - folder: An existing folder.
  ///   - progress: Told about each slice.
  /// - Returns: The files' names, in the order of the slices.
  /// - Throws: `SupportError.unwritable` when the system refuses.
  @discardableResult
  public static func write(
    _ volume: AnyVolume,
    toFolder folder: String,
    progress: any ProgressReporter = SilentProgress()
  ) throws -> [String] {
    let values = volume.asFloat
    let geometry = values.geometry
    let (black, white) = window(values.voxels)
    let scale = white > black ? 255 / (white - black) : 0
    let digits = max(4, String(geometry.size.z).count)
    progress.begin("writing \(geometry.size.z) pictures", total: geometry.size.z)
    defer { progress.end() }
    var names: [String] = []
    for z in 0..<geometry.size.z {
      let start = geometry.offset(0, 0, z)
      let pixels = values.voxels[start..<(start + geometry.size.x * geometry.size.y)].map {
        value -> UInt8 in
        guard value.isFinite else { return 0 }
        return UInt8(max(0, min(255, ((value - black) * scale).rounded())))
      }
      let image = PNGImage(
        width: geometry.size.x,
        height: geometry.size.y,
        channels: 1,
        samples: .eightBit(pixels),
        spacingMM: [geometry.spacing.x, geometry.spacing.y]
      )
      let number = String(z + 1)
      let name =
        "slice-" + String(repeating: "0", count: digits - number.count) + number + ".png"
      let path = folder + "/" + name
      do {
        try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path))
      } catch let error as SupportError {
        throw error
      } catch {
        throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
      }
      names.append(name)
      progress.update(z + 1, detail: nil)
    }
    return names
  }

  /// The 0.5th and 99.5th percentiles of the finite values; 0 and 0 when there are none.
  static func window(_ values: [Float]) -> (black: Float, white: Float) {
    let step = max(1, values.count / sampleCount)
    let sample = stride(from: 0, to: values.count, by: step).map { values[$0] }
      .filter(\.isFinite).sorted()
    guard !sample.isEmpty else { return (0, 0) }
    let last = Double(sample.count - 1)
    return (
      sample[Int((last * clippedFraction).rounded())],
      sample[Int((last * (1 - clippedFraction)).rounded())]
    )
  }
}
