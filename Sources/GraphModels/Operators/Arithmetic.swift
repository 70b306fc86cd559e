import Foundation
import Tensors

extension GraphOperator {
  private static let oldAttributes: Set<String> = ["axis", "broadcast", "consumed_inputs"]

  static let arithmetic: [GraphOperator] = [
    GraphOperator("Add", 2...2, oldAttributes) { context in
      try combined(context, { $0 &+ $1 }, channels: { (nil, $0) }) { $0 + $1 }
    },
    GraphOperator("Sub", 2...2, oldAttributes) { context in
      try combined(context, { $0 &- $1 }, channels: { (nil, -$0) }) { $0 - $1 }
    },
    GraphOperator("Mul", 2...2, oldAttributes) { context in
      try combined(context, { $0 &* $1 }, channels: { ($0, nil) }) { $0 * $1 }
    },
    GraphOperator("Div", 2...2, oldAttributes) { context in
      let isWhole = try !context.operand(0).type.isFloating
      return try combined(
        context,
        { try quotient($0, $1, context) },
        channels: isWhole ? nil : { ($0.reciprocal(), nil) }
      ) { a, b in
        isWhole
          ? ElementMaps.map("cut-off", a / b) { $0.rounded(.towardZero) } : a / b
      }
    },
    GraphOperator("Pow", 2...2, oldAttributes) { context in
      let (a, b) = (try context.operand(0), try secondOperand(context))
      let shape = try context.broadcast([a.shape, b.shape])
      if let base = a.integers, let exponent = b.integers, shape == a.shape, b.count == 1 {
        let result = base.indices.map { value in
          a.type.wrapped(Int(pow(Double(value), Double(exponent.indices[0])).clampedToInteger))
        }
        return [GraphValue(a.type, result, shape)]
      }
      if b.count == 1, !b.isSymbolic, b.rank <= a.rank, b.tensor.values[0] == 2 {
        return [GraphValue(a.type, a.tensor.squared().reshaped(shape))]
      }
      return [GraphValue(a.type, power(a.tensor, b.tensor))]
    },
    GraphOperator("Mod", 2...2, ["fmod"]) { context in
      let isFloat = try context.flag("fmod", false)
      return try combined(
        context,
        { a, b in
          try context.require(b != 0, "a division by 0")
          let rest = b == -1 ? 0 : a % b
          return isFloat || rest == 0 || (rest < 0) == (b < 0) ? rest : rest + b
        }
      ) { a, b in
        ElementMaps.map("mod", a, b, shape: try context.broadcast([a.shape, b.shape])) {
          let rest = fmod($0, $1)
          return isFloat || rest == 0 || (rest < 0) == ($1 < 0) ? rest : rest + $1
        }
      }
    },
    GraphOperator("BitShift", 2...2, ["direction"]) { context in
      let isLeft = try context.text("direction", "LEFT") == "LEFT"
      return try whole(context) { a, b in
        guard (0..<64).contains(b) else { return !isLeft && a < 0 ? -1 : 0 }
        return isLeft ? a << b : a >> b
      }
    },
    GraphOperator("BitwiseAnd", 2...2) { context in try whole(context) { $0 & $1 } },
    GraphOperator("BitwiseOr", 2...2) { context in try whole(context) { $0 | $1 } },
    GraphOperator("BitwiseXor", 2...2) { context in try whole(context) { $0 ^ $1 } },
    variadic("Sum", { $0 &+ $1 }) { $0 + $1 },
    variadic("Max", { max($0, $1) }) { Tensors.maximum($0, $1) },
    variadic("Min", { min($0, $1) }) { Tensors.minimum($0, $1) },
    GraphOperator("Mean", 1...1024, ["consumed_inputs"]) { context in
      let all = try context.operands.indices.map { try context.numbers($0) }
      let shape = try context.broadcast(all.map(\.shape))
      let sum = all.dropFirst().reduce(all[0]) { $0 + $1 }
      return [
        GraphValue(
          try context.operand(0).type,
          (all.count == 1 ? sum : sum * (1 / Float(all.count))).reshaped(shape)
        )
      ]
    },
  ]

  private static func quotient(_ a: Int, _ b: Int, _ context: NodeContext) throws -> Int {
    try context.require(b != 0, "a division by 0")
    return b == -1 ? 0 &- a : a / b
  }

  /// The second operand; before version 7 it could lie along any axes of the first.
  private static func secondOperand(_ context: NodeContext) throws -> GraphValue {
    let (a, b) = (try context.operand(0), try context.operand(1))
    guard context.opset < 7, context.node.attributes["axis"] != nil else { return b }
    let axis = try context.axis(try context.integer("axis", 0), rank: max(1, a.rank))
    try context.require(axis + b.rank <= a.rank, "\(b.shape) along axis \(axis) of \(a.shape)")
    return reshaped(b, b.shape + [Int](repeating: 1, count: a.rank - axis - b.rank))
  }

  /// Two operands that go together by NumPy's rules.
  ///
  /// `channels` gives, for a constant with one number for each channel, the factor and the addition
  /// that it stands for, which plans take into a convolution.
  private static func combined(
    _ context: NodeContext,
    _ integer: (Int, Int) throws -> Int,
    channels: ((Tensor) -> (factor: Tensor?, addition: Tensor?))? = nil,
    _ numbers: (Tensor, Tensor) throws -> Tensor
  ) throws -> [GraphValue] {
    let (a, b) = (try context.operand(0), try secondOperand(context))
    let shape = try context.broadcast([a.shape, b.shape])
    if a.integers != nil, b.integers != nil {
      let both = try context.broadcasted([a, b]).compactMap(\.integers)
      let result = try zip(both[0].indices, both[1].indices).map {
        a.type.wrapped(try integer($0, $1))
      }
      return [GraphValue(a.type, result, shape)]
    }
    if a.isSymbolic, !b.isSymbolic, b.count == 1, let number = b.tensor.values.first,
      context.node.operatorName == "Mul" || context.node.operatorName == "Div",
      a.type.isFloating, shape == a.shape
    {
      return [
        GraphValue(a.type, a.tensor * (context.node.operatorName == "Mul" ? number : 1 / number))
      ]
    }
    if let channels, let map = byChannel(a, b, shape, context) {
      let (factor, addition) = channels(map.constant)
      let count = map.constant.count
      let result = normalization(
        map.x,
        extent: .batch,
        scale: factor ?? Tensor(repeating: 1, shape: [count]),
        shift: addition,
        epsilon: 0,
        statistics: NormalizationStatistics(
          mean: [Float](repeating: 0, count: count),
          variance: [Float](repeating: 1, count: count)
        )
      ).output
      return [GraphValue(a.type, result)]
    }
    return [GraphValue(a.type, try numbers(a.tensor, b.tensor))]
  }

  /// The feature maps and the constant of an operation with one constant for each channel.
  private static func byChannel(
    _ a: GraphValue,
    _ b: GraphValue,
    _ shape: [Int],
    _ context: NodeContext
  ) -> (x: Tensor, constant: Tensor)? {
    func matches(_ x: GraphValue, _ constant: GraphValue) -> Bool {
      guard x.isSymbolic, !constant.isSymbolic, (4...5).contains(x.rank), x.shape == shape,
        constant.rank == x.rank || constant.rank == x.rank - 1, x.type.isFloating
      else { return false }
      let own = constant.rank == x.rank ? 1 : 0
      return constant.count == x.shape[1] && constant.shape[own] == x.shape[1]
    }
    if matches(a, b) { return (a.tensor, b.tensor.reshaped([b.count])) }
    let isSymmetric = ["Add", "Mul"].contains(context.node.operatorName)
    if isSymmetric, matches(b, a) { return (b.tensor, a.tensor.reshaped([a.count])) }
    return nil
  }

  private static func whole(
    _ context: NodeContext,
    _ function: (Int, Int) -> Int
  ) throws -> [GraphValue] {
    let both = try context.broadcasted([try context.operand(0), try context.operand(1)])
    guard let a = both[0].integers, let b = both[1].integers else {
      throw context.unsupported("of numbers that are not known")
    }
    let type = both[0].type
    return [
      GraphValue(
        type,
        zip(a.indices, b.indices).map { type.wrapped(function($0, $1)) },
        a.shape
      )
    ]
  }

  private static func variadic(
    _ name: String,
    _ integer: @escaping @Sendable (Int, Int) -> Int,
    _ numbers: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> GraphOperator {
    GraphOperator(name, 1...1024, ["consumed_inputs"]) { context in
      let all = try context.operands.indices.map { try context.operand($0) }
      let type = all[0].type
      if all.allSatisfy({ $0.integers != nil }) {
        let known = try context.broadcasted(all).compactMap(\.integers)
        let result = known.dropFirst().reduce(known[0].indices) { sums, next in
          zip(sums, next.indices).map { type.wrapped(integer($0, $1)) }
        }
        return [GraphValue(type, result, known[0].shape)]
      }
      _ = try context.broadcast(all.map(\.shape))
      return [GraphValue(type, all.dropFirst().reduce(all[0].tensor) { numbers($0, $1.tensor) })]
    }
  }
}

extension Double {
  /// The number within the range of whole numbers that doubles tell apart.
  fileprivate var clampedToInteger: Double { isNaN ? 0 : Swift.min(9e18, Swift.max(-9e18, self)) }
}
