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

  /// Regions narrower than this are nothing.
  private static let leastSide: Float = 1e-3

  /// Lays anchors of every shape about the corner of each cell.
  ///
  /// Their edges relative to the corner are whole numbers, as torchvision has them.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - imageSize: Rows and columns of the input.
  package init(_ network: RegionNetworkConfiguration, imageSize: [Int]) {
    var (edges, levels): ([SIMD4<Float>], [Range<Int>]) = ([], [])
    for (stride, side) in zip(network.strides, network.anchorSides) {
      // The coarsest map may end within a cell; torchvision's steps are then shorter.
      let cells = imageSize.map { ($0 + stride - 1) / stride }
      let steps = zip(imageSize, cells).map { Float($0 / $1) }
      let first = edges.count
      for ratio in network.aspectRatios {
        let height = Float(ratio).squareRoot()
        let width = 1 / height
        let half = SIMD2(width * Float(side), height * Float(side)) / 2
        let shape = SIMD4(-half.x, -half.y, half.x, half.y).rounded(.toNearestOrEven)
        for row in 0..<cells[0] {
          for column in 0..<cells[1] {
            let (x, y) = (Float(column) * steps[1], Float(row) * steps[0])
            edges.append(shape + SIMD4(x, y, x, y))
          }
        }
      }
      levels.append(first..<edges.count)
    }
    (self.edges, self.levels, self.imageSize) = (edges, levels, imageSize)
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
      guard inside.z - inside.x >= Self.leastSide, inside.w - inside.y >= Self.leastSide,
        !kept.contains(where: { $0.edges.overlap(inside) > Float(choice.overlap) })
      else { continue }
      kept.append((inside, values[start + anchor]))
      if kept.count == choice.kept { break }
    }
    return kept
  }
}
