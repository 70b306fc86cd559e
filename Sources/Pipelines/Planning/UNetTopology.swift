/// Steps and windows of a U-Net's stages, by nnU-Net's rules.
///
/// Isensee et al. 2021, "nnU-Net: a self-configuring method for deep learning-based biomedical image
/// segmentation", Nature Methods 18, "Inferred parameters", as `get_pool_and_conv_props` of version
/// 2.8 computes them. An axis is halved while the deepest stage keeps at least `minimumCells` of
/// it (half as many more where it is the only one left) and while its cells are not twice
/// as long as the shortest of the axes that can be halved. Windows along an axis are 1 wide until
/// its cells are less than twice as long as the shortest, then 3; in the deepest stage always 3.
package struct UNetTopology: Equatable, Sendable {
  /// Steps of every stage along every axis; ones in the first.
  package let strides: [[Int]]
  /// Windows of every stage along every axis.
  package let kernels: [[Int]]
  /// The patch, each axis rounded up to a multiple of `multiples`.
  package let patchSize: [Int]
  /// The product of the steps along each axis.
  package let multiples: [Int]

  /// The fewest cells along a halved axis of the deepest stage.
  static let minimumCells = 4

  /// Finds the stages.
  /// - Parameters:
  ///   - spacing: Spacing of the axes, mm.
  ///   - size: Voxels along the axes; a median may lie between two numbers.
  ///   - maximumStages: The most stages; nnU-Net has no such limit.
  package init(spacing: [Double], size: [Double], maximumStages: Int = .max) {
    precondition(spacing.count == size.count, "axes of \(spacing) and \(size)")
    let axes = spacing.indices
    let minimum = Double(Self.minimumCells)
    var (cells, sides) = (size, spacing)
    var window = axes.map { _ in 1 }
    var strides = [axes.map { _ in 1 }]
    var kernels: [[Int]] = []
    while strides.count < maximumStages {
      let large = axes.filter { cells[$0] >= 2 * minimum }
      guard let finest = large.map({ sides[$0] }).min() else { break }
      let halved = large.filter { sides[$0] / finest < 2 }
      if halved.count == 1, cells[halved[0]] < 3 * minimum { break }
      let shortest = sides.min() ?? finest
      for axis in axes where sides[axis] / shortest < 2 { window[axis] = 3 }
      var step = axes.map { _ in 1 }
      for axis in halved {
        step[axis] = 2
        sides[axis] *= 2
        cells[axis] = (cells[axis] / 2).rounded(.up)
      }
      strides.append(step)
      kernels.append(window)
    }
    kernels.append(axes.map { _ in 3 })
    let multiples = axes.map { axis in strides.reduce(1) { $0 * $1[axis] } }
    self.strides = strides
    self.kernels = kernels
    self.multiples = multiples
    patchSize = zip(size, multiples).map { Int($0.rounded(.up) + Double($1) - 1) / $1 * $1 }
  }

  /// Finds the stages for whole numbers of voxels.
  /// - Parameters:
  ///   - spacing: Spacing of the axes, mm.
  ///   - patchSize: Voxels along the axes.
  ///   - maximumStages: The most stages.
  package init(spacing: [Double], patchSize: [Int], maximumStages: Int = .max) {
    self.init(
      spacing: spacing,
      size: patchSize.map { Double($0) },
      maximumStages: maximumStages
    )
  }
}
