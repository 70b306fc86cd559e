import Evaluation
import Foundation
import Imaging
import ImagingIO
import Support

/// The DICOM objects that a segmentation can be written as.
public enum SegmentationObject: String, Sendable, CaseIterable {
  /// DICOM SEG, binary.
  case seg
  /// A radiotherapy structure set.
  case rtstruct
  /// A TID 1500 measurement report.
  case sr

  /// The file's name in a result folder.
  public var fileName: String {
    switch self {
    case .seg: "segmentation.dcm"
    case .rtstruct: "structures.dcm"
    case .sr: "measurements.dcm"
    }
  }
}

/// Writes label maps as DICOM objects of the study that they were made from.
///
/// Objects lie on the slices of the source as they are in its files, also where these are tilted or
/// uneven and were resampled for the model. Labels on another grid are written on that grid in the
/// source's frame of reference, which only a SEG can be.
public struct SegmentationObjects: Sendable {
  /// The label maps of one grid: one, or several where structures overlap.
  public var layers: [LabelMap]
  /// How the grid's slices are shifted against each other, or nil.
  public var shift: SliceShift?
  /// The slices that the labels belong to, or nil.
  public var source: DICOMSource?
  /// The name of what made the labels.
  public var algorithmName: String
  /// Its version.
  public var algorithmVersion: String
  /// How much a person did.
  public var origin = DICOMSegmentationObject.Algorithm.Kind.automatic
  /// When the labels were made.
  public var date: Date

  /// Describes the labels.
  /// - Parameters:
  ///   - layers: The label maps of one grid.
  ///   - source: The slices that they belong to.
  ///   - algorithmName: The name of what made the labels.
  ///   - algorithmVersion: Its version.
  ///   - date: When they were made.
  public init(
    layers: [LabelMap],
    source: DICOMSource?,
    algorithmName: String,
    algorithmVersion: String,
    date: Date
  ) {
    self.layers = layers
    self.source = source
    self.algorithmName = algorithmName
    self.algorithmVersion = algorithmVersion
    self.date = date
  }

  /// Writes a DICOM SEG file.
  /// - Parameters:
  ///   - path: The file to make.
  ///   - ontoSlices: Whether labels on the straight grid of tilted or uneven slices go back onto
  ///     these; otherwise, and when there are several layers, they stay on their own grid, voxel for
  ///     voxel.
  ///   - kind: How voxels are stored.
  /// - Throws: `ImagingIOError.unsupported`; `SupportError`.
  public func writeSegmentation(
    to path: String,
    ontoSlices: Bool,
    kind: DICOMSegmentationObject.Kind = .binary
  ) throws {
    let algorithm = DICOMSegmentationObject.Algorithm(
      name: algorithmName,
      version: algorithmVersion,
      kind: origin
    )
    if ontoSlices, layers.count == 1, shift == nil, let source,
      let slices = source.labelsOnSlices(layers[0])
    {
      var object = DICOMSegmentationObject(
        ontoNativeSlices: slices,
        table: layers[0].table,
        source: source,
        algorithm: algorithm,
        date: date
      )
      object.kind = kind
      try DICOMSegmentation.write(object, to: path)
      return
    }
    var object = DICOMSegmentationObject(
      layers: layers,
      source: source,
      shift: shift,
      algorithm: algorithm,
      date: date
    )
    object.kind = kind
    try DICOMSegmentation.write(object, to: path)
  }

  /// Writes a structure set: contours on the slices of the source.
  /// - Parameter path: The file to make.
  /// - Throws: `ImagingIOError.unsupported` without a source, or when the labels do not lie on its
  ///   slices; `SupportError`.
  public func writeStructureSet(to path: String) throws {
    guard let source else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "contours without the DICOM slices that they lie on",
        remedy: "segment DICOM, or name the series with --reference"
      )
    }
    let options = DICOMStructureSetOptions(
      algorithmName: algorithmName,
      algorithmVersion: algorithmVersion,
      date: date
    )
    if shift == nil, layers.count == 1 {
      guard let slices = source.labelsOnSlices(layers[0]) else { throw Self.otherGrid(path) }
      try DICOMStructureSetWriter.write(
        planes: slices,
        table: layers[0].table,
        source: source,
        options: options,
        to: path
      )
      return
    }
    guard shift != nil || layers.allSatisfy({ source.labelsOnSlices($0) != nil }) else {
      throw Self.otherGrid(path)
    }
    try DICOMStructureSetWriter.write(layers, source: source, options: options, to: path)
  }

  private static func otherGrid(_ path: String) -> ImagingIOError {
    .unsupported(
      path: path,
      what: "labels that do not lie on the slices of the DICOM series",
      remedy: "give the series that was segmented"
    )
  }
}

extension SegmentationRun.Result {
  /// Writes the segmentation as a DICOM object beside its other results.
  ///
  /// Masks go back onto the slices as they are in the scan's files. Without DICOM input a SEG and a
  /// report belong to a study of their own, and a structure set is refused.
  /// - Parameters:
  ///   - object: The kind of object.
  ///   - folder: The result folder.
  /// - Throws: `ImagingIOError.unsupported` for a structure set without DICOM input; `SupportError`.
  public func write(_ object: SegmentationObject, to folder: String) throws {
    let path = folder + "/" + object.fileName
    let objects = SegmentationObjects(
      layers: [labelMap],
      source: source,
      algorithmName: record.model.name,
      algorithmVersion: record.model.version,
      date: Date()
    )
    switch object {
    case .seg: try objects.writeSegmentation(to: path, ontoSlices: true)
    case .rtstruct: try objects.writeStructureSet(to: path)
    case .sr: try writeMeasurements(to: path, beside: folder)
    }
  }

  /// Writes volume, diameter and intensities of every structure that is there.
  ///
  /// Structures of a SEG in the same folder are referred to; it is written first.
  private func writeMeasurements(to path: String, beside folder: String) throws {
    guard let source else {
      throw ImagingIOError.unsupported(
        path: record.input,
        what: "no DICOM images that a measurement report could refer to",
        remedy: "segment DICOM, or leave sr out of --write"
      )
    }
    let statistics = try StructureStatistics.measure(labelMap, scan: scan)
    let groups = statistics.filter { $0.voxels > 0 }.compactMap { structure in
      labelMap.table.first { $0.id == structure.label }.map {
        MeasurementReport.Group(definition: $0, measurements: measurements(structure))
      }
    }
    let segmentation = folder + "/" + SegmentationObject.seg.fileName
    try DICOMMeasurementReportWriter.write(
      MeasurementReport(
        groups: groups,
        algorithmName: record.model.name,
        algorithmVersion: record.model.version,
        date: Date()
      ),
      source: source,
      segmentation: FileManager.default.fileExists(atPath: segmentation) ? segmentation : nil,
      to: path
    )
  }

  private func measurements(
    _ structure: StructureStatistics
  ) -> [MeasurementReport.Measurement] {
    var measurements = [MeasurementReport.Measurement.volume(ml: structure.volumeML)]
    if let diameter = structure.largestDiameterMM {
      measurements.append(.largestDiameter(mm: diameter))
    }
    if let values = structure.intensity {
      measurements += [
        .intensity(.mean, value: values.mean, of: intensity),
        .intensity(.standardDeviation, value: values.sd, of: intensity),
        .intensity(.minimum, value: values.min, of: intensity),
        .intensity(.maximum, value: values.max, of: intensity),
      ]
    }
    return measurements
  }

  /// What the scan's values are, by its modality; CT whose values are not Hounsfield units has been
  /// warned of.
  private var intensity: MeasurementReport.Measurement.Intensity {
    switch modality {
    case "CT": .hounsfield
    case "MR": .magneticResonance
    case "PT": record.usesSUV == true ? .uptakeByWeight : .arbitrary
    default: .arbitrary
    }
  }
}
