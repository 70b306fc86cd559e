import Tensors

extension GraphOperator {
  static let comparisons: [GraphOperator] = [
    comparison("Equal") { $0 == $1 },
    comparison("Greater") { $0 > $1 },
    comparison("GreaterOrEqual") { $0 >= $1 },
    comparison("Less") { $0 < $1 },
    comparison("LessOrEqual") { $0 <= $1 },
    comparison("And") { $0 != 0 && $1 != 0 },
    comparison("Or") { $0 != 0 || $1 != 0 },
    comparison("Xor") { ($0 != 0) != ($1 != 0) },
    GraphOperator("Where", 3...3) { context in
      let all = try context.broadcasted(try (0..<3).map { try context.operand($0) })
      let type = all[1].type
      if let mask = all[0].integers?.indices {
        // A known choice of known numbers is known.
        if let first = all[1].integers, let second = all[2].integers {
          let result = mask.indices.map {
            mask[$0] != 0 ? first.indices[$0] : second.indices[$0]
          }
          return [GraphValue(type, result, all[1].shape)]
        }
      }
      return [
        GraphValue(type, selection(where: all[0].tensor, all[1].tensor, all[2].tensor))
      ]
    },
  ]

  /// The whole numbers are compared as doubles, exactly below 2⁵³.
  private static func comparison(
    _ name: String,
    _ holds: @escaping @Sendable (Double, Double) -> Bool
  ) -> GraphOperator {
    GraphOperator(name, 2...2, ["axis", "broadcast"]) { context in
      let (a, b) = (try context.operand(0), try context.operand(1))
      let shape = try context.broadcast([a.shape, b.shape])
      if a.integers != nil, b.integers != nil {
        let both = try context.broadcasted([a, b]).compactMap(\.integers)
        let result = zip(both[0].indices, both[1].indices).map {
          holds(Double($0), Double($1)) ? 1 : 0
        }
        return [GraphValue(.bool, result, shape)]
      }
      let result = ElementMaps.map(name.lowercased(), a.tensor, b.tensor, shape: shape) {
        holds(Double($0), Double($1)) ? 1 : 0
      }
      return [GraphValue(.bool, result)]
    }
  }
}
