import GraphModels
import Layers
import Networks
import Tensors

/// A graph of operators that gives images, with what it needs of sizes found out by trying.
///
/// The graph is traced for small and large images, which computes nothing. Sizes that it takes are
/// multiples of a power of two, as for networks that halve their maps.
package final class GraphImageNetwork: Network {
  /// What spatial axes of the input must be multiples of.
  package let sizeMultiple: Int
  /// How many times larger the output is.
  package let outputScale: Int
  /// Channels of the output.
  let outputChannels: Int
  let graph: GraphNetwork
  /// Whether the graph takes several images at once; many files are for one.
  private let takesBatches: Bool

  /// The weights in the file.
  package var weightCount: Int { graph.weightCount }

  /// Multiples that are tried, and how many of them an axis has: a graph that fails for small axes gets a
  /// larger multiple, to which small images are mirrored.
  private static let (multiples, counts) = ([1, 2, 4, 8, 16, 32, 64], [1, 2, 3, 5, 8, 17])

  /// Finds out what sizes a graph takes.
  /// - Parameters:
  ///   - graph: The graph, of one input.
  ///   - channels: Channels of its input.
  ///   - dimensions: Its spatial axes, 2 or 3.
  ///   - path: Its file, for messages.
  /// - Throws: `PipelinesError.unsupportedModel` when it takes no sizes, or gives no image.
  init(_ graph: GraphNetwork, channels: Int, dimensions: Int, path: String) throws {
    var reason: (any Error)?
    for multiple in Self.multiples {
      do {
        var found: Set<[Int]> = []
        for count in Self.counts {
          // Axes of their own lengths tell those that are exchanged.
          let sides = (0..<dimensions).map { multiple * (count + ($0 == 0 ? 1 : 0)) }
          let shape = try graph.check(inputShape: [1, channels] + sides)
          guard shape.count == dimensions + 2, shape[2] % sides[0] == 0,
            shape.dropFirst(2).elementsEqual(sides.map { $0 * (shape[2] / sides[0]) })
          else {
            throw PipelinesError.unsupportedModel(
              path: path,
              reason: "it turns \([1, channels] + sides) into \(shape), which is no image of the "
                + "same field of view"
            )
          }
          found.insert([shape[1], shape[2] / sides[0]])
        }
        if found.count == 1, let only = found.first {
          (outputChannels, outputScale) = (only[0], only[1])
          sizeMultiple = multiple
          let batch = [2, channels] + (0..<dimensions).map { _ in 16 * multiple }
          takesBatches = (try? graph.check(inputShape: batch))?.first == 2
          self.graph = graph
          return
        }
      } catch {
        if reason == nil { reason = error }
      }
    }
    throw reason
      ?? PipelinesError.unsupportedModel(path: path, reason: "its output has no fixed size")
  }

  /// Applies the graph.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]` or with depth.
  ///   - context: To predict; graphs are not trained.
  /// - Returns: `[N, outputChannels, H', W']`, larger by `outputScale`.
  package func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    guard x.shape[0] > 1, !takesBatches else { return graph(x, in: context) }
    return concatenation(
      (0..<x.shape[0]).map { graph(x.sliced(axis: 0, start: $0, end: $0 + 1), in: context) },
      axis: 0
    )
  }
}
