import Foundation
public import Imaging
import Support
import Synchronization

/// The structures of a DICOM radiotherapy structure set on the grid of an image.
public struct DICOMStructures: Sendable {
  /// The label maps: one, or several where structures overlap; label numbers are the regions' own
  /// where these are distinct numbers from 1 to 65535, else they count the regions from 1.
  public let layers: [LabelMap]
  /// Structure Set Label, or nil.
  public let label: String?
  /// What is odd, such as contours that could not be placed.
  public let problems: [InputProblem]
}

/// Reads DICOM radiotherapy structure sets (RTSTRUCT) into label maps.
///
/// A contour belongs to the slice that it lies nearest to, if within half a slice spacing; of
/// several planes of contours at one slice the nearest alone counts. Within a region and slice
/// contours are combined by the even-odd rule, so that inner contours cut holes and keyholes have
/// no width; pixels whose centre lies on a contour are inside (`PolygonFilling`). Points and open
/// contours enclose nothing and are left out. Nothing is interpolated between slices.
public enum DICOMStructureSetReader {
  /// More layers than this are refused: that many structures do not overlap in one place, and each
  /// takes the memory of a label map.
  static let maximumLayers = 64

  /// Reads a structure set.
  /// - Parameters:
  ///   - path: The file.
  ///   - image: The image that the contours were drawn on, or another in its frame of reference.
  /// - Returns: The structures on the image's grid; at least one layer.
  /// - Throws: `SupportError.unreadable`; `ImagingIOError.damaged` when it is no DICOM or breaks
  ///   off; `.unsupported` when it is no structure set, refers to another frame of reference, no
  ///   contour lies on a slice of the image, or too many structures overlap.
  public static func read(_ path: String, onto image: LoadedVolume) throws -> DICOMStructures {
    let slices = ContourSlices(image)
    let file = try DICOMDerivedObject.open(path)
    guard file.isComplete else {
      throw ImagingIOError.damaged(path: path, reason: "it breaks off")
    }
    guard file.root.text(DICOMTag.classUID) == StructureSetTag.classUID else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "no radiotherapy structure set",
        remedy: "give a DICOM RTSTRUCT file"
      )
    }
    let content = StructureSetContent(file.root)
    if let source = image.source, !content.refers(to: source) {
      throw ImagingIOError.unsupported(
        path: path,
        what: "contours in another frame of reference",
        remedy: "give the image series that they were drawn on"
      )
    }
    let regions = content.regions
    let drawn = Mutex([DrawnRegion](repeating: DrawnRegion(), count: regions.count))
    Parallelism.forEach(regions.count) { index in
      let region = DrawnRegion(regions[index], on: slices)
      drawn.withLock { $0[index] = region }
    }
    let results = drawn.withLock { $0 }
    let counts = results.reduce(ContourCounts()) { $0 + $1.counts }
    if counts.placed == 0, counts.offSlices > 0 {
      throw ImagingIOError.unsupported(
        path: path,
        what: "contours of which none lies on a slice of the image",
        remedy: "give the image series that they were drawn on"
      )
    }
    let layers = try layers(
      zip(content.definitions, results).map { ($0, $1.runs) },
      geometry: image.volume.geometry,
      path: path
    )
    return DICOMStructures(
      layers: layers,
      label: file.root.text(StructureSetTag.label),
      problems: content.problems + counts.problems
    )
  }

  /// Puts each structure into the first layer where it meets no other.
  private static func layers(
    _ structures: [(definition: LabelDefinition, runs: [[PolygonFilling.Run]])],
    geometry: ImageGeometry,
    path: String
  ) throws -> [LabelMap] {
    let width = geometry.size.x
    let plane = width * geometry.size.y
    var layers: [(labels: [UInt16], table: [LabelDefinition])] = []
    for (definition, slices) in structures {
      func offsets(_ slice: Int, _ run: PolygonFilling.Run) -> Range<Int> {
        let row = slice * plane + run.row * width
        return row + run.start..<row + run.end
      }
      func isFree(_ labels: [UInt16]) -> Bool {
        slices.enumerated().allSatisfy { slice, runs in
          runs.allSatisfy { run in labels[offsets(slice, run)].allSatisfy { $0 == 0 } }
        }
      }
      var index = 0
      while index < layers.count, !isFree(layers[index].labels) { index += 1 }
      if index == layers.count {
        guard index < maximumLayers else {
          throw ImagingIOError.unsupported(
            path: path,
            what: "more than \(maximumLayers) structures that overlap",
            remedy: "split the structure set"
          )
        }
        layers.append(([UInt16](repeating: 0, count: geometry.voxelCount), []))
      }
      layers[index].table.append(definition)
      for (slice, runs) in slices.enumerated() {
        for run in runs {
          for offset in offsets(slice, run) { layers[index].labels[offset] = UInt16(definition.id) }
        }
      }
    }
    if layers.isEmpty {
      layers.append(([UInt16](repeating: 0, count: geometry.voxelCount), []))
    }
    return layers.map { LabelMap(geometry: geometry, labels: $0.labels, table: $0.table) }
  }
}

/// What became of contours.
struct ContourCounts: Sendable {
  var placed = 0
  var offSlices = 0
  var between = 0
  var open = 0
  var damaged = 0

  static func + (a: ContourCounts, b: ContourCounts) -> ContourCounts {
    ContourCounts(
      placed: a.placed + b.placed,
      offSlices: a.offSlices + b.offSlices,
      between: a.between + b.between,
      open: a.open + b.open,
      damaged: a.damaged + b.damaged
    )
  }

  /// The problems that they are.
  var problems: [InputProblem] {
    let kinds: [(Int, String, String, String)] = [
      (
        offSlices, "contours-off-slices", "lies on no slice of the image and was left out",
        "Give the image series that the contours were drawn on."
      ),
      (
        between, "contours-between-slices",
        "lies between slices where another one is nearer, and was left out",
        "Give the image series that the contours were drawn on."
      ),
      (
        open, "contours-not-closed", "is a point or an open line and was left out",
        "Use structures with closed planar contours."
      ),
      (
        damaged, "contours-damaged", "has coordinates that are not points and was left out",
        "Export the structure set again."
      ),
    ]
    return kinds.filter { $0.0 > 0 }.map { count, code, what, remedy in
      let subject = count == 1 ? "1 contour" : "Each of \(count) contours"
      return InputProblem(code: code, message: "\(subject) \(what).", remedy: remedy)
    }
  }
}
