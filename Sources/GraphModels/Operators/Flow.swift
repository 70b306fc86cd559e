import Tensors

/// Operators that run graphs within nodes.
extension GraphOperator {
  static let flow: [GraphOperator] = [
    GraphOperator("If", 1...1, ["else_branch", "then_branch"]) { context in
      let condition = try context.operand(0)
      try context.require(condition.count == 1, "a condition of the shape \(condition.shape)")
      func branch(_ name: String) throws -> [GraphValue] {
        guard case .graph(let graph) = context.node.attributes[name] else {
          throw context.invalid("it has no \(name)")
        }
        let results = try context.runGraph(graph, [])
        try context.require(
          results.count >= context.node.outputs.count,
          "its \(name) has \(results.count) results"
        )
        return results
      }
      if let known = condition.integers?.indices {
        return try branch(known[0] != 0 ? "then_branch" : "else_branch")
      }
      return try chosen(context, condition, try branch("then_branch"), try branch("else_branch"))
    },
    GraphOperator("Loop", 2...4096, ["body"], takesSequences: true) { context in
      try loop(context)
    },
    GraphOperator(
      "Scan",
      1...4096,
      [
        "body", "directions", "num_scan_inputs", "scan_input_axes", "scan_input_directions",
        "scan_output_axes", "scan_output_directions",
      ]
    ) { context in
      try Scan(context).results()
    },
  ]

  /// The results of one of two branches, which the input decides: both are computed.
  private static func chosen(
    _ context: NodeContext,
    _ condition: GraphValue,
    _ first: [GraphValue],
    _ second: [GraphValue]
  ) throws -> [GraphValue] {
    try zip(first, second).map { a, b in
      guard a.shape == b.shape, a.type == b.type, a.sequence == nil, b.sequence == nil else {
        throw context.unsupported(
          "its condition depends on the values of the input, and its branches give other shapes"
        )
      }
      if let known = a.integers, known == b.integers { return a }
      if a.count == 0 { return a }
      return GraphValue(
        a.type,
        selection(where: condition.tensor.reshaped([]), a.tensor, b.tensor)
      )
    }
  }

  /// A body that runs again and again; what it gives besides its state is stacked.
  private static func loop(_ context: NodeContext) throws -> [GraphValue] {
    guard case .graph(let body) = context.node.attributes["body"] else {
      throw context.invalid("it has no body")
    }
    func single(_ index: Int) throws -> Int? {
      guard let values = try context.optionalIntegers(index) else { return nil }
      try context.require(values.count == 1, "operand \(index) is not one number")
      return values[0]
    }
    let limit = try single(0)
    var goesOn = try single(1)
    let hasCondition = goesOn != nil
    var state = try (2..<context.operands.count).map { try context.operand($0) }
    let count = state.count
    try context.require(
      body.inputs.count == count + 2 && body.outputs.count > count
        && context.node.outputs.count < body.outputs.count,
      "a body of \(body.inputs.count) inputs and \(body.outputs.count) outputs for \(count) values"
    )
    var stacks = [[GraphValue]](repeating: [], count: body.outputs.count - 1 - count)
    var (turn, kept) = (0, 0)
    while limit.map({ turn < $0 }) ?? true, goesOn != 0 {
      let head = [GraphValue(.int64, [turn], []), GraphValue(.bool, [1], [])]
      let results = try context.runGraph(body, head + state)
      if hasCondition {
        guard let known = results[0].integers?.indices, known.count == 1 else {
          throw context.unsupported("how often it runs depends on the values of the input")
        }
        goesOn = known[0]
      }
      state = Array(results[1..<count + 1])
      for index in stacks.indices { stacks[index].append(results[count + 1 + index]) }
      kept += results[(count + 1)...].reduce(0) { $0 + $1.count }
      try context.require(
        kept <= NodeContext.maximumCount,
        "what it gives in \(turn) turns is too large"
      )
      turn += 1
    }
    return try state
      + stacks.prefix(max(0, context.node.outputs.count - count)).enumerated().map {
        index,
        values in
        try context.stacked(values, declared: body.outputs[count + 1 + index])
      }
  }
}

/// A body that runs for each slice of its operands.
///
/// Before version 9 the operands had an axis of samples before the one that is run along, and an
/// operand of lengths before the others.
private struct Scan {
  private let context: NodeContext
  private let body: OperatorGraph
  private let isBatched: Bool
  private let states: [GraphValue]
  private let scanned: [GraphValue]
  private let stackCount: Int

  init(_ context: NodeContext) throws {
    self.context = context
    guard case .graph(let body) = context.node.attributes["body"] else {
      throw context.invalid("it has no body")
    }
    self.body = body
    isBatched = context.opset < 9
    let first = isBatched ? 1 : 0
    if isBatched, context.optional(0) != nil {
      throw context.unsupported("its samples have lengths of their own")
    }
    let values = try (first..<max(first, context.operands.count)).map { try context.operand($0) }
    let count = try context.integer("num_scan_inputs", 0)
    try context.require(
      count > 0 && count <= values.count && body.inputs.count == values.count,
      "a body of \(body.inputs.count) inputs for \(values.count) values, \(count) in slices"
    )
    states = Array(values.dropLast(count))
    scanned = Array(values.suffix(count))
    stackCount = body.outputs.count - states.count
    try context.require(
      stackCount >= 0 && context.node.outputs.count <= body.outputs.count,
      "a body of \(body.outputs.count) outputs for \(states.count) states"
    )
  }

  func results() throws -> [GraphValue] {
    guard isBatched else { return try run(states, scanned) }
    try context.require(
      scanned[0].rank > 0
        && (states + scanned).allSatisfy { $0.rank > 0 && $0.shape[0] == scanned[0].shape[0] },
      "numbers of samples that differ"
    )
    var samples: [[GraphValue]] = []
    for sample in 0..<scanned[0].shape[0] {
      samples.append(
        try run(
          try states.map { try slice($0, axis: 0, at: sample) },
          try scanned.map { try slice($0, axis: 0, at: sample) }
        )
      )
    }
    return try body.outputs.indices.map { index in
      try context.stacked(samples.map { $0[index] }, declared: body.outputs[index])
    }
  }

  private func slice(_ value: GraphValue, axis: Int, at place: Int) throws -> GraphValue {
    var shape = value.shape
    shape.remove(at: axis)
    return try context.rearranged([value]) {
      $0[0].sliced(axis: axis, start: place, end: place + 1).reshaped(shape)
    }
  }

  private func list(_ name: String, _ count: Int) throws -> [Int] {
    let values = try context.integerList(name) ?? [Int](repeating: 0, count: count)
    try context.require(values.count == count, "\(values.count) numbers in \(name) for \(count)")
    return values
  }

  private func run(_ first: [GraphValue], _ scanned: [GraphValue]) throws -> [GraphValue] {
    let axes = try zip(list("scan_input_axes", scanned.count), scanned).map {
      try context.axis($0, rank: $1.rank)
    }
    let isBackwards = try list(
      isBatched ? "directions" : "scan_input_directions",
      scanned.count
    ).map { $0 != 0 }
    let length = scanned[0].shape[axes[0]]
    try context.require(
      zip(scanned, axes).allSatisfy { $0.shape[$1] == length },
      "slices of \(scanned.map(\.shape)) along \(axes)"
    )
    var states = first
    var stacks = [[GraphValue]](repeating: [], count: stackCount)
    for turn in 0..<length {
      let slices = try scanned.indices.map { index in
        try slice(
          scanned[index],
          axis: axes[index],
          at: isBackwards[index] ? length - 1 - turn : turn
        )
      }
      let results = try context.runGraph(body, states + slices)
      states = Array(results.prefix(states.count))
      for index in stacks.indices { stacks[index].append(results[states.count + index]) }
    }
    let outputAxes = try list("scan_output_axes", stackCount)
    let directions = try list("scan_output_directions", stackCount)
    return try states
      + stacks.indices.map { index in
        try context.stacked(
          directions[index] != 0 ? stacks[index].reversed() : stacks[index],
          axis: outputAxes[index],
          declared: body.outputs[states.count + index]
        )
      }
  }
}

extension NodeContext {
  /// Values of one shape along an axis of their own.
  /// - Parameters:
  ///   - values: The values.
  ///   - place: Where the axis lies in the result; it may count from the back.
  ///   - declared: What says the shape of a value when there is none.
  /// - Returns: The values with one axis more, as long as there are values.
  /// - Throws: `GraphModelsError` when shapes differ or are too large, or no shape is known.
  func stacked(
    _ values: [GraphValue],
    axis place: Int = 0,
    declared: OperatorGraph.Value
  ) throws -> GraphValue {
    var shape: [Int]
    let type: GraphNumberType
    if let first = values.first {
      (shape, type) = (first.shape, first.type)
      for value in values {
        try require(
          value.sequence == nil && value.shape == shape && value.type == type,
          "results of \(value.shape) and \(shape) that are to be stacked"
        )
      }
    } else {
      guard let sizes = declared.dimensions?.map(\.size), sizes.allSatisfy({ $0 != nil }) else {
        throw unsupported("it runs never, and its results have no declared shape")
      }
      (shape, type) = (sizes.compactMap { $0 }, declared.type)
    }
    let axis = try axis(place, rank: shape.count + 1)
    shape.insert(values.count, at: axis)
    _ = try bounded(shape)
    guard shape.reduce(1, *) > 0 else { return GraphValue(type, Tensor([], shape: shape)) }
    let wanted = shape
    if values.count == 1 { return GraphOperator.reshaped(values[0], wanted) }
    return try rearranged(values, type: type) { tensors in
      concatenation(tensors.map { $0.unsqueezed(axis) }, axis: axis)
    }
  }
}
