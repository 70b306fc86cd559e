/// How values between the cells of feature maps are found.
public enum FeatureInterpolation: String, Codable, Hashable, Sendable, CaseIterable {
  /// The value of one cell.
  case nearest
  /// Linear along each axis: bilinear in images, trilinear in volumes.
  case linear
  /// Cubic convolution along each axis with a = −0.75: bicubic in images (Keys 1981).
  case cubic
}

/// Resizes feature maps by interpolation, as PyTorch's `interpolate` does for a given size.
///
/// The centre of output cell i lies at (i + ½) n/m − ½ of n input cells, or, with corners aligned, at
/// i (n − 1)/(m − 1). Linear interpolation starts at 0 where that is negative, and both repeat the
/// border. The nearest cell is ⌊i · n/m⌋ in single precision, whatever `alignCorners` says. Nothing is
/// smoothed when the result is smaller. Cubic interpolation of volumes, which PyTorch lacks, is the
/// same along three axes.
/// - Parameters:
///   - x: `[N, C, H, W]` or `[N, C, D, H, W]`.
///   - size: The spatial size of the result.
///   - interpolation: How values between cells are found.
///   - alignCorners: Whether the centres of the corner cells, instead of their outer corners, coincide.
/// - Returns: `[N, C] + size`, in the layout of `x`.
/// - Precondition: One positive number for each spatial axis.
public func upsampled(
  _ x: Tensor,
  to size: [Int],
  interpolation: FeatureInterpolation,
  alignCorners: Bool = false
) -> Tensor {
  requireSpatial(x, size, "interpolation")
  let input = Array(x.shape.dropFirst(2))
  let repeats = interpolation == .nearest && zip(size, input).allSatisfy { $0.isMultiple(of: $1) }
  return operation(
    "upsample-\(interpolation.rawValue)",
    on: [x],
    shape: Array(x.shape.prefix(2)) + size,
    action: repeats ? .repetition(zip(size, input).map { $0 / $1 }) : nil,
    attributes: ["alignCorners": .integers([alignCorners ? 1 : 0])]
  ) { operands in
    let x = operands[0]
    let input = Array(x.shape.dropFirst(2))
    if Kernels.current.isReference {
      let reference = SeparableReference(
        input: input,
        taps: zip(input, size).map {
          UpsamplingReference.taps($0, $1, interpolation, alignCorners: alignCorners)
        }
      )
      return reference.value(x.detached).recorded(from: [x]) { [reference.gradient($0)] }
    }
    let maps = zip(input, size).map {
      AxisMap(input: $0, output: $1, interpolation, alignCorners: alignCorners)
    }
    return x.mapped(maps).recorded(from: [x]) { [$0.mapped(maps.map(\.transposed))] }
  }
}

extension AxisMap {
  /// Interpolation along one axis.
  fileprivate init(
    input: Int,
    output: Int,
    _ interpolation: FeatureInterpolation,
    alignCorners: Bool
  ) {
    let taps = (0..<output).map { cell -> [Tap] in
      if interpolation == .nearest {
        return [(nearestCell(cell, input: input, output: output), 1)]
      }
      let center = Self.center(cell, input: input, output: output, alignCorners: alignCorners)
      let position = interpolation == .linear ? max(center, 0) : center
      let low = position.rounded(.down)
      let t = position - low
      let weights = interpolation == .linear ? [1 - t, t] : Self.cubicWeights(t)
      let first = Int(low) - (interpolation == .linear ? 0 : 1)
      return weights.enumerated().map { offset, weight in
        (min(max(first + offset, 0), input - 1), weight)
      }
    }
    self.init(input: input, taps: taps)
  }

  /// Where the centre of an output cell lies among the input cells.
  private static func center(
    _ cell: Int,
    input: Int,
    output: Int,
    alignCorners: Bool
  ) -> Double {
    if alignCorners {
      return output == 1 ? 0 : Double(cell) * Double(input - 1) / Double(output - 1)
    }
    return (Double(cell) + 0.5) * Double(input) / Double(output) - 0.5
  }

  /// Keys's cubic convolution at the distances 1 + t, t, 1 − t and 2 − t; equation 4 with a = −0.75.
  private static func cubicWeights(_ t: Double) -> [Double] {
    let a = -0.75
    func near(_ d: Double) -> Double { ((a + 2) * d - (a + 3)) * d * d + 1 }
    func far(_ d: Double) -> Double { ((a * d - 5 * a) * d + 8 * a) * d - 4 * a }
    return [far(1 + t), near(t), near(1 - t), far(2 - t)]
  }
}

/// ⌊i · n/m⌋ with the quotient in single precision, as PyTorch rounds it; exact for n = m and 2n = m.
func nearestCell(_ cell: Int, input: Int, output: Int) -> Int {
  if output == input { return cell }
  if output == 2 * input { return cell / 2 }
  let scale = Float(input) / Float(output)
  return min(Int((Float(cell) * scale).rounded(.down)), input - 1)
}
