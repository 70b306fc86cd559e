/// Operations that only move values, by index.
enum ReferenceStructure {
  /// y[cell] = x[place(cell)].
  static func pick(_ x: Tensor, shape: [Int], _ place: ([Int]) -> [Int]) -> Tensor {
    let values = x.values
    return Tensor(GridIndices(shape).map { values[flat(place($0), x.shape)] }, shape: shape)
  }

  /// y[place(cell)] += values[cell], from zeros.
  static func add(_ values: Tensor, into shape: [Int], _ place: ([Int]) -> [Int]) -> Tensor {
    var result = [Double](repeating: 0, count: shape.reduce(1, *))
    let source = values.values
    for (index, cell) in GridIndices(values.shape).enumerated() {
      result[flat(place(cell), shape)] += Double(source[index])
    }
    return Tensor(result.map { Float($0) }, shape: shape)
  }
}
