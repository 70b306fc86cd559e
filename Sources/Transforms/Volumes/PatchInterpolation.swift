/// Reads a patch from a source, straight or along a moved grid, and writes it forwards or backwards.
struct PatchInterpolation {
  let source: VolumePatch
  /// The source's voxel under the patch's first voxel.
  let origin: SIMD3<Int>
  /// Voxels of the patch.
  let size: SIMD3<Int>
  /// The class outside the source.
  let outsideClass: UInt16
  /// Whether the patch is written backwards along x, y and z.
  let mirrors: [Bool]

  private var voxels: Int { size.x * size.y * size.z }

  private func target(_ index: Int, along axis: Int) -> Int {
    mirrors[axis] ? size[axis] - 1 - index : index
  }

  /// The patch as it lies in the source.
  func copied() -> VolumePatch {
    var values = [Float](repeating: 0, count: source.channels * voxels)
    var classes = [UInt16](repeating: outsideClass, count: voxels)
    let first = max(0, -origin.x)
    let count = min(size.x, source.size.x - origin.x) - first
    guard count > 0 else { return patch(values, classes) }
    // The part of a row that lies inside the source is the same for all rows: [first, first + count).
    let start = mirrors[0] ? size.x - first - count : first
    for z in 0..<size.z where (0..<source.size.z).contains(z + origin.z) {
      for y in 0..<size.y where (0..<source.size.y).contains(y + origin.y) {
        let row = ((z + origin.z) * source.size.y + y + origin.y) * source.size.x + first + origin.x
        let to = (target(z, along: 2) * size.y + target(y, along: 1)) * size.x + start
        copy(source.classes[row..<row + count], to: &classes, at: to)
        for channel in 0..<source.channels {
          let from = channel * source.classes.count + row
          copy(source.values[from..<from + count], to: &values, at: channel * voxels + to)
        }
      }
    }
    return patch(values, classes)
  }

  private func copy<Value>(_ row: ArraySlice<Value>, to values: inout [Value], at start: Int) {
    // Both rows hold count elements: copied() has clipped them to the source and to the patch.
    values.withUnsafeMutableBufferPointer { to in
      row.withUnsafeBufferPointer { from in
        if mirrors[0] {
          for i in 0..<from.count { to[start + i] = from[from.count - 1 - i] }
        } else {
          for i in 0..<from.count { to[start + i] = from[i] }
        }
      }
    }
  }

  /// The patch along the grid: offsets from its centre, displaced, times the rows of a matrix.
  func interpolated(rows: [SIMD3<Double>], field: ElasticField?) -> VolumePatch {
    var values = [Float](repeating: 0, count: source.channels * voxels)
    var classes = [UInt16](repeating: outsideClass, count: voxels)
    let half = (SIMD3<Double>(size) - 1) / 2
    let center = SIMD3<Double>(origin) + half
    let columns = (0..<3).map { SIMD3(rows[0][$0], rows[1][$0], rows[2][$0]) }
    let limit = SIMD3<Double>(source.size)
    var displacements = [SIMD3<Double>](repeating: .zero, count: field == nil ? 0 : size.x)
    // Every index is checked: targets lie in the patch by the loops' bounds, and Corners reads the
    // source only at voxels that exist.
    source.values.withUnsafeBufferPointer { image in
      source.classes.withUnsafeBufferPointer { labels in
        values.withUnsafeMutableBufferPointer { values in
          classes.withUnsafeMutableBufferPointer { classes in
            for z in 0..<size.z {
              for y in 0..<size.y {
                field?.displacements(y: y, z: z, into: &displacements)
                let start =
                  center + columns[1] * (Double(y) - half.y) + columns[2] * (Double(z) - half.z)
                let row = (target(z, along: 2) * size.y + target(y, along: 1)) * size.x
                for x in 0..<size.x {
                  var place = start + columns[0] * (Double(x) - half.x)
                  if field != nil {
                    let d = displacements[x]
                    place += columns[0] * d.x + columns[1] * d.y + columns[2] * d.z
                  }
                  guard
                    place.x > -1, place.y > -1, place.z > -1,
                    place.x < limit.x, place.y < limit.y, place.z < limit.z
                  else { continue }
                  let corners = Corners(place, in: source.size)
                  let to = row + target(x, along: 0)
                  classes[to] = corners.label(in: labels, outside: outsideClass)
                  for channel in 0..<source.channels {
                    values[channel * voxels + to] =
                      corners.value(in: image, from: channel * labels.count)
                  }
                }
              }
            }
          }
        }
      }
    }
    return patch(values, classes)
  }

  private func patch(_ values: [Float], _ classes: [UInt16]) -> VolumePatch {
    VolumePatch(channels: source.channels, size: size, values: values, classes: classes)
  }
}
