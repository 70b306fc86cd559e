import Imaging

/// nnU-Net's resampling of one array between two grids of the same extent.
///
/// `resample_data_or_seg_to_shape`: slices across an axis that is more than three times as coarse as
/// the finest are resampled apart.
struct NNUNetResampler: Sendable {
  private let kind: NNUNetPlan.Resampling
  private let size: SIMD3<Int>
  private let newSize: SIMD3<Int>
  /// The axis (0 x, 1 y, 2 z) across which slices are resampled apart, or nil.
  let apart: Int?

  /// From this ratio of spacings on, slices are resampled apart.
  private static let anisotropyThreshold = 3.0

  /// Plans a resampling; sizes and spacings are along x, y, z.
  init(
    _ kind: NNUNetPlan.Resampling,
    from size: SIMD3<Int>,
    to newSize: SIMD3<Int>,
    spacing: SIMD3<Double>,
    newSpacing: SIMD3<Double>
  ) {
    self.kind = kind
    self.size = size
    self.newSize = newSize
    let separates: Bool?
    switch kind {
    case .spline(_, _, let value), .linear(let value): separates = value
    case .none: separates = false
    }
    apart = Self.coarseAxis(separates, spacing, newSpacing)
  }

  /// Which axis is treated apart: the coarsest of the old grid, else of the new, if there is just one.
  private static func coarseAxis(
    _ separates: Bool?,
    _ spacing: SIMD3<Double>,
    _ newSpacing: SIMD3<Double>
  ) -> Int? {
    func coarsest(_ spacing: SIMD3<Double>) -> Int? {
      let axes = (0..<3).filter { spacing.max() / spacing[$0] == 1 }
      return axes.count == 1 ? axes[0] : nil
    }
    func isCoarse(_ spacing: SIMD3<Double>) -> Bool {
      spacing.max() / spacing.min() > anisotropyThreshold
    }
    switch separates {
    case true: return coarsest(spacing)
    case false: return nil
    case nil:
      if isCoarse(spacing) { return coarsest(spacing) }
      return isCoarse(newSpacing) ? coarsest(newSpacing) : nil
    }
  }

  /// Resamples values, x fastest; equal sizes give them as they are.
  func resample(_ values: [Float]) -> [Float] {
    guard size != newSize else { return values }
    switch kind {
    case .none: return values
    case .linear: return zoom(.linear, across: .nearest, positions: .single).resample(values)
    case .spline(let order, let across, _):
      return zoom(Self.order(order), across: Self.order(across)).resample(values)
    }
  }

  /// Resamples labels, x fastest: each becomes an indicator, and the largest wins.
  func resample(labels: [Int16]) -> [Int16] {
    guard size != newSize else { return labels }
    switch kind {
    case .none: return labels
    case .linear:
      return zoom(.linear, across: .nearest, positions: .single)
        .resample(labels: labels, vote: .smallestInHalfPrecision)
    case .spline(let order, let across, _):
      return zoom(Self.order(order), across: Self.order(across)).resample(labels: labels)
    }
  }

  private static func order(_ number: Int) -> ZoomResampling.Order {
    ZoomResampling.Order(rawValue: number) ?? .cubic
  }

  private func zoom(
    _ order: ZoomResampling.Order,
    across: ZoomResampling.Order,
    positions: ZoomResampling.Positions = .double
  ) -> ZoomResampling {
    ZoomResampling(
      from: size,
      to: newSize,
      order: order,
      axes: apart.map { .apart(axis: $0, across: across) } ?? .together,
      positions: positions
    )
  }
}
