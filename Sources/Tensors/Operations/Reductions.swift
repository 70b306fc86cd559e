/// Places of values along an axis, or numbers of rows: integers that have no gradient.
public struct IndexTensor: Sendable, Equatable {
  /// The size of each dimension.
  public let shape: [Int]
  /// The integers in row-major order.
  public let indices: [Int]

  /// Creates a tensor of integers.
  /// - Parameters:
  ///   - indices: The integers in row-major order.
  ///   - shape: The size of each dimension.
  /// - Precondition: As many integers as the shape has elements.
  public init(_ indices: [Int], shape: [Int]) {
    precondition(
      indices.count == shape.reduce(1, *),
      "\(indices.count) indices for the shape \(shape)"
    )
    self.indices = indices
    self.shape = shape
  }
}

extension Tensor {
  /// The sum of all values, as a tensor of one element.
  public var sum: Tensor { sum(axes: nil) }

  /// The mean of all values, as a tensor of one element.
  public var mean: Tensor { mean(axes: nil) }

  /// The sum over axes, kept in double precision; 0 for no values.
  /// - Parameters:
  ///   - axes: The axes, negative ones from the back; all when nil, none when empty.
  ///   - keepingAxes: Whether the axes stay with size 1, else they are dropped.
  /// - Returns: The shape without the axes, or with 1 in their place.
  public func sum(axes: [Int]?, keepingAxes: Bool = false) -> Tensor {
    reduced("sum", axes, keepingAxes, .sum) { x, axes in
      let (shape, kept) = (x.shape, keptShape(x.shape, axes))
      return (ReductionLoops.sum(x, axes: axes), { $0.withShape(kept).expanded(to: shape) })
    }
  }

  /// The mean over axes; NaN for no values.
  /// - Parameters:
  ///   - axes: The axes, negative ones from the back; all when nil, none when empty.
  ///   - keepingAxes: Whether the axes stay with size 1, else they are dropped.
  /// - Returns: The shape without the axes, or with 1 in their place.
  public func mean(axes: [Int]?, keepingAxes: Bool = false) -> Tensor {
    reduced("mean", axes, keepingAxes, .mean) { x, axes in
      let (shape, kept) = (x.shape, keptShape(x.shape, axes))
      let factor = 1 / Double(axes.reduce(1) { $0 * shape[$1] })
      return (
        ReductionLoops.sum(x, axes: axes, factor: factor),
        { ($0 * Float(factor)).withShape(kept).expanded(to: shape) }
      )
    }
  }

  /// The variance over axes: Σ (x − mean)² / (n − correction).
  /// - Parameters:
  ///   - axes: The axes, negative ones from the back; all when nil.
  ///   - correction: 1 for the unbiased estimate, 0 for the mean square.
  ///   - keepingAxes: Whether the axes stay with size 1, else they are dropped.
  /// - Returns: The shape without the axes, or with 1 in their place; NaN when n ≤ correction.
  public func variance(
    axes: [Int]? = nil,
    correction: Int = 1,
    keepingAxes: Bool = false
  ) -> Tensor {
    reduced("variance", axes, keepingAxes, .variance(correction: correction)) { x, axes in
      let kept = keptShape(x.shape, axes)
      let count = axes.reduce(1) { $0 * x.shape[$1] }
      let factor: Float = count > correction ? 2 / Float(count - correction) : .nan
      return (
        ReductionLoops.variance(x, axes: axes, correction: correction),
        { gradient in
          let mean = ReductionLoops.sum(x, axes: axes, factor: 1 / Double(count))
          return (x - mean.withShape(kept)) * (gradient * factor).withShape(kept)
        }
      )
    }
  }

  /// The square root of the variance; its derivative is infinite where the variance is 0.
  /// - Parameters:
  ///   - axes: The axes, negative ones from the back; all when nil.
  ///   - correction: 1 for the square root of the unbiased variance, 0 for the root mean square.
  ///   - keepingAxes: Whether the axes stay with size 1, else they are dropped.
  /// - Returns: The shape without the axes, or with 1 in their place; NaN when n ≤ correction.
  public func standardDeviation(
    axes: [Int]? = nil,
    correction: Int = 1,
    keepingAxes: Bool = false
  ) -> Tensor {
    variance(axes: axes, correction: correction, keepingAxes: keepingAxes).squareRoot()
  }

  /// log Σ eˣ over axes, safe from overflow; −∞ for no values.
  /// - Parameters:
  ///   - axes: The axes, negative ones from the back; all when nil.
  ///   - keepingAxes: Whether the axes stay with size 1, else they are dropped.
  /// - Returns: The shape without the axes, or with 1 in their place.
  public func logSumExp(axes: [Int]? = nil, keepingAxes: Bool = false) -> Tensor {
    reduced("log-sum-exp", axes, keepingAxes, .logSumExp) { x, axes in
      let kept = keptShape(x.shape, axes)
      let result = ReductionLoops.logSumExp(x, axes: axes)
      return (
        result,
        { gradient in
          // A group of nothing but −∞ shall have the gradient 0, not that of −∞ − −∞.
          let level = result.withShape(kept).clamped(low: -.greatestFiniteMagnitude)
          return (x - level).exp() * gradient.withShape(kept)
        }
      )
    }
  }

  /// The largest value over axes; NaN if any is.
  ///
  /// Of equal values the first in row-major order gets the gradient.
  /// - Parameters:
  ///   - axes: The axes, negative ones from the back; all when nil.
  ///   - keepingAxes: Whether the axes stay with size 1, else they are dropped.
  /// - Returns: The shape without the axes, or with 1 in their place.
  /// - Precondition: The axes have at least one value.
  public func maximum(axes: [Int]? = nil, keepingAxes: Bool = false) -> Tensor {
    extremum("maximum-over", axes, keepingAxes, largest: true)
  }

  /// The smallest value over axes; NaN if any is.
  ///
  /// Of equal values the first in row-major order gets the gradient.
  /// - Parameters:
  ///   - axes: The axes, negative ones from the back; all when nil.
  ///   - keepingAxes: Whether the axes stay with size 1, else they are dropped.
  /// - Returns: The shape without the axes, or with 1 in their place.
  /// - Precondition: The axes have at least one value.
  public func minimum(axes: [Int]? = nil, keepingAxes: Bool = false) -> Tensor {
    extremum("minimum-over", axes, keepingAxes, largest: false)
  }

  /// Where along an axis the largest value is, the first of equal ones.
  /// - Parameter axis: The axis, negative from the back.
  /// - Returns: The shape without the axis.
  /// - Precondition: The axis is not empty, and the tensor has values (it is not traced).
  public func argMaximum(axis: Int) -> IndexTensor { places(axis, largest: true) }

  /// Where along an axis the smallest value is, the first of equal ones.
  /// - Parameter axis: The axis, negative from the back.
  /// - Returns: The shape without the axis.
  /// - Precondition: The axis is not empty, and the tensor has values (it is not traced).
  public func argMinimum(axis: Int) -> IndexTensor { places(axis, largest: false) }

  /// Running sums along an axis: y[i] = Σ x[j], j ≤ i.
  /// - Parameter axis: The axis, negative from the back.
  /// - Returns: The same shape.
  public func cumulativeSum(axis: Int) -> Tensor {
    let axis = normalized(axis: axis, rank: rank)
    return operation("cumulative-sum", on: [self], shape: shape) { operands in
      let isReference = usesReference
      @Sendable func run(_ x: Tensor, reversed: Bool) -> Tensor {
        isReference
          ? ReferenceReductions.cumulativeSum(x, axis: axis, reversed: reversed)
          : ReductionLoops.cumulativeSum(x.plain, axis: axis, reversed: reversed)
      }
      return run(operands[0].detached, reversed: false).recorded(from: operands) { gradient in
        [run(gradient, reversed: true)]
      }
    }
  }

  private func extremum(
    _ name: String,
    _ axes: [Int]?,
    _ keepingAxes: Bool,
    largest: Bool
  ) -> Tensor {
    reduced(name, axes, keepingAxes, .extremum(largest: largest)) { x, axes in
      let (groups, shape) = (GroupedAxes(x, axes: axes), x.shape)
      let (result, places) = ReductionLoops.extremum(
        groups,
        largest: largest,
        shape: droppedShape(shape, axes)
      )
      let (outer, count, inner) = (groups.outer, groups.count, groups.inner)
      // Axes that lie apart were brought together by a permutation, which is undone here.
      let wasPermuted = groups.isPermuted
      let order = shape.indices.filter { !axes.contains($0) } + axes
      return (
        result,
        { gradient in
          let back = Tensor(repeating: 0, shape: wasPermuted ? order.map { shape[$0] } : shape)
          let (to, from) = (back.storage, gradient.plain.storage)
          for group in 0..<outer {
            for column in 0..<inner {
              let place = group * inner + column
              let row = Int(places.elements[place])
              to.mutableElements[(group * count + row) * inner + column] = from.elements[place]
            }
          }
          return wasPermuted
            ? back.permuted(shape.indices.map { axis in order.firstIndex(of: axis) ?? axis })
            : back
        }
      )
    }
  }

  private func places(_ axis: Int, largest: Bool) -> IndexTensor {
    let axis = normalized(axis: axis, rank: rank)
    let result = droppedShape(shape, [axis])
    let (_, places) = ReductionLoops.extremum(
      GroupedAxes(single.plain, axes: [axis]),
      largest: largest,
      shape: result
    )
    return IndexTensor(places.elements.map { Int($0) }, shape: result)
  }

  /// Runs a reduction by its definition or fast; the fast code drops the axes, and its pullback
  /// takes a plain gradient of that shape.
  private func reduced(
    _ name: String,
    _ axes: [Int]?,
    _ keepingAxes: Bool,
    _ definition: ReductionDefinition,
    _ fast:
      @escaping @Sendable (Tensor, [Int]) -> (
        Tensor, @Sendable (Tensor) -> Tensor
      )
  ) -> Tensor {
    let axes = normalized(axes: axes, rank: rank)
    let dropped = droppedShape(shape, axes)
    let wanted = keepingAxes ? keptShape(shape, axes) : dropped
    let attributes: [String: StepAttribute] = [
      "axes": .integers(axes), "keepingAxes": .integers([keepingAxes ? 1 : 0]),
    ]
    return operation(name, on: [self], shape: wanted, attributes: attributes) { operands in
      let x = operands[0].plain
      if usesReference {
        return ReferenceReductions.reduce(x, axes: axes, definition).withShape(wanted)
          .recorded(from: operands) { gradient in
            [ReferenceReductions.gradient(gradient, x: x, axes: axes, definition)]
          }
      }
      let (result, pullback) = fast(x, axes)
      return result.withShape(wanted).recorded(from: operands) { gradient in
        [pullback(gradient.withShape(dropped))]
      }
    }
  }
}
