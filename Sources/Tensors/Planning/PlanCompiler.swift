import CKernels
import Support

/// Turns a graph into instructions on places in memory.
struct PlanCompiler {
  let graph: PlanGraph
  let options: InferencePlanOptions
  let maps: PlanMaps
  /// Channels of a block.
  let lanes: Int
  /// Floats that a cell of a block takes; in low precision half as many as channels.
  let cellCount: Int
  /// The largest input of each convolution of 8-bit integers, by the convolution's output.
  private(set) var largestInputs: [Int: Float] = [:]
  var buffers = PlanBuffers()
  var instructions: [PlanInstruction] = []
  /// Packing of weights, done side by side at the end.
  var packing: [@Sendable () -> Void] = []
  /// Told the largest input of each convolution, by the convolution's output, when plans calibrate.
  var observer: (@Sendable (Int, Float) -> Void)?
  private(set) var values: [Int: PlanValue] = [:]
  private(set) var inputBuffers: [Int] = []
  private(set) var outputBuffers: [Int] = []

  /// Whether the values of a map are bfloat16 in blocks as wide as those of single precision.
  func isHalf(_ value: PlanValue) -> Bool { maps == .half && value.lanes > 1 }

  init(graph: PlanGraph, options: InferencePlanOptions) {
    self.graph = graph
    self.options = options
    let convolutions = graph.convolutions
    if options.precision == .int8, options.largestInputs.count == convolutions.count {
      for (node, largest) in zip(convolutions, options.largestInputs).dropFirst().dropLast() {
        largestInputs[node.output] = largest
      }
    }
    maps = options.maps ?? Self.maps(for: options)
    lanes = maps == .wide ? Self.wideLanes : FastKernels.preferredLayout.block
    cellCount = maps == .single ? lanes : lanes / 2
  }

  /// Winograd's filtering in single precision needs a quarter of the products; of the instructions
  /// for bfloat16 only those of AMX are faster.
  private static func maps(for options: InferencePlanOptions) -> PlanMaps {
    switch options.precision {
    case .float32: return .single
    case .int8 where !options.largestInputs.isEmpty: return .wide
    case .bfloat16, .int8:
      var shape = ck_half()
      shape.product_type = Int32(ck_half_bf16)
      return ck_half_instructions(&shape) == Int32(ck_half_amx) ? .wide : .half
    }
  }

  mutating func compile() {
    for input in graph.inputs {
      let buffer = buffers.add(count: graph.shapes[input].reduce(1, *), isExternal: true)
      inputBuffers.append(buffer)
      values[input] = plainValue(graph.shapes[input], in: buffer)
    }
    for node in graph.nodes {
      values[node.output] = compile(node)
    }
    for output in graph.outputs { moveToOutput(output) }
    buffers.assign()
    let packing = packing
    EngineThreads.forEachUnit(packing.count) { _, item in packing[item]() }
    self.packing = []
  }

  private mutating func compile(_ node: PlanNode) -> PlanValue {
    switch node.work {
    case .convolution(let convolution): return compile(convolution, node)
    case .pooling(let shape, let maximum):
      return maps == .wide
        ? compileWidePooling(node, shape, maximum) : compilePooling(node, shape, maximum)
    case .combination(let terms, let slope): return compileSum(terms, slope, node.output)
    case .activation(let activation): return activated(known(node.inputs[0]), activation)
    case .repetition(let factors):
      return maps == .wide ? compileWideRepetition(node, factors) : compileRepetition(node, factors)
    case .concatenation: return compileConcatenation(node)
    case .general(let step): return compileMove(node, step) ?? compileGeneral(node, step)
    }
  }

  // MARK: Values

  /// The value of a node, in blocks of channels.
  mutating func blocked(_ value: Int) -> PlanValue {
    guard let known = values[value] else { preconditionFailure("value \(value) has no maker") }
    if known.lanes == lanes { return known }
    let result = newBlockedValue(known.shape)
    compileRelayout(known, result)
    values[value] = result
    return result
  }

  /// The value of a node in row-major order.
  mutating func plain(_ value: Int) -> PlanValue {
    guard let known = values[value] else { preconditionFailure("value \(value) has no maker") }
    if known.lanes == 1 { return known }
    let buffer = buffers.add(count: known.shape.reduce(1, *))
    let result = plainValue(known.shape, in: buffer)
    compileRelayout(materialized(known), result)
    return result
  }

  func known(_ value: Int) -> PlanValue {
    guard let known = values[value] else { preconditionFailure("value \(value) has no maker") }
    return known
  }

  /// A plain value: a block for each channel.
  func plainValue(_ shape: [Int], in buffer: Int, offset: Int = 0) -> PlanValue {
    guard shape.count >= 2 else {
      return PlanValue(
        shape: shape,
        lanes: 1,
        blocks: [PlanPlace(buffer: buffer, offset: offset)],
        affines: [nil]
      )
    }
    // A value without numbers has a place, too.
    let (planes, cells) = (max(1, shape[0] * shape[1]), shape.dropFirst(2).reduce(1, *))
    return PlanValue(
      shape: shape,
      lanes: 1,
      blocks: (0..<planes).map { PlanPlace(buffer: buffer, offset: offset + $0 * cells) },
      affines: [PlanAffine?](repeating: nil, count: planes)
    )
  }

  mutating func newBlockedValue(_ shape: [Int]) -> PlanValue {
    let count = shape[0] * ((shape[1] + lanes - 1) / lanes)
    let cells = shape.dropFirst(2).reduce(1, *)
    let buffer = buffers.add(count: count * cells * cellCount)
    return PlanValue(
      shape: shape,
      lanes: lanes,
      blocks: (0..<count).map { PlanPlace(buffer: buffer, offset: $0 * cells * cellCount) },
      affines: [PlanAffine?](repeating: nil, count: count)
    )
  }

  // MARK: Instructions

  mutating func emit(
    _ name: String,
    reads: [PlanValue],
    writes: PlanValue,
    operations: Double = 0,
    workspaceCount: Int = 0,
    temporaries: [Int] = [],
    _ run: @escaping @Sendable (borrowing PlanMemory) -> Void
  ) {
    let index = instructions.count
    for value in reads + [writes] {
      for buffer in value.buffers { buffers.touch(buffer, at: index) }
    }
    for buffer in temporaries { buffers.touch(buffer, at: index) }
    instructions.append(
      PlanInstruction(
        name: name,
        shape: writes.shape,
        operations: operations,
        workspaceCount: workspaceCount,
        run: run
      )
    )
  }

  private mutating func moveToOutput(_ output: Int) {
    let result = plain(output)
    let sources = Set(result.blocks.map(\.buffer))
    // The last instruction writes straight to the caller's memory, if it alone made the buffer.
    if graph.outputs.count == 1, sources.count == 1, let source = sources.first,
      !inputBuffers.contains(source),
      buffers.all[source].last == instructions.count - 1,
      buffers.all[source].first == instructions.count - 1,
      buffers.all[source].count == result.shape.reduce(1, *)
    {
      outputBuffers = [source]
      return
    }
    let outputBuffer = buffers.add(count: result.shape.reduce(1, *), isExternal: true)
    outputBuffers.append(outputBuffer)
    let target = plainValue(result.shape, in: outputBuffer)
    let count = result.shape.reduce(1, *)
    let (from, to) = (result.blocks[0], target.blocks[0])
    emit("copy", reads: [result], writes: target) { memory in
      memory.pointer(to).update(from: memory.pointer(from), count: count)
    }
  }
}
