import Tensors

extension GraphOperator {
  static let matrices: [GraphOperator] = [
    GraphOperator("MatMul", 2...2) { context in
      let type = try context.operand(0).type
      return [GraphValue(type, try matmul(context, context.numbers(0), context.numbers(1)))]
    },
    GraphOperator("Gemm", 2...3, ["alpha", "beta", "broadcast", "transA", "transB"]) { context in
      var (a, b) = (try context.numbers(0), try context.numbers(1))
      try context.require(a.rank == 2 && b.rank == 2, "matrices \(a.shape) and \(b.shape)")
      if try context.flag("transA", false) { a = a.transposed(0, 1) }
      let isTransposed = try context.flag("transB", false)
      let (alpha, beta) = (try context.number("alpha", 1), try context.number("beta", 1))
      let inner = b.shape[isTransposed ? 1 : 0]
      try context.require(a.shape[1] == inner, "matrices \(a.shape) and \(b.shape)")
      let outputs = b.shape[isTransposed ? 0 : 1]
      let type = try context.operand(0).type
      let addend = context.optionalNumbers(2)
      if isTransposed, alpha == 1, beta == 1 || addend == nil,
        addend.map({ $0.shape == [outputs] }) ?? true
      {
        return [GraphValue(type, linear(a, weight: b, bias: addend))]
      }
      if isTransposed { b = b.transposed(0, 1) }
      var result = matrixProduct(a, b)
      if alpha != 1 { result = result * alpha }
      if let addend, beta != 0 {
        let shape = try context.broadcast([result.shape, addend.shape])
        try context.require(shape == result.shape, "\(addend.shape) added to \(result.shape)")
        result = result + (beta == 1 ? addend : addend * beta)
      }
      return [GraphValue(type, result)]
    },
    GraphOperator("Einsum", 1...8, ["equation"]) { context in
      let tensors = try context.operands.indices.map { try context.numbers($0) }
      let type = try context.operand(0).type
      return [GraphValue(type, try Einsum(context, tensors).result())]
    },
    GraphOperator("Det", 1...1) { context in
      let x = try context.numbers(0)
      try context.require(
        x.rank >= 2 && x.shape[x.rank - 1] == x.shape[x.rank - 2],
        "the shape \(x.shape)"
      )
      let size = x.shape[x.rank - 1]
      let shape = Array(x.shape.dropLast(2))
      let result = ElementMaps.compute("det", [x], shape: shape) { values in
        (0..<shape.reduce(1, *)).map { matrix in
          determinant(values[0][matrix * size * size..<(matrix + 1) * size * size], size)
        }
      }
      return [GraphValue(try context.operand(0).type, result)]
    },
  ]

  /// The product of matrices, in batches by NumPy's rules; a row or column of one axis counts as one.
  static func matmul(_ context: NodeContext, _ a: Tensor, _ b: Tensor) throws -> Tensor {
    try context.require(a.rank >= 1 && b.rank >= 1, "a product with a single number")
    let left = a.rank == 1 ? a.unsqueezed(0) : a
    let right = b.rank == 1 ? b.unsqueezed(1) : b
    try context.require(
      left.shape[left.rank - 1] == right.shape[right.rank - 2],
      "no product of \(a.shape) and \(b.shape)"
    )
    _ = try context.broadcast([Array(left.shape.dropLast(2)), Array(right.shape.dropLast(2))])
    var result = matrixProduct(left, right)
    if b.rank == 1 { result = result.squeezed(result.rank - 1) }
    if a.rank == 1 { result = result.squeezed(b.rank == 1 ? result.rank - 1 : result.rank - 2) }
    return result
  }

  /// By elimination with the largest pivot of each column.
  private static func determinant(_ values: ArraySlice<Float>, _ size: Int) -> Float {
    var rows = values.map { Double($0) }
    var result = 1.0
    for column in 0..<size {
      var pivot = column
      for row in column..<size
      where abs(rows[row * size + column]) > abs(rows[pivot * size + column]) { pivot = row }
      if rows[pivot * size + column] == 0 { return 0 }
      if pivot != column {
        for index in 0..<size { rows.swapAt(pivot * size + index, column * size + index) }
        result = -result
      }
      result *= rows[column * size + column]
      for row in column + 1..<max(size, column + 1) {
        let factor = rows[row * size + column] / rows[column * size + column]
        for index in column..<size {
          rows[row * size + index] -= factor * rows[column * size + index]
        }
      }
    }
    return Float(result)
  }
}

/// Sums over products with named axes (Einstein's convention), two operands at a time.
private struct Einsum {
  private let context: NodeContext
  private let tensors: [Tensor]
  private var terms: [[Character]]
  private var output: [Character]

  init(_ context: NodeContext, _ tensors: [Tensor]) throws {
    self.context = context
    let equation = try context.text("equation", "").filter { $0 != " " }
    let sides = equation.split(separator: ">", maxSplits: 1, omittingEmptySubsequences: false)
    let left = sides[0].hasSuffix("-") ? sides[0].dropLast() : sides[0]
    let parts = left.split(separator: ",", omittingEmptySubsequences: false)
    try context.require(
      parts.count == tensors.count && equation.count < 256,
      "the equation \(equation) for \(tensors.count) operands"
    )
    // The axes of an ellipsis get names of digits, counted from the last.
    let widest =
      zip(parts, tensors).map { part, tensor in
        part.contains(".") ? tensor.rank - part.filter { $0 != "." }.count : 0
      }.max() ?? 0
    try context.require((0...9).contains(widest), "the equation \(equation)")
    func expanded(_ text: Substring, rank: Int?) -> [Character] {
      guard text.contains(".") else { return Array(text) }
      let count = rank.map { max(0, $0 - text.filter { $0 != "." }.count) } ?? widest
      let names = (0..<count).reversed().map { Character("\($0)") }
      let front = text.prefix { $0 != "." }
      let back = text.dropFirst(front.count).drop { $0 == "." }
      return Array(front) + names + Array(back)
    }
    terms = zip(parts, tensors).map { expanded($0, rank: $1.rank) }
    if sides.count == 2 {
      output = expanded(sides[1], rank: nil)
    } else {
      let all = terms.flatMap { $0 }
      output = Set(all).filter { name in name.isNumber || all.filter { $0 == name }.count == 1 }
        .sorted {
          ($0.isNumber ? 0 : 1, $0.isNumber ? $1 : $0) < (
            $1.isNumber ? 0 : 1, $1.isNumber ? $0 : $1
          )
        }
    }
    self.tensors = tensors
    for (term, tensor) in zip(terms, tensors) {
      try context.require(
        term.count == tensor.rank,
        "the equation \(equation) for the shape \(tensor.shape)"
      )
    }
    let known = Set(terms.flatMap { $0 })
    try context.require(
      output.allSatisfy { known.contains($0) } && Set(output).count == output.count,
      "the equation \(equation)"
    )
  }

  func result() throws -> Tensor {
    var (names, value) = try withoutDiagonals(terms[0], tensors[0])
    for index in 1..<max(1, tensors.count) {
      let (more, next) = try withoutDiagonals(terms[index], tensors[index])
      let later = Set(terms[(index + 1)...].flatMap { $0 } + output)
      (names, value) = try product(names, value, more, next, wanted: later)
    }
    (names, value) = summed(names, value, keeping: Set(output))
    return value.transposed(output.compactMap { names.firstIndex(of: $0) })
  }

  /// An axis that is named twice runs along the diagonal.
  private func withoutDiagonals(
    _ names: [Character],
    _ x: Tensor
  ) throws -> ([Character], Tensor) {
    var (names, x) = (names, x)
    while let second = names.indices.first(where: { names[..<$0].contains(names[$0]) }),
      let first = names.firstIndex(of: names[second])
    {
      let size = x.shape[first]
      try context.require(x.shape[second] == size, "a diagonal of \(x.shape)")
      let order = x.shape.indices.filter { $0 != first && $0 != second } + [first, second]
      let moved = x.transposed(order)
      let outer = Array(moved.shape.dropLast(2))
      x = moved.reshaped(outer + [size * size]).sliced(axis: -1, step: size + 1)
      names = order.dropLast().map { names[$0] }
    }
    return (names, x)
  }

  private func summed(
    _ names: [Character],
    _ x: Tensor,
    keeping wanted: Set<Character>
  ) -> ([Character], Tensor) {
    let axes = names.indices.filter { !wanted.contains(names[$0]) }
    if axes.isEmpty { return (names, x) }
    return (names.filter { wanted.contains($0) }, x.sum(axes: axes))
  }

  private func product(
    _ leftNames: [Character],
    _ left: Tensor,
    _ rightNames: [Character],
    _ right: Tensor,
    wanted: Set<Character>
  ) throws -> ([Character], Tensor) {
    let (leftNames, left) = summed(leftNames, left, keeping: wanted.union(rightNames))
    let (rightNames, right) = summed(rightNames, right, keeping: wanted.union(leftNames))
    let common = leftNames.filter { rightNames.contains($0) }
    let batch = common.filter { wanted.contains($0) }
    let inner = common.filter { !wanted.contains($0) }
    let rows = leftNames.filter { !common.contains($0) }
    let columns = rightNames.filter { !common.contains($0) }
    func sizes(_ list: [Character]) throws -> [Int] {
      try list.map { name in
        let sizes = [
          leftNames.firstIndex(of: name).map { left.shape[$0] },
          rightNames.firstIndex(of: name).map { right.shape[$0] },
        ].compactMap { $0 }
        let size = sizes.max() ?? 1
        try context.require(sizes.allSatisfy { $0 == size || $0 == 1 }, "sizes \(sizes) of \(name)")
        return size
      }
    }
    func arranged(_ x: Tensor, _ names: [Character], _ order: [Character]) throws -> Tensor {
      let moved = x.transposed(order.compactMap { names.firstIndex(of: $0) })
      return moved.broadcasted(to: try sizes(order))
    }
    func count(_ list: [Character]) throws -> Int { try sizes(list).reduce(1, *) }
    let a = try arranged(left, leftNames, batch + rows + inner)
      .reshaped(try sizes(batch) + [count(rows), count(inner)])
    let b = try arranged(right, rightNames, batch + inner + columns)
      .reshaped(try sizes(batch) + [count(inner), count(columns)])
    let names = batch + rows + columns
    return (names, matrixProduct(a, b).reshaped(try context.bounded(try sizes(names))))
  }
}
