import Foundation
import Support
import Tensors

/// Parts of transformers.
extension GraphOperator {
  private static let attentionAttributes: Set<String> = [
    "is_causal", "kv_num_heads", "left_window_size", "q_num_heads", "qk_matmul_output_mode",
    "right_window_size", "scale", "softcap", "softmax_precision",
  ]

  static let transformers: [GraphOperator] = [
    GraphOperator("Attention", 3...7, attentionAttributes) { context in
      try HeadedAttention(context).results()
    },
    GraphOperator(
      "RotaryEmbedding",
      3...4,
      ["interleaved", "num_heads", "rotary_embedding_dim"]
    ) { context in
      [GraphValue(try context.operand(0).type, try rotated(context))]
    },
    GraphOperator("RMSNormalization", 2...2, ["axis", "epsilon", "stash_type"]) { context in
      let (x, scale) = (try context.numbers(0), try context.numbers(1))
      let axis = try context.axis(try context.integer("axis", -1), rank: x.rank)
      let epsilon = try context.number("epsilon", 1e-5)
      try context.require(
        try context.broadcast([x.shape, scale.shape]) == x.shape && x.count > 0,
        "a scale of \(scale.shape) for \(x.shape)"
      )
      let square = x.squared().mean(axes: Array(axis..<x.rank), keepingAxes: true)
      let result = x / (square + epsilon).squareRoot() * scale
      return [GraphValue(try context.operand(0).type, result)]
    },
    GraphOperator("SwiGLU", 2...2, ["alpha"]) { context in
      let (a, b) = (try context.numbers(0), try context.numbers(1))
      try context.require(a.shape == b.shape, "operands of \(a.shape) and \(b.shape)")
      let alpha = try context.number("alpha", 1)
      return [
        GraphValue(
          try context.operand(0).type,
          (alpha == 1 ? silu(a) : a * sigmoid(a * alpha)) * b
        )
      ]
    },
  ]

  /// Pairs of numbers turned by the angles of their positions.
  ///
  /// Su et al. 2021, "RoFormer: Enhanced transformer with rotary position embedding", section 3.2.
  private static func rotated(_ context: NodeContext) throws -> Tensor {
    let given = try context.numbers(0)
    try context.require((3...4).contains(given.rank), "the shape \(given.shape)")
    var x = given
    if given.rank == 3 {
      let heads = try context.integer("num_heads", 0)
      try context.require(heads > 0 && given.shape[2] % heads == 0, "\(heads) heads")
      x = given.reshaped([given.shape[0], given.shape[1], heads, given.shape[2] / heads])
    } else {
      x = given.transposed([0, 2, 1, 3])
    }
    // Samples, positions, heads, numbers of a head.
    let size = x.shape[3]
    let stated = try context.integer("rotary_embedding_dim", 0)
    let width = stated == 0 ? size : stated
    try context.require(
      width % 2 == 0 && width >= 2 && width <= size,
      "\(width) of \(size) numbers"
    )
    let half = width / 2
    func angles(_ index: Int) throws -> Tensor {
      var table = try context.numbers(index)
      if context.optional(3) != nil {
        let places = try context.operand(3)
        try context.require(
          table.rank == 2 && places.shape == [x.shape[0], x.shape[1]],
          "positions \(places.shape) in a table of \(table.shape)"
        )
        let rows = try Indices.positive(try context.integers(3), size: table.shape[0], context)
        table = table.selecting(rows, axis: 0).reshaped(places.shape + [table.shape[1]])
      }
      try context.require(
        table.shape == [x.shape[0], x.shape[1], half],
        "a table of \(table.shape) for \(given.shape)"
      )
      return table.unsqueezed(2)
    }
    let (cosine, sine) = (try angles(1), try angles(2))
    let isInterleaved = try context.flag("interleaved", false)
    let turning = x.sliced(axis: 3, start: 0, end: width)
    let (a, b) =
      isInterleaved
      ? (turning.sliced(axis: 3, step: 2), turning.sliced(axis: 3, start: 1, step: 2))
      : (
        turning.sliced(axis: 3, start: 0, end: half),
        turning.sliced(axis: 3, start: half, end: width)
      )
    let (real, imaginary) = (cosine * a - sine * b, sine * a + cosine * b)
    var result =
      isInterleaved
      ? concatenation([real.unsqueezed(4), imaginary.unsqueezed(4)], axis: 4)
        .reshaped(turning.shape)
      : concatenation([real, imaginary], axis: 3)
    if width < size {
      result = concatenation([result, x.sliced(axis: 3, start: width, end: size)], axis: 3)
    }
    return given.rank == 3 ? result.reshaped(given.shape) : result.transposed([0, 2, 1, 3])
  }
}

/// Attention of several heads, as version 23 and later of ONNX's operators have it.
///
/// Vaswani et al. 2017, "Attention is all you need", section 3.2. What must not be seen has a bias of −∞; a row that may see nothing gives zeros.
private struct HeadedAttention {
  private let context: NodeContext
  private let type: GraphNumberType
  private let isFlat: Bool
  /// Samples, heads, positions, numbers.
  private let queries: Tensor
  private let keys: Tensor
  private let values: Tensor
  /// Positions before the first query: one number for all samples, or one for each.
  private let offsets: [Int]
  /// How many keys of a sample are there.
  private let lengths: [Int]?

  init(_ context: NodeContext) throws {
    self.context = context
    type = try context.operand(0).type
    let parts = try (0..<3).map { try context.numbers($0) }
    isFlat = parts[0].rank == 3
    try context.require(
      (3...4).contains(parts[0].rank)
        && parts.allSatisfy {
          $0.rank == parts[0].rank && $0.count > 0 && $0.shape[0] == parts[0].shape[0]
        },
      "operands of \(parts.map(\.shape))"
    )
    func headed(_ x: Tensor, _ name: String) throws -> Tensor {
      guard x.rank == 3 else { return x }
      let heads = try context.integer(name, 0)
      try context.require(heads > 0 && x.shape[2] % heads == 0, "\(heads) heads of \(x.shape)")
      return x.reshaped([x.shape[0], x.shape[1], heads, x.shape[2] / heads])
        .transposed([0, 2, 1, 3])
    }
    queries = try headed(parts[0], "q_num_heads")
    var (keys, values) = (
      try headed(parts[1], "kv_num_heads"), try headed(parts[2], "kv_num_heads")
    )
    var past = 0
    try context.require(
      (context.optional(4) == nil) == (context.optional(5) == nil),
      "earlier keys without values"
    )
    if let earlier = context.optionalNumbers(4), let earlierValues = context.optionalNumbers(5) {
      func joined(_ first: Tensor, _ second: Tensor) throws -> Tensor {
        var like = first.shape
        try context.require(like.count == 4, "earlier keys of \(first.shape)")
        like[2] = second.shape[2]
        try context.require(like == second.shape, "earlier keys of \(first.shape)")
        return first.count == 0 ? second : concatenation([first, second], axis: 2)
      }
      past = earlier.rank == 4 ? earlier.shape[2] : 0
      keys = try joined(earlier, keys)
      values = try joined(earlierValues, values)
    }
    (self.keys, self.values) = (keys, values)
    try context.require(
      keys.shape[3] == queries.shape[3] && keys.shape[2] == values.shape[2]
        && keys.shape[1] == values.shape[1] && queries.shape[1] % keys.shape[1] == 0,
      "queries \(queries.shape), keys \(keys.shape) and values \(values.shape)"
    )
    lengths = try context.optionalIntegers(6)
    if let lengths {
      try context.require(
        context.optional(4) == nil && lengths.count == queries.shape[0]
          && lengths.allSatisfy { (0...keys.shape[2]).contains($0) },
        "\(lengths.count) lengths of keys"
      )
      let count = queries.shape[2]
      offsets = lengths.map { $0 - count }
    } else {
      offsets = [past]
    }
  }

  func results() throws -> [GraphValue] {
    let size = queries.shape[3]
    let scale = try context.number("scale", 1 / Float(size).squareRoot())
    let cap = try context.number("softcap", 0)
    let mode = try context.integer("qk_matmul_output_mode", 0)
    // Groups of heads share keys and values.
    let times = queries.shape[1] / keys.shape[1]
    let allKeys = times == 1 ? keys : keys.repeated(times, axis: 1)
    let allValues = times == 1 ? values : values.repeated(times, axis: 1)
    let root = scale.squareRoot()
    let product = matrixProduct(queries * root, (allKeys * root).transposed(2, 3))
    let capped = cap > 0 ? tanh(product / cap) * cap : product
    var shown = mode == 1 ? capped : product
    let weights: Tensor
    if let bias = try bias() {
      if mode == 2 { shown = capped + bias }
      weights = Self.weights(capped, bias)
    } else {
      if mode == 2 { shown = capped }
      weights = softmax(capped, axis: 3)
    }
    if mode == 3 { shown = weights }
    var result = matrixProduct(weights, allValues)
    if isFlat {
      result = result.transposed([0, 2, 1, 3])
        .reshaped([result.shape[0], result.shape[2], result.shape[1] * result.shape[3]])
    }
    return [result, keys, values, shown].map { GraphValue(type, $0) }
  }

  /// What is added to every product of a query and a key; nil when all are seen.
  private func bias() throws -> Tensor? {
    let (rows, columns) = (queries.shape[2], keys.shape[2])
    _ = try context.bounded([offsets.count, rows, columns])
    var bias = try mask(columns)
    let isCausal = try context.flag("is_causal", false)
    let before = try context.integer("left_window_size", -1)
    let after = try context.integer("right_window_size", -1)
    guard isCausal || before >= 0 || after >= 0 || lengths != nil else { return bias }
    var places: [Float] = []
    places.reserveCapacity(offsets.count * rows * columns)
    for (sample, offset) in offsets.enumerated() {
      for row in 0..<rows {
        for column in 0..<columns {
          let distance = row + offset - column
          let isSeen =
            (!isCausal || distance >= 0) && (before < 0 || distance <= before)
            && (after < 0 || -distance <= after)
            && lengths.map { column < $0[sample] } ?? true
          places.append(isSeen ? 0 : -.infinity)
        }
      }
    }
    let seen = Tensor(places, shape: [offsets.count, 1, rows, columns])
    bias = bias.map { $0 + seen } ?? seen
    return bias
  }

  /// The given mask as a bias; keys beyond its end are not seen.
  private func mask(_ columns: Int) throws -> Tensor? {
    guard let value = context.optional(3) else { return nil }
    try context.require(
      (1...4).contains(value.rank) && (value.shape.last ?? 0) <= columns && value.count > 0,
      "a mask of \(value.shape)"
    )
    var mask = value.tensor
    if value.type == .bool {
      mask = selection(
        where: mask,
        Tensor([0], shape: []),
        Tensor([-.infinity], shape: [])
      )
    }
    let missing = columns - mask.shape[mask.rank - 1]
    if missing > 0 {
      let shape = mask.shape.dropLast() + [missing]
      mask = concatenation(
        [mask, Tensor(repeating: -.infinity, shape: Array(shape))],
        axis: mask.rank - 1
      )
    }
    let wanted = [queries.shape[0], queries.shape[1], queries.shape[2], columns]
    try context.require(
      try context.broadcast([mask.shape, wanted]) == wanted,
      "a mask of \(value.shape) for \(wanted)"
    )
    return mask
  }

  /// Softmax over the last axis of products with a bias; rows whose bias is −∞ throughout give zeros.
  private static func weights(_ products: Tensor, _ bias: Tensor) -> Tensor {
    let shape = products.shape
    return operation("attention-weights", on: [products, bias], shape: shape) { operands in
      let source = operands[0].plain.storage
      let added = operands[1].broadcasted(to: shape).plain.storage
      let result = AlignedBuffer<Float>(uninitializedCount: source.count)
      let width = shape[3]
      EngineThreads.forEachRange(source.count / width, itemCost: 16 * width) { range in
        for row in range {
          let cells = row * width..<(row + 1) * width
          var (largest, isHidden) = (-Float.infinity, true)
          for cell in cells {
            result.pointer[cell] = source.pointer[cell] + added.pointer[cell]
            largest = max(largest, result.pointer[cell])
            if added.pointer[cell] != -.infinity { isHidden = false }
          }
          var sum: Float = 0
          for cell in cells {
            result.pointer[cell] =
              isHidden || largest == -.infinity ? 0 : exp(result.pointer[cell] - largest)
            sum += result.pointer[cell]
          }
          if sum > 0 { for cell in cells { result.pointer[cell] /= sum } }
        }
      }
      return Tensor(shape: shape, storage: result)
    }
  }
}
