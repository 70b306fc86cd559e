import CDCMTK
import Imaging

/// Where one image of a file lies in the patient (PS3.3 C.7.6.2).
struct DICOMPlane: Equatable, Sendable {
  /// The direction in which the column index grows.
  var row: SIMD3<Double>
  /// The direction in which the row index grows.
  var column: SIMD3<Double>
  /// Centre of the first pixel, LPS mm.
  var position: SIMD3<Double>

  /// How far the two directions may be from unit length and right angles; headers round.
  static let tolerance = 5e-3

  /// The plane of the header's numbers, or nil when they do not span one.
  init?(orientation: [Double]?, position: [Double]?) {
    guard let orientation, let position, orientation.count == 6, position.count == 3 else {
      return nil
    }
    let row = SIMD3(orientation[0], orientation[1], orientation[2])
    let column = SIMD3(orientation[3], orientation[4], orientation[5])
    guard abs(dot(row, row) - 1) < Self.tolerance, abs(dot(column, column) - 1) < Self.tolerance,
      abs(dot(row, column)) < Self.tolerance
    else { return nil }
    self.row = row
    self.column = column
    self.position = SIMD3(position[0], position[1], position[2])
  }

  /// Rotation nearest to the header's rounded directions: x along the row, z along the normal.
  var direction: Matrix3 {
    let normal = unit(cross(row, column))
    // Both directions turn by half of what they miss of a right angle.
    let along = unit(unit(row) + unit(cross(column, normal)))
    return Matrix3(along, cross(normal, along), normal)
  }

  private func unit(_ vector: SIMD3<Double>) -> SIMD3<Double> {
    vector / dot(vector, vector).squareRoot()
  }
}

/// What the header of one DICOM file says, as far as volumes depend on it.
struct DICOMInstance: Sendable {
  var path: String
  var isComplete: Bool
  var classUID: String
  var instanceUID: String
  var seriesUID: String
  var seriesNumber: Int?
  var modality: String?
  var seriesDescription: String?
  var transferSyntax: String?
  var isMosaic: Bool
  var isEnhanced: Bool
  var photometric: String?
  var plane: DICOMPlane?
  /// Distance of pixel centres along the column index and the row index, mm.
  var pixelSpacing: SIMD2<Double>?
  /// Distance between slices as the header has it, for single slices only.
  var sliceSpacing: Double?
  var slope: Double
  var intercept: Double
  var hasRescale: Bool
  var hasModalityTable: Bool
  var hasFloatPixels: Bool
  /// Storage of the pixels; nil without pixel data.
  var pixels: cdcmtk_pixels?
  /// Whether pixel data is there but cannot be what the header says.
  var isTruncated: Bool
  /// Values that may tell images of one place apart, by `DICOMDiscriminator`.
  var discriminators: [DICOMDiscriminator: Double]

  /// Reads the header of an open file.
  init(path: String, file: DICOMFile) {
    self.path = path
    isComplete = file.isComplete
    classUID = file.text(DICOMTag.classUID) ?? ""
    instanceUID = file.text(DICOMTag.instanceUID) ?? ""
    seriesUID = file.text(DICOMTag.seriesUID) ?? ""
    seriesNumber = file.number(DICOMTag.seriesNumber).flatMap { Int(exactly: $0) }
    modality = file.text(DICOMTag.modality)
    seriesDescription = file.text(DICOMTag.seriesDescription)
    transferSyntax = file.transferSyntax
    isMosaic = (0..<8).contains { file.text(DICOMTag.imageType, at: $0) == "MOSAIC" }
    isEnhanced = file.hasValue(DICOMTag.perFrameGroups)
    photometric = file.text(DICOMTag.photometric)
    plane = DICOMPlane(
      orientation: file.numbers(DICOMTag.orientation),
      position: file.numbers(DICOMTag.position)
    )
    if let spacing = file.numbers(DICOMTag.pixelSpacing), spacing.count == 2,
      spacing[0] > 0, spacing[1] > 0
    {
      // The header gives the distance of rows first.
      pixelSpacing = SIMD2(spacing[1], spacing[0])
    }
    sliceSpacing = [DICOMTag.spacingBetweenSlices, DICOMTag.sliceThickness]
      .lazy.compactMap { file.number($0) }.first { $0 > 0 }
    let slope = file.number(DICOMTag.rescaleSlope)
    let intercept = file.number(DICOMTag.rescaleIntercept)
    self.slope = slope ?? 1
    self.intercept = intercept ?? 0
    hasRescale = slope != nil || intercept != nil
    hasModalityTable = file.hasValue(DICOMTag.modalityTable)
    hasFloatPixels = file.hasValue(DICOMTag.floatPixels) || file.hasValue(DICOMTag.doublePixels)
    do {
      pixels = try file.pixels()
      isTruncated = pixels.map { $0.is_truncated != 0 } ?? !file.isComplete
    } catch {
      pixels = nil
      isTruncated = true
    }
    if let pixels, pixels.is_encapsulated == 0 {
      let samples = UInt64(pixels.rows) * UInt64(pixels.columns) * UInt64(pixels.samples)
      let (bits, overflow) = (samples * UInt64(pixels.bits_allocated))
        .multipliedReportingOverflow(by: UInt64(pixels.frames))
      // Subsampled YBR needs fewer bytes than that; colour is refused elsewhere.
      if pixels.samples == 1, overflow || bits > pixels.data_bytes * 8 { isTruncated = true }
    }
    discriminators = [:]
    for discriminator in DICOMDiscriminator.allCases {
      discriminators[discriminator] = file.number(discriminator.tag)
    }
  }

  /// Whether the file is meant to hold an image.
  var isImage: Bool { pixels != nil || isTruncated || hasFloatPixels }

  /// Distance along the plane's normal, mm.
  func depth(along normal: SIMD3<Double>) -> Double? { plane.map { dot($0.position, normal) } }
}

/// What may tell images of one place apart, in the order in which it is tried.
enum DICOMDiscriminator: CaseIterable, Sendable {
  case echoTime, diffusionBValue, temporalPosition, triggerTime, acquisitionNumber

  /// The element.
  var tag: UInt32 {
    switch self {
    case .echoTime: DICOMTag.echoTime
    case .diffusionBValue: DICOMTag.diffusionBValue
    case .temporalPosition: DICOMTag.temporalPosition
    case .triggerTime: DICOMTag.triggerTime
    case .acquisitionNumber: DICOMTag.acquisitionNumber
    }
  }

  /// A value in words.
  func words(_ value: Double) -> String {
    switch self {
    case .echoTime: "echo time \(value) ms"
    case .diffusionBValue: "b-value \(value) s/mm2"
    case .temporalPosition: "temporal position \(value)"
    case .triggerTime: "trigger time \(value) ms"
    case .acquisitionNumber: "acquisition \(value)"
    }
  }
}
