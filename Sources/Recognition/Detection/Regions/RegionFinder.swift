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
  private let network: RegionNetwork
  private let anchors: RegionAnchors
  private let imageSize: [Int]
  private let plan = Mutex<InferencePlan?>(nil)

  /// Findings narrower than this are left out.
  private static let leastSide: Float = 1e-2

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
    let (pyramid, output) = look(input)
    guard output.withElements({ $0.allSatisfy(\.isFinite) }) else { return nil }
    let proposed = anchors.proposals(output, network.configuration.proposals)[0]
      .map { ImageRegion(image: 0, edges: $0) }
    guard !proposed.isEmpty else { return [] }
    let order = network.order(proposed)
    let found = network.boxes(pyramid, order.map { proposed[$0] }, in: .inference)
    let (scores, shifts) = (softmax(found.scores, axis: 1).values, found.shifts.values)
    guard scores.allSatisfy(\.isFinite), shifts.allSatisfy(\.isFinite) else { return nil }
    // Equal scores are told in the order of the proposals.
    var rows = [Int](repeating: 0, count: order.count)
    for (row, place) in order.enumerated() { rows[place] = row }
    let classes = network.configuration.classes
    var candidates: [Detection] = []
    for (place, row) in rows.enumerated() {
      for label in 0..<classes {
        let score = Double(scores[row * (classes + 1) + label + 1])
        guard score > (leastScores.count == 1 ? leastScores[0] : leastScores[label]) else {
          continue
        }
        let first = 4 * (row * (classes + 1) + label + 1)
        let box = BoxCoding.regions.box(
          SIMD4(shifts[first], shifts[first + 1], shifts[first + 2], shifts[first + 3]),
          from: proposed[place].edges
        ).clipped(imageSize)
        guard box.z - box.x >= Self.leastSide, box.w - box.y >= Self.leastSide else { continue }
        candidates.append(Detection(label: label, score: score, box: DetectionBox(box)))
      }
    }
    let kept = suppression(candidates)
    let masks = masks(kept, pyramid)
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
