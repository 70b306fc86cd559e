import Networks
import Support
import Synchronization
import Tensors

/// The boxes that a detector's regions are told relative to, and the choice among them.
package struct RegionAnchors: Sendable {
  /// Left, upper, right and lower edge, in the order of `RegionNetwork`'s output.
  package let edges: [SIMD4<Float>]
  /// The anchors of each level.
  let levels: [Range<Int>]
  /// Rows and columns of the input.
  let imageSize: [Int]

  /// Lays the anchors of an input.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - imageSize: Rows and columns of the input.
  package init(_ network: RegionNetworkConfiguration, imageSize: [Int]) {
    (edges, levels) = network.anchors(imageSize: imageSize)
    self.imageSize = imageSize
  }

  /// The regions that a network proposes.
  /// - Parameters:
  ///   - output: `[N, 5, A]` as `RegionNetwork` gives it.
  ///   - choice: How many are kept.
  /// - Returns: For each image boxes within it, the likeliest first; what is not finite is left out.
  package func proposals(
    _ output: Tensor,
    _ choice: RegionNetworkConfiguration.Proposals
  ) -> [[SIMD4<Float>]] {
    precondition(output.shape[2] == edges.count, "\(output.shape) for \(edges.count) anchors")
    let (images, count) = (output.shape[0], levels.count)
    let plain = output.plain
    let results = Mutex<[Int: [(edges: SIMD4<Float>, logit: Float)]]>([:])
    plain.withElements { values in
      guard let base = values.baseAddress else { return }
      let source = SharedPointer(reading: base)
      Parallelism.forEach(images * count) { item in
        let found = candidates(source.pointer, item / count, levels[item % count], choice)
        results.withLock { $0[item] = found }
      }
    }
    let found = results.withLock { $0 }
    return (0..<images).map { image in
      let all = (0..<count).flatMap { found[image * count + $0] ?? [] }
      return all.enumerated()
        .sorted { ($1.element.logit, $0.offset) < ($0.element.logit, $1.offset) }
        .prefix(choice.kept).map(\.element.edges)
    }
  }

  /// The likeliest boxes of one level that are not the same.
  private func candidates(
    _ values: UnsafePointer<Float>,
    _ image: Int,
    _ level: Range<Int>,
    _ choice: RegionNetworkConfiguration.Proposals
  ) -> [(edges: SIMD4<Float>, logit: Float)] {
    let start = image * 5 * edges.count
    let order = level.filter { values[start + $0].isFinite }
      .sorted { (values[start + $1], $0) < (values[start + $0], $1) }
      .prefix(choice.candidates)
    var kept: [(edges: SIMD4<Float>, logit: Float)] = []
    for anchor in order {
      func shift(_ index: Int) -> Float { values[start + (1 + index) * edges.count + anchor] }
      let box = BoxCoding.anchors.box(
        SIMD4(shift(0), shift(1), shift(2), shift(3)),
        from: edges[anchor]
      )
      guard box.isFiniteBox else { continue }
      let inside = box.clipped(imageSize)
      let least = RegionNetworkConfiguration.leastRegionSide
      guard inside.z - inside.x >= least, inside.w - inside.y >= least,
        !kept.contains(where: { $0.edges.overlap(inside) > Float(choice.overlap) })
      else { continue }
      kept.append((inside, values[start + anchor]))
      if kept.count == choice.kept { break }
    }
    return kept
  }
}
