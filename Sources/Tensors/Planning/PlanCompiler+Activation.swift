import CKernels
import Support

/// Activations that no convolution takes in.
extension PlanCompiler {
  /// Cells of a block that are handled at a time, so that they stay in the L1 and L2 caches.
  private static let piece = 512

  /// The values of an activation, in the layout of its operand; in low precision's wide layout
  /// row-major.
  mutating func activated(_ x: PlanValue, _ activation: Activation) -> PlanValue {
    var source = x
    if maps == .wide, x.lanes > 1 {
      source = plainValue(x.shape, in: buffers.add(count: x.shape.reduce(1, *)))
      compileRelayout(materialized(x), source)
    }
    return source.lanes == 1
      ? activatedPlain(source, activation) : activatedBlocks(source, activation)
  }

  private mutating func activatedPlain(_ x: PlanValue, _ activation: Activation) -> PlanValue {
    let count = x.shape.reduce(1, *)
    let result = plainValue(x.shape, in: buffers.add(count: count))
    let (kind, parameter) = (activation.kind, activation.parameter)
    emit(activation.name, reads: [x], writes: result) { memory in
      let (source, target) = (
        Shared(memory.pointer(x.blocks[0])), Shared(memory.pointer(result.blocks[0]))
      )
      EngineThreads.forEachRange(count, itemCost: 4) { range in
        ck_activation(
          kind,
          source.value + range.lowerBound,
          target.value + range.lowerBound,
          parameter,
          Int64(range.count)
        )
      }
    }
    return result
  }

  private mutating func activatedBlocks(_ x: PlanValue, _ activation: Activation) -> PlanValue {
    let result = newBlockedValue(x.shape)
    let (cells, lanes, isHalf, piece) = (x.cells, lanes, isHalf(x), Self.piece)
    let pieces = (cells + piece - 1) / piece
    let (kind, parameter) = (activation.kind, activation.parameter)
    emit(
      activation.name,
      reads: [x],
      writes: result,
      workspaceCount: 2 * piece * lanes
    ) { memory in
      let targets = Shared(memory.pointers(result.blocks))
      let terms = Shared(
        x.blocks.indices.map { Self.term(x, $0, scale: 1, isHalf: isHalf, memory) }
      )
      let (workspace, stride) = (Shared(memory.workspace), memory.workspaceCount)
      EngineThreads.forEachUnit(targets.value.count * pieces) { worker, unit in
        let (block, first) = (unit / pieces, unit % pieces * piece)
        let cellCount = min(piece, cells - first)
        let count = Int64(cellCount * lanes)
        let term = terms.value[block]
        guard let source = term.x, let target = targets.value[block] else { return }
        // Scratch memory: the operand, then the result before its rounding.
        let linear = workspace.value + worker * stride
        var operand = UnsafePointer(linear)
        if isHalf {
          ck_widen(source.assumingMemoryBound(to: UInt16.self) + first * lanes, linear, count)
        } else {
          operand = source.assumingMemoryBound(to: Float.self) + first * lanes
        }
        if term.factor != nil {
          var normalized = term
          normalized.x = UnsafeRawPointer(operand)
          normalized.half = 0
          ck_combine(&normalized, 1, 1, linear, Int64(lanes), 0, Int64(cellCount))
          operand = UnsafePointer(linear)
        }
        if isHalf {
          let active = linear + piece * lanes
          ck_activation(kind, operand, active, parameter, count)
          ck_narrow(active, Self.bfloat16Pointer(target) + first * lanes, count)
        } else {
          ck_activation(kind, operand, target + first * lanes, parameter, count)
        }
      }
    }
    return result
  }
}
