import Tensors

/// Operations that plans know by their names only.
extension GraphExporter {
  mutating func general(
    _ name: String,
    _ step: GraphStep,
    _ inputs: [String]
  ) throws -> String {
    let attributes = step.attributes
    let input = step.operands.first.map { shape(of: $0) } ?? []
    func integers(_ key: String) -> [Int] {
      if case .integers(let values)? = attributes[key] { values } else { [] }
    }
    func number(_ key: String, _ standard: Float) -> Float {
      if case .number(let value)? = attributes[key] { value } else { standard }
    }
    func text(_ key: String) -> String {
      if case .text(let value)? = attributes[key] { value } else { "" }
    }
    if let simple = Self.simple[name] { return node(simple, inputs) }
    switch name {
    case "square": return node("Mul", [inputs[0], inputs[0]])
    case "silu": return node("Mul", [inputs[0], node("Sigmoid", inputs)])
    case "softplus":
      let beta = number("beta", 1)
      if beta == 1 { return node("Softplus", inputs) }
      let factor = self.number(beta, "beta")
      return node("Div", [node("Softplus", [node("Mul", [inputs[0], factor])]), factor])
    case "clamp":
      let limits = [number("low", -.infinity), number("high", .infinity)]
      var names: [String] = []
      for limit in limits { names.append(limit.isFinite ? self.number(limit, "limit") : "") }
      return node("Clip", [inputs[0]] + names)
    case "greater": return numbers(node("Greater", inputs))
    case "equal": return numbers(node("Equal", inputs))
    case "select":
      let mask = node("Cast", [inputs[0]], ["to": .integer(GraphNumberType.bool.rawValue)])
      return node("Where", [mask, inputs[1], inputs[2]])
    case "embedding":
      let rows = node("Cast", [inputs[0]], ["to": .integer(GraphNumberType.int64.rawValue)])
      return node("Gather", [inputs[1], rows], ["axis": .integer(0)])
    case "select-rows":
      return node(
        "Gather",
        [inputs[0], constant(integers("indices"), "rows")],
        ["axis": .integer(integers("axis").first ?? 0)]
      )
    case "nearest-code": return nearestCode(inputs[0], inputs[1])
    case "elu": return node("Elu", inputs, ["alpha": .number(number("alpha", 1))])
    case "gelu": return gelu(inputs[0], isExact: text("form") != "tanh")
    case "prelu":
      let slopes = step.operands[1]
      guard case .constant(let tensor) = slopes, tensor.count > 1 else {
        return node("PRelu", inputs)
      }
      let shape = [tensor.count] + [Int](repeating: 1, count: max(0, input.count - 2))
      return node("PRelu", [inputs[0], node("Reshape", [inputs[1], constant(shape, "shape")])])
    case "softmax", "log-softmax":
      return node(
        name == "softmax" ? "Softmax" : "LogSoftmax",
        inputs,
        ["axis": .integer(integers("axis").first ?? 1)]
      )
    case "reshape":
      return reshaped(inputs[0], input, step.shape, isPooled: isPooled(step.operands.first))
    case "transpose": return node("Transpose", inputs, ["perm": .integers(integers("axes"))])
    case "concatenate":
      return node("Concat", inputs, ["axis": .integer(integers("axis").first ?? 0)])
    case "broadcast":
      fixesSpace = true
      return node("Expand", [inputs[0], constant(step.shape, "shape")])
    case "centre crop":
      fixesSpace = true
      let size = Array(step.shape.dropFirst(2))
      let starts = zip(input.dropFirst(2), size).map { ($0 - $1) / 2 }
      return slice(inputs[0], starts, zip(starts, size).map { $0 + $1 }, Array(2..<input.count))
    case "slice":
      return trimmed(inputs[0], input, integers("first"), integers("count"), integers("step"))
    case "pad":
      let (before, after) = (integers("before"), integers("after"))
      let pads = constant([0, 0] + before + [0, 0] + after, "pads")
      let mode = text("mode")
      let value = mode == "constant" ? self.number(number("value", 0), "value") : ""
      return node("Pad", [inputs[0], pads, value], ["mode": .text(mode)])
    case "upsample-nearest", "upsample-linear", "upsample-cubic":
      return resize(
        inputs[0],
        input,
        step.shape,
        mode: String(name.dropFirst("upsample-".count)),
        aligned: integers("alignCorners") == [1]
      )
    case "pixel-shuffle" where input.count == 4:
      return node(
        "DepthToSpace",
        inputs,
        ["blocksize": .integer(integers("factor").first ?? 1), "mode": .text("CRD")]
      )
    case "pixel-unshuffle" where input.count == 4:
      return unshuffled(inputs[0], input, factor: input[2] / max(1, step.shape[2]))
    case "group-normalization":
      return groupNormalization(
        inputs,
        input,
        groups: integers("groups").first ?? 1,
        epsilon: number("epsilon", 1e-5),
        has: integers("has")
      )
    case "layer-normalization":
      let dimensions = integers("dimensions").first ?? 1
      let inner = Array(input.suffix(dimensions))
      var rest = inputs.dropFirst()
      let has = integers("has")
      let scale =
        has.first == 1
        ? rest.popFirst() ?? "" : constant(Tensor(repeating: 1, shape: inner), hint: "scale")
      return node(
        "LayerNormalization",
        [inputs[0], scale] + Array(rest),
        ["axis": .integer(-dimensions), "epsilon": .number(number("epsilon", 1e-5))]
      )
    case "mean", "maximum-over", "minimum-over", "sum":
      let keeps = OperatorGraph.Attribute.integer(integers("keepingAxes").first ?? 0)
      let axes = integers("axes")
      if name == "sum" {
        return node("ReduceSum", [inputs[0], constant(axes, "axes")], ["keepdims": keeps])
      }
      let operators = [
        "mean": "ReduceMean", "maximum-over": "ReduceMax", "minimum-over": "ReduceMin",
      ]
      return node(
        operators[name] ?? "ReduceMean",
        inputs,
        ["axes": .integers(axes), "keepdims": keeps]
      )
    case "adaptive-average-pool", "adaptive-max-pool":
      let operators =
        name == "adaptive-max-pool"
        ? ("GlobalMaxPool", "MaxPool") : ("GlobalAveragePool", "AveragePool")
      let size = Array(step.shape.dropFirst(2))
      if size.allSatisfy({ $0 == 1 }) { return node(operators.0, inputs) }
      fixesSpace = true
      guard zip(input.dropFirst(2), size).allSatisfy({ $0 % $1 == 0 }) else {
        guard name == "adaptive-average-pool", size.count == 2 else { break }
        return unevenAverage(inputs[0], Array(input.dropFirst(2)), size)
      }
      let kernel = zip(input.dropFirst(2), size).map { $0 / $1 }
      return node(
        operators.1,
        inputs,
        ["kernel_shape": .integers(kernel), "strides": .integers(kernel)]
      )
    case "linear":
      if input.count == 2 { return node("Gemm", inputs, ["transB": .integer(1)]) }
      let weight = node("Transpose", [inputs[1]], ["perm": .integers([1, 0])])
      let product = node("MatMul", [inputs[0], weight])
      return inputs.count > 2 ? node("Add", [product, inputs[2]]) : product
    default: break
    }
    throw GraphModelsError.notExportable(
      operation: name,
      reason: "of \(input) to \(step.shape), which has no counterpart here"
    )
  }

  /// Operations that one operator without attributes computes.
  private static let simple: [String: String] = [
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "maximum": "Max",
    "minimum": "Min", "power": "Pow", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "abs": "Abs",
    "negate": "Neg", "reciprocal": "Reciprocal", "sigmoid": "Sigmoid", "tanh": "Tanh",
    "hard-swish": "HardSwish", "matrix-product": "MatMul",
  ]

  /// Averages of windows that overlap, as matrices along rows and columns (`adaptiveAveragePooling`).
  private mutating func unevenAverage(_ x: String, _ input: [Int], _ size: [Int]) -> String {
    let matrices = zip(input, size).map { n, m -> Tensor in
      var values = [Float](repeating: 0, count: n * m)
      for cell in 0..<m {
        let window = cell * n / m..<((cell + 1) * n + m - 1) / m
        for place in window { values[cell * n + place] = 1 / Float(window.count) }
      }
      return Tensor(values, shape: [m, n])
    }
    let columns = constant(matrices[1].transposed(0, 1), hint: "columns")
    let rows = constant(matrices[0], hint: "rows")
    return node("MatMul", [rows, node("MatMul", [x, columns])])
  }

  /// A comparison's truth values as numbers.
  private mutating func numbers(_ truths: String) -> String {
    node("Cast", [truths], ["to": .integer(GraphNumberType.float32.rawValue)])
  }

  /// The code that is nearest to each place's vector: argmin |e|² − 2 x · e.
  private mutating func nearestCode(_ x: String, _ book: String) -> String {
    let vectors = node("Transpose", [x], ["perm": .integers([0, 2, 3, 1])])
    let squares = node(
      "ReduceSum",
      [node("Mul", [book, book]), constant([1], "axes")],
      ["keepdims": .integer(0)]
    )
    let columns = node("Transpose", [book], ["perm": .integers([1, 0])])
    let twice = node("Mul", [node("MatMul", [vectors, columns]), number(2)])
    let nearest = node(
      "ArgMin",
      [node("Sub", [squares, twice])],
      ["axis": .integer(3), "keepdims": .integer(0)]
    )
    let found = node("Gather", [book, nearest], ["axis": .integer(0)])
    return node("Transpose", [found], ["perm": .integers([0, 3, 1, 2])])
  }

  /// Another shape; where axes of one come or go, whatever the other sizes are.
  private mutating func reshaped(
    _ x: String,
    _ input: [Int],
    _ shape: [Int],
    isPooled: Bool
  ) -> String {
    func places(_ shape: [Int], without other: [Int]) -> [Int]? {
      var (rest, places) = (other[...], [Int]())
      for (axis, size) in shape.enumerated() {
        if size == rest.first {
          rest = rest.dropFirst()
        } else if size == 1 {
          places.append(axis)
        } else {
          return nil
        }
      }
      return rest.isEmpty ? places : nil
    }
    if shape == input { return node("Identity", [x]) }
    if let axes = places(input, without: shape) {
      // A spatial axis may be 1 for this size only.
      if input.count > 3, !isPooled, axes.contains(where: { $0 >= 2 }) { fixesSpace = true }
      return node("Squeeze", [x, constant(axes, "axes")])
    }
    if let axes = places(shape, without: input) {
      return node("Unsqueeze", [x, constant(axes, "axes")])
    }
    // Of any number of samples, none too.
    if shape.count == 2, input.count > 2, shape[0] == input[0] {
      if !isPooled { fixesSpace = true }
      return node("Flatten", [x], ["axis": .integer(1)])
    }
    return node("Reshape", [x, constant(kept(shape, input), "shape")])
  }

  /// A shape in which sizes that stay are 0, so that they may be any.
  private mutating func kept(_ shape: [Int], _ input: [Int]) -> [Int] {
    var result = shape
    for axis in shape.indices where axis < input.count && shape[axis] == input[axis] {
      result[axis] = 0
    }
    let changed = result.indices.filter { result[$0] != 0 }
    if result.first == 0, changed.count == 1, let only = changed.first, shape.contains(1) == false {
      result[only] = -1
      // What follows knows how many values were joined.
      if input.count > shape.count { fixesSpace = true }
    } else if changed.contains(where: { $0 >= 2 }) || input.count > shape.count {
      fixesSpace = true
    }
    return result
  }

  private mutating func slice(
    _ x: String,
    _ starts: [Int],
    _ ends: [Int],
    _ axes: [Int],
    _ steps: [Int]? = nil
  ) -> String {
    var inputs = [x, constant(starts, "starts"), constant(ends, "ends"), constant(axes, "axes")]
    if let steps { inputs.append(constant(steps, "steps")) }
    return node("Slice", inputs)
  }

  /// A slice along the axes where it leaves something out.
  private mutating func trimmed(
    _ x: String,
    _ input: [Int],
    _ first: [Int],
    _ count: [Int],
    _ step: [Int]
  ) -> String {
    let axes = first.indices.filter { first[$0] != 0 || count[$0] != input[$0] || step[$0] != 1 }
    if axes.isEmpty { return node("Identity", [x]) }
    if axes.contains(where: { $0 >= 2 }) { fixesSpace = true }
    let ends = axes.map { axis -> Int in
      let end = first[axis] + count[axis] * step[axis]
      return end < 0 ? -input[axis] - 1 : end
    }
    return slice(x, axes.map { first[$0] }, ends, axes, axes.map { step[$0] })
  }

  private mutating func resize(
    _ x: String,
    _ input: [Int],
    _ output: [Int],
    mode: String,
    aligned: Bool
  ) -> String {
    let isWhole = zip(output, input).allSatisfy { $0 % $1 == 0 }
    let coordinates = mode == "nearest" ? "asymmetric" : aligned ? "align_corners" : "half_pixel"
    let attributes: [String: OperatorGraph.Attribute] = [
      "mode": .text(mode), "coordinate_transformation_mode": .text(coordinates),
      "nearest_mode": .text("floor"), "cubic_coeff_a": .number(-0.75),
    ]
    // What was averaged over all places grows to a size that is known.
    let isAverage = input.dropFirst(2).allSatisfy { $0 == 1 } && output != input
    if isAverage { fixesSpace = true }
    if isWhole {
      let scales = zip(output, input).map { Float($0 / $1) }
      let name = constant(Tensor(scales, shape: [scales.count]), hint: "scales")
      return node("Resize", [x, "", name], attributes)
    }
    fixesSpace = true
    return node("Resize", [x, "", "", constant(output, "sizes")], attributes)
  }

  /// The operator has the places within a block first, the engine the channels.
  private mutating func unshuffled(_ x: String, _ input: [Int], factor: Int) -> String {
    let (channels, cells) = (input[1], factor * factor)
    let moved = node("SpaceToDepth", [x], ["blocksize": .integer(factor)])
    let order = (0..<channels * cells).map { $0 % cells * channels + $0 / cells }
    return node("Gather", [moved, constant(order, "order")], ["axis": .integer(1)])
  }

  /// Instance normalisation of channels joined to groups; the operator itself came with version 18.
  private mutating func groupNormalization(
    _ inputs: [String],
    _ input: [Int],
    groups: Int,
    epsilon: Float,
    has: [Int]
  ) -> String {
    let ones = constant(Tensor(repeating: 1, shape: [groups]), hint: "ones")
    let zeros = constant(Tensor(repeating: 0, shape: [groups]), hint: "zeros")
    let joined = node("Reshape", [inputs[0], constant([0, groups, -1], "shape")])
    let normalized = node(
      "InstanceNormalization",
      [joined, ones, zeros],
      ["epsilon": .number(epsilon)]
    )
    var result = node("Reshape", [normalized, node("Shape", [inputs[0]])])
    let wide = constant([input[1]] + [Int](repeating: 1, count: input.count - 2), "shape")
    var rest = inputs.dropFirst()
    for (index, operatorName) in ["Mul", "Add"].enumerated() where has[index] == 1 {
      guard let part = rest.popFirst() else { break }
      result = node(operatorName, [result, node("Reshape", [part, wide])])
    }
    return result
  }

  private mutating func gelu(_ x: String, isExact: Bool) -> String {
    let inner: String
    if isExact {
      inner = node("Erf", [node("Mul", [x, number(Float(0.5).squareRoot())])])
    } else {
      let cube = node("Mul", [node("Mul", [x, x]), x])
      let sum = node("Add", [x, node("Mul", [cube, number(0.044715)])])
      inner = node("Tanh", [node("Mul", [sum, number((2 / Float.pi).squareRoot())])])
    }
    let half = node("Mul", [x, number(0.5)])
    return node("Mul", [half, node("Add", [inner, number(1)])])
  }
}
