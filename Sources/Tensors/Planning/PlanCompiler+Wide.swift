import CKernels
import Support

/// Maps in bfloat16, in blocks of 32 channels, and convolutions of low precision.
extension PlanCompiler {
  /// Channels of a block of low precision; a cell of 32 takes as many bytes as 16 in single precision.
  static let wideLanes = 32

  mutating func emitWide(_ job: ConvolutionJob, _ node: PlanNode) -> UnitStatistics? {
    let (convolution, x, result) = (job.convolution, job.x, job.result)
    func triple(_ values: [Int], _ filler: Int) -> (Int64, Int64, Int64) {
      let v = PlanValue.threeDimensional(values, filler: filler).map { Int64($0) }
      return (v[0], v[1], v[2])
    }
    var shape = ck_half()
    shape.batch = Int64(x.shape[0])
    shape.input_size = triple(x.size, 1)
    shape.output_size = triple(result.size, 1)
    shape.kernel = triple(Array(convolution.weight.shape.dropFirst(2)), 1)
    shape.stride = triple(convolution.shape.stride, 1)
    shape.pad = triple(convolution.shape.padding, 0)
    shape.dilation = triple(convolution.shape.dilation, 1)
    shape.input_blocks = Int64(x.blocksPerSample)
    shape.outputs = Int64(result.shape[1])
    shape.transposed = convolution.isTransposed ? 1 : 0
    shape.input_type = x.lanes == 1 ? Int32(ck_half_float) : Int32(ck_half_bf16)
    shape.output_type = result.lanes == 1 ? Int32(ck_half_float) : Int32(ck_half_bf16)
    shape.residual_type = shape.output_type
    shape.product_type = Int32(ck_half_bf16)
    shape.slope = convolution.slope
    shape.scale = convolution.scale
    shape.final_slope = convolution.finalSlope
    if let largest = largestInputs[node.output], largest > 0, x.lanes > 1, result.lanes > 1 {
      shape.product_type = Int32(ck_half_int8)
      shape.product_scale = max(largest, .leastNormalMagnitude) / 127
    }
    ck_half_plan(&shape)
    let units = Int(ck_half_units(&shape))
    // Scratch memory is counted in floats, and every worker's part starts at a cache line.
    let workspaceCount = (Int(ck_half_workspace(&shape)) + 63) / 64 * 16
    let weights = AlignedBuffer<Float>(
      uninitializedCount: (Int(ck_half_weight_bytes(&shape)) + 3) / 4
    )
    let prepared = Shared(shape)
    let (weight, inputs) = (convolution.weight, x.shape[1])
    packing.append {
      var shape = prepared.value
      withExtendedLifetime((weight, weights)) {
        ck_half_weights(&shape, weight.storage.pointer, weights.pointer, Int64(inputs))
      }
    }
    let padded = (result.shape[1] + lanes - 1) / lanes * lanes
    let spatialUnits = Int(ck_half_spatial_units(&shape))
    let statistics = convolution.normalization.map { _ in
      UnitStatistics(
        buffer: buffers.add(count: spatialUnits * 3 * padded),
        cells: (0..<spatialUnits).map { ck_half_unit_cells(&shape, Int64($0)) }
      )
    }
    let kernel = convolution.isTransposed ? "transposed" : "direct"
    emitConvolution(
      kernel + (shape.product_type == Int32(ck_half_int8) ? " int8" : " bf16"),
      job,
      units: units,
      workspaceCount: workspaceCount,
      weights: weights,
      statistics: statistics
    ) { pointers, unit, workspace in
      var shape = prepared.value
      shape.input = pointers.input
      shape.factors = pointers.factors
      shape.additions = pointers.additions
      shape.input_slopes = pointers.slopes
      shape.weights = pointers.weights
      shape.bias = pointers.bias
      shape.residual = pointers.residual
      shape.output = pointers.output
      shape.statistics = pointers.statistics
      ck_half_run(&shape, Int64(unit), Int64(unit + 1), UnsafeMutableRawPointer(workspace))
    }
    return statistics
  }

  /// Reports the largest magnitude that readers of a value see.
  mutating func emitObservation(
    of x: PlanValue,
    for output: Int,
    _ observer: @escaping @Sendable (Int, Float) -> Void
  ) {
    guard x.lanes > 1 else { return }
    let cells = x.cells
    emit("observation", reads: [x], writes: x) { memory in
      let terms = Shared(x.blocks.indices.map { Self.wideTerm(x, $0, memory) })
      EngineThreads.forEachUnit(terms.value.count) { _, block in
        var term = terms.value[block]
        observer(output, ck_half_largest(&term, Int64(cells)))
      }
    }
  }

  /// A block of a value as the passes of low precision read it.
  static func wideTerm(
    _ value: PlanValue,
    _ block: Int,
    _ memory: borrowing PlanMemory
  ) -> ck_half_term {
    let affine = value.affines[block]
    return ck_half_term(
      cells: bfloat16Pointer(memory.pointer(value.blocks[block])),
      factor: affine.map { UnsafePointer(memory.pointer($0.factor)) },
      addition: affine.map { UnsafePointer(memory.pointer($0.addition)) },
      slope: affine?.slope ?? 1
    )
  }

  static func bfloat16Pointer(
    _ pointer: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<UInt16> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: UInt16.self)
  }

  /// leaky(Σ scale · value), two values at a time.
  mutating func emitWideSum(
    _ terms: [(value: PlanValue, scale: Float)],
    slope: Float,
    to result: PlanValue,
    name: String
  ) {
    // A scale that is not 1 becomes a factor; a map that has one already is written out first.
    let values = terms.map { term -> PlanValue in
      guard term.scale != 1 else { return term.value }
      var scaled = materialized(term.value)
      scaled.affines = constantAffine(term.scale, count: scaled.blocks.count)
      return scaled
    }
    let (cells, piece) = (result.cells, 4096)
    let pieces = (cells + piece - 1) / piece
    for last in values.count == 1 ? [0] : Array(1..<values.count) {
      // The first pass reads two values, every further one the sum so far and one more.
      let first = last <= 1 ? values[0] : result
      let second = last == 0 ? nil : values[last]
      let isFinal = last == values.count - 1
      let outer = isFinal ? slope : 1
      emit(name, reads: [first] + (second.map { [$0] } ?? []), writes: result) { memory in
        let targets = Shared(memory.pointers(result.blocks))
        let left = Shared(first.blocks.indices.map { Self.wideTerm(first, $0, memory) })
        let right = Shared(
          second.map { value in value.blocks.indices.map { Self.wideTerm(value, $0, memory) } }
        )
        EngineThreads.forEachUnit(targets.value.count * pieces) { _, unit in
          let (block, part) = (unit / pieces, unit % pieces)
          guard let target = targets.value[block] else { return }
          let start = part * piece
          func moved(_ term: ck_half_term) -> ck_half_term {
            var term = term
            term.cells += start * Self.wideLanes
            return term
          }
          var a = moved(left.value[block])
          let to = Self.bfloat16Pointer(target) + start * Self.wideLanes
          let count = Int64(min(piece, cells - start))
          if let right = right.value {
            var b = moved(right[block])
            ck_half_sum(&a, &b, outer, to, count, Int32(ck_half_best))
          } else {
            ck_half_sum(&a, nil, outer, to, count, Int32(ck_half_best))
          }
        }
      }
    }
  }

  /// A factor for all channels, as if it were a normalisation.
  private mutating func constantAffine(_ factor: Float, count: Int) -> [PlanAffine?] {
    let place = buffers.add(count: 2 * Self.wideLanes)
    let lanes = Self.wideLanes
    let marker = plainValue([2, lanes], in: place)
    emit("factor", reads: [], writes: marker) { memory in
      let start = memory.pointer(PlanPlace(buffer: place, offset: 0))
      for lane in 0..<lanes {
        start[lane] = factor
        start[lanes + lane] = 0
      }
    }
    let affine = PlanAffine(
      factor: PlanPlace(buffer: place, offset: 0),
      addition: PlanPlace(buffer: place, offset: lanes),
      slope: 1
    )
    return [PlanAffine?](repeating: affine, count: count)
  }

  mutating func compileWidePooling(
    _ node: PlanNode,
    _ shape: PoolingShape,
    _ maximum: Bool
  ) -> PlanValue {
    let x = materialized(blocked(node.inputs[0]))
    let result = newBlockedValue(graph.shapes[node.output])
    func triple(_ values: [Int], _ filler: Int) -> (Int64, Int64, Int64) {
      let v = PlanValue.threeDimensional(values, filler: filler).map { Int64($0) }
      return (v[0], v[1], v[2])
    }
    let window = Shared(
      ck_pooling(
        input: triple(x.size, 1),
        output: triple(result.size, 1),
        kernel: triple(shape.kernel, 1),
        stride: triple(shape.stride, 1),
        pad: triple(shape.padding, 0)
      )
    )
    emitWideRows(
      maximum ? "max pooling" : "average pooling",
      x,
      result,
      rows: result.size[0] * result.size[1]
    ) { from, to, first, last in
      var window = window.value
      if maximum {
        ck_half_max_pool(from, to, &window, first, last, Int32(ck_half_best))
      } else {
        ck_half_average_pool(from, to, &window, first, last, Int32(ck_half_best))
      }
    }
    return result
  }

  mutating func compileWideRepetition(_ node: PlanNode, _ factors: [Int]) -> PlanValue {
    let x = materialized(blocked(node.inputs[0]))
    let result = newBlockedValue(graph.shapes[node.output])
    let size = x.size.map { Int64($0) }
    let scale = PlanValue.threeDimensional(factors, filler: 1).map { Int64($0) }
    emitWideRows("repetition", x, result, rows: x.size[0] * x.size[1]) { from, to, first, last in
      ck_half_upsample(from, to, size, scale, first, last, Int32(ck_half_best))
    }
    return result
  }

  /// Runs a pass over pieces of rows of every block.
  private mutating func emitWideRows(
    _ name: String,
    _ x: PlanValue,
    _ result: PlanValue,
    rows: Int,
    _ body:
      @escaping @Sendable (
        UnsafePointer<UInt16>, UnsafeMutablePointer<UInt16>, Int64, Int64
      ) -> Void
  ) {
    let piece = 8
    let pieces = (rows + piece - 1) / piece
    emit(name, reads: [x], writes: result) { memory in
      let sources = Shared(memory.pointers(x.blocks))
      let targets = Shared(memory.pointers(result.blocks))
      EngineThreads.forEachUnit(targets.value.count * pieces) { _, unit in
        let (block, part) = (unit / pieces, unit % pieces)
        guard let from = sources.value[block], let to = targets.value[block] else { return }
        body(
          UnsafePointer(Self.bfloat16Pointer(from)),
          Self.bfloat16Pointer(to),
          Int64(part * piece),
          Int64(min(rows, (part + 1) * piece))
        )
      }
    }
  }

  mutating func compileWideRelayout(_ from: PlanValue, _ to: PlanValue) {
    let (cells, channels) = (from.cells, from.shape[1])
    let isPacking = from.lanes == 1
    let blocks = isPacking ? to : from
    let perSample = blocks.blocksPerSample
    emit("relayout", reads: [from], writes: to) { memory in
      let places = Shared(memory.pointers(blocks.blocks))
      let planes = Shared(memory.pointers((isPacking ? from : to).blocks))
      EngineThreads.forEachUnit(places.value.count) { _, index in
        let (sample, part) = (index / perSample, index % perSample)
        let first = sample * channels + part * Self.wideLanes
        let count = min(Self.wideLanes, channels - part * Self.wideLanes)
        guard let place = places.value[index] else { return }
        let block = Self.bfloat16Pointer(place)
        if isPacking {
          let sources = planes.value[first..<first + count].map { UnsafePointer($0) }
          ck_half_from_plain(sources, Int64(count), block, Int64(cells), Int32(ck_half_best))
        } else {
          let targets = Array(planes.value[first..<first + count])
          ck_half_to_plain(block, targets, Int64(count), Int64(cells), Int32(ck_half_best))
        }
      }
    }
  }
}
