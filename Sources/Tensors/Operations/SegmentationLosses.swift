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

/// A weighted sum of losses over one softmax, computed together.
/// - Parameters:
///   - logits: `[N, C, spatial…]`.
///   - labels: `[N, spatial…]`, values 0 to C − 1.
///   - terms: The parts with their weights.
///   - ignoring: Pixels of this label count for nothing.
/// - Returns: One number.
/// - Precondition: The shapes fit, every label is a class or ignored, class weights are C.
public func segmentationLoss(
  _ logits: Tensor,
  labels: LabelTensor,
  terms: [WeightedSegmentationTerm],
  ignoring: Int32? = nil
) -> Tensor {
  precondition(
    logits.rank >= 2 && logits.shape[0] == labels.shape[0]
      && logits.shape.dropFirst(2).elementsEqual(labels.shape.dropFirst()),
    "labels \(labels.shape) do not fit logits \(logits.shape)"
  )
  let channels = logits.shape[1]
  for entry in terms { entry.term.check(channels: channels) }
  let objective = SegmentationObjective(
    samples: logits.shape[0],
    channels: channels,
    spatial: logits.spatialCount,
    labels: labels.labels,
    ignoring: ignoring,
    terms: terms
  )
  return lossOperation("segmentation loss", on: [logits]) { operands in
    objective.outcome(softmaxValues(operands[0]))
  } reference: { operands in
    referenceSegmentationLoss(operands[0], objective)
  }
}

/// Mean cross-entropy of a softmax over the channels: −Σ w log p[label] / Σ w.
///
/// Label smoothing ε is PyTorch's: (1 − ε) times that, plus ε/C −Σ_pixels Σ_classes w log p / Σ w[label].
/// A pixel costs at most 87.4, where p leaves single precision's normal numbers; the gradient
/// keeps its slope there.
/// - Parameters:
///   - logits: `[N, C, spatial…]`.
///   - labels: `[N, spatial…]`, values 0 to C − 1.
///   - options: Class weights and label smoothing.
///   - ignoring: Pixels of this label count for nothing.
/// - Returns: One number; 0 when every pixel is ignored.
/// - Precondition: The shapes fit, every label is a class or ignored.
public func crossEntropy(
  _ logits: Tensor,
  labels: LabelTensor,
  options: CrossEntropyOptions = CrossEntropyOptions(),
  ignoring: Int32? = nil
) -> Tensor {
  let terms = [WeightedSegmentationTerm(.crossEntropy(options))]
  return segmentationLoss(logits, labels: labels, terms: terms, ignoring: ignoring)
}

/// Mean cross-entropy of the worst pixels, as nnU-Net's top-k loss.
///
/// Wu et al. 2016, "Bridging category-level and instance-level semantic image segmentation".
/// - Parameters:
///   - logits: `[N, C, spatial…]`.
///   - labels: `[N, spatial…]`, values 0 to C − 1.
///   - percent: k; ⌊k/100 · pixels⌋ pixels are averaged, at least one. Of equal ones the first count.
///   - classWeights: A factor for each class, or nil for 1.
///   - ignoring: Pixels of this label have no loss, but count as pixels.
/// - Returns: One number.
/// - Precondition: The shapes fit, every label is a class or ignored.
public func topKCrossEntropy(
  _ logits: Tensor,
  labels: LabelTensor,
  percent: Double = 10,
  classWeights: [Double]? = nil,
  ignoring: Int32? = nil
) -> Tensor {
  let term = SegmentationTerm.topKCrossEntropy(percent: percent, classWeights: classWeights)
  return segmentationLoss(
    logits,
    labels: labels,
    terms: [WeightedSegmentationTerm(term)],
    ignoring: ignoring
  )
}

/// Focal loss of a softmax: the mean of −w (1 − p[label])^γ log p[label].
///
/// Lin et al. 2017, "Focal loss for dense object detection", equation 5, for several classes.
/// - Parameters:
///   - logits: `[N, C, spatial…]`.
///   - labels: `[N, spatial…]`, values 0 to C − 1.
///   - gamma: γ; 0 gives the cross-entropy.
///   - classWeights: w, the paper's α, for each class, or nil for 1.
///   - ignoring: Pixels of this label count for nothing.
/// - Returns: One number, the mean over the pixels that count; 0 when every pixel is ignored.
/// - Precondition: The shapes fit, every label is a class or ignored.
public func focalLoss(
  _ logits: Tensor,
  labels: LabelTensor,
  gamma: Double = 2,
  classWeights: [Double]? = nil,
  ignoring: Int32? = nil
) -> Tensor {
  let term = SegmentationTerm.focal(gamma: gamma, classWeights: classWeights)
  return segmentationLoss(
    logits,
    labels: labels,
    terms: [WeightedSegmentationTerm(term)],
    ignoring: ignoring
  )
}

/// Soft Dice loss of a softmax over the channels.
///
/// 1 − mean over classes of (2 Σ p r + s) / (Σ p + Σ r + s), r the one-hot reference; nnU-Net's form
/// (Isensee et al. 2021, supplement; it reports the negative Dice, without the 1).
/// - Parameters:
///   - logits: `[N, C, spatial…]`.
///   - labels: `[N, spatial…]`, values 0 to C − 1.
///   - overBatch: Whether the sums run over the whole batch (true) or each sample by itself.
///   - smooth: s, added to numerator and denominator.
///   - squaredDenominator: Whether Σ p² stands for Σ p (Milletari et al. 2016).
///   - includesBackground: Whether class 0 takes part.
///   - ignoring: Pixels of this label count for nothing.
/// - Returns: One number, between 0 and 1 up to the smoothing.
/// - Precondition: The shapes fit; at least two classes, or one with background; every label is a
///   class or ignored.
public func softDiceLoss(
  _ logits: Tensor,
  labels: LabelTensor,
  overBatch: Bool = true,
  smooth: Double = 1e-5,
  squaredDenominator: Bool = false,
  includesBackground: Bool = false,
  ignoring: Int32? = nil
) -> Tensor {
  let region = RegionOptions(
    overBatch: overBatch,
    includesBackground: includesBackground,
    smooth: smooth
  )
  let term = SegmentationTerm.dice(region, squaredDenominator: squaredDenominator)
  return segmentationLoss(
    logits,
    labels: labels,
    terms: [WeightedSegmentationTerm(term)],
    ignoring: ignoring
  )
}

/// Tversky and focal Tversky loss of a softmax over the channels.
///
/// The mean over classes of (1 − T)^e, T = (TP + s) / (TP + α FP + β FN + s) with soft counts. Salehi
/// et al. 2017, equation 3; focal with an exponent, Abraham and Khan 2019, equation 4.
/// - Parameters:
///   - logits: `[N, C, spatial…]`.
///   - labels: `[N, spatial…]`, values 0 to C − 1.
///   - options: α, β and the exponent.
///   - region: Over what the sums run.
///   - ignoring: Pixels of this label count for nothing.
/// - Returns: One number, between 0 and 1 up to the smoothing.
/// - Precondition: The shapes fit, every label is a class or ignored.
public func tverskyLoss(
  _ logits: Tensor,
  labels: LabelTensor,
  options: TverskyOptions = TverskyOptions(),
  region: RegionOptions = RegionOptions(),
  ignoring: Int32? = nil
) -> Tensor {
  segmentationLoss(
    logits,
    labels: labels,
    terms: [WeightedSegmentationTerm(.tversky(region, options))],
    ignoring: ignoring
  )
}

/// Boundary loss: the mean of softmax probabilities times signed distances to the reference's border.
///
/// Kervadec et al. 2019, "Boundary loss for highly unbalanced segmentation", equation 5.
/// - Parameters:
///   - logits: `[N, C, spatial…]`.
///   - distances: Of the same shape: for each class the distance to its reference's border, negative
///     inside, positive outside.
///   - includesBackground: Whether class 0 takes part.
/// - Returns: One number, the mean over pixels and the classes that take part; it may be negative.
/// - Precondition: The shapes are equal; at least two classes, or one with background.
public func boundaryLoss(
  _ logits: Tensor,
  distances: Tensor,
  includesBackground: Bool = false
) -> Tensor {
  precondition(
    logits.shape == distances.shape && logits.rank >= 2,
    "distances \(distances.shape) for logits \(logits.shape)"
  )
  let (samples, channels, spatial) = (logits.shape[0], logits.shape[1], logits.spatialCount)
  let first = includesBackground ? 0 : 1
  precondition(channels > first, "a boundary loss of \(channels) classes without foreground")
  let scale = 1 / Double(samples * (channels - first) * spatial)
  return lossOperation("boundary loss", on: [logits, distances]) { operands in
    let (p, d) = (softmaxValues(operands[0]), operands[1])
    let total = FixedChunks.sum(p.count) { range in
      var sum = 0.0
      for i in range where i / spatial % channels >= first {
        sum += Double(p.storage.elements[i]) * Double(d.storage.elements[i])
      }
      return sum
    }
    return LossOutcome(value: total * scale) { gradient in
      let factor = gradient * Float(scale)
      let (slope, other) = (p.emptyLike(), p.emptyLike())
      EngineThreads.forEachRange(p.count, itemCost: 4) { range in
        for i in range {
          let used = i / spatial % channels >= first ? factor : 0
          slope.storage.mutableElements[i] = used * d.storage.elements[i]
          other.storage.mutableElements[i] = used * p.storage.elements[i]
        }
      }
      return [softmaxGradient(slope, probabilities: p), other]
    }
  } reference: { operands in
    let p = referenceSoftmax(operands[0], channels: channels, spatial: spatial)
    var total: Scalar = 0
    for i in p.indices where i / spatial % channels >= first {
      total += p[i].exponential * operands[1][i]
    }
    return total * Scalar(scale)
  }
}
