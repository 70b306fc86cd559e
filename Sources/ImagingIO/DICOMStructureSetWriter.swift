import Foundation
public import Imaging
import Support
import Synchronization

/// Writes label maps as a DICOM radiotherapy structure set (RTSTRUCT, PS3.3 A.19).
///
/// Every structure is a region of interest with closed planar contours on the slices of the source,
/// each in the plane of its own file, so that oblique, tilted and unevenly spaced series keep their
/// geometry. Contours lie between pixel centres (`MaskContours`): readers that fill by centres get
/// the mask back. Holes are reached through keyholes, because planning systems disagree on whether
/// an inner contour of its own cuts a hole, and readers that unite contours would fill it.
///
/// The file is in Implicit VR Little Endian: contours of more than 64 kB, which explicit decimal
/// strings cannot hold, are common.
public enum DICOMStructureSetWriter {
  /// Writes label maps on the grid of the source.
  ///
  /// Regions have the numbers of their labels; where layers share numbers, regions are counted from
  /// 1. Structures without voxels stay as regions without contours, and a segmentation without
  /// structures has a region "Nothing" of number 0, as the standard asks for one.
  /// - Parameters:
  ///   - layers: One label map, or several where structures overlap.
  ///   - source: The slices.
  ///   - options: Names and date.
  ///   - path: The file to make.
  /// - Throws: `ImagingIOError.unsupported` when rows, columns and slices are not the source's;
  ///   `ImagingError.unknownLabel`; `SupportError` when the file cannot be written or a file of the
  ///   source not be read.
  public static func write(
    _ layers: [LabelMap],
    source: DICOMSource,
    options: DICOMStructureSetOptions,
    to path: String
  ) throws {
    for map in layers {
      let size = map.geometry.size
      guard size.z == source.slices.count,
        source.slices.allSatisfy({ $0.size == SIMD2(size.x, size.y) })
      else {
        throw mismatch("\(size.x) x \(size.y) x \(size.z) voxels", source: source, path: path)
      }
    }
    let layers = layers.map { map in
      let plane = map.geometry.size.x * map.geometry.size.y
      return Layer(
        planes: { map.labels[$0 * plane..<($0 + 1) * plane] },
        table: map.table,
        numbers: [:]
      )
    }
    try write(layers, source: source, options: options, to: path)
  }

  /// Writes labels given slice by slice, for sources whose slices are no grid.
  /// - Parameters:
  ///   - planes: For each slice of the source its labels, x fastest.
  ///   - table: The structures.
  ///   - source: The slices.
  ///   - options: Names and date.
  ///   - path: The file to make.
  /// - Throws: As for label maps.
  public static func write(
    planes: [[UInt16]],
    table: [LabelDefinition],
    source: DICOMSource,
    options: DICOMStructureSetOptions,
    to path: String
  ) throws {
    guard planes.count == source.slices.count,
      zip(planes, source.slices).allSatisfy({ $0.count == $1.size.x * $1.size.y })
    else { throw mismatch("\(planes.count) slices", source: source, path: path) }
    let layer = Layer(planes: { planes[$0][...] }, table: table, numbers: [:])
    try write([layer], source: source, options: options, to: path)
  }

  private static func mismatch(
    _ what: String,
    source: DICOMSource,
    path: String
  ) -> ImagingIOError {
    let size = source.slices.first?.size ?? SIMD2(0, 0)
    return .unsupported(
      path: path,
      what: "labels of \(what) for a series of \(size.x) x \(size.y) x \(source.slices.count)",
      remedy: "bring the labels onto the series first"
    )
  }

  /// Labels on the slices of a source.
  private struct Layer: Sendable {
    /// The labels of slices, in the order of the source; x fastest.
    var planes: @Sendable (Int) -> ArraySlice<UInt16>
    /// The structures.
    var table: [LabelDefinition]
    /// The regions' numbers by label.
    var numbers: [Int: Int]
  }

  /// A structure as the file holds it.
  private struct Region {
    var number: Int
    var definition: LabelDefinition
    var contours: [Contour]
  }

  private static func write(
    _ layers: [Layer],
    source: DICOMSource,
    options: DICOMStructureSetOptions,
    to path: String
  ) throws {
    let labels = layers.flatMap { $0.table.map(\.id) }
    let areDistinct = Set(labels).count == labels.count
    var regions: [Region] = []
    var layers = layers
    for index in layers.indices {
      for definition in layers[index].table {
        let number = areDistinct ? definition.id : regions.count + 1
        layers[index].numbers[definition.id] = number
        regions.append(Region(number: number, definition: definition, contours: []))
      }
    }
    if regions.isEmpty {
      let nothing = LabelDefinition(id: 0, name: "Nothing", color: LabelDefinition.defaultColor(0))
      regions = [Region(number: 0, definition: nothing, contours: [])]
    }
    let contours = try contours(of: layers, source: source)
    for index in regions.indices { regions[index].contours = contours[regions[index].number] ?? [] }
    let object = try dataSet(regions, source: source, options: options)
    try object.write(to: path, syntax: .implicitLittleEndian)
  }

  // MARK: - Contours

  /// A contour as the file holds it.
  private struct Contour: Sendable {
    var slice: Int
    var pointCount: Int
    /// Coordinates in mm with backslashes between.
    var text: String
  }

  /// Traces all slices side by side; contours by region number, in the order of the slices.
  private static func contours(
    of layers: [Layer],
    source: DICOMSource
  ) throws -> [Int: [Contour]] {
    let slices = source.slices
    let results = Mutex([[(number: Int, contour: Contour)]](repeating: [], count: slices.count))
    let stray = Mutex<ImagingError?>(nil)
    Parallelism.forEach(slices.count) { index in
      var found: [(number: Int, contour: Contour)] = []
      for layer in layers {
        let plane = layer.planes(index)
        for (label, polygons) in MaskContours.polygons(of: plane, width: slices[index].size.x) {
          guard let number = layer.numbers[Int(label)] else {
            let count = plane.count { $0 == label }
            stray.withLock { $0 = .unknownLabel(id: Int(label), voxelCount: count) }
            return
          }
          for polygon in polygons {
            let text = text(polygon, on: slices[index])
            found.append((number, Contour(slice: index, pointCount: polygon.count, text: text)))
          }
        }
      }
      results.withLock { $0[index] = found }
    }
    if let stray = stray.withLock({ $0 }) { throw stray }
    var contours: [Int: [Contour]] = [:]
    for (number, contour) in results.withLock({ $0 }).joined() {
      contours[number, default: []].append(contour)
    }
    return contours
  }

  /// The points of a polygon in the patient.
  ///
  /// As many decimals as resolve a ten-thousandth of a pixel, so that files stay small; 16
  /// characters at most.
  private static func text(_ polygon: [SIMD2<Double>], on slice: DICOMSource.Slice) -> String {
    let along = slice.plane.row * slice.pixelSpacing.x
    let down = slice.plane.column * slice.pixelSpacing.y
    let decimals = min(max(4 - Int(log10(slice.pixelSpacing.min()).rounded(.down)) - 1, 2), 9)
    var coordinates: [Double] = []
    coordinates.reserveCapacity(polygon.count * 3)
    for point in polygon {
      let position = slice.plane.position + along * point.x + down * point.y
      coordinates += [position.x, position.y, position.z]
    }
    return DICOMCoordinates.text(coordinates, decimals: decimals)
  }

  // MARK: - Modules

  private static func dataSet(
    _ regions: [Region],
    source: DICOMSource,
    options: DICOMStructureSetOptions
  ) throws -> DICOMDataSet {
    let content = try SHA256.hexDigest(of: Data(key(regions, options: options).utf8))
    let derived = try DICOMDerivedObject(
      source: source,
      key: content,
      timeZone: options.timeZone
    )
    var object = try derived.dataSet(
      DICOMDerivedObject.Identity(
        classUID: StructureSetTag.classUID,
        modality: "RTSTRUCT",
        seriesDescription: options.seriesDescription,
        seriesNumber: options.seriesNumber,
        date: options.date,
        content: content
      )
    )
    let (day, time) = derived.dateAndTime(options.date)
    // The structure set names its series, images and date in elements of its own.
    for tag in [0x0008_1115, 0x0008_0023, 0x0008_0033] as [UInt32] { object[tag] = nil }
    object.setEmpty(0x0008_1070)
    object.set(StructureSetTag.label, DICOMDerivedObject.text(options.label, limit: 16))
    object.set(StructureSetTag.description, Version.disclaimer)
    object.set(StructureSetTag.date, day)
    object.set(StructureSetTag.time, time)
    object.set(StructureSetTag.referencedFrames, items: [frame(of: derived, source: source)])
    object.set(
      StructureSetTag.regions,
      items: regions.map { item(of: $0, frame: derived.frameOfReferenceUID, options: options) }
    )
    let images = source.slices.map(reference)
    object.set(
      StructureSetTag.regionContours,
      items: regions.map { contours(of: $0, images: images) }
    )
    object.set(
      StructureSetTag.observations,
      items: regions.enumerated().map { observation(of: $1, number: $0 + 1, options: options) }
    )
    object.set(0x300E_0002, "UNAPPROVED")
    return object
  }

  /// Everything that sets one file apart from another.
  private static func key(_ regions: [Region], options: DICOMStructureSetOptions) -> String {
    var key = [
      options.label, options.seriesDescription, options.algorithmName, options.algorithmVersion,
    ].map { "\($0.utf8.count):\($0)" }.joined()
    for region in regions {
      let definition = region.definition
      let type = options.interpretedTypes[definition.id]?.rawValue ?? ""
      let code = definition.code.map { "\($0.scheme) \($0.value) \($0.meaning)" } ?? ""
      key += "\n\(region.number) \(definition.id) \(definition.color) \(type) \(code)"
      key += " \(definition.name)"
      for contour in region.contours { key += "\n\(contour.slice) \(contour.text)" }
    }
    return key
  }

  /// A slice as an item of a Contour Image Sequence.
  private static func reference(_ slice: DICOMSource.Slice) -> DICOMDataSet? {
    guard slice.isReferable else { return nil }
    var item = DICOMDataSet()
    item.set(StructureSetTag.referencedClass, slice.classUID)
    item.set(StructureSetTag.referencedInstance, slice.instanceUID)
    if let frame = slice.frame { item.set(StructureSetTag.referencedFrameNumber, "\(frame)") }
    return item
  }

  /// The frame of reference with study, series and images.
  private static func frame(of derived: DICOMDerivedObject, source: DICOMSource) -> DICOMDataSet {
    var frame = DICOMDataSet()
    frame.set(StructureSetTag.referencedFrame, derived.frameOfReferenceUID)
    let instances = derived.referencedInstances
    guard !source.seriesUID.isEmpty, !instances.isEmpty else { return frame }
    var series = DICOMDataSet()
    series.set(DICOMTag.seriesUID, source.seriesUID)
    series.set(StructureSetTag.contourImages, items: instances)
    var study = DICOMDataSet()
    // Detached Study Management, retired but the class that the attribute asks for.
    study.set(StructureSetTag.referencedClass, "1.2.840.10008.3.1.2.3.1")
    study.set(StructureSetTag.referencedInstance, derived.studyUID)
    study.set(StructureSetTag.referencedSeries, items: [series])
    frame.set(StructureSetTag.referencedStudies, items: [study])
    return frame
  }

  private static func item(
    of region: Region,
    frame: String,
    options: DICOMStructureSetOptions
  ) -> DICOMDataSet {
    let algorithm = "\(options.algorithmName) \(options.algorithmVersion)"
    var derivation = DICOMDataSet()
    derivation.set(0x0066_002F, items: [DICOMCode.artificialIntelligence.item])
    derivation.set(0x0066_0036, DICOMDerivedObject.text(options.algorithmName, limit: 64))
    derivation.set(0x0066_0031, DICOMDerivedObject.text(options.algorithmVersion, limit: 64))
    var item = DICOMDataSet()
    item.set(StructureSetTag.regionNumber, "\(region.number)")
    item.set(StructureSetTag.regionFrame, frame)
    item.set(StructureSetTag.regionName, DICOMDerivedObject.text(region.definition.name, limit: 64))
    item.set(StructureSetTag.algorithm, "AUTOMATIC")
    item.set(StructureSetTag.derivationAlgorithm, items: [derivation])
    item.set(StructureSetTag.generation, DICOMDerivedObject.text(algorithm, limit: 64))
    return item
  }

  /// The contours of a region; without any it has no Contour Sequence.
  private static func contours(of region: Region, images: [DICOMDataSet?]) -> DICOMDataSet {
    let color = region.definition.color
    var item = DICOMDataSet()
    item.set(StructureSetTag.color, texts: ["\(color.red)", "\(color.green)", "\(color.blue)"])
    item.set(StructureSetTag.referencedRegion, "\(region.number)")
    guard !region.contours.isEmpty else { return item }
    let items = region.contours.enumerated().map { index, contour in
      var item = DICOMDataSet()
      item.set(StructureSetTag.contourNumber, "\(index + 1)")
      if let image = images[contour.slice] {
        item.set(StructureSetTag.contourImages, items: [image])
      }
      item.set(StructureSetTag.contourType, "CLOSED_PLANAR")
      item.set(StructureSetTag.pointCount, "\(contour.pointCount)")
      item.set(StructureSetTag.points, contour.text)
      return item
    }
    item.set(StructureSetTag.contours, items: items)
    return item
  }

  private static func observation(
    of region: Region,
    number: Int,
    options: DICOMStructureSetOptions
  ) -> DICOMDataSet {
    var observation = DICOMDataSet()
    observation.set(StructureSetTag.observationNumber, "\(number)")
    observation.set(StructureSetTag.referencedRegion, "\(region.number)")
    if let code = region.definition.code {
      observation.set(StructureSetTag.identification, items: [code.item])
    }
    observation.set(
      StructureSetTag.interpretedType,
      options.interpretedTypes[region.definition.id]?.rawValue ?? ""
    )
    observation.setEmpty(StructureSetTag.interpreter)
    return observation
  }
}
