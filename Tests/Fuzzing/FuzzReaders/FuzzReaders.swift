import CFuzzing
import Foundation
import ImagingIO
import Support

/// Called by libFuzzer with each input.
///
/// The input is written to a file in memory and then listed and read as any input of the program
/// is. Errors are what is expected; traps, invalid memory accesses, hangs and too much memory are
/// not.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  FuzzTarget.chosen.test(bytes, count)
  return 0
}

/// What kind of file is made.
enum FuzzTarget: String, CaseIterable {
  case dicom, nifti, nrrd, mha, mgh, png, tiff, jpeg, zip

  /// The one that `LAMINA_FUZZ_TARGET` names.
  static let chosen: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["LAMINA_FUZZ_TARGET"] ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
      fatalError("LAMINA_FUZZ_TARGET is \(name); Scripts/fuzz sets it")
    }
    cfuzzing_prepare()
    return target
  }()

  /// The ending of the file; formats are chosen by it where the content does not tell.
  var fileEnding: String {
    switch self {
    case .dicom: "dcm"
    case .nifti: "nii"
    case .nrrd: "nrrd"
    case .mha: "mha"
    case .mgh: "mgh"
    case .png: "png"
    case .tiff: "tif"
    case .jpeg: "jpg"
    case .zip: "zip"
    }
  }

  /// The most memory that an input may take, in bytes.
  ///
  /// Compressed data may be expanded up to 1032 times by deflate and about as much by the image
  /// codecs' run lengths; what the libraries need at all does not depend on the file.
  static func memoryLimit(fileSize: Int) -> Int { (64 << 20) + 1200 * fileSize }

  /// Lists and reads one input.
  func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    let path = "/dev/shm/fuzzed-\(getpid()).\(fileEnding)"
    guard let stream = fopen(path, "wb") else { fatalError("\(path) cannot be written") }
    if let bytes { fwrite(bytes, 1, count, stream) }
    fclose(stream)
    defer { unlink(path) }
    cfuzzing_watch_memory(Self.memoryLimit(fileSize: count))
    defer { _ = cfuzzing_end_watch() }
    Parallelism.$threadCount.withValue(1) { Self.read(path) }
  }

  private static func read(_ path: String) {
    guard let format = try? ImageFormats.format(of: path) else { return }
    let listing: [SeriesSummary]
    do {
      listing = try format.inspect(path, progress: SilentProgress())
    } catch {
      _ = "\(error)"
      return
    }
    // Every volume of the first few series, as far as they can be read.
    for (number, series) in listing.enumerated().prefix(4) {
      for volume in series.volumes.prefix(3) {
        var selection = VolumeSelection(series: "\(number + 1)", volume: volume.number)
        selection.regrids = true
        do {
          _ = try format.read(path, selection: selection, progress: SilentProgress())
        } catch {
          _ = "\(error)"
        }
      }
      if series.volumes.isEmpty {
        let selection = VolumeSelection(series: "\(number + 1)")
        _ = try? format.read(path, selection: selection, progress: SilentProgress())
      }
    }
  }
}
