/// What joins maps and changes their axes and sizes.
extension TensorFlowConverter {
  /// Where an axis of TensorFlow lies in a map whose channels are second.
  private func place(_ axis: Int, rank: Int, _ node: TensorFlowGraph.Node) throws -> Int {
    let axis = axis < 0 ? axis + rank : axis
    guard (0..<rank).contains(axis) else { throw unsupported(node, "the axis \(axis)") }
    return axis == 0 ? 0 : axis == rank - 1 ? 1 : axis + 1
  }

  mutating func concatenation(
    _ node: TensorFlowGraph.Node,
    axisFirst: Bool
  ) throws -> TensorFlowValue {
    let count = node.inputs.count
    let axis = try stored(node, axisFirst ? 0 : count - 1).integers
    let maps = try (axisFirst ? 1..<count : 0..<count - 1).map { try map(node, $0) }
    guard axis.count == 1, let first = maps.first, maps.allSatisfy({ $0.rank == first.rank }) else {
      throw unsupported(node, "maps of different axes")
    }
    let place = try place(axis[0], rank: first.rank, node)
    var result = renamed(
      first,
      emit("Concat", maps.map(\.name), node.name, ["axis": .integer(place)])
    )
    if place == 1 {
      let all = maps.map(\.channels)
      result.channels = all.contains { $0 == nil } ? nil : all.compactMap { $0 }.reduce(0, +)
    }
    return .map(result)
  }

  mutating func reduction(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    let map = try map(node, 0)
    let places = try stored(node, 1).integers.map { try place($0, rank: map.rank, node) }.sorted()
    let keeps = node.truth("keep_dims") ?? node.truth("keepdims") ?? false
    // Without its spatial axes a map is [N, C] in either order; with fewer gone it is none.
    guard keeps || places == Array(2..<map.rank) else {
      throw unsupported(node, "it drops other axes than the spatial ones")
    }
    var attributes: Attributes = ["keepdims": .integer(keeps ? 1 : 0)]
    var operands = [map.name]
    if node.operation == "Sum" {
      operands.append(store(StoredTensor(integers: places), node.name + "/axes"))
    } else {
      attributes["axes"] = .integers(places)
    }
    let name = emit("Reduce" + node.operation, operands, node.name, attributes)
    return .map(
      Map(
        name: name,
        rank: keeps ? map.rank : 2,
        channels: places.contains(1) ? 1 : map.channels
      )
    )
  }

  mutating func padding(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    let map = try map(node, 0)
    let pairs = try stored(node, 1)
    guard pairs.shape == [map.rank, 2] else { throw unsupported(node, "its paddings") }
    let numbers = pairs.integers
    var before = [Int](repeating: 0, count: map.rank)
    var after = before
    for axis in 0..<map.rank {
      let place = try place(axis, rank: map.rank, node)
      before[place] = numbers[2 * axis]
      after[place] = numbers[2 * axis + 1]
    }
    var operands = [map.name, store(StoredTensor(integers: before + after), node.name + "/pads")]
    var mode = "constant"
    if node.operation == "MirrorPad" {
      guard node.text("mode") == "REFLECT" else { throw unsupported(node, "its mode") }
      mode = "reflect"
    }
    if node.operation == "PadV2", case .constant(let value, _) = try operand(node, 2) {
      operands.append(value)
    }
    var result = renamed(map, emit("Pad", operands, node.name, ["mode": .text(mode)]))
    result.channels = map.channels.map { $0 + before[1] + after[1] }
    return .map(result)
  }

  mutating func resizing(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    let map = try map(node, 0)
    guard case .constant(let name, let shape) = try operand(node, 1), shape == [2],
      let size = constants[name]?.integers, let channels = map.channels
    else { throw unsupported(node, "a size that is no constant") }
    guard node.truth("align_corners") != true else { throw unsupported(node, "aligned corners") }
    let isCentred = node.truth("half_pixel_centers") ?? false
    let isNearest = node.operation == "ResizeNearestNeighbor"
    // A batch is one image, as everywhere in a plan.
    let sizes = store(StoredTensor(integers: [1, channels] + size), node.name + "/sizes")
    var attributes: Attributes = [
      "mode": .text(isNearest ? "nearest" : "linear"),
      "coordinate_transformation_mode": .text(isCentred ? "half_pixel" : "asymmetric"),
    ]
    if isNearest {
      // Centres: floor((i + 1/2) s) is the nearest of (i + 1/2) s - 1/2, halves upwards.
      attributes["nearest_mode"] = .text(isCentred ? "round_prefer_ceil" : "floor")
    }
    return .map(renamed(map, emit("Resize", [map.name, "", "", sizes], node.name, attributes)))
  }

  mutating func squeezed(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    let map = try map(node, 0)
    let places = try (node.integers("squeeze_dims") ?? []).map {
      try place($0, rank: map.rank, node)
    }
    guard places.sorted() == Array(2..<map.rank) else {
      throw unsupported(node, "it drops other axes than the spatial ones")
    }
    let axes = store(StoredTensor(integers: places.sorted()), node.name + "/axes")
    let name = emit("Squeeze", [map.name, axes], node.name)
    return .map(Map(name: name, rank: 2, channels: map.channels))
  }

  /// A map turned back to TensorFlow's order of axes and given another shape; only rows come of it.
  mutating func reshaped(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    if case .constant(let name, _) = try operand(node, 0) {
      let sizes = try stored(node, 1).integers
      let stored = store(StoredTensor(integers: sizes), node.name + "/shape")
      guard sizes.allSatisfy({ $0 >= 0 }) else { throw unsupported(node, "its shape \(sizes)") }
      return .constant(name: emit("Reshape", [name, stored], node.name), shape: sizes)
    }
    let map = try map(node, 0)
    let sizes = try stored(node, 1).integers
    guard sizes.count == 2, sizes[1] > 0 || sizes[1] == -1, sizes[1] > 0 || sizes[0] > 0 else {
      throw unsupported(node, "its shape \(sizes)")
    }
    let order = [0] + Array(2..<map.rank) + [1]
    let last =
      map.rank > 2
      ? emit("Transpose", [map.name], node.name + "/last", ["perm": .integers(order)]) : map.name
    let shape = store(StoredTensor(integers: sizes), node.name + "/shape")
    let name = emit("Reshape", [last, shape], node.name)
    return .map(Map(name: name, rank: 2, channels: sizes[1] > 0 ? sizes[1] : nil))
  }

  mutating func product(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    let map = try map(node, 0)
    guard map.rank == 2, node.truth("transpose_a") != true, node.truth("transpose_b") != true,
      case .constant(let weights, let shape) = try operand(node, 1), shape.count == 2
    else { throw unsupported(node, "operands that are no rows and weights") }
    let name = emit("MatMul", [map.name, weights], node.name)
    return .map(Map(name: name, rank: 2, channels: shape[1]))
  }
}
