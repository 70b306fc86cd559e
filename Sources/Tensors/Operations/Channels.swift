import CKernels
import Support

/// Sums over samples and space: `[N, C, spatial…]` to `[C]`.
func channelSums(_ x: Tensor) -> Tensor {
  let (samples, channels, spatial) = (x.shape[0], x.shape[1], x.spatialCount)
  let blocks = (channels + x.lanes - 1) / x.lanes
  let (lanes, storage, half) = (x.lanes, x.storage, x.halfStorage)
  let sums = AlignedBuffer<Double>(uninitializedCount: samples * blocks * lanes)
  EngineThreads.forEachRange(samples * blocks, itemCost: spatial * lanes) { range in
    let (first, last) = (Int64(range.lowerBound), Int64(range.upperBound))
    if let half {
      ck_bf16_sum(half.pointer, sums.pointer, Int64(spatial), Int64(lanes), first, last)
    } else {
      ck_sum(storage.pointer, sums.pointer, Int64(spatial), Int64(lanes), first, last)
    }
  }
  let values = (0..<channels).map { channel in
    Float((0..<samples).reduce(0.0) { $0 + sums.elements[$1 * blocks * lanes + channel] })
  }
  return Tensor(values, shape: [channels])
}

/// Adds one number to each channel.
func addingToChannels(_ x: Tensor, _ bias: Tensor) -> Tensor {
  let (channels, spatial, lanes) = (x.shape[1], x.spatialCount, x.lanes)
  let blocks = (channels + lanes - 1) / lanes
  let values = bias.values
  let count = x.shape[0] * blocks * lanes
  let scale = AlignedBuffer<Float>(repeating: 0, count: count)
  let shift = AlignedBuffer<Float>(repeating: 0, count: count)
  for sample in 0..<x.shape[0] {
    for channel in 0..<channels {
      scale.mutableElements[sample * blocks * lanes + channel] = 1
      shift.mutableElements[sample * blocks * lanes + channel] = values[channel]
    }
  }
  let result = x.emptyLike()
  let (source, target) = (x.storage, result.storage)
  EngineThreads.forEachRange(x.shape[0] * blocks, itemCost: spatial * lanes) { range in
    ck_affine_leaky(
      source.pointer,
      target.pointer,
      scale.pointer,
      shift.pointer,
      1,
      Int64(spatial),
      Int64(lanes),
      Int64(range.lowerBound),
      Int64(range.upperBound)
    )
  }
  return result
}

/// Joins feature maps along the channels.
/// - Parameter parts: `[N, Cᵢ, spatial…]`, all of one N and one spatial size.
/// - Returns: `[N, ΣCᵢ, spatial…]` in the order given.
/// - Precondition: The other dimensions are equal.
public func concatenation(_ parts: [Tensor]) -> Tensor {
  precondition(!parts.isEmpty, "nothing to concatenate")
  for part in parts {
    precondition(
      part.shape[0] == parts[0].shape[0]
        && part.shape.dropFirst(2).elementsEqual(parts[0].shape.dropFirst(2)),
      "cannot concatenate \(part.shape) to \(parts[0].shape)"
    )
  }
  let channels = parts.map { $0.shape[1] }
  let shape = [parts[0].shape[0], channels.reduce(0, +)] + parts[0].shape.dropFirst(2)
  // The fast kernels only move numbers, of either type, if it is the same.
  let isUniform = parts.allSatisfy { $0.elementType == parts[0].elementType }
  return operation(
    "concatenation",
    on: parts,
    shape: shape,
    action: .concatenation,
    takesBFloat16: isUniform && !Kernels.current.isReference
  ) { parts in
    let kernels = Kernels.current
    return kernels.concatenation(parts.map(\.detached)).recorded(from: parts) { gradient in
      kernels.split(gradient, channels: channels).map { $0 }
    }
  }
}

/// Cuts the middle out of the spatial dimensions.
///
/// With an odd surplus the first kept index is rounded down, as in Ronneberger's copy and crop.
/// - Parameters:
///   - x: `[N, C, spatial…]`.
///   - size: The spatial size to keep.
/// - Returns: `[N, C] + size`.
/// - Precondition: `size` is nowhere larger than the input.
public func centerCropped(_ x: Tensor, to size: [Int]) -> Tensor {
  let input = Array(x.shape.dropFirst(2))
  if input == size { return x }
  precondition(
    size.count == input.count && zip(size, input).allSatisfy { $0 <= $1 },
    "cannot cut \(size) out of \(input)"
  )
  let shape = Array(x.shape.prefix(2)) + size
  return operation("centre crop", on: [x], shape: shape) { cropped($0[0], to: size) }
}

private func cropped(_ x: Tensor, to size: [Int]) -> Tensor {
  let input = Array(x.shape.dropFirst(2))
  let starts = zip(input, size).map { ($0 - $1) / 2 }
  let source = x.plain
  let planes = x.shape[0] * x.shape[1]
  let shape = Array(x.shape.prefix(2)) + size
  let result = Tensor(
    shape: shape,
    storage: AlignedBuffer(uninitializedCount: shape.reduce(1, *))
  )
  copyWindow(large: source.storage, input, small: result.storage, size, starts, planes, false)
  return result.recorded(from: [x]) { gradient in
    let back = Tensor(repeating: 0, shape: Array(shape.prefix(2)) + input)
    copyWindow(
      large: back.storage,
      input,
      small: gradient.plain.storage,
      size,
      starts,
      planes,
      true
    )
    return [back]
  }
}

/// Copies rows between a window of a large grid and a small one, plane by plane.
private func copyWindow(
  large: AlignedBuffer<Float>,
  _ largeSize: [Int],
  small: AlignedBuffer<Float>,
  _ smallSize: [Int],
  _ starts: [Int],
  _ planes: Int,
  _ intoLarge: Bool
) {
  let (largeCount, smallCount) = (largeSize.reduce(1, *), smallSize.reduce(1, *))
  guard let row = smallSize.last, row > 0 else { return }
  for plane in 0..<planes {
    for (index, cell) in GridIndices(Array(smallSize.dropLast())).enumerated() {
      let place = zip(cell + [0], starts).map { $0 + $1 }
      let inside = large.pointer + plane * largeCount + flat(place, largeSize)
      let outside = small.pointer + plane * smallCount + index * row
      if intoLarge {
        inside.update(from: outside, count: row)
      } else {
        outside.update(from: inside, count: row)
      }
    }
  }
}
