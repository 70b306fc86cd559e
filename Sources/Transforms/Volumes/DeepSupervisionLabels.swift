/// Labels for the coarser outputs of a network that is trained at several resolutions.
public enum DeepSupervisionLabels {
  /// Keeps the labels nearest to the centres of coarser voxels.
  ///
  /// Along an axis, n / stride voxels are kept, rounded to even halves and at least 1; the kept one of
  /// place i is ⌊(i + ½) · n / kept⌋ in single precision: PyTorch's `nearest-exact`, which nnU-Net uses
  /// for its labels.
  /// - Parameters:
  ///   - classes: The labels, x fastest.
  ///   - size: Voxels along x, y and z.
  ///   - strides: Voxels for one coarser voxel along x, y and z.
  /// - Returns: The coarser labels and their size.
  /// - Precondition: As many labels as the size says; strides are positive.
  public static func reduced<Label: Sendable>(
    classes: [Label],
    size: SIMD3<Int>,
    by strides: SIMD3<Int>
  ) -> (classes: [Label], size: SIMD3<Int>) {
    precondition(
      classes.count == size.x * size.y * size.z && strides.min() > 0,
      "\(classes.count) labels of \(size) by strides \(strides)"
    )
    let kept = (0..<3).map { Self.kept(size[$0], by: strides[$0]) }
    var result: [Label] = []
    result.reserveCapacity(kept[0].count * kept[1].count * kept[2].count)
    for z in kept[2] {
      for y in kept[1] {
        let row = (z * size.y + y) * size.x
        for x in kept[0] { result.append(classes[row + x]) }
      }
    }
    return (result, SIMD3(kept[0].count, kept[1].count, kept[2].count))
  }

  private static func kept(_ count: Int, by stride: Int) -> [Int] {
    guard count > 0 else { return [] }
    let coarse = max(1, Int((Double(count) * (1 / Double(stride))).rounded(.toNearestOrEven)))
    let scale = Float(count) / Float(coarse)
    return (0..<coarse).map { min(Int((Float($0) + 0.5) * scale), count - 1) }
  }
}
