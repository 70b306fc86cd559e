/// Which places of an axis are kept, with Python's meaning of start, end and step.
public struct AxisSlice: Sendable, Hashable {
  /// The first place; negative from the back; the end that the step leads away from when nil.
  public var start: Int?
  /// The place before which to stop; negative from the back; the far end when nil.
  public var end: Int?
  /// The distance of kept places; negative to go backwards.
  public var step: Int

  /// Creates a slice.
  /// - Parameters:
  ///   - start: The first place, or nil.
  ///   - end: The place before which to stop, or nil.
  ///   - step: The distance of kept places, not 0.
  public init(start: Int? = nil, end: Int? = nil, step: Int = 1) {
    precondition(step != 0, "a slice with step 0")
    self.start = start
    self.end = end
    self.step = step
  }

  /// The whole axis.
  public static var all: AxisSlice { AxisSlice() }

  /// The first place and the number of places kept of an axis; ends outside are cut off.
  func places(of size: Int) -> (first: Int, count: Int) {
    let limits = step > 0 ? 0...size : -1...(size - 1)
    func resolved(_ place: Int) -> Int {
      let positive = place < 0 ? place + size : place
      return min(max(positive, limits.lowerBound), limits.upperBound)
    }
    let first = start.map(resolved) ?? (step > 0 ? 0 : size - 1)
    let stop = end.map(resolved) ?? (step > 0 ? size : -1)
    let distance = step > 0 ? stop - first : first - stop
    return (first, max(0, (distance + abs(step) - 1) / abs(step)))
  }
}

extension Tensor {
  /// A regular part of the tensor.
  /// - Parameter slices: What to keep of the first axes; further axes are kept whole.
  /// - Returns: A tensor of the same rank, each axis as long as its slice.
  /// - Precondition: At most one slice for each axis.
  public func sliced(_ slices: [AxisSlice]) -> Tensor {
    precondition(slices.count <= rank, "\(slices.count) slices for the shape \(shape)")
    let places = slices.enumerated().map { $1.places(of: shape[$0]) }
    let wanted = shape.enumerated().map { $0 < places.count ? places[$0].count : $1 }
    let attributes: [String: StepAttribute] = [
      "first": .integers(places.map(\.first)), "count": .integers(places.map(\.count)),
      "step": .integers(slices.map(\.step)),
    ]
    return operation("slice", on: [self], shape: wanted, attributes: attributes) { operands in
      let x = operands[0].detached
      let shape = x.shape
      if usesReference {
        let place: @Sendable ([Int]) -> [Int] = { cell in
          cell.enumerated().map { axis, index in
            axis < places.count ? places[axis].first + index * slices[axis].step : index
          }
        }
        return ReferenceStructure.pick(x, shape: wanted, place).recorded(from: operands) {
          [ReferenceStructure.add($0, into: shape, place)]
        }
      }
      var steps = rowMajorSteps(shape)
      var offset = 0
      for axis in places.indices {
        offset += places[axis].first * steps[axis]
        steps[axis] *= slices[axis].step
      }
      let (start, strides) = (offset, steps)
      return StridedCopy.gather(x.plain, offset: start, steps: strides, shape: wanted)
        .recorded(from: operands) { gradient in
          [StridedCopy.scatter(gradient.plain, offset: start, steps: strides, into: shape)]
        }
    }
  }

  /// A regular part of the tensor along one axis.
  /// - Parameters:
  ///   - axis: The axis, negative from the back.
  ///   - start: The first place, or nil; negative from the back.
  ///   - end: The place before which to stop, or nil; negative from the back.
  ///   - step: The distance of kept places, not 0; negative to go backwards.
  /// - Returns: A tensor of the same rank.
  public func sliced(axis: Int, start: Int? = nil, end: Int? = nil, step: Int = 1) -> Tensor {
    let axis = normalized(axis: axis, rank: rank)
    let whole = [AxisSlice](repeating: .all, count: axis)
    return sliced(whole + [AxisSlice(start: start, end: end, step: step)])
  }

  /// Cuts the tensor along an axis.
  /// - Parameters:
  ///   - sizes: The lengths of the parts; together the axis.
  ///   - axis: The axis, negative from the back.
  /// - Returns: One tensor for each length.
  /// - Precondition: The lengths are not negative and sum to the axis.
  public func split(sizes: [Int], axis: Int) -> [Tensor] {
    let axis = normalized(axis: axis, rank: rank)
    precondition(
      sizes.allSatisfy { $0 >= 0 } && sizes.reduce(0, +) == shape[axis],
      "parts of \(sizes) do not make up axis \(axis) of \(shape)"
    )
    var start = 0
    return sizes.map { size in
      defer { start += size }
      return sliced(axis: axis, start: start, end: start + size)
    }
  }

  /// The tensor with the order of values reversed along axes.
  /// - Parameter axes: The axes, negative ones from the back.
  /// - Returns: The same shape.
  public func flipped(axes: [Int]) -> Tensor {
    let axes = normalized(axes: axes, rank: rank)
    return sliced((0..<rank).map { axes.contains($0) ? AxisSlice(step: -1) : .all })
  }

  /// The tensor with values moved along an axis; those that leave at one end enter at the other.
  /// - Parameters:
  ///   - shift: How far towards higher places; negative for lower ones.
  ///   - axis: The axis, negative from the back.
  /// - Returns: The same shape.
  public func rolled(by shift: Int, axis: Int) -> Tensor {
    let axis = normalized(axis: axis, rank: rank)
    let size = shape[axis]
    guard size > 0 else { return self }
    let cut = ((-shift) % size + size) % size
    if cut == 0 { return self }
    return concatenation(
      [sliced(axis: axis, start: cut), sliced(axis: axis, end: cut)],
      axis: axis
    )
  }
}
