import CKernels
import Support

/// Convolutions, with what was fused into them.
extension PlanCompiler {
  /// Up to this many plain channels are gathered one by one instead of being laid out in blocks.
  private static let plainChannelLimit = 4

  mutating func compile(_ convolution: PlannedConvolution, _ node: PlanNode) -> PlanValue {
    let outputShape = graph.shapes[node.output]
    var work = convolution
    // A residual in row-major order meets a result in blocks, and kernels read it as it is stored.
    let residual = work.residual.map { materialized(blocked($0)) }
    let usesWinograd =
      maps != .wide && isWinogradFaster(convolution, input: graph.shapes[node.inputs[0]])
    let source = known(node.inputs[0])
    let readsPlain =
      source.lanes == 1 && source.shape[1] <= Self.plainChannelLimit && !usesWinograd
      && !work.isTransposed
    let x = readsPlain ? source : blocked(node.inputs[0])

    let isResult =
      graph.outputs == [node.output] && !usesWinograd && work.normalization == nil
      && residual == nil
    var result =
      isResult
      ? plainValue(outputShape, in: buffers.add(count: outputShape.reduce(1, *)))
      : newBlockedValue(outputShape)
    work.residual = nil
    let job = ConvolutionJob(convolution: work, x: x, residual: residual, result: result)
    let statistics: UnitStatistics?
    if maps == .wide {
      if let observer { emitObservation(of: x, for: node.output, observer) }
      statistics = emitWide(job, node)
    } else {
      statistics = usesWinograd ? emitWinograd(job, node) : emitDirect(job, node)
    }
    if let normalization = work.normalization, let statistics {
      result.affines = emitNormalization(normalization, statistics, of: result)
    }
    if maps == .wide, let activation = work.activation { return activated(result, activation) }
    return result
  }

  struct ConvolutionJob {
    let convolution: PlannedConvolution
    let x: PlanValue
    let residual: PlanValue?
    let result: PlanValue

    var operations: Double {
      let cells = convolution.isTransposed ? x.cells : result.cells
      return 2 * Double(result.shape[0] * cells)
        * Double(convolution.weight.shape.reduce(1, *))
    }
  }

  /// What a convolution found out about its result: a record for each unit.
  struct UnitStatistics {
    let buffer: Int
    /// Output cells of each unit; the units of a sample are neighbours.
    let cells: [Int64]
  }

  // MARK: Choice

  /// Whether Winograd's filtering applies and saves time by a model of its cost.
  ///
  /// Costs are in multiply-adds of the product: 36 instead of 144 a tile, transforms, and the
  /// weights, which grow from 9 to 36 numbers and come from memory at about one a dozen products.
  private func isWinogradFaster(_ convolution: PlannedConvolution, input: [Int]) -> Bool {
    let shape = convolution.shape
    let kernel = PlanValue.threeDimensional(Array(convolution.weight.shape.dropFirst(2)), filler: 1)
    let padding = PlanValue.threeDimensional(shape.padding, filler: 0)
    let dilation = PlanValue.threeDimensional(shape.dilation, filler: 1)
    guard options.usesWinograd, !convolution.isTransposed, kernel[1] == 3, kernel[2] == 3,
      kernel[0] == 1 || kernel[0] == 3,
      padding == [kernel[0] / 2 * dilation[0], dilation[1], dilation[2]],
      shape.stride.allSatisfy({ $0 == 1 })
    else { return false }
    let size = PlanValue.threeDimensional(Array(input.dropFirst(2)), filler: 1)
    let (inputs, outputs) = (input[1], convolution.outputChannels)
    guard inputs > 4 else { return false }
    func filled(_ channels: Int) -> Double { Double((channels + lanes - 1) / lanes * lanes) }
    let pairs = filled(inputs) * filled(outputs) * Double(kernel[0])
    let slices = Double(input[0] * size[0])
    func tilesAlong(_ axis: Int) -> Int {
      let grid = (size[axis] + dilation[axis] - 1) / dilation[axis]
      return dilation[axis] * ((grid + 3) / 4)
    }
    let tiles = slices * Double(tilesAlong(1) * tilesAlong(2))
    let cells = slices * Double(size[1] * size[2])
    let weightCost = 24.0
    let winograd =
      tiles * 36 * (pairs + 12 * (filled(inputs) + filled(outputs))) + weightCost * 36 * pairs
    // Products of bfloat16 come at nearly twice the rate (200 and 380 GFLOP/s on Zen 4), but weights
    // are dearer above than where few units transform them: 512 to 512 channels of 16 x 16 take
    // 2.1 ms by filtering and 3.2 ms by such products.
    let rate = maps == .half && ck_direct_multiplies_bf16() != 0 ? 1.5 : 1.0
    let direct = (cells * 9 * pairs + weightCost * 9 * pairs) / rate
    return winograd < 0.9 * direct
  }

  // MARK: Kernels

  private mutating func emitWinograd(_ job: ConvolutionJob, _ node: PlanNode) -> UnitStatistics? {
    let (convolution, x, result) = (job.convolution, job.x, job.result)
    let size = x.size.map { Int64($0) }
    var shape = ck_winograd()
    shape.batch = Int64(x.shape[0])
    (shape.depth, shape.height, shape.width) = (size[0], size[1], size[2])
    shape.input_blocks = Int64(x.blocksPerSample)
    shape.output_blocks = Int64(result.blocksPerSample)
    shape.lanes = Int64(lanes)
    shape.depth_taps = Int64(convolution.weight.rank == 5 ? convolution.weight.shape[2] : 1)
    let dilation = PlanValue.threeDimensional(convolution.shape.dilation, filler: 1).map {
      Int64($0)
    }
    shape.dilation = (shape.depth_taps == 1 ? 1 : dilation[0], dilation[1], dilation[2])
    shape.activated = convolution.activation == nil ? 0 : 1
    shape.activation = convolution.activation?.kind ?? 0
    shape.activation_parameter = convolution.activation?.parameter ?? 0
    shape.input_half = isHalf(x) ? 1 : 0
    shape.output_half = isHalf(result) ? 1 : 0
    shape.slope = convolution.slope
    shape.scale = convolution.scale
    shape.final_slope = convolution.finalSlope
    ck_winograd_plan(&shape, Int64(Parallelism.threadCount))
    let units = Int(ck_winograd_units(&shape))
    let workspaceCount = Int(ck_winograd_workspace(&shape))

    let weights = AlignedBuffer<Float>(uninitializedCount: Int(ck_winograd_weight_count(&shape)))
    let prepared = Shared(shape)
    let weight = convolution.weight
    for pair in stride(from: 0, to: shape.output_blocks, by: 2) {
      packing.append {
        var shape = prepared.value
        withExtendedLifetime((weight, weights)) {
          ck_winograd_weights(
            &shape,
            weight.storage.pointer,
            weights.pointer,
            Int64(weight.shape[0]),
            Int64(weight.shape[1]),
            0,
            pair,
            min(pair + 2, shape.output_blocks)
          )
        }
      }
    }

    let spatialUnits = Int(ck_winograd_spatial_units(&shape))
    let statistics = convolution.normalization.map { _ in
      UnitStatistics(
        buffer: buffers.add(count: spatialUnits * 3 * result.blocksPerSample * lanes),
        cells: (0..<spatialUnits).map { ck_winograd_unit_cells(&shape, Int64($0)) }
      )
    }
    emitConvolution(
      "winograd",
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
      shape.weights = pointers.weights?.assumingMemoryBound(to: Float.self)
      shape.bias = pointers.bias
      shape.residual = pointers.residual
      shape.output = pointers.output
      shape.statistics = pointers.statistics
      ck_winograd_run(&shape, Int64(unit), Int64(unit + 1), workspace)
    }
    return statistics
  }

  private mutating func emitDirect(_ job: ConvolutionJob, _ node: PlanNode) -> UnitStatistics? {
    let (convolution, x, result) = (job.convolution, job.x, job.result)
    func triple(_ values: [Int], _ filler: Int) -> (Int64, Int64, Int64) {
      let v = PlanValue.threeDimensional(values, filler: filler).map { Int64($0) }
      return (v[0], v[1], v[2])
    }
    var shape = ck_direct()
    shape.batch = Int64(x.shape[0])
    shape.input_size = triple(x.size, 1)
    shape.output_size = triple(result.size, 1)
    shape.kernel = triple(Array(convolution.weight.shape.dropFirst(2)), 1)
    shape.stride = triple(convolution.shape.stride, 1)
    shape.pad = triple(convolution.shape.padding, 0)
    shape.dilation = triple(convolution.shape.dilation, 1)
    shape.input_blocks = Int64(x.blocksPerSample)
    shape.input_lanes = Int64(x.lanes)
    shape.output_blocks = Int64((result.shape[1] + lanes - 1) / lanes)
    shape.lanes = Int64(lanes)
    shape.plain_outputs = result.lanes == 1 ? Int64(result.shape[1]) : 0
    shape.transposed = convolution.isTransposed ? 1 : 0
    shape.input_half = isHalf(x) ? 1 : 0
    shape.output_half = isHalf(result) ? 1 : 0
    shape.product_half = isHalf(x) && ck_direct_multiplies_bf16() != 0 ? 1 : 0
    shape.activated = convolution.activation == nil ? 0 : 1
    shape.activation = convolution.activation?.kind ?? 0
    shape.activation_parameter = convolution.activation?.parameter ?? 0
    shape.slope = convolution.slope
    shape.scale = convolution.scale
    shape.final_slope = convolution.finalSlope
    ck_direct_plan(&shape, Int64(Parallelism.threadCount))
    let units = Int(ck_direct_units(&shape))
    let workspaceCount = Int(ck_direct_workspace(&shape))
    let weights = AlignedBuffer<Float>(uninitializedCount: Int(ck_direct_weight_count(&shape)))
    let prepared = Shared(shape)
    let (weight, outputs) = (convolution.weight, convolution.outputChannels)
    let inputs = x.shape[1]
    packing.append {
      var shape = prepared.value
      withExtendedLifetime((weight, weights)) {
        ck_direct_weights(
          &shape,
          weight.storage.pointer,
          weights.pointer,
          Int64(outputs),
          Int64(inputs)
        )
      }
    }
    let spatialUnits = Int(ck_direct_spatial_units(&shape))
    let statistics = convolution.normalization.map { _ in
      UnitStatistics(
        buffer: buffers.add(count: spatialUnits * 3 * Int(shape.output_blocks) * lanes),
        cells: (0..<spatialUnits).map { ck_direct_unit_cells(&shape, Int64($0)) }
      )
    }
    emitConvolution(
      (convolution.isTransposed ? "transposed" : "direct")
        + (shape.product_half != 0 ? " bf16" : ""),
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
      ck_direct_run(&shape, Int64(unit), Int64(unit + 1), workspace)
    }
    return statistics
  }

  /// Pointers of one run, as both kernels take them.
  // Sendable invariant: as of Shared.
  struct ConvolutionPointers: @unchecked Sendable {
    let input: UnsafePointer<UnsafeRawPointer?>?
    let factors: UnsafePointer<UnsafePointer<Float>?>?
    let additions: UnsafePointer<UnsafePointer<Float>?>?
    let slopes: UnsafePointer<Float>?
    let weights: UnsafeRawPointer?
    let bias: UnsafePointer<Float>?
    let residual: UnsafePointer<UnsafeRawPointer?>?
    let output: UnsafePointer<UnsafeMutableRawPointer?>?
    let statistics: UnsafeMutablePointer<Float>?
  }

  mutating func emitConvolution(
    _ kernel: String,
    _ job: ConvolutionJob,
    units: Int,
    workspaceCount: Int,
    weights: AlignedBuffer<Float>,
    statistics: UnitStatistics?,
    _ body: @escaping @Sendable (ConvolutionPointers, Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    let (x, result, residual) = (job.x, job.result, job.residual)
    let padded = (result.shape[1] + lanes - 1) / lanes * lanes
    let bias = job.convolution.bias.map { values in
      let buffer = AlignedBuffer<Float>(repeating: 0, count: padded)
      for (index, value) in values.enumerated() { buffer.pointer[index] = value }
      return buffer
    }
    let isNormalized = x.isNormalized
    let slopes = x.affines.prefix(x.blocksPerSample).map { $0?.slope ?? 1 }
    emit(
      kernel,
      reads: [x] + (residual.map { [$0] } ?? []),
      writes: result,
      operations: job.operations,
      workspaceCount: workspaceCount,
      temporaries: statistics.map { [$0.buffer] } ?? []
    ) { memory in
      let input = memory.rawPointers(x.blocks)
      let output = memory.pointers(result.blocks).map { UnsafeMutableRawPointer($0) }
      let added = residual.map { memory.rawPointers($0.blocks) } ?? []
      let factors = x.affines.map { affine in
        affine.map { UnsafePointer(memory.pointer($0.factor)) }
      }
      let additions = x.affines.map { affine in
        affine.map { UnsafePointer(memory.pointer($0.addition)) }
      }
      let record = statistics.map { memory.pointer(PlanPlace(buffer: $0.buffer, offset: 0)) }
      let (workspace, stride) = (Shared(memory.workspace), memory.workspaceCount)
      withExtendedLifetime((weights, bias)) {
        input.withUnsafeBufferPointer { input in
          output.withUnsafeBufferPointer { output in
            added.withUnsafeBufferPointer { added in
              factors.withUnsafeBufferPointer { factors in
                additions.withUnsafeBufferPointer { additions in
                  slopes.withUnsafeBufferPointer { slopes in
                    let pointers = ConvolutionPointers(
                      input: input.baseAddress,
                      factors: isNormalized ? factors.baseAddress : nil,
                      additions: isNormalized ? additions.baseAddress : nil,
                      slopes: slopes.baseAddress,
                      weights: UnsafeRawPointer(weights.pointer),
                      bias: bias.map { UnsafePointer($0.pointer) },
                      residual: residual == nil ? nil : added.baseAddress,
                      output: output.baseAddress,
                      statistics: record
                    )
                    EngineThreads.forEachUnit(units) { worker, unit in
                      body(pointers, unit, workspace.value + worker * stride)
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  /// Turns unit statistics into the factors and additions that readers apply.
  private mutating func emitNormalization(
    _ normalization: PlannedNormalization,
    _ statistics: UnitStatistics,
    of result: PlanValue
  ) -> [PlanAffine?] {
    let (samples, channels) = (result.shape[0], result.shape[1])
    let padded = result.blocksPerSample * lanes
    let factor = buffers.add(count: samples * padded)
    let addition = buffers.add(count: samples * padded)
    let units = statistics.cells.count / samples
    let (gain, offset, epsilon) = (
      normalization.gain, normalization.offset, normalization.epsilon
    )
    emit(
      "statistics",
      reads: [],
      writes: plainValue([samples, padded], in: factor),
      temporaries: [addition, statistics.buffer]
    ) { memory in
      for sample in 0..<samples {
        let record =
          memory.pointer(PlanPlace(buffer: statistics.buffer, offset: 0))
          + sample * units * 3 * padded
        statistics.cells.withUnsafeBufferPointer { cells in
          (gain ?? []).withUnsafeBufferPointer { gain in
            (offset ?? []).withUnsafeBufferPointer { offset in
              guard let first = cells.baseAddress else { return }
              ck_join_statistics(
                record,
                first + sample * units,
                Int64(units),
                Int64(padded),
                Int64(channels),
                gain.isEmpty ? nil : gain.baseAddress,
                offset.isEmpty ? nil : offset.baseAddress,
                epsilon,
                memory.pointer(PlanPlace(buffer: factor, offset: sample * padded)),
                memory.pointer(PlanPlace(buffer: addition, offset: sample * padded))
              )
            }
          }
        }
      }
    }
    return result.blocks.indices.map { block in
      PlanAffine(
        factor: PlanPlace(buffer: factor, offset: block * lanes),
        addition: PlanPlace(buffer: addition, offset: block * lanes),
        slope: normalization.slope
      )
    }
  }
}

/// Pointers, or C structures of them, that the workers of one parallel loop share.
// Sendable invariant: lives for one instruction; every worker writes only what its units own.
struct Shared<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) { self.value = value }
}
