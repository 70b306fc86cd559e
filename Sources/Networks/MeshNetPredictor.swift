import Layers
import Support
import Tensors

/// Labels whole volumes with a MeshNet without holding the scores of all classes at once.
///
/// The hidden layers run on the whole volume; the last one, which looks at one cell at a time, runs on a
/// few slices at a time, of which only the classes stay. Of 104 classes of 256 x 256 x 256 cells, scores
/// would take 7 GB.
public final class MeshNetPredictor: Sendable {
  private let network: MeshNet
  private let options: InferencePlanOptions

  /// Cells classified at a time, at least one slice.
  private static let cellsAtOnce = 1 << 20

  /// Creates a predictor.
  /// - Parameters:
  ///   - network: The network.
  ///   - options: How plans compute.
  public init(_ network: MeshNet, options: InferencePlanOptions = InferencePlanOptions()) {
    self.network = network
    self.options = options
  }

  /// Labels a volume or image.
  ///
  /// Plans are made for its size and go when it is labelled. Their memory is two maps of the widest
  /// hidden layer, in blocks of channels, and the last layer's map: for 30 channels of
  /// 256 x 256 x 256 cells 6.5 GB.
  /// - Parameters:
  ///   - x: `[1, inputChannels, H, W]` or with depth.
  ///   - visit: Given the scores `[1, classes, slices, …]` of some slices of the first spatial axis, and
  ///     the first of them, in order.
  /// - Throws: What `visit` throws.
  public func forEachSlab(
    of x: Tensor,
    _ visit: (_ scores: Tensor, _ first: Int) throws -> Void
  ) rethrows {
    precondition(x.shape[0] == 1, "\(x.shape[0]) volumes at once")
    let features = {
      InferencePlan(inputShape: x.shape, options: options) {
        network.features(of: $0, in: .inference)
      }(x)
    }()
    let (channels, depth) = (features.shape[1], x.shape[2])
    let slice = features.shape.dropFirst(3).reduce(1, *)
    let slices = max(1, min(depth, Self.cellsAtOnce / max(1, slice)))
    var plan: InferencePlan?
    for first in stride(from: 0, to: depth, by: slices) {
      let count = min(slices, depth - first)
      let shape = [1, channels, count] + features.shape.dropFirst(3)
      let part = AlignedBuffer<Float>(uninitializedCount: shape.reduce(1, *))
      features.withElements { elements in
        guard let base = elements.baseAddress else { return }
        for channel in 0..<channels {
          (part.pointer + channel * count * slice).update(
            from: base + (channel * depth + first) * slice,
            count: count * slice
          )
        }
      }
      if plan?.inputShape != shape {
        plan = InferencePlan(inputShape: shape, options: options) {
          network.scores(of: $0, in: .inference)
        }
      }
      guard let plan else { continue }
      try visit(plan(Tensor(shape: shape, storage: part)), first)
    }
  }

  /// The class of the largest score of each cell, the first of equal ones.
  /// - Parameter x: `[1, inputChannels, H, W]` or with depth.
  /// - Returns: Classes in row-major order, the first spatial axis slowest.
  public func labels(of x: Tensor) -> [UInt16] {
    let slice = x.shape.dropFirst(3).reduce(1, *)
    var labels = [UInt16](repeating: 0, count: x.shape[2] * slice)
    forEachSlab(of: x) { scores, first in
      let (classes, cells) = (scores.shape[1], scores.shape[2] * slice)
      scores.withElements { elements in
        guard let base = elements.baseAddress else { return }
        let scores = SharedPointer(reading: base)
        labels.withUnsafeMutableBufferPointer { labels in
          guard let base = labels.baseAddress else { return }
          let labels = SharedPointer(base)
          Parallelism.forEachRange(cells) { range in
            for cell in range {
              var best: (score: Float, label: Int) = (scores.pointer[cell], 0)
              for label in 1..<max(classes, 1) {
                let score = scores.pointer[label * cells + cell]
                if score > best.score { best = (score, label) }
              }
              labels.pointer[first * slice + cell] = UInt16(clamping: best.label)
            }
          }
        }
      }
    }
    return labels
  }
}
