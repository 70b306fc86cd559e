import Foundation
import Support

/// Constants of the structural similarity.
public struct StructuralSimilarityOptions: Codable, Sendable, Equatable {
  /// Width of the Gaussian window along every axis, in pixels, odd.
  public var windowSize = 11
  /// Standard deviation of the window in pixels.
  public var sigma = 1.5
  /// L, the range of the values.
  public var dataRange = 1.0
  /// K₁ and K₂ of the stabilising constants (K L)².
  public var stabilizers = [0.01, 0.03]

  /// Creates the constants of the paper.
  /// - Parameter dataRange: The range of the values.
  public init(dataRange: Double = 1) { self.dataRange = dataRange }

  /// The window's weights along one axis; they sum to 1.
  var window: [Double] {
    let middle = Double(windowSize - 1) / 2
    let weights = (0..<windowSize).map {
      exp(-(Double($0) - middle) * (Double($0) - middle) / (2 * sigma * sigma))
    }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  var constants: (Double, Double) {
    let (a, b) = (stabilizers[0] * dataRange, stabilizers[1] * dataRange)
    return (a * a, b * b)
  }
}

/// Mean structural similarity of images or volumes; 1 minus it is a loss.
///
/// Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity",
/// equation 13, with the paper's Gaussian window. Windows lie wholly inside, so that the map is smaller
/// by the window less one; biased (population) variances, as in the paper.
/// - Parameters:
///   - x: `[N, C, H, W]` or `[N, C, D, H, W]`.
///   - y: Of the same shape.
///   - options: Window and constants.
/// - Returns: One number, the mean over windows, channels and samples, between −1 and 1.
/// - Precondition: The shapes are equal, every spatial axis holds a window, the window is odd.
public func structuralSimilarity(
  _ x: Tensor,
  _ y: Tensor,
  options: StructuralSimilarityOptions = StructuralSimilarityOptions()
) -> Tensor {
  precondition(x.shape == y.shape, "structural similarity of \(x.shape) and \(y.shape)")
  precondition(
    x.rank > 2 && x.shape.dropFirst(2).allSatisfy { $0 >= options.windowSize },
    "structural similarity of \(x.shape) with a window of \(options.windowSize)"
  )
  precondition(options.windowSize % 2 == 1, "an even window of \(options.windowSize)")
  let filter = WindowFilter(
    planes: x.shape[0] * x.shape[1],
    size: Array(x.shape.dropFirst(2)),
    weights: options.window
  )
  let constants = options.constants
  return lossOperation("structural similarity", on: [x, y]) { operands in
    similarityOutcome(operands[0], operands[1], filter, constants)
  } reference: { operands in
    referenceSimilarity(operands[0], operands[1], filter, constants)
  }
}

/// The loss 1 − SSIM; parameters as of `structuralSimilarity`.
/// - Parameters:
///   - x: `[N, C, H, W]` or `[N, C, D, H, W]`.
///   - target: Of the same shape.
///   - options: Window and constants.
/// - Returns: One number, between 0 and 2.
/// - Precondition: As of `structuralSimilarity`.
public func structuralSimilarityLoss(
  _ x: Tensor,
  target: Tensor,
  options: StructuralSimilarityOptions = StructuralSimilarityOptions()
) -> Tensor {
  let similarity = structuralSimilarity(x, target, options: options)
  return Tensor([1], shape: []) + similarity * -1
}

/// Weighted means over windows wholly inside, axis by axis, and the reverse of that.
struct WindowFilter: Sendable {
  let planes: Int
  let size: [Int]
  let weights: [Double]

  var resultSize: [Int] { size.map { $0 - weights.count + 1 } }
  var resultCount: Int { planes * resultSize.reduce(1, *) }

  /// Means over the windows of every cell that has one.
  func forward(_ values: AlignedBuffer<Double>) -> AlignedBuffer<Double> {
    var (current, shape) = (values, size)
    for axis in size.indices {
      current = pass(current, &shape, axis, isForward: true)
    }
    return current
  }

  /// The transpose: spreads values over the windows that they came from.
  func backward(_ values: AlignedBuffer<Double>) -> AlignedBuffer<Double> {
    var (current, shape) = (values, resultSize)
    for axis in size.indices.reversed() {
      current = pass(current, &shape, axis, isForward: false)
    }
    return current
  }

  private func pass(
    _ source: AlignedBuffer<Double>,
    _ shape: inout [Int],
    _ axis: Int,
    isForward: Bool
  ) -> AlignedBuffer<Double> {
    let length = shape[axis]
    let newLength = isForward ? length - weights.count + 1 : length + weights.count - 1
    let inner = shape[(axis + 1)...].reduce(1, *)
    let outer = planes * shape[..<axis].reduce(1, *)
    shape[axis] = newLength
    let result = AlignedBuffer<Double>(repeating: 0, count: outer * newLength * inner)
    let weights = self.weights
    EngineThreads.forEachRange(outer * newLength, itemCost: inner * weights.count) { range in
      for item in range {
        let (block, cell) = (item / newLength, item % newLength)
        let target = result.pointer + item * inner
        for k in weights.indices {
          let place = isForward ? cell + k : cell - k
          if place < 0 || place >= length { continue }
          let weight = weights[k]
          let row = source.pointer + (block * length + place) * inner
          for i in 0..<inner { target[i] += weight * row[i] }
        }
      }
    }
    return result
  }
}

private func similarityOutcome(
  _ x: Tensor,
  _ y: Tensor,
  _ filter: WindowFilter,
  _ constants: (Double, Double)
) -> LossOutcome {
  let (a, b) = (x.storage, y.storage)
  func product(_ value: @Sendable @escaping (Double, Double) -> Double) -> AlignedBuffer<Double> {
    let result = AlignedBuffer<Double>(uninitializedCount: a.count)
    EngineThreads.forEachRange(a.count, itemCost: 2) { range in
      for i in range {
        result.mutableElements[i] = value(Double(a.elements[i]), Double(b.elements[i]))
      }
    }
    return filter.forward(result)
  }
  let meanX = product { a, _ in a }
  let meanY = product { _, b in b }
  let squareX = product { a, _ in a * a }
  let squareY = product { _, b in b * b }
  let mixed = product { a, b in a * b }
  let (c1, c2) = constants
  @Sendable func terms(_ i: Int) -> SimilarityTerms {
    SimilarityTerms(
      meanX.elements[i],
      meanY.elements[i],
      squareX.elements[i],
      squareY.elements[i],
      mixed.elements[i],
      c1,
      c2
    )
  }
  let count = filter.resultCount
  let total = FixedChunks.sum(count, itemCost: 16) { range in
    range.reduce(0.0) { $0 + terms($1).value }
  }
  return LossOutcome(value: total / Double(count)) { gradient in
    let factor = Double(gradient) / Double(count)
    // Slopes for the means of x, y, x², y² and x y.
    let maps = (0..<5).map { _ in AlignedBuffer<Double>(uninitializedCount: count) }
    EngineThreads.forEachRange(count, itemCost: 32) { range in
      for i in range {
        let slopes = terms(i).slopes
        maps[0].mutableElements[i] = factor * slopes.meanX
        maps[1].mutableElements[i] = factor * slopes.meanY
        maps[2].mutableElements[i] = factor * slopes.squareX
        maps[3].mutableElements[i] = factor * slopes.squareY
        maps[4].mutableElements[i] = factor * slopes.mixed
      }
    }
    let spread = maps.map { filter.backward($0) }
    let (dx, dy) = (x.emptyLike(), x.emptyLike())
    EngineThreads.forEachRange(a.count, itemCost: 8) { range in
      for i in range {
        let (va, vb) = (Double(a.elements[i]), Double(b.elements[i]))
        let both = spread[4].elements[i]
        dx.storage.mutableElements[i] =
          Float(spread[0].elements[i] + 2 * va * spread[2].elements[i] + vb * both)
        dy.storage.mutableElements[i] =
          Float(spread[1].elements[i] + 2 * vb * spread[3].elements[i] + va * both)
      }
    }
    return [dx, dy]
  }
}

/// One window: (2 μx μy + c₁)(2 σxy + c₂) / ((μx² + μy² + c₁)(σx² + σy² + c₂)).
private struct SimilarityTerms {
  let (meanX, meanY): (Double, Double)
  let (light, lightBase, structure, structureBase): (Double, Double, Double, Double)

  init(
    _ meanX: Double,
    _ meanY: Double,
    _ squareX: Double,
    _ squareY: Double,
    _ mixed: Double,
    _ c1: Double,
    _ c2: Double
  ) {
    (self.meanX, self.meanY) = (meanX, meanY)
    light = 2 * meanX * meanY + c1
    lightBase = meanX * meanX + meanY * meanY + c1
    structure = 2 * (mixed - meanX * meanY) + c2
    structureBase = squareX - meanX * meanX + squareY - meanY * meanY + c2
  }

  var value: Double { light * structure / (lightBase * structureBase) }

  var slopes: (meanX: Double, meanY: Double, squareX: Double, squareY: Double, mixed: Double) {
    let base = lightBase * structureBase
    let value = self.value
    let square = -value / structureBase
    // Numerator and denominator both hold the means twice.
    func mean(_ own: Double, _ other: Double) -> Double {
      2 * other * (structure - light) / base
        - value * 2 * own * (1 / lightBase - 1 / structureBase)
    }
    return (mean(meanX, meanY), mean(meanY, meanX), square, square, 2 * light / base)
  }
}
