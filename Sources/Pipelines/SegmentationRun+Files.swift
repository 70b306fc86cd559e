import Foundation
import ImagingIO
import Support

extension SegmentationRun {
  /// The labels of a picture in a result folder, a grey PNG of 16 bits.
  public static let pictureName = "segmentation.png"

  /// Writes a case's files into a folder that exists.
  /// - Parameters:
  ///   - result: The finished case.
  ///   - folder: The folder.
  /// - Throws: `SupportError.unwritable`, or what encoding throws.
  public static func write(_ result: Result, to folder: String) throws {
    try NIfTIWriter.write(result.labelMap, to: folder + "/" + CasePairing.resultFileName)
    if result.isPicture, result.labelMap.geometry.size.z == 1 {
      try GreyPicture.write(result.labelMap, to: folder + "/" + pictureName)
    }
    let names = Dictionary(
      result.labelMap.table.map { ($0.name, $0.id) },
      uniquingKeysWith: { first, _ in first }
    )
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    for (name, data) in [
      ("labels.json", try encoder.encode(names) + Data("\n".utf8)),
      ("statistics.json", try result.statistics().json()),
      (RunRecord.fileName, try result.record.json()),
    ] {
      do {
        try data.write(to: URL(fileURLWithPath: folder + "/" + name))
      } catch {
        throw SupportError.unwritable(
          path: folder + "/" + name,
          reason: OutputGuard.reason(of: error)
        )
      }
    }
  }

  /// The most memory that the process ever held, MB (10^6 bytes).
  public static var peakMemoryMB: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return (Double(usage.ru_maxrss) * 1024 / 1e5).rounded() / 10
  }
}
