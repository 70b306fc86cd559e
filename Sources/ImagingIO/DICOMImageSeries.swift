public import Foundation
public import Imaging
import Support
import Synchronization

/// Writes a volume as a DICOM series of single-frame images derived from another series.
///
/// The storage class is CT Image or MR Image: that of the source, or the one that is asked for.
/// Nothing else of the standard's single-frame classes holds a place in the patient and values of 16
/// bits, and what an image is is not guessed: without a CT or MR source the kind must be given. The
/// source's study, patient and frame of reference are kept; series and instances are new
/// (`DERIVED\SECONDARY`).
///
/// Values are stored in 16 bits with rescale slope and intercept, in the unit of the volume: whole
/// numbers that fit are exact, others are rounded to 65535 steps between the smallest and the
/// largest, and the description states the largest error.
public struct DICOMImageSeries: Sendable {
  /// What the images are.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// CT Image Storage; values in Hounsfield units.
    case ct = "CT"
    /// MR Image Storage.
    case mr = "MR"

    var classUID: String {
      switch self {
      case .ct: "1.2.840.10008.5.1.4.1.1.2"
      case .mr: "1.2.840.10008.5.1.4.1.1.4"
      }
    }
  }

  /// What the images are; nil takes it from the source.
  public var kind: Kind?
  /// Series Description, to which the notice of research use is added.
  public var seriesDescription: String
  /// What was done to the source, in words; the rounding and the notice are added.
  public var derivation: String
  /// What was done, as a code (PS3.16 CID 7203), or nil.
  public var derivationCode: CodedConcept?
  /// What computed the values, such as a model's name.
  public var algorithmName: String
  /// Its version.
  public var algorithmVersion: String
  /// When the values were computed.
  public var date: Date
  /// Series Number.
  public var seriesNumber = 9050
  /// The zone of dates when the source does not state one.
  public var timeZone: TimeZone = .current

  /// Describes a series.
  /// - Parameters:
  ///   - seriesDescription: Series Description without the notice.
  ///   - derivation: What was done to the source, in words.
  ///   - algorithmName: What computed the values.
  ///   - algorithmVersion: Its version.
  ///   - date: When the values were computed.
  public init(
    seriesDescription: String,
    derivation: String,
    algorithmName: String,
    algorithmVersion: String,
    date: Date
  ) {
    self.seriesDescription = seriesDescription
    self.derivation = derivation
    self.algorithmName = algorithmName
    self.algorithmVersion = algorithmVersion
    self.date = date
  }

  /// What became of the values.
  public struct Written: Sendable, Equatable {
    /// The files, in the order of the slices.
    public var files: [String]
    /// No stored value times slope plus intercept differs by more than this from the volume's.
    public var largestError: Double
  }

  /// Writes the files `IM0001.dcm` and so on, one for each slice.
  /// - Parameters:
  ///   - volume: The values; its grid may be another than the source's.
  ///   - source: The series that it was derived from, or nil.
  ///   - folder: An existing folder.
  /// - Returns: The files and the largest error of rounding.
  /// - Throws: `ImagingIOError.unsupported` when the kind is not known, a value is not finite, or a
  ///   slice has over 65535 rows or columns; `SupportError` when a file cannot be read or written.
  public func write(
    _ volume: AnyVolume,
    source: DICOMSource?,
    to folder: String
  ) throws -> Written {
    let size = volume.geometry.size
    guard size.x <= 65535, size.y <= 65535 else {
      throw ImagingIOError.unsupported(
        path: folder,
        what: "slices of \(size.x) x \(size.y) pixels",
        remedy: "cut or resample them to at most 65535"
      )
    }
    let stored = try StoredSlices(volume, path: folder)
    let first = try source?.slices.first.map { try DICOMDerivedObject.open($0.path).root }
    guard let kind = kind ?? first?.text(DICOMTag.modality).flatMap(Kind.init) else {
      throw ImagingIOError.unsupported(
        path: folder,
        what: "no images yet: the source is neither CT nor MR, or there is none",
        remedy: "say whether the values are to be stored as CT or as MR"
      )
    }
    let key = try key(volume.geometry, kind: kind, digest: stored.digest(slices: size.z))
    let derived = try DICOMDerivedObject(source: source, key: key, timeZone: timeZone)
    var template = DICOMDataSet()
    if let first {
      template.copy(Self.inherited(kind, source: first.text(DICOMTag.modality)), from: first)
    }
    setImage(&template, kind: kind, stored: stored, geometry: volume.geometry)
    if let first { template.copy([0x0028_2110, 0x0028_2112, 0x0028_2114], from: first) }
    let sources = DerivedSources(volume.geometry, source: source)

    let digits = max(4, "\(size.z)".count)
    let files = (1...size.z).map { number in
      let name = "\(number)"
      return "\(folder)/IM\(String(repeating: "0", count: digits - name.count))\(name).dcm"
    }
    let failure = Mutex<(index: Int, error: any Error)?>(nil)
    let common = template
    Parallelism.forEach(size.z) { index in
      guard failure.withLock({ $0 == nil }) else { return }
      do {
        var object = try derived.dataSet(identity(kind, number: index + 1, key: key))
        for (tag, element) in common.elements { object[tag] = element }
        setSlice(&object, index: index, geometry: volume.geometry, sources: sources)
        try object.write(to: files[index], pixels: .native(stored.bytes(slice: index), vr: "OW"))
      } catch {
        failure.withLock { if index < $0?.index ?? .max { $0 = (index, error) } }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure.error }
    return Written(files: files, largestError: stored.largestError)
  }

  private func identity(_ kind: Kind, number: Int, key: String) -> DICOMDerivedObject.Identity {
    DICOMDerivedObject.Identity(
      classUID: kind.classUID,
      modality: kind.rawValue,
      seriesDescription: seriesDescription,
      seriesNumber: seriesNumber,
      instanceNumber: number,
      date: date,
      content: key
    )
  }

  /// Everything that sets one series apart from another.
  private func key(_ geometry: ImageGeometry, kind: Kind, digest: String) throws -> String {
    let parts = [
      "\(geometry)", kind.rawValue, digest, derivation, algorithmName, algorithmVersion,
      derivationCode.map { "\($0)" } ?? "",
    ]
    let text = parts.map { "\($0.utf8.count):\($0)" }.joined()
    return try SHA256.hexDigest(of: Data(text.utf8))
  }

  // MARK: - Attributes

  /// What describes the examination, and for images of the source's own kind the acquisition.
  private static func inherited(_ kind: Kind, source modality: String?) -> [UInt32] {
    // Body part, protocol, patient position, contrast agent, laterality, window.
    let always: [UInt32] = [
      0x0018_0015, 0x0018_1030, 0x0018_5100, 0x0018_0010, 0x0020_0060, 0x0028_1050, 0x0028_1051,
    ]
    guard modality == kind.rawValue else { return always }
    switch kind {
    case .ct: return always + [0x0018_0060, 0x0018_1210, 0x0018_1152, 0x0018_1151]
    case .mr:
      return always + [
        0x0018_0020, 0x0018_0021, 0x0018_0022, 0x0018_0023, 0x0018_0080, 0x0018_0081, 0x0018_0082,
        0x0018_0087, 0x0018_0091, 0x0018_1314,
      ]
    }
  }

  /// What all slices share.
  private func setImage(
    _ object: inout DICOMDataSet,
    kind: Kind,
    stored: StoredSlices,
    geometry: ImageGeometry
  ) {
    func setIfAbsent(_ tag: UInt32, _ text: String?) {
      guard object[tag] == nil else { return }
      if let text { object.set(tag, text) } else { object.setEmpty(tag) }
    }
    switch kind {
    case .ct:
      object.set(DICOMTag.imageType, "DERIVED", "SECONDARY", "AXIAL")
      setIfAbsent(0x0018_0060, nil)
      object.set(0x0028_1054, "HU")
    case .mr:
      object.set(DICOMTag.imageType, "DERIVED", "SECONDARY", "OTHER")
      setIfAbsent(0x0018_0020, "RM")
      setIfAbsent(0x0018_0021, "NONE")
      for tag in [0x0018_0022, 0x0018_0023, 0x0018_0080, 0x0018_0081, 0x0018_0091] as [UInt32] {
        setIfAbsent(tag, nil)
      }
      object.set(0x0028_1054, "US")
    }
    setIfAbsent(0x0018_5100, nil)
    // Whether the body part is one of a pair is not known without its name.
    if object[0x0018_0015] == nil { setIfAbsent(0x0020_0060, nil) }
    object.setEmpty(DICOMTag.acquisitionNumber)
    object.set(0x0028_0002, number: 1)
    object.set(DICOMTag.photometric, "MONOCHROME2")
    object.set(0x0028_0010, number: Double(geometry.size.y))
    object.set(0x0028_0011, number: Double(geometry.size.x))
    object.set(0x0028_0100, number: 16)
    object.set(0x0028_0101, number: 16)
    object.set(0x0028_0102, number: 15)
    object.set(0x0028_0103, number: stored.isSigned ? 1 : 0)
    object.set(DICOMTag.rescaleSlope, DICOMDataSet.decimalString(stored.slope))
    object.set(DICOMTag.rescaleIntercept, DICOMDataSet.decimalString(stored.intercept))
    object.set(DICOMTag.pixelSpacing, numbers: [geometry.spacing.y, geometry.spacing.x])
    object.set(
      DICOMTag.orientation,
      numbers: [0, 1].flatMap { column in
        (0..<3).map { Self.cosine(geometry.direction[$0, column]) }
      }
    )
    if geometry.isPlanar {
      object.setEmpty(DICOMTag.sliceThickness)
    } else {
      object.set(DICOMTag.sliceThickness, numbers: [geometry.spacing.z])
      if kind == .mr { object.set(DICOMTag.spacingBetweenSlices, numbers: [geometry.spacing.z]) }
    }
    let rounding =
      stored.largestError == 0
      ? "values stored exactly"
      : "values rounded by at most \(Float(stored.largestError).nextUp)"
    object.set(
      0x0008_2111,
      DICOMDerivedObject.text(
        "\(derivation); \(algorithmName) \(algorithmVersion); \(rounding). "
          + "\(DICOMDerivedObject.notice).",
        limit: 1024
      )
    )
    if let derivationCode { object.set(0x0008_9215, items: [derivationCode.item]) }
  }

  /// Rounding errors of a rotation must not become digits of a cosine that is 0 or 1.
  private static func cosine(_ value: Double) -> Double {
    abs(value - value.rounded()) < 1e-15 ? value.rounded() + 0 : value
  }

  private func setSlice(
    _ object: inout DICOMDataSet,
    index: Int,
    geometry: ImageGeometry,
    sources: DerivedSources
  ) {
    let position = geometry.position(ofIndex: [0, 0, Double(index)])
    object.set(DICOMTag.position, numbers: [position.x, position.y, position.z])
    let (references, series) = sources.references(slice: index)
    object[0x0008_1115] = nil
    if !references.isEmpty {
      object.set(0x0008_2112, items: references)
      if !series.elements.isEmpty { object.set(0x0008_1115, items: [series]) }
    }
  }
}

/// The slices of the source that slices of a derived series were made of.
private struct DerivedSources: Sendable {
  private let source: DICOMSource?
  private let slices: [[Int]]

  /// Finds for each slice of a grid the source's slices nearer than one slice spacing of either;
  /// for planes that are not parallel to the source's, all.
  init(_ geometry: ImageGeometry, source: DICOMSource?) {
    self.source = source
    let normal = geometry.direction.columns[2]
    let found = source?.slices ?? []
    let isParallel = found.allSatisfy { abs(dot($0.plane.direction.columns[2], normal)) > 0.999 }
    let depths = found.map { dot($0.plane.position, normal) }
    let reach = 0.999 * max(geometry.isPlanar ? 0 : geometry.spacing.z, source?.sliceSpacing ?? 0)
    slices = (0..<geometry.size.z).map { index in
      let depth = dot(geometry.position(ofIndex: [0, 0, Double(index)]), normal)
      return found.indices.filter { !isParallel || abs(depths[$0] - depth) <= reach }
    }
  }

  /// Items of a Source Image Sequence, and the same as an item of a Referenced Series Sequence.
  func references(slice: Int) -> (images: [DICOMDataSet], series: DICOMDataSet) {
    guard let source else { return ([], DICOMDataSet()) }
    var seen: Set<String> = []
    let instances = slices[slice].map { source.slices[$0] }
      .filter { $0.isReferable && seen.insert($0.instanceUID).inserted }
      .map { slice in
        var item = DICOMDataSet()
        item.set(0x0008_1150, slice.classUID)
        item.set(0x0008_1155, slice.instanceUID)
        return item
      }
    var series = DICOMDataSet()
    if !source.seriesUID.isEmpty {
      series.set(DICOMTag.seriesUID, source.seriesUID)
      series.set(0x0008_114A, items: instances)
    }
    let images = instances.map { instance in
      var item = instance
      item.set(0x0040_A170, items: [DICOMCode.sourceImage.item])
      return item
    }
    return (images, series)
  }
}
