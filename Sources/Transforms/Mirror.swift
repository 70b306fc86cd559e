/// Places beyond an axis's ends, reflected until they lie inside.
package enum Mirror {
  /// Reflected at the outer voxels' centres: … 2 1 | 0 1 2 ….
  /// - Parameters:
  ///   - place: The place, perhaps beyond the axis.
  ///   - count: Voxels of the axis, at least 1.
  /// - Returns: A place of the axis.
  package static func atCenters(_ place: Int, _ count: Int) -> Int {
    guard count > 1 else { return 0 }
    let period = 2 * (count - 1)
    let phase = ((place % period) + period) % period
    return min(phase, period - phase)
  }

  /// Reflected at the outer voxels' faces: … 1 0 | 0 1 2 ….
  /// - Parameters:
  ///   - place: The place, perhaps beyond the axis.
  ///   - count: Voxels of the axis, at least 1.
  /// - Returns: A place of the axis.
  package static func atFaces(_ place: Int, _ count: Int) -> Int {
    let period = 2 * count
    let phase = ((place % period) + period) % period
    return min(phase, period - 1 - phase)
  }
}
