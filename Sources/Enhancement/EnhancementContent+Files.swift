import Foundation
import Imaging
import ImagingIO
import Support

extension EnhancementContent {
  /// The ending of the image's file in a batch: ".png" for pictures, ".nii.gz" for scans.
  package var ending: String { isPicture ? ".png" : ".nii.gz" }

  /// Writes the image.
  /// - Parameters:
  ///   - path: `.png` for pictures; `.nii`, `.nii.gz`, `.nrrd` or `.mha`.
  ///   - keepsFractions: Whether scans of whole numbers are written with their fractions.
  /// - Throws: `EnhancementError.unfitOutput`; `SupportError.unwritable`.
  package func write(to path: String, keepsFractions: Bool) throws {
    let name = path.lowercased()
    let volume: AnyVolume
    switch self {
    case .picture(let picture):
      if name.hasSuffix(".png") {
        do {
          try picture.png().write(to: URL(fileURLWithPath: path))
        } catch let error as any ClassifiedError {
          throw error
        } catch {
          throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
        }
        return
      }
      volume = .float32(picture.grey)
    case .scan(let scan, let stored):
      volume = keepsFractions ? .float32(scan) : scan.stored(as: stored)
    }
    try Self.write(scan: volume, to: path)
  }

  /// Writes a scan as it is.
  /// - Parameters:
  ///   - volume: The scan.
  ///   - path: `.nii`, `.nii.gz`, `.nrrd` or `.mha`.
  /// - Throws: `EnhancementError.unfitOutput`; `SupportError.unwritable`.
  package static func write(scan volume: AnyVolume, to path: String) throws {
    let name = path.lowercased()
    if name.hasSuffix(".nii") || name.hasSuffix(".nii.gz") {
      try NIfTIWriter.write(volume, to: path)
    } else if name.hasSuffix(".nrrd") {
      try NRRDWriter.write(volume, to: path)
    } else if name.hasSuffix(".mha") {
      try MetaImageWriter.write(timePoints: [volume], to: path)
    } else {
      throw EnhancementError.unfitOutput(
        path: path,
        reason: name.hasSuffix(".png")
          ? "a scan is no picture; end it in .nii.gz" : "end it in .nii.gz, .nrrd, .mha or .png"
      )
    }
  }
}
