import CKernels
import Foundation
import Support

/// Softmax over the channels: eˣᶜ / Σ eˣᵏ, shifted by the maximum against overflow.
/// - Parameter x: Logits, `[N, C, spatial…]`.
/// - Returns: Probabilities of the same shape; they sum to 1 over the channels.
public func softmax(_ x: Tensor) -> Tensor {
  let result = softmaxValues(x.plain)
  return result.recorded(from: [x]) { gradient in
    [softmaxGradient(gradient.plain, probabilities: result)]
  }
}

/// Softmax of a plain tensor, without a past.
func softmaxValues(_ x: Tensor) -> Tensor {
  let (channels, spatial) = (x.shape[1], x.spatialCount)
  let result = x.emptyLike()
  let (source, target) = (x.storage, result.storage)
  forEachPixelRow(x) { start, count in
    ck_softmax_columns(
      source.pointer + start,
      target.pointer + start,
      Int64(channels),
      Int64(spatial),
      Int64(count)
    )
  }
  return result
}

/// dx = p (g − Σ p g).
func softmaxGradient(_ gradient: Tensor, probabilities: Tensor) -> Tensor {
  let (channels, spatial) = (gradient.shape[1], gradient.spatialCount)
  let result = gradient.emptyLike()
  let (g, p, target) = (gradient.storage, probabilities.storage, result.storage)
  forEachPixelRow(gradient) { start, count in
    for pixel in start..<start + count {
      var inner: Float = 0
      for c in 0..<channels {
        inner += p.elements[pixel + c * spatial] * g.elements[pixel + c * spatial]
      }
      for c in 0..<channels {
        let place = pixel + c * spatial
        target.mutableElements[place] = p.elements[place] * (g.elements[place] - inner)
      }
    }
  }
  return result
}

/// Runs over the pixels of a plain `[N, C, spatial…]`: `start` is the first pixel's place in
/// channel 0, further channels follow at distances of the spatial size.
func forEachPixelRow(_ x: Tensor, _ body: @Sendable (_ start: Int, _ count: Int) -> Void) {
  let (channels, spatial) = (x.shape[1], x.spatialCount)
  // Rows of a fixed length, so that the work is cut the same way for every thread count.
  let rowLength = 1024
  let rows = (spatial + rowLength - 1) / rowLength
  EngineThreads.forEachRange(x.shape[0] * rows, itemCost: rowLength * channels * 8) { range in
    for item in range {
      let (sample, row) = (item / rows, item % rows)
      let count = min(rowLength, spatial - row * rowLength)
      body(sample * channels * spatial + row * rowLength, count)
    }
  }
}
