import Imaging

/// What TotalSegmentator mends in label maps, on its models' grid (`postprocessing.py` of 2.18).
///
/// Pieces are joined by faces. Volumes are compared in single precision, as NIfTI holds spacings.
struct TotalSegmentatorCleaning: Sendable {
  /// The grid.
  let geometry: ImageGeometry

  /// Pieces of limbs up to this volume are cleared.
  private static let smallLimbMM3: Float = 50_000
  /// The usual volume up to which pieces are cleared on request.
  static let smallPieceMM3: Float = 200

  private static let trunk: UInt16 = 1
  private static let limbs: UInt16 = 2

  private func voxels(in volumeMM3: Float) -> Double {
    let spacing = geometry.spacing
    return Double(volumeMM3 / (Float(spacing.x) * Float(spacing.y) * Float(spacing.z)))
  }

  /// Clears pieces up to a volume.
  /// - Parameters:
  ///   - labels: The labels.
  ///   - volumeMM3: The volume, mm³.
  ///   - chosen: Which labels are looked at; nil for all.
  func clearSmallPieces(
    _ labels: inout [UInt16],
    upTo volumeMM3: Float = smallPieceMM3,
    of chosen: UInt16? = nil
  ) {
    let limit = voxels(in: volumeMM3)
    let looked = chosen.map { chosen in labels.map { $0 == chosen ? $0 : 0 } } ?? labels
    let components = ConnectedComponents(
      labels: looked,
      size: geometry.size,
      connectivity: .six
    )
    let isSmall = [false] + components.sizes.map { Double($0) <= limit }
    for (index, number) in components.numbers.enumerated() where isSmall[Int(number)] {
      labels[index] = 0
    }
  }

  /// Keeps the largest piece of the trunk and larger pieces of limbs.
  func cleanBody(_ labels: inout [UInt16]) {
    let components = ConnectedComponents(
      mask: labels.map { $0 == Self.trunk },
      size: geometry.size,
      connectivity: .six
    )
    for (index, number) in components.numbers.enumerated()
    where number > 0 && number != components.largest {
      labels[index] = 0
    }
    clearSmallPieces(&labels, upTo: Self.smallLimbMM3, of: Self.limbs)
  }

  /// Clears labels further from a mask than so many steps over faces.
  /// - Parameters:
  ///   - labels: The labels.
  ///   - mask: One value for each voxel.
  ///   - steps: As many voxels as the mask grows; with 0 it grows without end, as in the original.
  func clearOutside(_ labels: inout [UInt16], of mask: [Bool], steps: Int) {
    guard mask.contains(true) else {
      for index in labels.indices { labels[index] = 0 }
      return
    }
    guard steps > 0 else { return }
    let far = UInt16.max
    let limit = UInt16(clamping: min(steps, Int(far) - 1))
    var distances = mask.map { $0 ? 0 : far }
    // Distances over faces are sums over the axes, so that one pass each way along each suffices.
    let strides = [1, geometry.size.x, geometry.size.x * geometry.size.y]
    for axis in 0..<3 {
      let (count, stride) = (geometry.size[axis], strides[axis])
      for start in 0..<labels.count where start / stride % count == 0 {
        var nearest = far
        for index in Swift.stride(from: start, to: start + count * stride, by: stride) {
          nearest = min(distances[index], nearest == far ? far : nearest + 1)
          distances[index] = nearest
        }
        nearest = far
        for index in Swift.stride(from: start, to: start + count * stride, by: stride).reversed() {
          nearest = min(distances[index], nearest == far ? far : nearest + 1)
          distances[index] = nearest
        }
      }
    }
    for index in labels.indices where distances[index] > limit { labels[index] = 0 }
  }
}
