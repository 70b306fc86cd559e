import Support

extension ImageGeometry {
  /// The grid of another spacing that covers the same field of view.
  ///
  /// The outer corner of the first voxel stays in place, so that the origin, its centre, moves by
  /// half the change of spacing. The number of voxels is the extent divided by the spacing, rounded;
  /// the far side moves by at most half a voxel.
  /// - Parameter spacing: The wanted spacing, mm; the slice spacing of a 2-D image is ignored.
  /// - Returns: The grid.
  /// - Throws: `ImagingError.invalidGeometry` when a spacing is not positive and finite.
  public func resampled(toSpacing spacing: SIMD3<Double>) throws(ImagingError) -> ImageGeometry {
    var wanted = spacing
    if isPlanar { wanted.z = self.spacing.z }
    var size = self.size
    for axis in 0..<3 {
      guard wanted[axis].isFinite, wanted[axis] > 0 else {
        throw .invalidGeometry(reason: "the spacing of axis \(axis) is \(wanted[axis]) mm")
      }
      let count = (Double(size[axis]) * self.spacing[axis] / wanted[axis]).rounded()
      guard count <= Double(Self.maximumVoxelCount) else {
        throw .invalidGeometry(reason: "a spacing of \(wanted[axis]) mm makes too many voxels")
      }
      size[axis] = max(1, Int(count))
    }
    return try ImageGeometry(
      size: size,
      spacing: wanted,
      origin: origin + direction * ((wanted - self.spacing) / 2),
      direction: direction,
      isPlanar: isPlanar
    )
  }
}

extension Volume where Scalar == Float {
  /// The image on another grid, by the patient's positions of the voxels.
  ///
  /// The target may have any size, spacing, orientation and obliqueness. Up to half a voxel beyond
  /// the outer voxel centres, which is the image's field of view, the nearest edge value holds;
  /// farther out it is `outside`. Weights and sums are in double precision.
  /// - Parameters:
  ///   - target: The grid of the result.
  ///   - interpolation: How values between voxels are found; cubic splines can overshoot.
  ///   - outside: The value beyond the field of view.
  /// - Returns: The image on the target grid.
  /// - Complexity: Linear in the voxels of both grids; the constant is small when the axes of both
  ///   run parallel, in whatever order, since the axes are then resampled one after the other.
  public func resampled(
    to target: ImageGeometry,
    interpolation: Interpolation,
    outside: Float = 0
  ) -> Volume<Float> {
    let map = GridMap(from: target, to: geometry)
    if let aligned = map.aligned {
      return Volume(
        geometry: target,
        voxels: AlignedResampling(map: aligned, source: geometry.size, target: target.size)
          .values(voxels, interpolation: interpolation, outside: outside)
      )
    }
    let general = GeneralResampling(map: map, source: geometry.size, target: target.size)
    let values =
      switch interpolation {
      case .nearest: general.nearest(voxels, outside: outside)
      case .linear: general.linear(voxels, outside: outside)
      case .cubicBSpline: general.cubic(voxels, outside: outside)
      }
    return Volume(geometry: target, voxels: values)
  }
}

extension LabelMap {
  /// The labels on another grid: each voxel takes the label of the nearest voxel centre.
  ///
  /// Beyond the field of view, half a voxel outside the outer voxel centres, is background.
  /// - Parameter target: The grid of the result.
  /// - Returns: The label map on the target grid.
  public func resampled(to target: ImageGeometry) -> LabelMap {
    let map = GridMap(from: target, to: geometry)
    let values =
      if let aligned = map.aligned {
        AlignedResampling(map: aligned, source: geometry.size, target: target.size)
          .nearest(labels, outside: 0)
      } else {
        GeneralResampling(map: map, source: geometry.size, target: target.size)
          .nearest(labels, outside: 0)
      }
    return LabelMap(geometry: target, labels: values, table: table)
  }
}

/// The affine map from one grid's indices to another's: offset + columns · index.
struct GridMap: Sendable {
  let columns: Matrix3
  let offset: SIMD3<Double>
  private let size: SIMD3<Int>

  /// A map that runs along the axes: source index `axes[t]` is `offsets[t] + steps[t] * index[t]`.
  struct Aligned: Sendable {
    let axes: [Int]
    let steps: [Double]
    let offsets: [Double]
  }

  /// Directions that drift by less than this over the whole grid, in source voxels, are parallel;
  /// headers hold single-precision numbers.
  static let driftTolerance = 1e-3

  init(from target: ImageGeometry, to source: ImageGeometry) {
    let turn = source.direction.transposed * target.direction
    columns = Matrix3(
      turn.columns[0] * target.spacing.x / source.spacing,
      turn.columns[1] * target.spacing.y / source.spacing,
      turn.columns[2] * target.spacing.z / source.spacing
    )
    offset = source.index(ofPosition: target.origin)
    size = target.size
  }

  /// The map along the axes, or nil when the grids are oblique to each other.
  var aligned: Aligned? {
    var axes: [Int] = []
    for axis in 0..<3 {
      let column = columns.columns[axis]
      // What counts is the drift over the whole grid.
      let length = Double(max(size[axis] - 1, 1))
      let large = (0..<3).filter { abs(column[$0]) * length > Self.driftTolerance }
      guard large.count == 1 else { return nil }
      axes.append(large[0])
    }
    guard Set(axes).count == 3 else { return nil }
    return Aligned(
      axes: axes,
      steps: (0..<3).map { columns.columns[$0][axes[$0]] },
      offsets: axes.map { offset[$0] }
    )
  }
}

/// Resampling between grids whose axes are parallel, axis by axis.
struct AlignedResampling {
  let map: GridMap.Aligned
  let source: SIMD3<Int>
  let target: SIMD3<Int>

  /// The source's values with their axes in the target's order.
  private var permutation: GridReordering {
    GridReordering(sources: map.axes, flips: [false, false, false])
  }

  private func samplings(_ interpolation: Interpolation) -> [AxisSampling] {
    (0..<3).map { axis in
      AxisSampling(
        count: target[axis],
        offset: map.offsets[axis],
        step: map.steps[axis],
        sourceCount: source[map.axes[axis]],
        interpolation: interpolation
      )
    }
  }

  func values(_ voxels: [Float], interpolation: Interpolation, outside: Float) -> [Float] {
    let samplings = samplings(interpolation)
    if samplings.allSatisfy({ $0.taps == 1 }) { return nearest(voxels, outside: outside) }
    var size = permutation.applied(to: source)
    var values = permutation.applied(to: voxels, size: source)
    // Axes that shrink first: less is left for the others.
    let order = (0..<3).sorted {
      Double(target[$0]) / Double(size[$0]) < Double(target[$1]) / Double(size[$1])
    }
    for axis in order where !samplings[axis].isIdentity(sourceCount: size[axis]) {
      values = AxisPass(axis: axis, sampling: samplings[axis]).applied(to: values, size: size)
      size[axis] = target[axis]
    }
    fill(&values, samplings, outside)
    return values
  }

  func nearest<Value: BitwiseCopyable & Sendable>(_ voxels: [Value], outside: Value) -> [Value] {
    let samplings = samplings(.nearest)
    let strides = [1, source.x, source.x * source.y]
    let steps = map.axes.map { strides[$0] }
    let columns = samplings[0].indices.map { $0 * steps[0] }
    var values = [Value](unsafeUninitializedCapacity: target.x * target.y * target.z) {
      output,
      initializedCount in
      voxels.withUnsafeBufferPointer { input in
        var place = 0
        for z in 0..<target.z {
          for y in 0..<target.y {
            let row = samplings[2].indices[z] * steps[2] + samplings[1].indices[y] * steps[1]
            for x in 0..<target.x { output[place + x] = input[row + columns[x]] }
            place += target.x
          }
        }
      }
      initializedCount = output.count
    }
    fill(&values, samplings, outside)
    return values
  }

  private func fill<Value>(_ values: inout [Value], _ samplings: [AxisSampling], _ outside: Value) {
    guard samplings.contains(where: { $0.isInside.contains(false) }) else { return }
    var place = 0
    for z in 0..<target.z {
      for y in 0..<target.y {
        let isRowInside = samplings[2].isInside[z] && samplings[1].isInside[y]
        for x in 0..<target.x where !isRowInside || !samplings[0].isInside[x] {
          values[place + x] = outside
        }
        place += target.x
      }
    }
  }
}
