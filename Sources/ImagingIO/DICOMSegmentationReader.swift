public import Imaging
import Support

/// Reads DICOM SEG files of any origin into label maps.
///
/// Frames may come in any order, and slices without frames are background. Without a source the
/// grid spans the frames; with the series that was segmented it is that series' grid. Segments that
/// overlap become several layers: those that Lamina recorded, else as few as the order of the
/// segments allows. Labels have their original numbers where Lamina recorded them, else the
/// segment numbers.
public enum DICOMSegmentationReader {
  /// No more layers than this are made of segments that overlap.
  private static let maximumLayers = 255
  /// Empty slices cost no bytes in the file, so a small one may claim a grid of this many voxels;
  /// larger ones may claim `voxelsPerByte` for each byte they have.
  private static let unguardedVoxels = 1 << 29
  private static let voxelsPerByte = 512

  /// Reads a segmentation.
  ///
  /// Of fractional segmentations, voxels of at least half the maximum belong to a segment; the
  /// problem `fractional-threshold` says so.
  /// - Parameters:
  ///   - path: The file.
  ///   - source: The series that was segmented, or nil.
  /// - Returns: Label maps with their meanings.
  /// - Throws: `ImagingIOError.unrecognised` when the file is no segmentation, `.damaged`, or
  ///   `.unsupported` for slides, unevenly placed frames and undecodable pixels; `SupportError`.
  public static func read(
    _ path: String,
    source: DICOMSource? = nil
  ) throws -> LoadedSegmentation {
    let file = try DICOMSegmentationFile(path: path)
    let placement = try DICOMSegmentationPlacement(file, source: source)
    let pixels = try DICOMSegmentationPixels(file)
    try checkSize(placement.geometry, layers: 1, of: path)
    var problems = placement.problems
    let layers: [LabelMap]
    switch file.kind {
    case .labelMap: layers = [try labelMap(file, placement, pixels, problems: &problems)]
    case .binary, .fractional:
      layers = try overlaid(file, placement, pixels, problems: &problems)
    }
    if file.kind == .fractional {
      problems.append(
        InputProblem(
          code: "fractional-threshold",
          message: "Voxels of at least half the largest fraction count as the segment.",
          remedy: "Ask for the fractions themselves if another threshold is meant."
        )
      )
    }
    var references = [[SegmentationReference]](
      repeating: [],
      count: placement.geometry.size.z
    )
    for (frame, slice) in zip(file.frames, placement.sliceOfFrame) {
      if references[slice].isEmpty { references[slice] = frame.sources }
    }
    var algorithms: [String] = []
    for name in file.segments.compactMap(\.algorithm) where !algorithms.contains(name) {
      algorithms.append(name)
    }
    return LoadedSegmentation(
      layers: layers,
      shift: placement.shift,
      references: references,
      referencedSeriesUID: file.file.root.item(0x0008_1115)?.text(DICOMTag.seriesUID),
      algorithms: algorithms,
      problems: problems
    )
  }

  /// Reads the fractions of one segment: its stored values by the largest, 0 to 1.
  /// - Parameters:
  ///   - path: The file, binary or fractional.
  ///   - segment: The segment's number in the file.
  ///   - source: The series that was segmented, or nil.
  /// - Returns: The fractions on the grid of `read`.
  /// - Throws: As `read`; `ImagingIOError.noSuchSelection` for label maps and unknown numbers.
  public static func fractions(
    _ path: String,
    segment: Int,
    source: DICOMSource? = nil
  ) throws -> Volume<Float> {
    let file = try DICOMSegmentationFile(path: path)
    guard file.kind != .labelMap, file.segments.contains(where: { $0.number == segment }) else {
      throw ImagingIOError.noSuchSelection(path: path, selection: "fractions of segment \(segment)")
    }
    let placement = try DICOMSegmentationPlacement(file, source: source)
    let pixels = try DICOMSegmentationPixels(file)
    try checkSize(placement.geometry, layers: 1, of: path)
    let maximum: Float = file.kind == .fractional ? Float(file.maximum) : 1
    var volume = Volume<Float>(
      geometry: placement.geometry,
      voxels: [Float](repeating: 0, count: placement.geometry.voxelCount)
    )
    for (index, frame) in file.frames.enumerated() where frame.segment == segment {
      let start = placement.sliceOfFrame[index] * file.plane
      for (pixel, value) in try pixels.values(index).enumerated() {
        volume.voxels[start + pixel] = Float(value) / maximum
      }
    }
    return volume
  }

  /// Refuses grids that the file's size cannot justify, before memory is taken for them.
  private static func checkSize(
    _ geometry: ImageGeometry,
    layers: Int,
    of path: String
  ) throws(ImagingIOError) {
    let (voxels, overflow) = geometry.voxelCount.multipliedReportingOverflow(by: layers)
    let limit = max(unguardedVoxels, (FileFacts(path)?.size ?? 0) * voxelsPerByte)
    guard !overflow, voxels <= limit else {
      throw .damaged(
        path: path,
        reason: "its few frames claim \(geometry.size.x) x \(geometry.size.y) x "
          + "\(geometry.size.z) voxels in \(layers) layers"
      )
    }
  }

  // MARK: - Label maps

  private static func labelMap(
    _ file: DICOMSegmentationFile,
    _ placement: DICOMSegmentationPlacement,
    _ pixels: DICOMSegmentationPixels,
    problems: inout [InputProblem]
  ) throws -> LabelMap {
    var labels = [UInt16](repeating: 0, count: placement.geometry.voxelCount)
    var seen = [Bool](repeating: false, count: 65536)
    for index in file.frames.indices {
      let start = placement.sliceOfFrame[index] * file.plane
      for (pixel, value) in try pixels.values(index).enumerated() where value != 0 {
        labels[start + pixel] = value
        seen[Int(value)] = true
      }
    }
    let numbers = seen.indices.filter { seen[$0] }
    let table = definitions(file, numbers: numbers, problems: &problems)
    return LabelMap(
      geometry: placement.geometry,
      labels: labels,
      table: table.map { $1.numbered($0) }
    )
  }

  /// The meanings by segment number, plain ones for numbers that the file does not explain.
  private static func definitions(
    _ file: DICOMSegmentationFile,
    numbers: [Int],
    problems: inout [InputProblem]
  ) -> [Int: LabelDefinition] {
    var table = Dictionary(
      file.segments.map { ($0.number, $0.definition) },
      uniquingKeysWith: { first, _ in first }
    )
    let unknown = numbers.filter { table[$0] == nil }
    if let first = unknown.first {
      problems.append(
        InputProblem(
          code: "undefined-segment",
          message: "The segments do not describe number \(first), which occurs.",
          remedy: "Name the label yourself; its voxels were kept."
        )
      )
    }
    for number in unknown {
      table[number] = LabelDefinition(
        id: number,
        name: "Segment \(number)",
        color: LabelDefinition.defaultColor(number)
      )
    }
    return table
  }

  // MARK: - Segments

  /// The label maps of segments that each have their own frames.
  private static func overlaid(
    _ file: DICOMSegmentationFile,
    _ placement: DICOMSegmentationPlacement,
    _ pixels: DICOMSegmentationPixels,
    problems: inout [InputProblem]
  ) throws -> [LabelMap] {
    var framesOfSegment: [Int: [Int]] = [:]
    var isRepeated = false
    for (index, frame) in file.frames.enumerated() {
      guard let segment = frame.segment else { continue }
      let slice = placement.sliceOfFrame[index]
      isRepeated =
        isRepeated
        || framesOfSegment[segment]?.last.map { placement.sliceOfFrame[$0] == slice } ?? false
      framesOfSegment[segment, default: []].append(index)
    }
    if isRepeated {
      problems.append(
        InputProblem(
          code: "duplicate-frame",
          message: "A segment has several frames on one slice.",
          remedy: "Check the labels; the frames were united."
        )
      )
    }
    var used = framesOfSegment
    if file.isOurs {
      // A frame that only marks the end of the grid belongs to a placeholder.
      let known = Set(file.segments.map(\.number))
      used = used.filter { known.contains($0.key) }
    }
    let numbers = used.keys.sorted()
    let table = definitions(file, numbers: numbers, problems: &problems)
    if let recorded = try recorded(file, placement, pixels, framesOfSegment: used) {
      return recorded
    }
    let areDistinct = Set(table.values.map(\.id)).count == table.count
    let empty = [UInt16](repeating: 0, count: placement.geometry.voxelCount)
    var layers: [(labels: [UInt16], table: [LabelDefinition])] = [(empty, [])]
    for number in table.keys.sorted() {
      guard var definition = table[number] else { continue }
      if !areDistinct { definition = definition.numbered(number) }
      let frames = used[number] ?? []
      var layer = 0
      while layer < layers.count,
        try !isFree(frames, layers[layer].labels, file, placement, pixels)
      { layer += 1 }
      if layer == layers.count {
        guard layers.count < maximumLayers else {
          throw ImagingIOError.unsupported(
            path: file.path,
            what: "more than \(maximumLayers) segments that overlap each other",
            remedy: "separate them into files"
          )
        }
        try checkSize(placement.geometry, layers: layers.count, of: file.path)
        layers.append((empty, []))
      }
      layers[layer].table.append(definition)
      let label = UInt16(definition.id)
      for frame in frames {
        let start = placement.sliceOfFrame[frame] * file.plane
        try pixels.forEachSet(frame) { layers[layer].labels[start + $0] = label }
      }
    }
    return layers.map {
      LabelMap(geometry: placement.geometry, labels: $0.labels, table: $0.table)
    }
  }

  /// Whether no voxel of the frames has a label yet.
  private static func isFree(
    _ frames: [Int],
    _ labels: [UInt16],
    _ file: DICOMSegmentationFile,
    _ placement: DICOMSegmentationPlacement,
    _ pixels: DICOMSegmentationPixels
  ) throws -> Bool {
    for frame in frames {
      let start = placement.sliceOfFrame[frame] * file.plane
      var isFree = true
      try pixels.forEachSet(frame) { if labels[start + $0] != 0 { isFree = false } }
      if !isFree { return false }
    }
    return true
  }

  /// The layers and numbers that Lamina recorded, or nil when the file is another's or was changed.
  private static func recorded(
    _ file: DICOMSegmentationFile,
    _ placement: DICOMSegmentationPlacement,
    _ pixels: DICOMSegmentationPixels,
    framesOfSegment: [Int: [Int]]
  ) throws -> [LabelMap]? {
    guard file.isOurs else { return nil }
    var tables: [Int: [LabelDefinition]] = [:]
    var count = 1
    for segment in file.segments {
      guard let origin = segment.origin, origin.layer <= maximumLayers,
        tables[origin.layer]?.contains(where: { $0.id == origin.label }) != true
      else { return nil }
      tables[origin.layer, default: []].append(segment.definition)
      count = max(count, origin.layer)
    }
    // Each layer but the first has a segment, or the claim would cost memory for nothing.
    guard tables.count >= count || count == 1 else { return nil }
    try checkSize(placement.geometry, layers: count - 1, of: file.path)
    var layers: [LabelMap] = []
    for layer in 1...count {
      var labels = [UInt16](repeating: 0, count: placement.geometry.voxelCount)
      var overlaps = false
      for segment in file.segments where segment.origin?.layer == layer {
        let label = UInt16(segment.definition.id)
        for frame in framesOfSegment[segment.number] ?? [] {
          let start = placement.sliceOfFrame[frame] * file.plane
          try pixels.forEachSet(frame) { pixel in
            if labels[start + pixel] != 0, labels[start + pixel] != label { overlaps = true }
            labels[start + pixel] = label
          }
        }
      }
      if overlaps { return nil }
      layers.append(
        LabelMap(geometry: placement.geometry, labels: labels, table: tables[layer] ?? [])
      )
    }
    return layers
  }
}

extension LabelDefinition {
  /// The same meaning under another number.
  fileprivate func numbered(_ number: Int) -> LabelDefinition {
    LabelDefinition(id: number, name: name, color: color, code: code)
  }
}
