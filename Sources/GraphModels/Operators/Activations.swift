import Foundation
import Tensors

extension GraphOperator {
  static let activations = [
    unary("Relu") { x, context in
      if let integers = context.operands[0]?.integers {
        return GraphValue(
          try context.operand(0).type,
          integers.indices.map { max(0, $0) },
          integers.shape
        )
      }
      return GraphValue(try context.operand(0).type, relu(x))
    },
    float("LeakyRelu", ["alpha"]) { x, context in
      leaky(x, slope: try context.number("alpha", 0.01))
    },
    GraphOperator("PRelu", 2...2) { context in
      let x = try context.numbers(0)
      var slope = try context.numbers(1)
      // Before version 7 a row of slopes was one for each channel.
      if context.opset < 7, x.rank >= 2, slope.shape == [x.shape[1]] {
        slope = slope.reshaped([x.shape[1]] + [Int](repeating: 1, count: x.rank - 2))
      }
      let type = try context.operand(0).type
      let shape = try context.broadcast([x.shape, slope.shape])
      try context.require(shape == x.shape, "slopes \(slope.shape) for \(x.shape)")
      // One slope for all, or one for each channel.
      let isByChannel =
        x.rank >= 3 && slope.count == x.shape[1]
        && [x.rank, x.rank - 1].contains(slope.rank)
        && slope.shape[slope.rank - x.rank + 1] == x.shape[1]
      if slope.count == 1 || isByChannel {
        return [GraphValue(type, parametricReLU(x, slope: slope.reshaped([slope.count])))]
      }
      let result = ElementMaps.map("prelu", x, slope, shape: shape) { $0 < 0 ? $0 * $1 : $0 }
      return [GraphValue(type, result)]
    },
    float("Elu", ["alpha", "consumed_inputs"]) { x, context in
      elu(x, alpha: try context.number("alpha", 1))
    },
    float("Selu", ["alpha", "consumed_inputs", "gamma"]) { x, context in
      let alpha = try context.number("alpha", 1.673_263_2)
      let gamma = try context.number("gamma", 1.050_701)
      return ElementMaps.map("selu", x) { gamma * ($0 > 0 ? $0 : alpha * (exp($0) - 1)) }
    },
    float("Celu", ["alpha"]) { x, context in
      let alpha = try context.number("alpha", 1)
      return ElementMaps.map("celu", x) { max(0, $0) + min(0, alpha * (exp($0 / alpha) - 1)) }
    },
    float("ThresholdedRelu", ["alpha"]) { x, context in
      let alpha = try context.number("alpha", 1)
      return ElementMaps.map("thresholded-relu", x) { $0 > alpha ? $0 : 0 }
    },
    float("HardSigmoid", ["alpha", "beta", "consumed_inputs"]) { x, context in
      let (alpha, beta) = (try context.number("alpha", 0.2), try context.number("beta", 0.5))
      return ElementMaps.map("hard-sigmoid", x) { max(0, min(1, alpha * $0 + beta)) }
    },
    float("HardSwish") { x, _ in hardSwish(x) },
    float("Sigmoid", ["consumed_inputs"]) { x, _ in sigmoid(x) },
    float("Tanh", ["consumed_inputs"]) { x, _ in Tensors.tanh(x) },
    float("Softplus") { x, _ in softplus(x) },
    float("Softsign") { x, _ in ElementMaps.map("softsign", x) { $0 / (1 + abs($0)) } },
    float("Mish") { x, _ in x * Tensors.tanh(softplus(x)) },
    float("Swish", ["alpha"]) { x, context in
      let alpha = try context.number("alpha", 1)
      return alpha == 1 ? silu(x) : x * sigmoid(x * alpha)
    },
    float("Gelu", ["approximate"]) { x, context in
      gelu(x, form: try context.text("approximate", "none") == "tanh" ? .tanh : .exact)
    },
    float("Shrink", ["bias", "lambd"]) { x, context in
      let (bias, limit) = (try context.number("bias", 0), try context.number("lambd", 0.5))
      return ElementMaps.map("shrink", x) { $0 < -limit ? $0 + bias : $0 > limit ? $0 - bias : 0 }
    },
    softmaxLike("Softmax") { softmax($0, axis: $1) },
    softmaxLike("LogSoftmax") { logSoftmax($0, axis: $1) },
    softmaxLike("Hardmax") { x, axis in
      let count = x.shape[axis]
      let inner = x.shape[(axis + 1)...].reduce(1, *)
      return ElementMaps.compute("hardmax", [x], shape: x.shape) { values in
        var result = [Float](repeating: 0, count: values[0].count)
        for group in 0..<values[0].count / max(1, count) {
          let start = group / inner * count * inner + group % inner
          var best = 0
          for index in 1..<max(1, count)
          where values[0][start + index * inner] > values[0][start + best * inner] { best = index }
          result[start + best * inner] = 1
        }
        return result
      }
    },
  ]

  /// A rectifier whose slope may be any number; the engine's own knows 0 to 1.
  static func leaky(_ x: Tensor, slope: Float) -> Tensor {
    (0...1).contains(slope)
      ? leakyReLU(x, negativeSlope: slope)
      : ElementMaps.map("steep-relu", x) { $0 < 0 ? slope * $0 : $0 }
  }

  private static func unary(
    _ name: String,
    _ body: @escaping @Sendable (Tensor, NodeContext) throws -> GraphValue
  ) -> GraphOperator {
    GraphOperator(name, 1...1, ["consumed_inputs"]) { context in
      [try body(try context.numbers(0), context)]
    }
  }

  static func float(
    _ name: String,
    _ attributes: Set<String> = [],
    _ body: @escaping @Sendable (Tensor, NodeContext) throws -> Tensor
  ) -> GraphOperator {
    GraphOperator(name, 1...1, attributes) { context in
      let type = try context.operand(0).type
      try context.require(type.isFloating, "its operand has the type \(type)")
      return [GraphValue(type, try body(try context.numbers(0), context))]
    }
  }

  private static func softmaxLike(
    _ name: String,
    _ body: @escaping @Sendable (Tensor, Int) -> Tensor
  ) -> GraphOperator {
    float(name, ["axis"]) { x, context in
      guard x.rank > 0, x.count > 0 else { return x }
      if context.opset >= 13 {
        return body(x, try context.axis(try context.integer("axis", -1), rank: x.rank))
      }
      // Before version 13 all axes from the given one on are one.
      let given = try context.integer("axis", 1)
      let axis = try context.axis(given < 0 ? given + x.rank : given, rank: x.rank + 1)
      let inner = x.shape[axis...].reduce(1, *)
      if axis == x.rank - 1 { return body(x, axis) }
      return body(x.reshaped([x.count / inner, inner]), 1).reshaped(x.shape)
    }
  }
}
