import Layers
import Networks
import Pipelines
import Support
import Tensors

/// A detector in two stages that is learned.
///
/// The loss is that of Ren et al. 2015, equations 1 and 2, of Girshick 2015, equation 1, and, with a mask
/// head, of He et al. 2017, section 3: cross-entropies of objects, classes and masks, and smooth L1 of boxes
/// with the border 1/9, each divided by the number of samples; all weigh the same. Both stages are learned
/// at once, regions count as constants, and the true boxes are among them.
package struct RegionTask: LearningTask {
  /// All that a run depends on besides its learning.
  package let values: DetectionTask.Values
  /// The network's values.
  package var network: NetworkConfiguration { values.network.configuration }

  private let architecture: RegionNetworkConfiguration
  private let sampling: RegionSampling
  private let anchors: RegionAnchors
  private let pictures: DetectionTask.Pictures

  /// Where the smooth L1 loss turns from a parabola to a line.
  private static let border: Float = 1 / 9

  /// Prepares a training.
  /// - Parameters:
  ///   - configuration: Every number.
  ///   - network: The network's values.
  ///   - training: The pictures to learn from.
  ///   - heldOut: Pictures to look at on the way; may be none.
  /// - Throws: `SupportError` when the data cannot be hashed.
  package init(
    _ configuration: DetectionConfiguration,
    network: RegionNetworkConfiguration,
    training: DetectionDataset,
    heldOut: DetectionDataset
  ) throws {
    values = try DetectionTask.Values(configuration, training)
    architecture = network
    sampling = configuration.regionSampling ?? RegionSampling()
    anchors = RegionAnchors(network, imageSize: configuration.plan.imageSize)
    pictures = DetectionTask.Pictures(configuration, training: training, heldOut: heldOut)
  }

  /// The samples of a step.
  package func batch(
    step: Int,
    _ configuration: LearningConfiguration
  ) throws -> DetectionSampler.Batch {
    try pictures.batch(step: step, configuration)
  }

  /// The pictures.
  package func images(of batch: DetectionSampler.Batch) -> Tensor { batch.images }

  /// The loss, its regions chosen by what the network says now.
  package func loss(
    of network: any Network,
    on batch: DetectionSampler.Batch,
    in context: Context
  ) -> Tensor {
    guard let network = network as? RegionNetwork else {
      preconditionFailure("a training of regions with another network")
    }
    var random = RandomStream(seed: context.withRandom { $0.next() })
    let pyramid = network.pyramid(batch.images, in: context)
    let output = network.anchors(pyramid, in: context)
    var sum = anchorLoss(output, batch.objects, random: &random)
    let proposed = anchors.proposals(output.detached, architecture.trainingProposals)
    var samples: [Sample] = []
    for (image, objects) in batch.objects.enumerated() {
      samples += self.samples(image, proposed[image], objects, random: &random)
    }
    guard !samples.isEmpty else { return sum }
    samples = network.order(samples.map(\.region)).map { samples[$0] }
    let found = network.boxes(pyramid, samples.map(\.region), in: context)
    sum =
      sum
      + crossEntropy(
        found.scores,
        labels: LabelTensor(samples.map { Int32($0.label) }, shape: [samples.count])
      )
    let full = samples.indices.filter { samples[$0].label > 0 }
    guard !full.isEmpty else { return sum }
    let classes = architecture.classes + 1
    let moves = found.shifts.reshaped([samples.count * classes, 4])
      .selecting(full.map { $0 * classes + samples[$0].label }, axis: 0)
    let wanted = full.flatMap { place in (0..<4).map { samples[place].shifts[$0] } }
    sum =
      sum
      + smoothAbsoluteLoss(
        moves,
        target: Tensor(wanted, shape: moves.shape),
        beta: Self.border
      ) * (Float(wanted.count) / Float(samples.count))
    let masks = full.map { samples[$0] }.filter { $0.mask != nil }
    if let loss = maskLoss(network, pyramid, masks, context) { sum = sum + loss }
    return sum
  }

  /// A region that the second stage learns from.
  private struct Sample {
    let region: ImageRegion
    /// The class, counted from 1; 0 for the background.
    let label: Int
    let shifts: SIMD4<Float>
    let mask: PlacedMask?
  }

  private func samples(
    _ image: Int,
    _ proposed: [SIMD4<Float>],
    _ objects: [TaskAlignedAssigner.Object],
    random: inout RandomStream
  ) -> [Sample] {
    let boxes = proposed + objects.filter { !$0.isIgnored }.map(\.box.edges)
    let matching = RegionMatching(
      boxes,
      objects: objects,
      overlap: sampling.regionOverlap,
      empty: sampling.regionOverlap,
      keepsBest: false
    )
    let (full, empty) = matching.sample(
      sampling.regions,
      share: sampling.regionShare,
      random: &random
    )
    return (full + empty).map { place in
      let region = ImageRegion(image: image, edges: boxes[place])
      guard case .object(let index) = matching.matches[place] else {
        return Sample(region: region, label: 0, shifts: .zero, mask: nil)
      }
      let object = objects[index]
      return Sample(
        region: region,
        label: object.label + 1,
        shifts: BoxCoding.regions.shifts(of: object.box.edges, from: boxes[place]),
        mask: object.mask
      )
    }
  }

  /// The first stage's loss.
  private func anchorLoss(
    _ output: Tensor,
    _ objects: [[TaskAlignedAssigner.Object]],
    random: inout RandomStream
  ) -> Tensor {
    let count = anchors.edges.count
    var (places, targets): ([Int], [Float]) = ([], [])
    var (shiftPlaces, shifts): ([Int], [Float]) = ([], [])
    for (image, objects) in objects.enumerated() {
      let matching = RegionMatching(
        anchors.edges,
        objects: objects,
        overlap: sampling.anchorOverlap,
        empty: sampling.emptyOverlap,
        keepsBest: true
      )
      let (full, empty) = matching.sample(
        sampling.anchors,
        share: sampling.anchorShare,
        random: &random
      )
      let start = image * 5 * count
      places += (full + empty).map { start + $0 }
      targets += full.map { _ in 1 } + empty.map { _ in 0 }
      for anchor in full {
        guard case .object(let index) = matching.matches[anchor] else { continue }
        let wanted = BoxCoding.anchors.shifts(
          of: objects[index].box.edges,
          from: anchors.edges[anchor]
        )
        for value in 0..<4 {
          shiftPlaces.append(start + (1 + value) * count + anchor)
          shifts.append(wanted[value])
        }
      }
    }
    let flat = output.reshaped([output.count])
    guard !places.isEmpty else { return flat.sum * 0 }
    let loss = binaryCrossEntropy(
      flat.selecting(places, axis: 0),
      targets: Tensor(targets, shape: [places.count])
    )
    guard !shifts.isEmpty else { return loss }
    return loss
      + smoothAbsoluteLoss(
        flat.selecting(shiftPlaces, axis: 0),
        target: Tensor(shifts, shape: [shifts.count]),
        beta: Self.border
      ) * (Float(shifts.count) / Float(places.count))
  }

  /// The mask head's loss on regions with an object; nil without a head or regions.
  private func maskLoss(
    _ network: RegionNetwork,
    _ pyramid: [Tensor],
    _ samples: [Sample],
    _ context: Context
  ) -> Tensor? {
    guard !samples.isEmpty,
      let logits = network.masks(pyramid, samples.map(\.region), in: context)
    else { return nil }
    let (channels, side) = (logits.shape[1], logits.shape[2])
    let own = logits.reshaped([samples.count * channels, side * side])
      .selecting(samples.enumerated().map { $0.offset * channels + $0.element.label }, axis: 0)
    let targets = samples.flatMap { $0.mask?.target($0.region.edges, side: side) ?? [] }
    return binaryCrossEntropy(own, targets: Tensor(targets, shape: own.shape))
  }

  /// The mean average precision on some of the held-out pictures.
  package func look(
    at network: any Network,
    interruption: Interruption
  ) throws -> [LearningMetric] {
    try pictures.look(at: network, values, interruption: interruption)
  }
}
