import Support

/// Resampling from one number of samples to another, as scipy's `zoom` and skimage's `resize` do
/// it.
///
/// Positions depend on the numbers of samples alone, not on a geometry: this is how nnU-Net and
/// TotalSegmentator resample, whose models see nothing else. Cubic splines are fitted by recursion
/// along each axis (Unser 1999, "Splines: a perfect fit for signal and image processing") with the
/// ends as scipy treats them for `mode='nearest'`. Sums are double precision; what passes from x
/// and y to z is rounded to single precision.
public struct ZoomResampling: Sendable {
  /// The degree of the B-spline through the samples.
  public enum Order: Int, Sendable, Codable {
    case nearest = 0
    case linear = 1
    case cubic = 3
  }

  /// Which points of the two grids lie on each other.
  public enum Alignment: String, Sendable, Codable {
    /// The outer faces: output o lies at (o + 1/2) in / out - 1/2 (skimage's `resize`, scipy's
    /// `grid_mode=True`, PyTorch's `align_corners=False`).
    case faces
    /// The outer centres: output o lies at o (in - 1) / (out - 1) (scipy's default).
    case centers
  }

  /// How the axes are treated.
  public enum Axes: Sendable, Equatable {
    /// All alike.
    case together
    /// Slices across one axis are resampled by themselves, then along it by a spline of the degree
    /// `across` (nnU-Net's `separate_z` and `order_z`).
    case apart(axis: Int, across: Order = .nearest)
  }

  /// The precision in which positions are found.
  public enum Positions: String, Sendable, Codable {
    /// As scipy does.
    case double
    /// As PyTorch's `interpolate` does, whose 'nearest-exact' is `.nearest`.
    case single
  }

  /// Samples along x, y and z before.
  public let size: SIMD3<Int>
  /// Samples along x, y and z after.
  public let newSize: SIMD3<Int>
  let order: Order
  let axes: Axes
  let maps: [SampleMap]
  let alignment: Alignment
  private let positions: Positions

  /// Plans a resampling.
  /// - Parameters:
  ///   - size: Samples along x, y and z before.
  ///   - newSize: Samples along x, y and z after.
  ///   - order: The spline's degree.
  ///   - alignment: Which points of the two grids lie on each other.
  ///   - axes: Whether one axis is treated apart.
  ///   - positions: The precision of positions.
  /// - Precondition: All sizes are at least 1.
  public init(
    from size: SIMD3<Int>,
    to newSize: SIMD3<Int>,
    order: Order,
    alignment: Alignment = .faces,
    axes: Axes = .together,
    positions: Positions = .double
  ) {
    precondition(size.min() >= 1 && newSize.min() >= 1, "sizes \(size) and \(newSize)")
    self.size = size
    self.newSize = newSize
    self.order = order
    self.axes = axes
    self.alignment = alignment
    self.positions = positions
    maps = (0..<3).map { axis in
      var own = order
      if case .apart(axis, let across) = axes { own = across }
      return SampleMap(
        from: size[axis],
        to: newSize[axis],
        order: own,
        alignment: alignment,
        positions: positions
      )
    }
  }

  /// Resamples values.
  ///
  /// Results of cubic splines, which overshoot, are cut to the range of the values: of all of them,
  /// or of each slice by itself when an axis is treated apart; along that axis nothing is cut.
  /// Equal sizes give the values as they are.
  /// - Parameter values: x fastest.
  /// - Returns: `newSize` values, x fastest.
  /// - Precondition: As many values as `size` says.
  public func resample(_ values: [Float]) -> [Float] {
    precondition(
      values.count == size.x * size.y * size.z,
      "\(values.count) values for \(size)"
    )
    if size == newSize { return values }
    if case .apart(let axis, _) = axes, axis != 2 {
      // The kernels take slices across z.
      let swap = GridReordering(
        sources: axis == 0 ? [2, 1, 0] : [0, 2, 1],
        flips: [false, false, false]
      )
      let turned = turned(by: swap)
      return swap.applied(
        to: turned.resample(swap.applied(to: values, size: size)),
        size: turned.newSize
      )
    }
    return values.withUnsafeBufferPointer { values in
      values.baseAddress.map { ZoomPasses(plan: self).run(.memory($0)) } ?? []
    }
  }

  /// Resamples values of another type, without a copy of them all in single precision.
  /// - Parameter values: x fastest; numbers beyond 2^24 are rounded to single precision.
  /// - Returns: `newSize` values, x fastest.
  /// - Precondition: As many values as `size` says.
  @inlinable
  public func resample<Scalar: BinaryInteger & BitwiseCopyable & Sendable>(
    _ values: [Scalar]
  ) -> [Float] {
    precondition(
      values.count == size.x * size.y * size.z,
      "\(values.count) values for \(size)"
    )
    let count = size.x * size.y
    return resample { z, slice in
      values.withUnsafeBufferPointer { values in
        for index in 0..<count { slice[index] = Float(values[z * count + index]) }
      }
    }
  }

  /// Resamples values that are asked for slice by slice.
  /// - Parameter slice: Writes the slice z, `size.x * size.y` values, x fastest. It is called at
  ///   most once for each z, on several threads at a time.
  /// - Returns: `newSize` values, x fastest.
  public func resample(
    slice: @escaping @Sendable (_ z: Int, _ values: UnsafeMutableBufferPointer<Float>) -> Void
  ) -> [Float] {
    var isAcross = true
    if case .apart(let axis, _) = axes { isAcross = axis == 2 }
    guard isAcross, size != newSize else { return resample(gathered(slice)) }
    return ZoomPasses(plan: self).run(.slices(slice))
  }

  private func gathered(
    _ slice: @Sendable (Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) -> [Float] {
    let count = size.x * size.y
    return [Float](unsafeUninitializedCapacity: count * size.z) { values, initialized in
      // Each slice is written by one thread.
      nonisolated(unsafe) let values = values
      Parallelism.forEach(size.z) { z in
        slice(z, UnsafeMutableBufferPointer(rebasing: values[z * count..<(z + 1) * count]))
      }
      initialized = count * size.z
    }
  }

  private func turned(by swap: GridReordering) -> ZoomResampling {
    var across = Order.nearest
    if case .apart(_, let own) = axes { across = own }
    return ZoomResampling(
      from: swap.applied(to: size),
      to: swap.applied(to: newSize),
      order: order,
      alignment: alignment,
      axes: .apart(axis: 2, across: across),
      positions: positions
    )
  }

  /// The nearest input of each output along one axis.
  func nearestMap(axis: Int) -> SampleMap {
    SampleMap(
      from: size[axis],
      to: newSize[axis],
      order: .nearest,
      alignment: alignment,
      positions: positions
    )
  }
}
