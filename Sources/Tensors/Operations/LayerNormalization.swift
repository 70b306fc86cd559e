import CKernels
import Support

/// Normalises over the last dimensions: y = γ (x − μ) / √(σ² + ε) + β.
///
/// Ba, Kiros and Hinton 2016, equation 3. The variance is the biased one; scale and shift have one
/// number for each value of a row, as in PyTorch.
/// - Parameters:
///   - x: Any shape.
///   - dimensions: How many trailing dimensions make a row.
///   - scale: γ, of the shape of a row, or nil for 1.
///   - shift: β, of the shape of a row, or nil for 0.
///   - epsilon: Added to the variance.
/// - Returns: The shape of `x`.
/// - Precondition: 1 to all dimensions; scale and shift have the shape of a row.
public func layerNormalization(
  _ x: Tensor,
  dimensions: Int,
  scale: Tensor? = nil,
  shift: Tensor? = nil,
  epsilon: Float = 1e-5
) -> Tensor {
  precondition(
    (1...max(1, x.rank)).contains(dimensions) && x.rank > 0 && x.count > 0,
    "layer normalisation over \(dimensions) dimensions of \(x.shape)"
  )
  let rowShape = Array(x.shape.suffix(dimensions))
  requireFit(scale, shift, rowShape, x)
  let attributes: [String: StepAttribute] = [
    "dimensions": .integers([dimensions]), "epsilon": .number(epsilon),
    "has": .integers([scale == nil ? 0 : 1, shift == nil ? 0 : 1]),
  ]
  return normalized("layer-normalization", x, scale, shift, attributes) { x, scale, shift in
    let size = rowShape.reduce(1, *)
    if Kernels.current.isReference {
      let reference = StandardizationReference(
        groupSize: size,
        parameterCount: size,
        epsilon: epsilon
      ) { $0 % size }
      let run = reference.run(x, scale, shift)
      return (
        run.output,
        { gradient in
          let back = run.gradients(gradient)
          return [back[0], back[1].reshaped(rowShape), back[2].reshaped(rowShape)]
        }
      )
    }
    let rows = NormalizedRows(x.plain, rowShape: rowShape, scale: scale, epsilon: epsilon)
    return (rows.output(shift: shift), { rows.gradients($0) })
  }
}

/// What the fast path keeps between forward and backward.
private struct NormalizedRows: Sendable {
  private let input: Tensor
  private let rowShape: [Int]
  private let size: Int
  private let rows: Int
  private let gains: Tensor
  private let means: AlignedBuffer<Float>
  private let inverses: AlignedBuffer<Float>

  init(_ x: Tensor, rowShape: [Int], scale: Tensor?, epsilon: Float) {
    let size = rowShape.reduce(1, *)
    let rows = x.count / size
    let means = AlignedBuffer<Float>(uninitializedCount: rows)
    let inverses = AlignedBuffer<Float>(uninitializedCount: rows)
    let sums = AlignedBuffer<Double>(uninitializedCount: rows)
    let source = x.storage
    EngineThreads.forEachRange(rows, itemCost: 2 * size) { range in
      let (first, last) = (Int64(range.lowerBound), Int64(range.upperBound))
      ck_sum(source.pointer, sums.pointer, Int64(size), 1, first, last)
      for row in range { means.pointer[row] = Float(sums.pointer[row] / Double(size)) }
      ck_centered_squares(
        source.pointer,
        means.pointer,
        sums.pointer,
        Int64(size),
        1,
        first,
        last
      )
      for row in range {
        let variance = sums.pointer[row] / Double(size)
        inverses.pointer[row] = Float(1 / (variance + Double(epsilon)).squareRoot())
      }
    }
    input = x
    self.rowShape = rowShape
    self.size = size
    self.rows = rows
    gains = scale?.plain ?? Tensor(repeating: 1, shape: rowShape)
    self.means = means
    self.inverses = inverses
  }

  func output(shift: Tensor?) -> Tensor {
    let offsets = (shift?.plain ?? Tensor(repeating: 0, shape: rowShape)).storage
    let result = input.emptyLike()
    let (x, y, gains) = (input.storage, result.storage, gains.storage)
    EngineThreads.forEachRange(rows, itemCost: size) { range in
      ck_rows_affine(
        x.pointer,
        y.pointer,
        means.pointer,
        inverses.pointer,
        gains.pointer,
        offsets.pointer,
        Int64(size),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return result
  }

  /// The gradients of input, scale and shift.
  func gradients(_ gradient: Tensor) -> [Tensor] {
    let back = input.emptyLike()
    let scaleGradient = gains.emptyLike()
    let shiftGradient = gains.emptyLike()
    let arriving = gradient.plain
    let (x, dy, dx, gains) = (input.storage, arriving.storage, back.storage, gains.storage)
    EngineThreads.forEachRange(rows, itemCost: 4 * size) { range in
      ck_rows_affine_gradient(
        x.pointer,
        dy.pointer,
        dx.pointer,
        means.pointer,
        inverses.pointer,
        gains.pointer,
        Int64(size),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    let (scaleSums, shiftSums) = (scaleGradient.storage, shiftGradient.storage)
    EngineThreads.forEachRange(size, itemCost: 2 * rows) { range in
      ck_rows_affine_sums(
        x.pointer,
        dy.pointer,
        scaleSums.pointer,
        shiftSums.pointer,
        means.pointer,
        inverses.pointer,
        Int64(size),
        Int64(rows),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return [back, scaleGradient, shiftGradient]
  }
}
