import CKernels
import Support

extension FastKernels {
  package func leakyReLU(_ x: Tensor, negativeSlope: Float) -> Tensor {
    let output = x.emptyLike()
    let (source, target) = (x.storage, output.storage)
    EngineThreads.forEachRange(x.storage.count) { range in
      ck_leaky(
        source.pointer + range.lowerBound,
        target.pointer + range.lowerBound,
        negativeSlope,
        Int64(range.count)
      )
    }
    return output
  }

  package func leakyReLUGradient(
    _ gradient: Tensor,
    output: Tensor,
    negativeSlope: Float
  ) -> Tensor {
    let arriving = gradient.relaid(output.layout)
    let result = output.emptyLike()
    let (from, seen, to) = (arriving.storage, output.storage, result.storage)
    EngineThreads.forEachRange(to.count) { range in
      let start = range.lowerBound
      ck_leaky_gradient(
        seen.pointer + start,
        from.pointer + start,
        to.pointer + start,
        negativeSlope,
        Int64(range.count)
      )
    }
    return result
  }

  package func concatenation(_ parts: [Tensor]) -> Tensor {
    let channels = parts.reduce(0) { $0 + $1.shape[1] }
    var shape = parts[0].shape
    shape[1] = channels
    let layout = commonLayout(parts.map { $0.shape[1] }, offered: parts[0].layout)
    let result = empty(shape, layout)
    var start = 0
    for part in parts.map({ $0.relaid(layout) }) {
      copyChannels(part, into: result, at: start)
      start += part.shape[1]
    }
    return result
  }

  package func split(_ x: Tensor, channels: [Int]) -> [Tensor] {
    let layout = commonLayout(channels, offered: x.layout)
    let source = x.relaid(layout)
    var start = 0
    return channels.map { count in
      var shape = x.shape
      shape[1] = count
      let part = empty(shape, layout)
      copyChannels(part, into: source, at: start, reversed: true)
      start += count
      return part
    }
  }

  /// Blocks can be joined as they are only when every part fills its blocks.
  private func commonLayout(_ channels: [Int], offered: TensorLayout) -> TensorLayout {
    guard case .blocked(let block) = offered, channels.allSatisfy({ $0 % block == 0 }) else {
      return .plain
    }
    return offered
  }

  private func copyChannels(
    _ part: Tensor,
    into whole: Tensor,
    at start: Int,
    reversed: Bool = false
  ) {
    let spatial = whole.spatialCount
    let (wholeStride, partStride) = (whole.shape[1] * spatial, part.shape[1] * spatial)
    let (large, small) = (whole.storage, part.storage)
    EngineThreads.forEachRange(whole.shape[0], itemCost: partStride) { range in
      for sample in range {
        let inside = large.pointer + sample * wholeStride + start * spatial
        let outside = small.pointer + sample * partStride
        if reversed {
          outside.update(from: inside, count: partStride)
        } else {
          inside.update(from: outside, count: partStride)
        }
      }
    }
  }
}
