import Imaging

/// One of the three planes of the body.
public enum BodyPlane: String, Sendable, CaseIterable {
  /// Seen from the feet: the patient's right is on the left, anterior is up.
  case axial
  /// Seen from the front: the patient's right is on the left, the head is up.
  case coronal
  /// Seen from the patient's left: anterior is on the left, the head is up.
  case sagittal

  /// The patient axes (x, y, z of LPS) along the picture's columns and rows, and across.
  fileprivate var axes: (column: Int, row: Int, across: Int) {
    switch self {
    case .axial: (0, 1, 2)
    case .coronal: (0, 2, 1)
    case .sagittal: (1, 2, 0)
    }
  }
}

/// How a plane of the body is cut from a grid, whatever the orientation of its axes.
///
/// An oblique grid is shown along its own axes, each named by the nearest axis of the patient.
public struct SliceView: Equatable, Sendable {
  /// The plane.
  public let plane: BodyPlane
  /// The number of slices.
  public let sliceCount: Int
  /// Voxels along a row of the picture.
  public let width: Int
  /// Voxels along a column of the picture.
  public let height: Int
  /// Distance of voxel centres along a row and along a column, mm.
  public let spacing: SIMD2<Double>
  /// The side of the patient at the picture's left edge: one of R, L, A, P, S and I.
  public let left: Character
  /// The side of the patient at the right edge.
  public let right: Character
  /// The side of the patient at the top edge.
  public let top: Character
  /// The side of the patient at the bottom edge.
  public let bottom: Character

  private let origin: Int
  private let steps: SIMD3<Int>

  /// Creates the view of a plane.
  ///
  /// Slices count from the patient's right, from anterior or from the feet on.
  /// - Parameters:
  ///   - geometry: The grid.
  ///   - plane: The plane.
  public init(_ geometry: ImageGeometry, plane: BodyPlane) {
    self.plane = plane
    let (columnAxis, rowAxis, across) = plane.axes
    // For each patient axis the grid axis that runs along it, and whether indices grow with it.
    var gridAxes = [0, 1, 2]
    var grows = [true, true, true]
    for (axis, code) in geometry.orientation.axes.enumerated() {
      gridAxes[code.patientAxis] = axis
      grows[code.patientAxis] = code.isPositive
    }
    let strides = [1, geometry.size.x, geometry.size.x * geometry.size.y]
    var origin = 0
    // Along columns and across, indices grow with LPS; the rows of coronal and sagittal pictures
    // run from the head down.
    func step(_ patientAxis: Int, growing: Bool) -> Int {
      let axis = gridAxes[patientAxis]
      if grows[patientAxis] == growing { return strides[axis] }
      origin += strides[axis] * (geometry.size[axis] - 1)
      return -strides[axis]
    }
    steps = [
      step(columnAxis, growing: true), step(rowAxis, growing: rowAxis != 2),
      step(across, growing: true),
    ]
    self.origin = origin
    width = geometry.size[gridAxes[columnAxis]]
    height = geometry.size[gridAxes[rowAxis]]
    sliceCount = geometry.size[gridAxes[across]]
    spacing = [geometry.spacing[gridAxes[columnAxis]], geometry.spacing[gridAxes[rowAxis]]]
    (left, right) = columnAxis == 0 ? ("R", "L") : ("A", "P")
    (top, bottom) = rowAxis == 1 ? ("A", "P") : ("S", "I")
  }

  /// The memory offset of a pixel's voxel.
  /// - Parameters:
  ///   - x: Column from the left.
  ///   - y: Row from the top.
  ///   - slice: The slice.
  /// - Returns: The offset in the grid's memory.
  public func offset(_ x: Int, _ y: Int, slice: Int) -> Int {
    origin + x * steps.x + y * steps.y + slice * steps.z
  }

  /// The slice that shows most of the structures; the middle one when nothing is labelled.
  ///
  /// Each structure counts with its area in the slice as a share of its area in the slice where that
  /// is largest, so that a small structure weighs as much as a large one.
  /// - Parameter labels: One label a voxel.
  /// - Returns: The first such slice.
  public func bestSlice(_ labels: [UInt16]) -> Int {
    var areas: [UInt16: [Int]] = [:]
    for slice in 0..<sliceCount {
      var counts: [UInt16: Int] = [:]
      for y in 0..<height {
        // Runs of one label are counted at once.
        var (label, run) = (UInt16(0), 0)
        for x in 0..<width {
          let next = labels[offset(x, y, slice: slice)]
          if next != label {
            if label != 0 { counts[label, default: 0] += run }
            (label, run) = (next, 0)
          }
          run += 1
        }
        if label != 0 { counts[label, default: 0] += run }
      }
      for (label, count) in counts {
        areas[label, default: Array(repeating: 0, count: sliceCount)][slice] = count
      }
    }
    var scores = [Double](repeating: 0, count: sliceCount)
    for label in areas.keys.sorted() {
      guard let counts = areas[label], let largest = counts.max() else { continue }
      for slice in 0..<sliceCount { scores[slice] += Double(counts[slice]) / Double(largest) }
    }
    guard let best = scores.max(), best > 0 else { return sliceCount / 2 }
    return scores.firstIndex(of: best) ?? sliceCount / 2
  }

  /// The slice in which two label maps differ in most voxels; nil when they are the same.
  /// - Parameters:
  ///   - one: One label a voxel.
  ///   - other: One label a voxel.
  /// - Returns: The first such slice.
  public func mostDifferentSlice(_ one: [UInt16], _ other: [UInt16]) -> Int? {
    var best = (slice: 0, count: 0)
    for slice in 0..<sliceCount {
      var count = 0
      for y in 0..<height {
        for x in 0..<width {
          let at = offset(x, y, slice: slice)
          if one[at] != other[at] { count += 1 }
        }
      }
      if count > best.count { best = (slice, count) }
    }
    return best.count > 0 ? best.slice : nil
  }
}
