import CKernels
import Support

extension HalfConvolutionCase {
  /// What the kernels computed with one set of instructions.
  struct Result {
    /// `[batch][outputs][cells]`.
    var values: [Float]
    /// The output's memory.
    var bytes: [[UInt8]]
    var statistics: [Float]
    /// Mean and variance of each channel over batch and cells, from the statistics.
    var moments: [(mean: Double, variance: Double)]
  }

  private static func bytes(_ type: Int) -> Int {
    type == ck_half_float ? 4 : type == ck_half_bf16 ? 2 : 1
  }

  /// Memory of maps `[samples][channels]`, in blocks unless they are plain.
  private static func maps(
    type: Int,
    samples: Int,
    channels: Int,
    cells: Int,
    scale: Float,
    value: (_ sample: Int, _ channel: Int, _ cell: Int) -> Float
  ) -> [AlignedBuffer<UInt8>] {
    let lanes = type == ck_half_float ? 1 : 32
    let blocks = (channels + lanes - 1) / lanes
    return (0..<samples * blocks).map { index in
      let buffer = AlignedBuffer<UInt8>(repeating: 0, count: cells * lanes * bytes(type))
      let raw = UnsafeMutableRawPointer(buffer.pointer)
      for cell in 0..<cells {
        for lane in 0..<lanes {
          let channel = index % blocks * lanes + lane
          guard channel < channels else { continue }
          let x = value(index / blocks, channel, cell)
          let at = (cell * lanes + lane) * bytes(type)
          if type == ck_half_float {
            raw.storeBytes(of: x, toByteOffset: at, as: Float.self)
          } else if type == ck_half_bf16 {
            raw.storeBytes(of: half(x).bits, toByteOffset: at, as: UInt16.self)
          } else {
            raw.storeBytes(of: integer(x, scale: scale), toByteOffset: at, as: Int8.self)
          }
        }
      }
      return buffer
    }
  }

  private static func triple(_ a: [Int]) -> (Int64, Int64, Int64) {
    (Int64(a[0]), Int64(a[1]), Int64(a[2]))
  }

  /// Runs the kernels with a set of instructions; nil where the processor has not got it.
  func run(limit: Int) -> Result? {
    let lanes = isPlainInput ? 1 : 32
    let blocks = (inputs + lanes - 1) / lanes
    var shape = ck_half()
    shape.batch = Int64(batch)
    shape.input_size = Self.triple(size)
    shape.output_size = Self.triple(outputSize)
    shape.kernel = Self.triple(kernel)
    shape.stride = Self.triple(steps)
    shape.pad = Self.triple(transposed ? [0, 0, 0] : padding)
    shape.dilation = Self.triple(dilation)
    shape.input_blocks = Int64(blocks)
    shape.outputs = Int64(outputs)
    shape.transposed = transposed ? 1 : 0
    shape.input_type = Int32(input)
    shape.output_type = Int32(output)
    shape.residual_type = Int32(output)
    shape.product_type = Int32(product)
    shape.limit = Int32(limit)
    guard ck_half_instructions(&shape) == Int32(limit) else { return nil }
    shape.product_scale = Self.productScale
    shape.slope = Self.slope
    shape.scale = Self.residualFactor
    shape.final_slope = Self.finalSlope
    shape.residual_scale = Self.residualScale
    shape.output_scale = Self.outputScale
    ck_half_plan(&shape)

    let x = Self.maps(
      type: input,
      samples: batch,
      channels: inputs,
      cells: cells,
      scale: Self.productScale
    ) { stored($0 * inputs + $1, $2) }
    let residuals = Self.maps(
      type: output,
      samples: batch,
      channels: outputs,
      cells: outputCells,
      scale: Self.residualScale
    ) { residualValue($0, $1, $2) }
    let y = Self.maps(
      type: output,
      samples: batch,
      channels: outputs,
      cells: outputCells,
      scale: 1
    ) { _, _, _ in 1 }
    let terms = AlignedBuffer<Float>(repeating: 0, count: batch * blocks * lanes * 2)
    for n in 0..<batch {
      for c in 0..<inputs {
        terms.pointer[n * blocks * lanes + c] = Self.factor(n * inputs + c)
        terms.pointer[(batch + n) * blocks * lanes + c] = Self.addition(n * inputs + c)
      }
    }
    let bias = AlignedBuffer<Float>(repeating: 0, count: (outputs + 31) / 32 * 32)
    for o in 0..<outputs { bias.pointer[o] = Self.bias(o) }
    let weights = AlignedBuffer<UInt8>(uninitializedCount: Int(ck_half_weight_bytes(&shape)))
    ck_half_weights(&shape, plainWeights, weights.pointer, Int64(inputs))
    let spatial = Int(ck_half_spatial_units(&shape)), padded = (outputs + 31) / 32 * 32
    let sums = AlignedBuffer<Float>(repeating: 0, count: spatial * 3 * padded)
    let workspace = AlignedBuffer<UInt8>(
      repeating: 0xff,
      count: Int(ck_half_workspace(&shape))
    )
    let inputPointers = x.map { Optional(UnsafeRawPointer($0.pointer)) }
    let residualPointers = residuals.map { Optional(UnsafeRawPointer($0.pointer)) }
    let outputPointers = y.map { Optional(UnsafeMutableRawPointer($0.pointer)) }
    let additions = terms.pointer + batch * blocks * lanes
    var factorPointers: [UnsafePointer<Float>?] = []
    var additionPointers: [UnsafePointer<Float>?] = []
    for block in 0..<batch * blocks {
      factorPointers.append(UnsafePointer(terms.pointer + block * lanes))
      additionPointers.append(UnsafePointer(additions + block * lanes))
    }
    let scales = [Float](repeating: Self.productScale, count: blocks)
    let slopes = [Float](repeating: Self.slope, count: blocks)
    shape.weights = UnsafeRawPointer(weights.pointer)
    shape.bias = UnsafePointer(bias.pointer)
    shape.statistics = statistics ? sums.pointer : nil
    let planned = shape
    withExtendedLifetime((x, residuals, y, terms, bias, weights)) {
      inputPointers.withUnsafeBufferPointer { ins in
        residualPointers.withUnsafeBufferPointer { adds in
          outputPointers.withUnsafeBufferPointer { outs in
            factorPointers.withUnsafeBufferPointer { f in
              additionPointers.withUnsafeBufferPointer { a in
                scales.withUnsafeBufferPointer { inputScales in
                  slopes.withUnsafeBufferPointer { inputSlopes in
                    var shape = planned
                    shape.input = ins.baseAddress
                    shape.residual = residual ? adds.baseAddress : nil
                    shape.output = outs.baseAddress
                    shape.factors = pending ? f.baseAddress : nil
                    shape.additions = a.baseAddress
                    shape.input_scales = inputScales.baseAddress
                    shape.input_slopes = inputSlopes.baseAddress
                    // In two parts, the later one first: units do not depend on each other.
                    let units = ck_half_units(&shape)
                    ck_half_run(&shape, units / 2, units, workspace.pointer)
                    ck_half_run(&shape, 0, units / 2, workspace.pointer)
                  }
                }
              }
            }
          }
        }
      }
    }

    var result = Result(
      values: [],
      bytes: y.map { Array($0.elements) },
      statistics: statistics ? Array(sums.elements) : [],
      moments: []
    )
    let outLanes = isPlainOutput ? 1 : 32
    let outBlocks = outputLanes / outLanes
    for n in 0..<batch {
      for o in 0..<outputs {
        let raw = UnsafeRawPointer(y[n * outBlocks + o / outLanes].pointer)
        for cell in 0..<outputCells {
          let at = (cell * outLanes + o % outLanes) * Self.bytes(output)
          if output == ck_half_float {
            result.values.append(raw.load(fromByteOffset: at, as: Float.self))
          } else if output == ck_half_bf16 {
            let bits = raw.load(fromByteOffset: at, as: UInt16.self)
            result.values.append(Float(bitPattern: UInt32(bits) << 16))
          } else {
            let q = raw.load(fromByteOffset: at, as: Int8.self)
            result.values.append(Float(q) * Self.outputScale)
          }
        }
      }
    }
    if statistics {
      let total = Double(batch * outputCells)
      var shape = planned
      result.moments = (0..<outputs).map { o in
        var sum = 0.0, squares = 0.0
        for unit in 0..<spatial {
          let from = sums.pointer + unit * 3 * padded + o
          let count = Double(ck_half_unit_cells(&shape, Int64(unit)))
          let pivot = Double(from[0]), away = Double(from[padded])
          sum += away + pivot * count
          squares += Double(from[2 * padded])
          squares += 2 * pivot * away + pivot * pivot * count
        }
        let mean = sum / total
        return (mean, squares / total - mean * mean)
      }
    }
    return result
  }
}
