import Support
import Synchronization

/// Makes closed surfaces of the structures of a label map.
///
/// Marching cubes puts a vertex half way between neighbouring voxel centres of which one has the
/// label (`SurfaceCells`); outside the grid is background, so that structures that reach the grid's
/// edge are closed there, half a voxel beyond the outermost centres. Smoothing then takes the steps
/// away without shrinking (Taubin 1995, "A signal processing approach to fair surface design",
/// section 4.1: λ = 0.5, μ = -0.53). On spheres of 5 to 20 voxels' radius the volume is within 2.5 %
/// and the area within 3 % of the truth; tests hold this.
public struct SurfaceExtraction: Sendable {
  /// The number of pairs of smoothing steps; 0 keeps the steps of the voxels.
  public let smoothingSteps: Int

  /// Creates an extraction.
  /// - Parameter smoothingSteps: The number of pairs of smoothing steps.
  public init(smoothingSteps: Int = 12) {
    precondition(smoothingSteps >= 0, "\(smoothingSteps) smoothing steps")
    self.smoothingSteps = smoothingSteps
  }

  /// The surface of one label.
  /// - Parameters:
  ///   - labelMap: The labels.
  ///   - label: The label, other than 0.
  /// - Returns: A closed surface; empty when the label does not occur.
  public func surface(of labelMap: LabelMap, label: Int) -> SurfaceMesh {
    guard let box = Self.boxes(of: labelMap)[label] else {
      return SurfaceMesh(vertices: [], triangles: [])
    }
    return surface(labelMap, label, box, SurfaceCells())
  }

  /// The surfaces of all labels that occur, side by side on the task's threads.
  /// - Parameter labelMap: The labels.
  /// - Returns: A closed surface with its definition for each label, by rising number; a number that
  ///   the table does not know gets a plain name.
  public func surfaces(of labelMap: LabelMap) -> [LabelSurface] {
    let boxes = Self.boxes(of: labelMap)
    let table = labelMap.namingAllLabels().table.filter { boxes[$0.id] != nil }
    let cells = SurfaceCells()
    let found = Mutex([SurfaceMesh?](repeating: nil, count: table.count))
    Parallelism.forEach(table.count) { place in
      let label = table[place].id
      guard let box = boxes[label] else { return }
      let mesh = surface(labelMap, label, box, cells)
      found.withLock { $0[place] = mesh }
    }
    return zip(table, found.withLock { $0 }).compactMap { definition, mesh in
      mesh.map { LabelSurface(definition: definition, mesh: $0) }
    }
  }

  /// The lowest and highest index of each label other than 0 on each axis.
  private static func boxes(
    of labelMap: LabelMap
  ) -> [Int: (low: SIMD3<Int>, high: SIMD3<Int>)] {
    let size = labelMap.geometry.size
    var low = [SIMD3<Int>](repeating: SIMD3(repeating: .max), count: 65536)
    var high = [SIMD3<Int>](repeating: SIMD3(repeating: -1), count: 65536)
    var at = 0
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          let label = Int(labelMap.labels[at])
          at += 1
          guard label != 0 else { continue }
          let index = SIMD3(x, y, z)
          low[label] = pointwiseMin(low[label], index)
          high[label] = pointwiseMax(high[label], index)
        }
      }
    }
    return Dictionary(
      uniqueKeysWithValues: (1..<65536).lazy.filter { high[$0].x >= 0 }
        .map { ($0, (low[$0], high[$0])) }
    )
  }

  private func surface(
    _ labelMap: LabelMap,
    _ label: Int,
    _ box: (low: SIMD3<Int>, high: SIMD3<Int>),
    _ cells: SurfaceCells
  ) -> SurfaceMesh {
    var mesh = Self.steps(labelMap, UInt16(label), box, cells)
    mesh.smooth(steps: smoothingSteps)
    return mesh
  }

  /// Marching cubes over a label's box with a margin of one voxel.
  private static func steps(
    _ labelMap: LabelMap,
    _ label: UInt16,
    _ box: (low: SIMD3<Int>, high: SIMD3<Int>),
    _ cells: SurfaceCells
  ) -> SurfaceMesh {
    let geometry = labelMap.geometry
    let size = box.high &- box.low &+ 3
    var mask = [Bool](repeating: false, count: size.x * size.y * size.z)
    for z in 1..<(size.z - 1) {
      for y in 1..<(size.y - 1) {
        let source = geometry.offset(box.low.x, box.low.y + y - 1, box.low.z + z - 1)
        let target = 1 + size.x * (y + size.y * z)
        for x in 0..<(size.x - 2) { mask[target + x] = labelMap.labels[source + x] == label }
      }
    }
    // Mirrored grids turn triangles inside out.
    let isMirrored = geometry.direction.determinant < 0
    let strides = [1, size.x, size.x * size.y]
    // The vertices of edges that begin in the slices z and z + 1, three for each voxel.
    var crossings = [[Int32]](repeating: .init(repeating: -1, count: 3 * strides[2]), count: 2)
    var vertices: [SIMD3<Double>] = []
    var triangles: [SIMD3<Int32>] = []
    let origin = SIMD3<Double>(box.low &- 1)
    for z in 0..<(size.z - 1) {
      if z > 0 { crossings.swapAt(0, 1) }
      for place in crossings[1].indices { crossings[1][place] = -1 }
      for y in 0..<(size.y - 1) {
        for x in 0..<(size.x - 1) {
          let first = x + size.x * (y + size.y * z)
          var code = 0
          for corner in 0..<8 {
            let offset =
              (corner & 1) + (corner & 2) / 2 * strides[1] + (corner & 4) / 4 * strides[2]
            if mask[first + offset] { code |= 1 << corner }
          }
          guard code != 0, code != 255 else { continue }
          func vertex(_ edge: Int) -> Int32 {
            let (corner, axis) = SurfaceCells.edges[edge]
            let index = SIMD3(x + (corner & 1), y + (corner & 2) / 2, (corner & 4) / 4)
            let place = 3 * (index.x + size.x * index.y) + axis
            let known = crossings[index.z][place]
            if known >= 0 { return known }
            var position = origin + SIMD3(Double(index.x), Double(index.y), Double(index.z + z))
            position[axis] += 0.5
            vertices.append(geometry.position(ofIndex: position))
            crossings[index.z][place] = Int32(vertices.count - 1)
            return Int32(vertices.count - 1)
          }
          for corners in cells.triangles[code] {
            let (a, b, c) = (vertex(corners.x), vertex(corners.y), vertex(corners.z))
            triangles.append(isMirrored ? SIMD3(a, c, b) : SIMD3(a, b, c))
          }
        }
      }
    }
    return SurfaceMesh(vertices: vertices, triangles: triangles)
  }
}
