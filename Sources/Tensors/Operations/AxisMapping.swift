/// One cell of an axis that counts for a cell of a result, and how much.
package struct AxisTap: Sendable, Hashable {
  /// The cell.
  package var source: Int
  /// Its weight.
  package var weight: Double

  package init(source: Int, weight: Double) {
    self.source = source
    self.weight = weight
  }
}

/// Applies a sparse matrix along each spatial axis, as interpolations of any rule are.
///
/// - Parameters:
///   - name: The operation's name in plans and messages.
///   - x: `[N, C, spatial…]`.
///   - taps: For each spatial axis, for each cell of the result, what counts for it.
///   - fill: What cells hold that nothing counts for along some axis.
/// - Returns: `[N, C]` and the number of tap lists of each axis.
/// - Precondition: As many lists as spatial axes, none empty; sources are cells of their axis.
package func mappedAlongAxes(
  _ name: String,
  _ x: Tensor,
  taps: [[[AxisTap]]],
  fill: Float = 0
) -> Tensor {
  let size = taps.map(\.count)
  requireSpatial(x, size, name)
  let input = Array(x.shape.dropFirst(2))
  let lists = taps.map { axis in axis.map { cell in cell.map { ($0.source, $0.weight) } } }
  let maps = zip(input, lists).map { AxisMap(input: $0, taps: $1) }
  return operation(name, on: [x], shape: Array(x.shape.prefix(2)) + size) { operands in
    let x = operands[0]
    if Kernels.current.isReference {
      let lists = taps.map { axis in axis.map { cell in cell.map { ($0.source, $0.weight) } } }
      let reference = SeparableReference(input: input, taps: lists)
      return reference.value(x.detached, outside: Double(fill)).recorded(from: [x]) {
        [reference.gradient($0)]
      }
    }
    return x.mapped(maps, fill: fill).recorded(from: [x]) { [$0.mapped(maps.map(\.transposed))] }
  }
}
