import Foundation
import Tensors

extension GraphOperator {
  static let functions: [GraphOperator] = [
    float("Exp", ["consumed_inputs"]) { x, _ in x.exp() },
    float("Log", ["consumed_inputs"]) { x, _ in x.log() },
    float("Sqrt", ["consumed_inputs"]) { x, _ in x.squareRoot() },
    float("Reciprocal", ["consumed_inputs"]) { x, _ in x.reciprocal() },
    loop("Erf") { erf($0) },
    loop("Sin") { sin($0) }, loop("Cos") { cos($0) }, loop("Tan") { tan($0) },
    loop("Asin") { asin($0) }, loop("Acos") { acos($0) }, loop("Atan") { atan($0) },
    loop("Sinh") { sinh($0) }, loop("Cosh") { cosh($0) }, loop("Asinh") { asinh($0) },
    loop("Acosh") { acosh($0) }, loop("Atanh") { atanh($0) },
    loop("Floor") { $0.rounded(.down) },
    loop("Ceil") { $0.rounded(.up) },
    loop("Round") { $0.rounded(.toNearestOrEven) },
    either("Abs", { $0 == .min ? $0 : abs($0) }) { $0.magnitude() },
    either("Neg", { 0 &- $0 }) { -$0 },
    either("Sign", { $0.signum() }) { x in
      ElementMaps.map("sign", x) { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
    },
    test("IsNaN", []) { x, _ in ElementMaps.map("is-nan", x) { $0.isNaN ? 1 : 0 } },
    test("IsInf", ["detect_negative", "detect_positive"]) { x, context in
      let negative = try context.flag("detect_negative", true)
      let positive = try context.flag("detect_positive", true)
      return ElementMaps.map("is-inf", x) {
        ($0 == .infinity && positive) || ($0 == -.infinity && negative) ? 1 : 0
      }
    },
    GraphOperator("Not", 1...1) { context in
      let x = try context.operand(0)
      if let known = x.integers {
        return [GraphValue(.bool, known.indices.map { $0 == 0 ? 1 : 0 }, known.shape)]
      }
      return [GraphValue(.bool, ElementMaps.map("not", x.tensor) { $0 == 0 ? 1 : 0 })]
    },
    GraphOperator("BitwiseNot", 1...1) { context in
      let x = try context.operand(0)
      guard let known = x.integers else { throw context.unsupported("of unknown numbers") }
      return [GraphValue(x.type, known.indices.map { x.type.wrapped(~$0) }, known.shape)]
    },
    GraphOperator("Clip", 1...3, ["consumed_inputs", "max", "min"]) { context in
      try clip(context)
    },
    GraphOperator("Cast", 1...1, ["round_mode", "saturate", "to"]) { context in
      let number = try context.integer("to", 0)
      guard let type = GraphNumberType(rawValue: number), type != .text else {
        throw context.unsupported("to the type \(number) of ONNX")
      }
      return [cast(try context.operand(0), to: type)]
    },
    GraphOperator("CastLike", 2...2, ["round_mode", "saturate"]) { context in
      [cast(try context.operand(0), to: try context.operand(1).type)]
    },
  ]

  private static func clip(_ context: NodeContext) throws -> [GraphValue] {
    let x = try context.operand(0)
    // Before version 11 the bounds were attributes.
    var bounds: [Tensor?] = [nil, nil]
    if context.opset < 11 {
      for (index, name) in ["min", "max"].enumerated() where context.node.attributes[name] != nil {
        bounds[index] = Tensor([try context.number(name, 0)], shape: [])
      }
    } else {
      for index in 0..<2 { bounds[index] = context.optionalNumbers(index + 1) }
    }
    try context.require(
      bounds.allSatisfy { $0.map { $0.count == 1 } ?? true },
      "its bounds are not single numbers"
    )
    if let known = x.integers {
      let low = try context.optionalIntegers(1)?.first ?? .min
      let high = try context.optionalIntegers(2)?.first ?? .max
      return [GraphValue(x.type, known.indices.map { min(high, max(low, $0)) }, known.shape)]
    }
    guard bounds.allSatisfy({ $0?.symbol == nil }) else {
      var result = x.tensor
      if let low = bounds[0] { result = Tensors.maximum(result, low.reshaped([])) }
      if let high = bounds[1] { result = Tensors.minimum(result, high.reshaped([])) }
      return [GraphValue(x.type, result)]
    }
    let (low, high) = (bounds[0]?.scalar ?? -.infinity, bounds[1]?.scalar ?? .infinity)
    try context.require(!low.isNaN && !high.isNaN, "its bounds are not numbers")
    if low == 0, high == .infinity { return [GraphValue(x.type, relu(x.tensor))] }
    // The upper bound wins where they cross.
    return [GraphValue(x.type, x.tensor.clamped(low: min(low, high), high: high))]
  }

  /// Numbers of another type: fractions are cut off, narrower numbers wrap around.
  static func cast(_ x: GraphValue, to type: GraphNumberType) -> GraphValue {
    if let known = x.integers {
      if type.isFloating { return GraphValue(type, rounded(x.tensor, type)) }
      return GraphValue(type, known.indices.map { type.wrapped($0) }, known.shape)
    }
    if type.isFloating {
      // Numbers of more bits hold those of fewer.
      let isNarrower = [.float16, .bfloat16].contains(type) && x.type != type
      return GraphValue(type, isNarrower ? rounded(x.tensor, type) : x.tensor)
    }
    if type == .bool {
      return GraphValue(.bool, ElementMaps.map("is-not-0", x.tensor) { $0 == 0 ? 0 : 1 })
    }
    if !x.type.isFloating { return GraphValue(type, x.tensor) }
    return GraphValue(type, ElementMaps.map("cut-off", x.tensor) { $0.rounded(.towardZero) })
  }

  private static func rounded(_ x: Tensor, _ type: GraphNumberType) -> Tensor {
    guard let stored = type.storedNumber, type != .float32, type != .float64 else { return x }
    return operation("round-\(type)", on: [x], shape: x.shape) { operands in
      stored.withEncoded(operands[0]) { stored.decoded($0, shape: operands[0].shape) }
    }
  }

  private static func loop(
    _ name: String,
    _ function: @escaping @Sendable (Float) -> Float
  ) -> GraphOperator {
    float(name) { x, _ in ElementMaps.map(name.lowercased(), x, cost: 16, function) }
  }

  private static func either(
    _ name: String,
    _ integer: @escaping @Sendable (Int) -> Int,
    _ numbers: @escaping @Sendable (Tensor) -> Tensor
  ) -> GraphOperator {
    GraphOperator(name, 1...1, ["consumed_inputs"]) { context in
      let x = try context.operand(0)
      if let known = x.integers {
        return [
          GraphValue(x.type, known.indices.map { x.type.wrapped(integer($0)) }, known.shape)
        ]
      }
      return [GraphValue(x.type, numbers(x.tensor))]
    }
  }

  private static func test(
    _ name: String,
    _ attributes: Set<String>,
    _ body: @escaping @Sendable (Tensor, NodeContext) throws -> Tensor
  ) -> GraphOperator {
    GraphOperator(name, 1...1, attributes) { context in
      [GraphValue(.bool, try body(try context.numbers(0), context))]
    }
  }
}
