/// A box of voxels: every index from `lower` up to, not including, `upper`.
///
/// A box may reach beyond a grid, with negative indices too.
public struct VoxelBox: Equatable, Hashable, Sendable, Codable {
  /// The first voxel.
  public let lower: SIMD3<Int>
  /// One beyond the last voxel along each axis.
  public let upper: SIMD3<Int>

  /// Creates a box.
  /// - Parameters:
  ///   - lower: The first voxel.
  ///   - upper: One beyond the last voxel along each axis.
  /// - Precondition: The box holds at least one voxel.
  public init(lower: SIMD3<Int>, upper: SIMD3<Int>) {
    precondition(
      (0..<3).allSatisfy { lower[$0] < upper[$0] },
      "the box \(lower)..<\(upper) is empty"
    )
    self.lower = lower
    self.upper = upper
  }

  /// The box of a whole grid.
  /// - Parameter size: The grid's voxels along each axis.
  public init(size: SIMD3<Int>) { self.init(lower: SIMD3(repeating: 0), upper: size) }

  /// Voxels along each axis.
  public var size: SIMD3<Int> { upper &- lower }

  /// The number of voxels.
  public var voxelCount: Int { size.x * size.y * size.z }

  /// Whether the other box lies wholly within this one.
  /// - Parameter other: Another box.
  /// - Returns: True when every voxel of the other is one of this.
  public func contains(_ other: VoxelBox) -> Bool {
    (0..<3).allSatisfy { lower[$0] <= other.lower[$0] && other.upper[$0] <= upper[$0] }
  }

  /// The voxels that both boxes have.
  /// - Parameter other: Another box.
  /// - Returns: The common box, or nil when there is none.
  public func intersection(_ other: VoxelBox) -> VoxelBox? {
    var from = lower
    var to = upper
    for axis in 0..<3 {
      from[axis] = max(from[axis], other.lower[axis])
      to[axis] = min(to[axis], other.upper[axis])
      if from[axis] >= to[axis] { return nil }
    }
    return VoxelBox(lower: from, upper: to)
  }

  /// The box grown by a margin on every side.
  /// - Parameter margin: Voxels along each axis; negative ones shrink.
  /// - Returns: The larger box.
  /// - Precondition: A shrunken box still holds a voxel.
  public func expanded(by margin: SIMD3<Int>) -> VoxelBox {
    VoxelBox(lower: lower &- margin, upper: upper &+ margin)
  }
}

extension ImageGeometry {
  /// The box of all voxels.
  public var box: VoxelBox { VoxelBox(size: size) }

  /// The grid of the same spacing and direction that covers a box of this grid's indices.
  ///
  /// The voxel `box.lower` of this grid becomes voxel 0; no voxel changes its position.
  /// - Parameter box: The box; it may reach beyond the grid.
  /// - Returns: The box's grid.
  /// - Precondition: The box of a 2-D image has the slice 0 only.
  public func covering(_ box: VoxelBox) -> ImageGeometry {
    precondition(
      !isPlanar || (box.lower.z == 0 && box.upper.z == 1),
      "a 2-D image has no slices \(box.lower.z)..<\(box.upper.z)"
    )
    return ImageGeometry(
      trustedSize: box.size,
      spacing: spacing,
      origin: position(ofIndex: SIMD3<Double>(box.lower)),
      direction: direction,
      isPlanar: isPlanar
    )
  }

  /// The box of the given size about the grid's centre.
  ///
  /// Where the difference is odd, the extra voxel goes to the upper end.
  /// - Parameter size: Voxels along each axis, at least 1.
  /// - Returns: The box in this grid's indices.
  public func centredBox(size: SIMD3<Int>) -> VoxelBox {
    var lower = SIMD3<Int>()
    for axis in 0..<3 {
      // Shifting rounds down, also below zero.
      lower[axis] = -((size[axis] - self.size[axis]) >> 1)
      if size[axis] < self.size[axis] { lower[axis] = (self.size[axis] - size[axis]) >> 1 }
    }
    return VoxelBox(lower: lower, upper: lower &+ size)
  }
}

/// Copies boxes of voxels.
enum BoxCopy {
  /// The values of a box; `value` where the box reaches beyond the grid.
  static func values<Scalar: BitwiseCopyable>(
    _ values: [Scalar],
    size: SIMD3<Int>,
    box: VoxelBox,
    outside value: Scalar
  ) -> [Scalar] {
    let count = box.voxelCount
    let inner = box.intersection(VoxelBox(size: size))
    return [Scalar](unsafeUninitializedCapacity: count) { output, initializedCount in
      guard let target = output.baseAddress else { return }
      if inner != box {
        // One row is filled by value and the others as raw memory, which is fast for every type.
        target.initialize(repeating: value, count: box.size.x)
        for row in 1..<max(1, count / box.size.x) {
          (target + row * box.size.x).initialize(from: target, count: box.size.x)
        }
      }
      if let inner {
        values.withUnsafeBufferPointer { input in
          guard let source = input.baseAddress else { return }
          let row = inner.size.x
          for z in inner.lower.z..<inner.upper.z {
            for y in inner.lower.y..<inner.upper.y {
              let from = inner.lower.x + size.x * (y + size.y * z)
              let to =
                inner.lower.x - box.lower.x
                + box.size.x * (y - box.lower.y + box.size.y * (z - box.lower.z))
              (target + to).update(from: source + from, count: row)
            }
          }
        }
      }
      initializedCount = count
    }
  }
}

extension Volume {
  /// The part of the image within a box.
  /// - Parameter box: A box within the grid.
  /// - Returns: The part; its geometry's origin is the box's first voxel.
  /// - Precondition: The box lies within the grid.
  public func cropped(to box: VoxelBox) -> Volume {
    precondition(
      geometry.box.contains(box),
      "the box \(box) reaches beyond a grid of \(geometry.size)"
    )
    // Nothing lies outside, so that any value serves.
    return padded(to: box, value: voxels[0])
  }

  /// The image on a box that may reach beyond the grid, and may cut parts off.
  /// - Parameters:
  ///   - box: The box, in this grid's indices.
  ///   - value: The value of voxels outside the grid.
  /// - Returns: The image on exactly the box.
  public func padded(to box: VoxelBox, value: Scalar) -> Volume {
    Volume(
      geometry: geometry.covering(box),
      voxels: BoxCopy.values(voxels, size: geometry.size, box: box, outside: value)
    )
  }

  /// The image padded evenly on both sides to at least a size.
  /// - Parameters:
  ///   - size: The fewest voxels along each axis; larger axes stay as they are.
  ///   - value: The value of the new voxels.
  /// - Returns: The padded image; where the difference is odd the upper end gets one more.
  public func padded(toAtLeast size: SIMD3<Int>, value: Scalar) -> Volume {
    padded(to: geometry.centredBox(size: larger(size, geometry.size)), value: value)
  }

  /// The smallest box that holds every voxel for which the predicate holds.
  /// - Parameter predicate: Whether a value counts.
  /// - Returns: The box, or nil when no voxel counts.
  @inlinable
  public func boundingBox(where predicate: (Scalar) -> Bool) -> VoxelBox? {
    var lower = geometry.size
    var upper = SIMD3<Int>(repeating: 0)
    var place = 0
    for z in 0..<geometry.size.z {
      for y in 0..<geometry.size.y {
        var first = -1
        var last = -1
        for x in 0..<geometry.size.x {
          if predicate(voxels[place]) {
            if first < 0 { first = x }
            last = x
          }
          place += 1
        }
        guard first >= 0 else { continue }
        lower = [min(lower.x, first), min(lower.y, y), min(lower.z, z)]
        upper = [max(upper.x, last + 1), max(upper.y, y + 1), z + 1]
      }
    }
    return upper.x == 0 ? nil : VoxelBox(lower: lower, upper: upper)
  }
}

extension Volume where Scalar: Numeric & Equatable {
  /// The smallest box that holds every voxel other than zero, or nil when all are zero.
  public var boundingBoxOfNonzero: VoxelBox? { boundingBox { $0 != 0 } }
}

extension LabelMap {
  /// The part of the labels within a box.
  /// - Parameter box: A box within the grid.
  /// - Returns: The part; its geometry's origin is the box's first voxel.
  /// - Precondition: The box lies within the grid.
  public func cropped(to box: VoxelBox) -> LabelMap {
    precondition(
      geometry.box.contains(box),
      "the box \(box) reaches beyond a grid of \(geometry.size)"
    )
    return padded(to: box)
  }

  /// The labels on a box that may reach beyond the grid, and may cut parts off.
  /// - Parameters:
  ///   - box: The box, in this grid's indices.
  ///   - value: The label of voxels outside the grid.
  /// - Returns: The labels on exactly the box.
  public func padded(to box: VoxelBox, value: UInt16 = 0) -> LabelMap {
    LabelMap(
      geometry: geometry.covering(box),
      labels: BoxCopy.values(labels, size: geometry.size, box: box, outside: value),
      table: table
    )
  }

  /// The smallest box that holds every voxel with a label, or nil when all are background.
  public var boundingBoxOfNonzero: VoxelBox? {
    Volume(geometry: geometry, voxels: labels).boundingBox { $0 != 0 }
  }

  /// The smallest box that holds every voxel of one label.
  /// - Parameter id: The label.
  /// - Returns: The box, or nil when the label does not occur.
  public func boundingBox(ofLabel id: UInt16) -> VoxelBox? {
    Volume(geometry: geometry, voxels: labels).boundingBox { $0 == id }
  }
}

private func larger(_ a: SIMD3<Int>, _ b: SIMD3<Int>) -> SIMD3<Int> {
  [max(a.x, b.x), max(a.y, b.y), max(a.z, b.z)]
}
