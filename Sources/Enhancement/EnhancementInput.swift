import Foundation
import Imaging
import ImagingIO
import Support

/// An image as read, with what its file says of it.
package struct EnhancementInput: Sendable {
  /// The image.
  package let content: EnhancementContent
  /// The modality that the file states, such as "MR", or nil.
  package let modality: String?
  /// What was odd about the input.
  package let problems: [InputProblem]
  /// The DICOM slices that it was made of, or nil.
  package let source: DICOMSource?

  /// Reads a picture with its colours, or a volume.
  /// - Parameters:
  ///   - path: A file, or a folder or zip of DICOM.
  ///   - selection: Which series and volume of it.
  ///   - progress: Told about reading.
  /// - Throws: What reading throws.
  package init(
    path: String,
    selection: VolumeSelection,
    progress: any ProgressReporter
  ) throws {
    if !FileManager.default.isFolder(path), PictureFormat().recognises(path) {
      let picture = try EnhancementPicture(path: path)
      if picture.hadAlpha { progress.note("\(path): its transparency is left out.") }
      content = .picture(picture)
      (modality, problems, source) = (nil, [], nil)
      return
    }
    let loaded = try ImageFormats.read(path, selection: selection, progress: progress)
    content = .scan(loaded.volume.asFloat, storedAs: loaded.volume)
    modality = loaded.summary.modality
    problems = loaded.summary.problems
    source = loaded.source
  }
}
