import Foundation
import ImagingIO
import Support

extension EnhancementRun {
  /// Of the 1024 letters that the standard allows some are left for the rounding and the notice.
  private static let derivationLetters = 700

  /// Writes an improved scan as a DICOM series that is derived from its source.
  ///
  /// Patient, study and frame of reference are the source's; series and instances are new. The steps
  /// stand in each file's Derivation Description.
  /// - Parameters:
  ///   - result: The scan, which was read from CT or MR series, improved with `derivesSeries`.
  ///   - folder: An existing folder.
  ///   - date: When the values were computed.
  /// - Throws: `ImagingIOError`; `SupportError` when a file cannot be read or written.
  /// - Precondition: The run derives series.
  public func writeSeries(_ result: Result, to folder: String, date: Date = Date()) throws {
    guard case .scan(let scan, let stored) = result.after, let source = result.source else {
      preconditionFailure("the run derives no series")
    }
    let stages = result.record.stages
    let steps = stages.map { stage in
      let version = stage.version.map { " " + $0 } ?? ""
      return "\(stage.name)\(version) (\(stage.summary))"
    }
    let words = "May invent or lack structures. Enhanced by " + steps.joined(separator: ", then ")
    let series = DICOMImageSeries(
      seriesDescription: "Enhanced: " + stages.map(\.name).joined(separator: ", "),
      derivation: String(words.prefix(Self.derivationLetters)),
      algorithmName: "Lamina enhance",
      algorithmVersion: Version.current,
      date: date
    )
    _ = try series.write(
      options.keepsFractions ? .float32(scan) : scan.stored(as: stored),
      source: source,
      to: folder
    )
  }
}
