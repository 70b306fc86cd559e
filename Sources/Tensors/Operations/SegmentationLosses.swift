import Foundation
import Support

/// Class numbers of pixels: the reference of a segmentation loss.
public struct LabelTensor: Sendable, Equatable {
  /// `[N, spatial…]`.
  public let shape: [Int]
  /// Row-major class numbers.
  public let labels: [Int32]

  /// Creates labels.
  /// - Parameters:
  ///   - labels: Class numbers in row-major order.
  ///   - shape: `[N, spatial…]`.
  /// - Precondition: As many numbers as the shape has elements.
  public init(_ labels: [Int32], shape: [Int]) {
    precondition(
      labels.count == shape.reduce(1, *),
      "\(labels.count) labels for the shape \(shape)"
    )
    self.labels = labels
    self.shape = shape
  }
}

private func checkFit(_ logits: Tensor, _ labels: LabelTensor) {
  precondition(
    logits.shape[0] == labels.shape[0]
      && logits.shape.dropFirst(2).elementsEqual(labels.shape.dropFirst()),
    "labels \(labels.shape) do not fit logits \(logits.shape)"
  )
}

/// Mean cross-entropy of a softmax over the channels: −mean log p[label].
/// - Parameters:
///   - logits: `[N, C, spatial…]`.
///   - labels: `[N, spatial…]`, values 0 to C − 1.
///   - ignoring: Pixels of this label count for nothing.
/// - Returns: One number; 0 when every pixel is ignored.
/// - Precondition: The shapes fit, every label is a class or ignored.
public func crossEntropy(
  _ logits: Tensor,
  labels: LabelTensor,
  ignoring: Int32? = nil
) -> Tensor {
  checkFit(logits, labels)
  let (channels, spatial) = (logits.shape[1], logits.spatialCount)
  let probabilities = softmaxValues(logits.plain)
  let p = probabilities.storage.elements
  var (total, counted) = (0.0, 0)
  for sample in 0..<logits.shape[0] {
    for pixel in 0..<spatial {
      let label = labels.labels[sample * spatial + pixel]
      if label == ignoring { continue }
      precondition((0..<Int32(channels)).contains(label), "label \(label) of \(channels) classes")
      let value = p[(sample * channels + Int(label)) * spatial + pixel]
      // The smallest normal number bounds the loss of a pixel at 87 instead of infinity.
      total -= Double(log(max(value, .leastNormalMagnitude)))
      counted += 1
    }
  }
  let scale = counted == 0 ? 0 : 1 / Float(counted)
  return Tensor([Float(total) * scale], shape: []).recorded(from: [logits]) { gradient in
    let factor = gradient.scalar * scale
    let result = probabilities * factor
    for sample in 0..<probabilities.shape[0] {
      for pixel in 0..<spatial {
        let label = labels.labels[sample * spatial + pixel]
        if label == ignoring {
          for c in 0..<channels {
            result.storage.mutableElements[(sample * channels + c) * spatial + pixel] = 0
          }
        } else {
          result.storage.mutableElements[(sample * channels + Int(label)) * spatial + pixel] -=
            factor
        }
      }
    }
    return [result]
  }
}

/// Soft Dice loss of a softmax over the channels, background left out.
///
/// 1 − mean over classes of (2 Σ p r + s) / (Σ p + Σ r + s), r the one-hot reference; nnU-Net's form
/// (Isensee et al. 2021, supplement; it reports the negative Dice, without the 1).
/// - Parameters:
///   - logits: `[N, C, spatial…]`.
///   - labels: `[N, spatial…]`, values 0 to C − 1.
///   - overBatch: Whether the sums run over the whole batch (true) or each sample by itself.
///   - smooth: s, added to numerator and denominator.
///   - ignoring: Pixels of this label count for nothing.
/// - Returns: One number, between 0 and 1 up to the smoothing.
/// - Precondition: The shapes fit; at least two classes.
public func softDiceLoss(
  _ logits: Tensor,
  labels: LabelTensor,
  overBatch: Bool = true,
  smooth: Double = 1e-5,
  ignoring: Int32? = nil
) -> Tensor {
  checkFit(logits, labels)
  let (samples, channels, spatial) = (logits.shape[0], logits.shape[1], logits.spatialCount)
  precondition(channels >= 2, "a Dice loss without foreground")
  let probabilities = softmaxValues(logits.plain)
  let p = probabilities.storage.elements
  let groups = overBatch ? 1 : samples
  var overlap = [Double](repeating: 0, count: groups * channels)
  var size = overlap
  for sample in 0..<samples {
    let group = overBatch ? 0 : sample
    for c in 1..<channels {
      var (shared, mass, reference) = (0.0, 0.0, 0)
      let start = (sample * channels + c) * spatial
      for pixel in 0..<spatial {
        let label = labels.labels[sample * spatial + pixel]
        if label == ignoring { continue }
        mass += Double(p[start + pixel])
        if label == Int32(c) {
          shared += Double(p[start + pixel])
          reference += 1
        }
      }
      overlap[group * channels + c] += shared
      size[group * channels + c] += mass + Double(reference)
    }
  }
  let terms = Double(groups * (channels - 1))
  var loss = 1.0
  for group in 0..<groups {
    for c in 1..<channels {
      let i = group * channels + c
      loss -= (2 * overlap[i] + smooth) / (size[i] + smooth) / terms
    }
  }
  let (overlaps, sizes) = (overlap, size)
  return Tensor([Float(loss)], shape: []).recorded(from: [logits]) { gradient in
    let back = Tensor(repeating: 0, shape: probabilities.shape)
    for sample in 0..<samples {
      let group = overBatch ? 0 : sample
      for c in 1..<channels {
        let i = group * channels + c
        let denominator = sizes[i] + smooth
        let outer = -Double(gradient.scalar) / terms
        let inside = Float(
          outer * (2 / denominator - (2 * overlaps[i] + smooth) / (denominator * denominator))
        )
        let outside = Float(outer * -(2 * overlaps[i] + smooth) / (denominator * denominator))
        let start = (sample * channels + c) * spatial
        for pixel in 0..<spatial {
          let label = labels.labels[sample * spatial + pixel]
          if label == ignoring { continue }
          back.storage.mutableElements[start + pixel] = label == Int32(c) ? inside : outside
        }
      }
    }
    return [softmaxGradient(back, probabilities: probabilities)]
  }
}
