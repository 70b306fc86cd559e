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

  /// The sum of two bfloat16 tensors in blocks, rounded once; nil for any other.
  static func halfSum(_ a: Tensor, _ b: Tensor) -> Tensor? {
    guard let left = a.halfStorage, let right = b.halfStorage, a.layout == b.layout,
      a.layout == preferredLayout, !Kernels.current.isReference
    else { return nil }
    let target = AlignedBuffer<UInt16>(uninitializedCount: left.count)
    let lanes = a.lanes
    EngineThreads.forEachRange(left.count / lanes, itemCost: lanes) { range in
      let terms = [left, right].map { half in
        ck_term(x: half.pointer, half: 1, factor: nil, addition: nil, slope: 1, scale: 1)
      }
      ck_combine(
        terms,
        2,
        1,
        target.pointer,
        Int64(lanes),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return Tensor(shape: a.shape, layout: a.layout, halfStorage: target)
  }

  package func concatenation(_ parts: [Tensor]) -> Tensor {
    let channels = parts.reduce(0) { $0 + $1.shape[1] }
    var shape = parts[0].shape
    shape[1] = channels
    let layout = commonLayout(parts.map { $0.shape[1] }, offered: parts[0].layout)
    let result = empty(shape, layout, parts[0].elementType)
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
      let part = empty(shape, layout, x.elementType)
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

  /// Copies a part's channels into the whole, or with `reversed` out of it, block by block.
  private func copyChannels(
    _ part: Tensor,
    into whole: Tensor,
    at start: Int,
    reversed: Bool = false
  ) {
    // Values and places of one item: a block of channels, or a channel.
    let size = whole.spatialCount * whole.lanes
    let (items, wholeItems) = (part.shape[1] / whole.lanes, whole.shape[1] / whole.lanes)
    let (large, small) = (whole.storage, part.storage)
    let (largeHalf, smallHalf) = (whole.halfStorage, part.halfStorage)
    let first = start / whole.lanes
    EngineThreads.forEachRange(whole.shape[0] * items, itemCost: size) { range in
      for index in range {
        let inside = (index / items * wholeItems + first + index % items) * size
        if let largeHalf, let smallHalf {
          copy(largeHalf.pointer + inside, smallHalf.pointer + index * size, size, reversed)
        } else {
          copy(large.pointer + inside, small.pointer + index * size, size, reversed)
        }
      }
    }
  }
}

/// Copies into the large buffer, or with `reversed` out of it.
private func copy<Element: BitwiseCopyable>(
  _ large: UnsafeMutablePointer<Element>,
  _ small: UnsafeMutablePointer<Element>,
  _ count: Int,
  _ reversed: Bool
) {
  if reversed {
    small.update(from: large, count: count)
  } else {
    large.update(from: small, count: count)
  }
}
