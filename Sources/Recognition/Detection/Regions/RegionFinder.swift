import Foundation
import Networks
import Support
import Synchronization
import Tensors

/// Finds objects in a network's input in two stages: regions are proposed, then named and refined.
///
/// As torchvision's Faster R-CNN and Mask R-CNN predict; up to the anchors the network runs by a plan.
package final class RegionFinder: Sendable {
  /// A finding in pixels of the input.
  package struct Finding: Sendable {
    /// The class from 0, its probability, and where it lies.
    package let detection: Detection
    /// The mask's probabilities, row by row; nil without a mask head.
    package let mask: [Float]?
  }

  /// Rows and columns of a mask.
  package let maskSide: Int
  let network: RegionNetwork
  private let anchors: RegionAnchors
  private let imageSize: [Int]
  private let plan = Mutex<InferencePlan?>(nil)

  /// Takes a network in hand.
  /// - Parameters:
  ///   - network: The network; its weights must not change afterwards.
  ///   - imageSize: Rows and columns of the input.
  package init(_ network: RegionNetwork, imageSize: [Int]) {
    self.network = network
    self.imageSize = imageSize
    anchors = RegionAnchors(network.configuration, imageSize: imageSize)
    maskSide = 2 * (network.configuration.mask?.grid ?? 0)
  }

  private func look(_ input: Tensor) -> (pyramid: [Tensor], anchors: Tensor) {
    let plan = plan.withLock { stored in
      if let stored, stored.inputShape == input.shape { return stored }
      let made = InferencePlan(inputShapes: [input.shape]) { inputs in
        let pyramid = network.pyramid(inputs[0], in: .inference)
        return pyramid + [network.anchors(pyramid, in: .inference)]
      }
      stored = made
      return made
    }
    let outputs = plan([input])
    return (Array(outputs.dropLast()), outputs[outputs.count - 1])
  }

  /// What the second stage says of the regions that the first proposes.
  private struct Proposed {
    let pyramid: [Tensor]
    /// The regions, the likeliest first.
    let regions: [SIMD4<Float>]
    /// The row of each region in what follows.
    let rows: [Int]
    /// Probabilities of the background and the classes, row by row.
    let scores: [Float]
    /// How boxes differ from their region, row by row and class by class.
    let shifts: [Float]
    let classes: Int
    let imageSize: [Int]

    func score(_ place: Int, _ label: Int) -> Double {
      Double(scores[rows[place] * (classes + 1) + label + 1])
    }

    /// The box that a region has if it is of a class, within the image.
    func box(_ place: Int, _ label: Int) -> SIMD4<Float> {
      let first = 4 * (rows[place] * (classes + 1) + label + 1)
      return BoxCoding.regions.box(
        SIMD4(shifts[first], shifts[first + 1], shifts[first + 2], shifts[first + 3]),
        from: regions[place]
      ).clipped(imageSize)
    }
  }

  /// Proposes regions and names them; nil when the network's numbers are not finite.
  private func proposed(_ input: Tensor) -> Proposed? {
    let (pyramid, output) = look(input)
    guard output.withElements({ $0.allSatisfy(\.isFinite) }) else { return nil }
    let edges = anchors.proposals(output, network.configuration.proposals)[0]
    let regions = edges.map { ImageRegion(image: 0, edges: $0) }
    let order = network.order(regions)
    // Equal scores are told in the order of the proposals.
    var rows = [Int](repeating: 0, count: order.count)
    for (row, place) in order.enumerated() { rows[place] = row }
    var (scores, shifts): ([Float], [Float]) = ([], [])
    if !regions.isEmpty {
      let found = network.boxes(pyramid, order.map { regions[$0] }, in: .inference)
      (scores, shifts) = (softmax(found.scores, axis: 1).values, found.shifts.values)
    }
    guard scores.allSatisfy(\.isFinite), shifts.allSatisfy(\.isFinite) else { return nil }
    return Proposed(
      pyramid: pyramid,
      regions: edges,
      rows: rows,
      scores: scores,
      shifts: shifts,
      classes: network.configuration.classes,
      imageSize: imageSize
    )
  }

  private func candidates(_ proposed: Proposed, _ leastScores: [Double]) -> [Detection] {
    var candidates: [Detection] = []
    for place in proposed.regions.indices {
      for label in 0..<proposed.classes {
        let score = proposed.score(place, label)
        guard score > (leastScores.count == 1 ? leastScores[0] : leastScores[label]) else {
          continue
        }
        let box = proposed.box(place, label)
        let least = RegionNetworkConfiguration.leastFindingSide
        guard box.z - box.x >= least, box.w - box.y >= least else { continue }
        candidates.append(Detection(label: label, score: score, box: DetectionBox(box)))
      }
    }
    return candidates
  }

  /// Every box of one image, before those of the same object are joined; without masks.
  /// - Parameters:
  ///   - input: `[1, C, H, W]`.
  ///   - leastScore: The least probability.
  /// - Returns: The boxes by falling likelihood of their regions; nil when the network's numbers are not
  ///   finite.
  func boxes(_ input: Tensor, leastScore: Double) -> [Detection]? {
    proposed(input).map { candidates($0, [leastScore]) }
  }

  /// The proposed region that a finding was made of: of those whose box overlaps the finding most, the one
  /// that is surest of the class.
  /// - Parameters:
  ///   - box: The finding's box in pixels of the input.
  ///   - label: Its class.
  ///   - input: The image that it was found in, `[1, C, H, W]`.
  /// - Returns: The region, the box itself where nothing is proposed; nil when the network's numbers are
  ///   not finite.
  func region(of box: DetectionBox, label: Int, in input: Tensor) -> ImageRegion? {
    guard let proposed = proposed(input) else { return nil }
    var best = (edges: box.edges, overlap: 0.0, score: 0.0)
    for place in proposed.regions.indices {
      let own = DetectionBox(proposed.box(place, label))
      let (overlap, score) = ((own.overlap(box) * 1000).rounded(), proposed.score(place, label))
      if (overlap, score) > (best.overlap, best.score) {
        best = (proposed.regions[place], overlap, score)
      }
    }
    return ImageRegion(image: 0, edges: best.edges)
  }

  /// Finds the objects of one image.
  /// - Parameters:
  ///   - input: `[1, C, H, W]`.
  ///   - leastScores: The least probability, one for all classes or one for each.
  ///   - suppression: What is taken for the same object.
  /// - Returns: The findings by falling score; nil when the network's numbers are not finite.
  package func findings(
    _ input: Tensor,
    leastScores: [Double],
    suppression: BoxSuppression
  ) -> [Finding]? {
    guard let proposed = proposed(input) else { return nil }
    let kept = suppression(candidates(proposed, leastScores))
    let masks = masks(kept, proposed.pyramid)
    guard masks.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { return nil }
    return kept.enumerated().map {
      Finding(detection: $0.element, mask: masks.isEmpty ? nil : masks[$0.offset])
    }
  }

  /// The masks' probabilities of each finding's class; none without a mask head.
  private func masks(_ found: [Detection], _ pyramid: [Tensor]) -> [[Float]] {
    guard network.configuration.mask != nil, !found.isEmpty else { return [] }
    let regions = found.map { ImageRegion(image: 0, edges: $0.box.edges) }
    let order = network.order(regions)
    guard let logits = network.masks(pyramid, order.map { regions[$0] }, in: .inference) else {
      return []
    }
    let (channels, cells) = (logits.shape[1], logits.shape[2] * logits.shape[3])
    var result = [[Float]](repeating: [], count: found.count)
    let values = sigmoid(logits).values
    for (row, place) in order.enumerated() {
      let first = (row * channels + found[place].label + 1) * cells
      result[place] = Array(values[first..<first + cells])
    }
    return result
  }
}
