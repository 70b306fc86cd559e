import CKernels
import Support

/// Everything between convolutions.
extension PlanCompiler {
  /// The value with its normalisation applied; others may still read the one without.
  mutating func materialized(_ value: PlanValue) -> PlanValue {
    guard value.isNormalized else { return value }
    let result = newBlockedValue(value.shape)
    emitSum([(value, 1)], slope: 1, to: result, name: "normalize")
    return result
  }

  mutating func compileSum(_ terms: [PlannedTerm], _ slope: Float, _ output: Int) -> PlanValue {
    // Row-major values of any rank are summed as they are when no blocked one takes part.
    let known = terms.map { self.known($0.value) }
    let isPlain = known.allSatisfy { $0.lanes == 1 }
    let shape = graph.shapes[output]
    let operands = terms.map { (isPlain ? self.known($0.value) : blocked($0.value), $0.scale) }
    let result =
      isPlain
      ? plainValue(shape, in: buffers.add(count: shape.reduce(1, *))) : newBlockedValue(shape)
    emitSum(operands, slope: slope, to: result, name: "sum")
    return result
  }

  private mutating func emitSum(
    _ terms: [(value: PlanValue, scale: Float)],
    slope: Float,
    to result: PlanValue,
    name: String
  ) {
    if maps == .wide, result.lanes > 1 {
      emitWideSum(terms, slope: slope, to: result, name: name)
      return
    }
    let (cells, lanes, isHalf) = (result.cells, result.lanes, isHalf(result))
    let values = terms.map(\.value)
    let scales = terms.map(\.scale)
    if lanes == 1 {
      let count = result.shape.reduce(1, *)
      emit(name, reads: values, writes: result) { memory in
        let sources = Shared(values.map { UnsafePointer(memory.pointer($0.blocks[0])) })
        let target = Shared(memory.pointer(result.blocks[0]))
        EngineThreads.forEachRange(count) { range in
          for place in range {
            var sum: Float = 0
            for (source, scale) in zip(sources.value, scales) { sum += scale * source[place] }
            target.value[place] = max(sum, slope * sum)
          }
        }
      }
      return
    }
    // Long blocks are split so that every thread has work.
    let piece = 4096
    let pieces = (cells + piece - 1) / piece
    emit(name, reads: values, writes: result) { memory in
      let targets = Shared(memory.pointers(result.blocks))
      let terms = Shared(
        zip(values, scales).map { value, scale in
          value.blocks.indices.map { Self.term(value, $0, scale: scale, isHalf: isHalf, memory) }
        }
      )
      EngineThreads.forEachUnit(targets.value.count * pieces) { _, unit in
        let (block, part) = (unit / pieces, unit % pieces)
        let operands = terms.value.map { $0[block] }
        ck_combine(
          operands,
          Int64(operands.count),
          slope,
          targets.value[block],
          Int64(lanes),
          Int64(part * piece),
          Int64(min(cells, (part + 1) * piece))
        )
      }
    }
  }

  /// A block of a value as the passes read it.
  static func term(
    _ value: PlanValue,
    _ block: Int,
    scale: Float,
    isHalf: Bool,
    _ memory: borrowing PlanMemory
  ) -> ck_term {
    let affine = value.affines[block]
    return ck_term(
      x: UnsafeRawPointer(memory.pointer(value.blocks[block])),
      half: isHalf ? 1 : 0,
      factor: affine.map { UnsafePointer(memory.pointer($0.factor)) },
      addition: affine.map { UnsafePointer(memory.pointer($0.addition)) },
      slope: affine?.slope ?? 1,
      scale: scale
    )
  }

  mutating func compilePooling(
    _ node: PlanNode,
    _ shape: PoolingShape,
    _ maximum: Bool
  ) -> PlanValue {
    let x = blocked(node.inputs[0])
    let result = newBlockedValue(graph.shapes[node.output])
    func triple(_ values: [Int], _ filler: Int) -> (Int64, Int64, Int64) {
      let v = PlanValue.threeDimensional(values, filler: filler).map { Int64($0) }
      return (v[0], v[1], v[2])
    }
    let window = Shared(
      ck_window(
        input: triple(x.size, 1),
        output: triple(result.size, 1),
        kernel: triple(shape.kernel, 1),
        stride: triple(shape.stride, 1),
        pad: triple(shape.padding, 0),
        maximum: maximum ? 1 : 0
      )
    )
    let rows = result.size[0] * result.size[1]
    let (lanes, piece, isHalf) = (lanes, 8, isHalf(x))
    let pieces = (rows + piece - 1) / piece
    emit(maximum ? "max pooling" : "average pooling", reads: [x], writes: result) { memory in
      let targets = Shared(memory.pointers(result.blocks))
      let terms = Shared(
        x.blocks.indices.map { Self.term(x, $0, scale: 1, isHalf: isHalf, memory) }
      )
      EngineThreads.forEachUnit(targets.value.count * pieces) { _, unit in
        let (block, part) = (unit / pieces, unit % pieces)
        var (term, window) = (terms.value[block], window.value)
        ck_pool_block(
          &term,
          targets.value[block],
          &window,
          Int64(lanes),
          Int64(part * piece),
          Int64(min(rows, (part + 1) * piece))
        )
      }
    }
    return result
  }

  mutating func compileRepetition(_ node: PlanNode, _ factors: [Int]) -> PlanValue {
    let x = blocked(node.inputs[0])
    let result = newBlockedValue(graph.shapes[node.output])
    let size = x.size.map { Int64($0) }
    let factor = PlanValue.threeDimensional(factors, filler: 1).map { Int64($0) }
    let rows = x.size[0] * x.size[1]
    let (lanes, piece, isHalf) = (lanes, 8, isHalf(x))
    let pieces = (rows + piece - 1) / piece
    emit("repetition", reads: [x], writes: result) { memory in
      let targets = Shared(memory.pointers(result.blocks))
      let terms = Shared(
        x.blocks.indices.map { Self.term(x, $0, scale: 1, isHalf: isHalf, memory) }
      )
      EngineThreads.forEachUnit(targets.value.count * pieces) { _, unit in
        let (block, part) = (unit / pieces, unit % pieces)
        var term = terms.value[block]
        ck_repeat_block(
          &term,
          targets.value[block],
          size,
          factor,
          Int64(lanes),
          Int64(part * piece),
          Int64(min(rows, (part + 1) * piece))
        )
      }
    }
    return result
  }

  /// Joined feature maps keep their blocks where they are, as long as each part fills its blocks.
  mutating func compileConcatenation(_ node: PlanNode) -> PlanValue {
    let shape = graph.shapes[node.output]
    let channels = node.inputs.map { graph.shapes[$0][1] }
    if channels.dropLast().allSatisfy({ $0 % lanes == 0 }) {
      let parts = node.inputs.map { blocked($0) }
      var (blocks, affines): ([PlanPlace], [PlanAffine?]) = ([], [])
      for sample in 0..<shape[0] {
        for part in parts {
          let range = sample * part.blocksPerSample..<(sample + 1) * part.blocksPerSample
          blocks += part.blocks[range]
          affines += part.affines[range]
        }
      }
      return PlanValue(shape: shape, lanes: lanes, blocks: blocks, affines: affines)
    }
    // Channels that share blocks with another part's go through row-major order.
    let parts = node.inputs.map { plain($0) }
    let result = plainValue(shape, in: buffers.add(count: shape.reduce(1, *)))
    let cells = result.cells
    emit("concatenation", reads: parts, writes: result) { memory in
      var target = memory.pointer(result.blocks[0])
      for sample in 0..<shape[0] {
        for (part, channels) in zip(parts, channels) {
          target.update(
            from: memory.pointer(part.blocks[sample * channels]),
            count: channels * cells
          )
          target += channels * cells
        }
      }
    }
    return result
  }

  mutating func compileRelayout(_ from: PlanValue, _ to: PlanValue) {
    if maps == .wide {
      compileWideRelayout(from, to)
      return
    }
    let (cells, channels) = (from.cells, from.shape[1])
    let block = max(from.lanes, to.lanes)
    let isPacking = from.lanes == 1
    let blocks = isPacking ? to : from
    let perSample = blocks.blocksPerSample
    let isHalf = isHalf(blocks)
    emit("relayout", reads: [from], writes: to) { memory in
      let places = Shared(memory.pointers(blocks.blocks))
      let planes = Shared(memory.pointers((isPacking ? from : to).blocks))
      EngineThreads.forEachRange(places.value.count, itemCost: cells * block) { range in
        for index in range {
          let (sample, part) = (index / perSample, index % perSample)
          let plane = planes.value[sample * channels + part * block]
          let left = Int64(channels - part * block)
          if isHalf, let plane, let place = places.value[index] {
            let cellsOfHalf = Self.bfloat16Pointer(place)
            if isPacking {
              ck_pack_half(plane, cellsOfHalf, left, Int64(cells), Int64(block))
            } else {
              ck_unpack_half(cellsOfHalf, plane, left, Int64(cells), Int64(block))
            }
          } else if isPacking {
            ck_to_blocked(plane, places.value[index], left, Int64(cells), Int64(block), 0, 1)
          } else {
            ck_to_plain(places.value[index], plane, left, Int64(cells), Int64(block), 0, 1)
          }
        }
      }
    }
  }

  /// Runs an operation's own code on row-major tensors.
  mutating func compileGeneral(_ node: PlanNode, _ step: GraphStep) -> PlanValue {
    var sources: [Int: PlanValue] = [:]
    for input in node.inputs { sources[input] = plain(input) }
    let shape = graph.shapes[node.output]
    let result = plainValue(shape, in: buffers.add(count: shape.reduce(1, *)))
    var inputs = node.inputs[...]
    let operands: [GeneralOperand] = step.operands.map { operand in
      switch operand {
      case .constant(let tensor): return .constant(tensor)
      case .value:
        guard let value = inputs.popFirst().flatMap({ sources[$0] }) else {
          preconditionFailure("an operand of \(step.action) is missing")
        }
        return .value(value)
      }
    }
    var name = "\(step.action)"
    if case .general(let own) = step.action { name = own }
    let (body, count) = (step.body, shape.reduce(1, *))
    emit(name, reads: Array(sources.values), writes: result) { memory in
      let tensors = operands.map { operand -> Tensor in
        switch operand {
        case .constant(let tensor): return tensor
        case .value(let value):
          let count = value.shape.reduce(1, *)
          let storage = AlignedBuffer<Float>(uninitializedCount: count)
          storage.pointer.update(from: memory.pointer(value.blocks[0]), count: count)
          return Tensor(shape: value.shape, storage: storage)
        }
      }
      let output = GraphTrace.$current.withValue(nil) { body(tensors).single.plain }
      output.withElements { elements in
        guard let base = elements.baseAddress else { return }
        memory.pointer(result.blocks[0]).update(from: base, count: count)
      }
    }
    return result
  }

  private enum GeneralOperand: Sendable {
    case constant(Tensor)
    case value(PlanValue)
  }
}
