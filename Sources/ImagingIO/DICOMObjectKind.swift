/// What a DICOM file holds that is not an image.
public enum DICOMObjectKind: Sendable, Equatable {
  /// A segmentation, of bits, fractions or labels.
  case segmentation
  /// A radiotherapy structure set.
  case structureSet

  /// The kind of a file.
  /// - Parameter path: A file.
  /// - Returns: Nil for images, folders, and what is no DICOM.
  public static func of(_ path: String) -> DICOMObjectKind? {
    guard DICOMScan.firstBytes(path) == .part10, let file = try? DICOMFile(path: path) else {
      return nil
    }
    switch file.text(DICOMTag.classUID) {
    case DICOMSegmentation.classUID, DICOMSegmentation.labelMapClassUID: return .segmentation
    case StructureSetTag.classUID: return .structureSet
    default: return nil
    }
  }
}
