/// Log-softmax over the channels of `[N, C, spatial]`, in row-major order.
func referenceSoftmax(_ logits: [Scalar], channels: Int, spatial: Int) -> [Scalar] {
  var result = logits
  for place in logits.indices where place / spatial % channels == 0 {
    let total = (0..<channels).map { logits[place + $0 * spatial] }.logSumExp
    for c in 0..<channels { result[place + c * spatial] = logits[place + c * spatial] - total }
  }
  return result
}

/// The definitions of `SegmentationTerm`, without bounds on a pixel's loss.
func referenceSegmentationLoss(_ logits: [Scalar], _ objective: SegmentationObjective) -> Scalar {
  let (channels, spatial) = (objective.channels, objective.spatial)
  let logarithms = referenceSoftmax(logits, channels: channels, spatial: spatial)
  let pixels = objective.labels.enumerated().filter { $0.element != objective.ignoring }.map {
    Pixel(sample: $0.offset / spatial, place: $0.offset % spatial, label: Int($0.element))
  }
  func logarithm(_ pixel: Pixel, _ c: Int) -> Scalar {
    logarithms[(pixel.sample * channels + c) * spatial + pixel.place]
  }
  var total: Scalar = 0
  for entry in objective.terms {
    let weights = entry.term.classWeights ?? [Double](repeating: 1, count: channels)
    func cost(_ pixel: Pixel) -> Scalar {
      -logarithm(pixel, pixel.label) * Scalar(weights[pixel.label])
    }
    var value: Scalar = 0
    switch entry.term {
    case .crossEntropy(let options):
      let weight = pixels.reduce(0.0) { $0 + weights[$1.label] }
      let sharp = pixels.map(cost).sum
      let smooth = pixels.map { pixel in
        (0..<channels).map { -logarithm(pixel, $0) * Scalar(weights[$0]) }.sum
      }.sum
      let share = options.labelSmoothing
      if weight != 0 {
        value =
          (sharp * Scalar(1 - share) + smooth * Scalar(share / Double(channels)))
          / Scalar(weight)
      }
    case .topKCrossEntropy(let percent, _):
      let count = max(1, Int(Double(objective.labels.count) * percent / 100))
      let worst = pixels.map(cost).sorted { $0.value > $1.value }.prefix(count)
      value = Array(worst).sum / Scalar(Double(count))
    case .focal(let gamma, _):
      let sum = pixels.map { pixel in
        (1 - logarithm(pixel, pixel.label).exponential).power(gamma) * cost(pixel)
      }.sum
      if !pixels.isEmpty { value = sum / Scalar(Double(pixels.count)) }
    case .dice(let region, _), .tversky(let region, _):
      let groups =
        region.overBatch
        ? [pixels] : (0..<objective.samples).map { n in pixels.filter { $0.sample == n } }
      let classes = (region.includesBackground ? 0 : 1)..<channels
      for group in groups {
        for c in classes {
          let members = group.map { ($0.label == c, logarithm($0, c).exponential) }
          value += referenceRegion(entry.term, members, Scalar(region.smooth))
        }
      }
      value = value / Scalar(Double(groups.count * classes.count))
    }
    total += value * Scalar(entry.weight)
  }
  return total
}

private struct Pixel {
  let sample: Int
  let place: Int
  let label: Int
}

private func referenceRegion(
  _ term: SegmentationTerm,
  _ members: [(isReference: Bool, p: Scalar)],
  _ s: Scalar
) -> Scalar {
  let hits = members.filter(\.isReference).map(\.p)
  let reference = Scalar(Double(hits.count))
  switch term {
  case .dice(_, let squared):
    let mass = members.map { squared ? $0.p * $0.p : $0.p }.sum
    return 1 - (2 * hits.sum + s) / (mass + reference + s)
  case .tversky(_, let options):
    let falsePositives = members.filter { !$0.isReference }.map(\.p).sum
    let falseNegatives = hits.map { 1 - $0 }.sum
    let index =
      (hits.sum + s)
      / (hits.sum + Scalar(options.falsePositiveWeight) * falsePositives
        + Scalar(options.falseNegativeWeight) * falseNegatives + s)
    return (1 - index).power(options.exponent)
  default: return 0
  }
}

/// The definitions of `regionLoss`.
func referenceRegionLoss(_ logits: [Scalar], _ objective: RegionObjective) -> Scalar {
  let (spatial, regions) = (objective.spatial, objective.regions)
  let channels = regions.regionCount
  /// Sample, region, whether the region is there, and the logit.
  let values = logits.indices.compactMap { place -> (Int, Int, Bool, Scalar)? in
    let (sample, region) = (place / spatial / channels, place / spatial % channels)
    let label = objective.labels[sample * spatial + place % spatial]
    if label == objective.ignoring { return nil }
    let isInside = regions.contains(region: region, class: Int(label))
    return (sample, region, isInside, logits[place])
  }
  /// −log of the sigmoid.
  func cost(_ z: Scalar) -> Scalar { [Scalar(0), -z].logSumExp }
  let right = values.map { $0.2 ? $0.3 : -$0.3 }
  var total: Scalar = 0
  for entry in objective.terms {
    var value: Scalar = 0
    switch entry.term {
    case .crossEntropy:
      if !right.isEmpty { value = right.map(cost).sum / Scalar(Double(right.count)) }
    case .topKCrossEntropy(let percent, _):
      let count = max(1, Int(Double(logits.count) * percent / 100))
      let worst = right.map(cost).sorted { $0.value > $1.value }.prefix(count)
      value = Array(worst).sum / Scalar(Double(count))
    case .focal(let gamma, _):
      let sum = right.map { (1 - (-cost($0)).exponential).power(gamma) * cost($0) }.sum
      if !right.isEmpty { value = sum / Scalar(Double(right.count)) }
    case .dice(let region, _), .tversky(let region, _):
      let groups =
        region.overBatch
        ? [values] : (0..<objective.samples).map { n in values.filter { $0.0 == n } }
      for group in groups {
        for r in 0..<channels {
          let members = group.filter { $0.1 == r }.map { ($0.2, (-cost($0.3)).exponential) }
          value += referenceRegion(entry.term, members, Scalar(region.smooth))
        }
      }
      value = value / Scalar(Double(groups.count * channels))
    }
    total += value * Scalar(entry.weight)
  }
  return total
}
