import Support

/// Operations that change no number: other shapes, parts, and joined tensors.
extension PlanCompiler {
  /// A reshaped tensor, some channels of one, or tensors joined along an axis, without running the
  /// operation's own code.
  ///
  /// Reshaped values and whole blocks of channels stay where they are; joined tensors are copied row by
  /// row.
  /// - Returns: The value; nil for steps that are none of these, or that have to move single numbers.
  mutating func compileMove(_ node: PlanNode, _ step: GraphStep) -> PlanValue? {
    guard case .general(let name) = step.action, !node.inputs.isEmpty,
      node.inputs.count == step.operands.count
    else { return nil }
    switch name {
    case "reshape": return reshaped(node)
    case "slice": return slicedChannels(node, step)
    case "concatenate": return joined(node, step)
    default: return nil
    }
  }

  private mutating func reshaped(_ node: PlanNode) -> PlanValue {
    let source = plain(node.inputs[0]).blocks[0]
    return plainValue(graph.shapes[node.output], in: source.buffer, offset: source.offset)
  }

  private func slicedChannels(_ node: PlanNode, _ step: GraphStep) -> PlanValue? {
    let (x, shape) = (known(node.inputs[0]), graph.shapes[node.output])
    guard case .integers(let first)? = step.attributes["first"],
      case .integers(let steps)? = step.attributes["step"],
      first.count > 1, steps.allSatisfy({ $0 == 1 }), shape[0] > 0, shape[1] > 0,
      shape.indices.allSatisfy({ $0 == 1 || shape[$0] == x.shape[$0] }),
      // Samples of a row-major value must stay beside each other.
      x.lanes > 1 || shape[0] == 1,
      first[1] % x.lanes == 0,
      shape[1] % x.lanes == 0 || first[1] + shape[1] == x.shape[1]
    else { return nil }
    let (start, count) = (first[1] / x.lanes, (shape[1] + x.lanes - 1) / x.lanes)
    let kept = (0..<shape[0]).flatMap { sample in
      (0..<count).map { sample * x.blocksPerSample + start + $0 }
    }
    return PlanValue(
      shape: shape,
      lanes: x.lanes,
      blocks: kept.map { x.blocks[$0] },
      affines: kept.map { x.affines[$0] }
    )
  }

  private mutating func joined(_ node: PlanNode, _ step: GraphStep) -> PlanValue? {
    guard case .integers(let axes)? = step.attributes["axis"], let axis = axes.first else {
      return nil
    }
    let shape = graph.shapes[node.output]
    if axis == 1, lanes > 1, node.inputs.allSatisfy({ known($0).lanes == lanes }),
      node.inputs.dropLast().allSatisfy({ graph.shapes[$0][1] % lanes == 0 })
    {
      return compileConcatenation(node)
    }
    let parts = node.inputs.map { plain($0) }
    let result = plainValue(shape, in: buffers.add(count: shape.reduce(1, *)))
    let widths = parts.map { $0.shape.dropFirst(axis).reduce(1, *) }
    let (rows, width) = (shape.prefix(axis).reduce(1, *), widths.reduce(0, +))
    emit("concatenate", reads: parts, writes: result) { memory in
      let sources = Shared(parts.map { UnsafePointer(memory.pointer($0.blocks[0])) })
      let target = Shared(memory.pointer(result.blocks[0]))
      EngineThreads.forEachRange(rows, itemCost: width) { range in
        for row in range {
          var place = target.value + row * width
          for (source, width) in zip(sources.value, widths) {
            place.update(from: source + row * width, count: width)
            place += width
          }
        }
      }
    }
    return result
  }
}
