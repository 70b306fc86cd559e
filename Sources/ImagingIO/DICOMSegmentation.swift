import Foundation
import Imaging
import Support

/// DICOM Segmentation objects: the storage classes and what Lamina records in them.
public enum DICOMSegmentation {
  /// Segmentation Storage: binary and fractional (PS3.4 annex B.5).
  package static let classUID = "1.2.840.10008.5.1.4.1.1.66.4"
  /// Label Map Segmentation Storage.
  package static let labelMapClassUID = "1.2.840.10008.5.1.4.1.1.66.7"

  /// Writes a segmentation.
  /// - Parameters:
  ///   - object: The segmentation.
  ///   - path: The file to make.
  /// - Throws: `ImagingIOError.unsupported` when the kind cannot hold it (layers in a label map,
  ///   run lengths of bits, over 4 GB or 65535 segments); `SupportError` when the file cannot be
  ///   written or a file of the source not be read.
  public static func write(_ object: DICOMSegmentationObject, to path: String) throws {
    try DICOMSegmentationWriter(object, path: path).write()
  }

  /// What a Tracking ID says about where a segment came from.
  static func trackingID(layer: Int, label: Int) -> String {
    "Lamina layer \(layer) label \(label)"
  }

  /// The layer (from 1) and label number of a Tracking ID, or nil when it is not one of Lamina's.
  static func origin(ofTrackingID text: String?) -> (layer: Int, label: Int)? {
    let words = (text ?? "").split(separator: " ")
    guard words.count == 5, words[0] == "Lamina", words[1] == "layer", words[3] == "label",
      let layer = Int(words[2]), let label = Int(words[4]), (1...65535).contains(layer),
      (1...65535).contains(label)
    else { return nil }
    return (layer, label)
  }
}
