import Tensors

extension OperatorGraph {
  /// Makes a graph of a model of Keras.
  ///
  /// Keras keeps channels last (`[N, H, W, C]`), graphs keep them second: maps are turned on the way, the
  /// graph's inputs and outputs have channels second, and dense layers after a flattening get their
  /// numbers in Keras' order. Spatial sizes stay free.
  /// - Parameter model: The model.
  /// - Throws: `GraphModelsError.unsupportedOperator` for a class of layers that is not known,
  ///   `.unsupportedForm` for an argument that is not, `.damagedModel` for weights that are missing or
  ///   of another shape.
  public init(keras model: KerasModel) throws {
    var converter = KerasConverter(model)
    for layer in model.layers { try converter.add(layer) }
    self.init(
      name: "keras",
      nodes: converter.nodes,
      constants: converter.constants,
      inputs: converter.inputs,
      outputs: try model.outputs.map { try converter.output($0) }
    )
    producer = ("Keras", "")
  }
}

/// Turns layers into nodes, one after the other.
private struct KerasConverter {
  let model: KerasModel
  var nodes: [OperatorGraph.Node] = []
  var constants: [String: StoredTensor] = [:]
  var inputs: [OperatorGraph.Value] = []
  /// The channels and the rank of each layer's result; channels are nil where they are not known.
  private var shapes: [String: (rank: Int, channels: Int?)] = [:]

  init(_ model: KerasModel) { self.model = model }

  func output(_ name: String) throws -> OperatorGraph.Value {
    guard let shape = shapes[name] else {
      throw GraphModelsError.damagedModel(path: model.path, reason: "it has no layer \(name)")
    }
    return OperatorGraph.Value(name, dimensions: Self.dimensions(shape.rank, shape.channels, name))
  }

  private static func dimensions(_ rank: Int, _ channels: Int?, _ name: String)
    -> [OperatorGraph.Dimension]
  {
    (0..<rank).map { axis in
      axis == 1
        ? channels.map { .fixed($0) } ?? .free(name + "_channels")
        : .free(axis == 0 ? "batch" : "\(name)_\(axis)")
    }
  }

  // MARK: Layers

  mutating func add(_ layer: KerasModel.Layer) throws {
    let values = layer.values
    if layer.className == "InputLayer" { return try addInput(layer) }
    guard let first = layer.feeders.first, let shape = shapes[first] else {
      throw unsupported(layer, "nothing feeds it")
    }
    let format = values["data_format"]?.text
    guard format == nil || format == "channels_last" else {
      throw unsupported(layer, "channels that come first")
    }
    switch layer.className {
    case "Conv1D", "Conv2D", "Conv3D": try addConvolution(layer, shape)
    case "Conv2DTranspose", "Conv3DTranspose": try addTransposed(layer, shape)
    case "BatchNormalization": try addBatchNormalization(layer, shape)
    case "Dense": try addDense(layer, shape)
    case "Activation":
      try activate(layer, values["activation"]?.text ?? "", from: first, to: layer.name, shape)
    case "ReLU": try addReLU(layer, from: first)
    case "LeakyReLU":
      let slope = values["alpha"]?.number ?? values["negative_slope"]?.number ?? 0.3
      emit("LeakyRelu", [first], layer.name, ["alpha": .number(Float(slope))])
    case "ELU":
      emit("Elu", [first], layer.name, ["alpha": .number(Float(values["alpha"]?.number ?? 1))])
    case "PReLU": try addPReLU(layer, shape)
    case "Softmax": emit("Softmax", [first], layer.name, ["axis": .integer(1)])
    case "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D",
      "AveragePooling3D":
      try addPooling(layer)
    case "GlobalAveragePooling2D", "GlobalAveragePooling3D":
      try addGlobal(layer, "GlobalAveragePool")
    case "GlobalMaxPooling2D", "GlobalMaxPooling3D": try addGlobal(layer, "GlobalMaxPool")
    case "UpSampling1D", "UpSampling2D", "UpSampling3D": try addUpsampling(layer, shape)
    case "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D": try addPadding(layer, shape)
    case "Concatenate":
      guard [-1, shape.rank - 1].contains(values["axis"]?.integer ?? -1) else {
        throw unsupported(layer, "another axis than that of channels")
      }
      emit("Concat", layer.feeders, layer.name, ["axis": .integer(1)])
      let all = layer.feeders.map { shapes[$0]?.channels }
      let channels = all.contains { $0 == nil } ? nil : all.compactMap { $0 }.reduce(0, +)
      shapes[layer.name] = (shape.rank, channels)
    case "Add": emit("Sum", layer.feeders, layer.name)
    case "Average": emit("Mean", layer.feeders, layer.name)
    case "Maximum": emit("Max", layer.feeders, layer.name)
    case "Multiply": chain("Mul", layer)
    case "Subtract": emit("Sub", layer.feeders, layer.name)
    case "Dropout", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise", "GaussianDropout",
      "ActivityRegularization":
      emit("Identity", [first], layer.name)
    case "Flatten": addFlatten(layer, shape)
    default:
      throw GraphModelsError.unsupportedOperator(
        name: "Keras \(layer.className)",
        node: layer.name,
        opset: 17
      )
    }
    if shapes[layer.name] == nil { shapes[layer.name] = shape }
  }

  private func unsupported(_ layer: KerasModel.Layer, _ reason: String) -> GraphModelsError {
    .unsupportedForm(operator: "Keras \(layer.className)", node: layer.name, reason: reason)
  }

  private mutating func emit(
    _ name: String,
    _ inputs: [String],
    _ output: String,
    _ attributes: [String: OperatorGraph.Attribute] = [:]
  ) {
    nodes.append(
      OperatorGraph.Node(name, inputs: inputs, outputs: [output], attributes: attributes)
    )
  }

  private mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    constants[name] = StoredTensor(tensor)
    return name
  }

  /// A layer's tensor; its rank, or nil where the layer has none of that name.
  private func weight(_ layer: KerasModel.Layer, _ name: String, rank: Int) throws -> Tensor {
    guard let tensor = model.weights[layer.name + "/" + name], tensor.rank == rank else {
      throw GraphModelsError.damagedModel(
        path: model.path,
        reason: "the layer \(layer.name) lacks its \(name), or it is not of \(rank) dimensions"
      )
    }
    return tensor
  }

  /// A number for each spatial axis; a single one counts for all.
  private func numbers(
    _ layer: KerasModel.Layer,
    _ key: String,
    _ standard: Int,
    count: Int
  ) throws -> [Int] {
    guard let value = layer.values[key] else { return [Int](repeating: standard, count: count) }
    let numbers = value.integers ?? value.integer.map { [Int](repeating: $0, count: count) }
    guard let numbers, numbers.count == count, numbers.allSatisfy({ (1...4096).contains($0) })
    else {
      throw unsupported(layer, "the \(key)")
    }
    return numbers
  }

  private mutating func addInput(_ layer: KerasModel.Layer) throws {
    let shape = layer.values["batch_input_shape"]?.items ?? layer.values["batch_shape"]?.items
    guard let shape, (2...5).contains(shape.count) else {
      throw unsupported(layer, "an input without a shape")
    }
    let channels = shape[shape.count - 1].integer
    shapes[layer.name] = (shape.count, channels)
    inputs.append(
      OperatorGraph.Value(
        layer.name,
        dimensions: Self.dimensions(shape.count, channels, layer.name)
      )
    )
  }

  /// `[window…, a, b]` as `[b, a, window…]`.
  private static func turned(_ kernel: Tensor) -> Tensor {
    let window = kernel.shape.dropLast(2).reduce(1, *)
    let (inner, outer) = (kernel.shape[kernel.rank - 2], kernel.shape[kernel.rank - 1])
    let source = kernel.values
    var values = [Float](repeating: 0, count: source.count)
    for cell in 0..<window {
      for i in 0..<inner {
        for o in 0..<outer {
          values[(o * inner + i) * window + cell] = source[(cell * inner + i) * outer + o]
        }
      }
    }
    return Tensor(values, shape: [outer, inner] + kernel.shape.dropLast(2))
  }

  private func padding(_ layer: KerasModel.Layer) throws -> ChannelsLastPadding {
    switch layer.values["padding"]?.text ?? "valid" {
    case "same": .same
    case "valid": .valid
    case let other: throw unsupported(layer, "the padding \(other)")
    }
  }

  private mutating func addConvolution(
    _ layer: KerasModel.Layer,
    _ shape: (rank: Int, channels: Int?)
  ) throws {
    let rank = shape.rank - 2
    let kernel = try weight(layer, "kernel", rank: shape.rank)
    let groups = layer.values["groups"]?.integer ?? 1
    let filters = kernel.shape[shape.rank - 1]
    guard groups >= 1, filters % groups == 0,
      shape.channels.map({ $0 == kernel.shape[shape.rank - 2] * groups }) ?? true
    else { throw unsupported(layer, "weights \(kernel.shape) in \(groups) groups") }
    let strides = try numbers(layer, "strides", 1, count: rank)
    let dilations = try numbers(layer, "dilation_rate", 1, count: rank)
    let window = Array(kernel.shape.prefix(rank))
    var attributes: [String: OperatorGraph.Attribute] = [
      "kernel_shape": .integers(window), "strides": .integers(strides),
      "dilations": .integers(dilations), "group": .integer(groups),
    ]
    attributes.merge(
      try padding(layer).attributes(window: window, strides: strides, dilations: dilations)
    ) { $1 }
    var operands = [layer.feeders[0], constant(layer.name + "/kernel", Self.turned(kernel))]
    if layer.values["use_bias"]?.truth ?? true {
      operands.append(constant(layer.name + "/bias", try weight(layer, "bias", rank: 1)))
    }
    shapes[layer.name] = (shape.rank, filters)
    try activateAfter("Conv", operands, layer, attributes)
  }

  /// A node, and the activation that its layer has.
  private mutating func activateAfter(
    _ name: String,
    _ operands: [String],
    _ layer: KerasModel.Layer,
    _ attributes: [String: OperatorGraph.Attribute]
  ) throws {
    let activation = layer.values["activation"]?.text ?? "linear"
    if activation == "linear" { return emit(name, operands, layer.name, attributes) }
    let linear = layer.name + "/linear"
    emit(name, operands, linear, attributes)
    try activate(layer, activation, from: linear, to: layer.name, shapes[layer.name] ?? (2, nil))
  }

  private mutating func addTransposed(
    _ layer: KerasModel.Layer,
    _ shape: (rank: Int, channels: Int?)
  ) throws {
    let rank = shape.rank - 2
    // [window…, O, I]: turning it gives [I, O, window…], as graphs have it.
    let kernel = try weight(layer, "kernel", rank: shape.rank)
    let strides = try numbers(layer, "strides", 1, count: rank)
    guard try numbers(layer, "dilation_rate", 1, count: rank).allSatisfy({ $0 == 1 }),
      layer.values["output_padding"] == nil
    else { throw unsupported(layer, "a dilation or an output padding") }
    let window = Array(kernel.shape.prefix(rank))
    var attributes: [String: OperatorGraph.Attribute] = [
      "kernel_shape": .integers(window), "strides": .integers(strides),
    ]
    attributes.merge(
      try padding(layer).transposedAttributes(window: window, strides: strides)
    ) { $1 }
    var operands = [layer.feeders[0], constant(layer.name + "/kernel", Self.turned(kernel))]
    if layer.values["use_bias"]?.truth ?? true {
      operands.append(constant(layer.name + "/bias", try weight(layer, "bias", rank: 1)))
    }
    shapes[layer.name] = (shape.rank, kernel.shape[rank])
    try activateAfter("ConvTranspose", operands, layer, attributes)
  }

  private mutating func addBatchNormalization(
    _ layer: KerasModel.Layer,
    _ shape: (rank: Int, channels: Int?)
  ) throws {
    let axis = layer.values["axis"]?.integer ?? layer.values["axis"]?.integers?.first ?? -1
    guard axis == -1 || axis == shape.rank - 1 else {
      throw unsupported(layer, "another axis than that of channels")
    }
    let mean = try weight(layer, "moving_mean", rank: 1)
    func optional(_ key: String, _ name: String, _ standard: Float) throws -> Tensor {
      layer.values[key]?.truth ?? true
        ? try weight(layer, name, rank: 1) : Tensor(repeating: standard, shape: mean.shape)
    }
    let tensors = [
      ("gamma", try optional("scale", "gamma", 1)), ("beta", try optional("center", "beta", 0)),
      ("moving_mean", mean), ("moving_variance", try weight(layer, "moving_variance", rank: 1)),
    ]
    guard tensors.allSatisfy({ $0.1.shape == mean.shape }) else {
      throw unsupported(layer, "weights of different sizes")
    }
    let names = tensors.map { constant("\(layer.name)/\($0.0)", $0.1) }
    emit(
      "BatchNormalization",
      [layer.feeders[0]] + names,
      layer.name,
      ["epsilon": .number(Float(layer.values["epsilon"]?.number ?? 1e-3))]
    )
  }

  private mutating func addDense(
    _ layer: KerasModel.Layer,
    _ shape: (rank: Int, channels: Int?)
  ) throws {
    guard shape.rank == 2 else {
      throw unsupported(layer, "an operand of \(shape.rank) dimensions")
    }
    let kernel = try weight(layer, "kernel", rank: 2)
    var operands = [layer.feeders[0], constant(layer.name + "/kernel", kernel)]
    if layer.values["use_bias"]?.truth ?? true {
      operands.append(constant(layer.name + "/bias", try weight(layer, "bias", rank: 1)))
    }
    shapes[layer.name] = (2, kernel.shape[1])
    try activateAfter("Gemm", operands, layer, [:])
  }

  private mutating func addReLU(_ layer: KerasModel.Layer, from first: String) throws {
    let slope = layer.values["negative_slope"]?.number ?? 0
    let threshold = layer.values["threshold"]?.number ?? 0
    guard threshold == 0 else { throw unsupported(layer, "the threshold \(threshold)") }
    guard let limit = layer.values["max_value"]?.number else {
      return slope == 0
        ? emit("Relu", [first], layer.name)
        : emit("LeakyRelu", [first], layer.name, ["alpha": .number(Float(slope))])
    }
    guard slope == 0 else { throw unsupported(layer, "a slope and a limit") }
    emitClip(first, layer.name, limit)
  }

  private mutating func emitClip(_ from: String, _ to: String, _ limit: Double) {
    let low = constant(to + "/low", Tensor([0], shape: []))
    let high = constant(to + "/high", Tensor([Float(limit)], shape: []))
    emit("Clip", [from, low, high], to)
  }

  private mutating func addPReLU(
    _ layer: KerasModel.Layer,
    _ shape: (rank: Int, channels: Int?)
  ) throws {
    let slopes = try weight(layer, "alpha", rank: shape.rank - 1)
    guard slopes.shape.dropLast().allSatisfy({ $0 == 1 }) else {
      throw unsupported(layer, "slopes for each cell")
    }
    let turned = [slopes.count] + [Int](repeating: 1, count: shape.rank - 2)
    let name = constant(layer.name + "/alpha", slopes.reshaped(turned))
    emit("PRelu", [layer.feeders[0], name], layer.name)
  }

  private mutating func addPooling(_ layer: KerasModel.Layer) throws {
    let rank = layer.className.hasSuffix("3D") ? 3 : layer.className.hasSuffix("2D") ? 2 : 1
    let window = try numbers(layer, "pool_size", 2, count: rank)
    let strides =
      layer.values["strides"] == nil ? window : try numbers(layer, "strides", 1, count: rank)
    emit(
      layer.className.hasPrefix("Max") ? "MaxPool" : "AveragePool",
      [layer.feeders[0]],
      layer.name,
      ["kernel_shape": .integers(window), "strides": .integers(strides)].merging(
        try padding(layer).attributes(window: window, strides: strides)
      ) { $1 }
    )
  }

  private mutating func addGlobal(_ layer: KerasModel.Layer, _ name: String) throws {
    let keeps = layer.values["keepdims"]?.truth ?? false
    if keeps { return emit(name, [layer.feeders[0]], layer.name) }
    let pooled = layer.name + "/pooled"
    emit(name, [layer.feeders[0]], pooled)
    emit("Flatten", [pooled], layer.name, ["axis": .integer(1)])
    shapes[layer.name] = (2, shapes[layer.feeders[0]]?.channels)
  }

  private mutating func addUpsampling(
    _ layer: KerasModel.Layer,
    _ shape: (rank: Int, channels: Int?)
  ) throws {
    let factors = try numbers(layer, "size", 2, count: shape.rank - 2)
    let scales = [1, 1] + factors.map(Float.init)
    let name = constant(layer.name + "/scales", Tensor(scales, shape: [scales.count]))
    switch layer.values["interpolation"]?.text ?? "nearest" {
    case "nearest":
      emit(
        "Resize",
        [layer.feeders[0], "", name],
        layer.name,
        [
          "mode": .text("nearest"), "coordinate_transformation_mode": .text("asymmetric"),
          "nearest_mode": .text("floor"),
        ]
      )
    case "bilinear":
      emit(
        "Resize",
        [layer.feeders[0], "", name],
        layer.name,
        ["mode": .text("linear"), "coordinate_transformation_mode": .text("half_pixel")]
      )
    case let other: throw unsupported(layer, "the interpolation \(other)")
    }
  }

  private mutating func addPadding(
    _ layer: KerasModel.Layer,
    _ shape: (rank: Int, channels: Int?)
  ) throws {
    let rank = shape.rank - 2
    // One number, one for each axis, or two for each.
    let pairs: [[Int]]? =
      layer.values["padding"]?.integer.map { [[Int]](repeating: [$0, $0], count: rank) }
      ?? layer.values["padding"]?.items?.map { $0.integers ?? $0.integer.map { [$0, $0] } ?? [] }
    guard let pairs, pairs.count == rank,
      pairs.allSatisfy({ $0.count == 2 && $0.allSatisfy((0...4096).contains) })
    else { throw unsupported(layer, "the padding") }
    let pads = [0, 0] + pairs.map { $0[0] } + [0, 0] + pairs.map { $0[1] }
    constants[layer.name + "/pads"] = StoredTensor(integers: pads)
    emit("Pad", [layer.feeders[0], layer.name + "/pads"], layer.name)
  }

  /// Products of several operands, two at a time.
  private mutating func chain(_ name: String, _ layer: KerasModel.Layer) {
    var result = layer.feeders[0]
    for (index, feeder) in layer.feeders.enumerated().dropFirst() {
      let isLast = index == layer.feeders.count - 1
      let next = isLast ? layer.name : "\(layer.name)/\(index)"
      emit(name, [result, feeder], next)
      result = next
    }
    if layer.feeders.count == 1 { emit("Identity", [result], layer.name) }
  }

  /// In Keras' order: channels last.
  private mutating func addFlatten(_ layer: KerasModel.Layer, _ shape: (rank: Int, channels: Int?))
  {
    var source = layer.feeders[0]
    if shape.rank > 2 {
      let order = [0] + Array(2..<shape.rank) + [1]
      emit("Transpose", [source], layer.name + "/turned", ["perm": .integers(order)])
      source = layer.name + "/turned"
    }
    emit("Flatten", [source], layer.name, ["axis": .integer(1)])
    shapes[layer.name] = (2, shape.rank == 2 ? shape.channels : nil)
  }

  private mutating func activate(
    _ layer: KerasModel.Layer,
    _ activation: String,
    from: String,
    to: String,
    _ shape: (rank: Int, channels: Int?)
  ) throws {
    let plain = [
      "linear": "Identity", "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "elu": "Elu",
      "selu": "Selu", "softplus": "Softplus", "softsign": "Softsign", "exponential": "Exp",
    ]
    if let name = plain[activation] { return emit(name, [from], to) }
    switch activation {
    case "softmax": emit("Softmax", [from], to, ["axis": .integer(1)])
    case "relu6": emitClip(from, to, 6)
    case "swish", "silu":
      emit("Sigmoid", [from], to + "/gate")
      emit("Mul", [from, to + "/gate"], to)
    case "hard_sigmoid":
      emit("HardSigmoid", [from], to, ["alpha": .number(0.2), "beta": .number(0.5)])
    default: throw unsupported(layer, "the activation \(activation)")
    }
  }
}
