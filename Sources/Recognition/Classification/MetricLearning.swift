import Foundation
import Layers
import Networks
import Tensors

/// Losses that bring images of one identity near each other on the unit sphere.
enum MetricLearning {
  /// Norms are at least this, so that an image without features has a direction too.
  private static let leastSquare: Float = 1e-12

  /// The embedding, of length 1.
  /// - Parameters:
  ///   - network: The network.
  ///   - x: `[N, C, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, E]`.
  static func unitEmbedding(
    _ network: any VectorNetwork,
    _ x: Tensor,
    in context: Context
  ) -> Tensor {
    unitRows(network.embedding(of: network.features(x, in: context), in: context))
  }

  /// Rows of length 1.
  static func unitRows(_ x: Tensor) -> Tensor {
    let squares = (x * x).sum(axes: [1], keepingAxes: true) + leastSquare
    return x * power(squares, -0.5)
  }

  /// The additive angular margin loss: a softmax over s cos(θ + m) for the own and s cos θ for other classes.
  ///
  /// Deng, Guo, Xue and Zafeiriou 2019, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition",
  /// equation 3. The weights of the network's last layer are the classes' middles; its bias takes no part.
  /// Where θ + m would pass π the loss goes on as cos θ − m sin(π − m), as the authors' program does.
  /// - Parameters:
  ///   - network: The network, whose last layer has one output for each class.
  ///   - x: `[N, C, H, W]`.
  ///   - labels: The class of each image.
  ///   - margin: m, radians.
  ///   - scale: s.
  ///   - context: To train.
  /// - Returns: One number.
  static func arcFaceLoss(
    _ network: any VectorNetwork,
    _ x: Tensor,
    labels: [Int32],
    margin: Double,
    scale: Double,
    in context: Context
  ) -> Tensor {
    let embedding = unitEmbedding(network, x, in: context)
    let size = embedding.shape[1]
    guard
      let middles = network.namedParameters.last(where: {
        $0.parameter.shape.count == 2 && $0.parameter.shape[1] == size
      })
    else { preconditionFailure("the last layer is not linear") }
    let weight = unitRows(middles.parameter.value(in: context))
    let cosines = linear(embedding, weight: weight)
    let classes = weight.shape[0]
    let own = Tensor(
      labels.flatMap { label in (0..<classes).map { $0 == Int(label) ? Float(1) : 0 } },
      shape: [labels.count, classes]
    )
    // cos(θ + m) = cos θ cos m − sin θ sin m, with sin θ = √(1 − cos² θ).
    let sines = power(
      maximum(cosines * cosines * -1 + 1, Tensor(repeating: 1e-7, shape: cosines.shape)),
      0.5
    )
    let turned = cosines * Float(cos(margin)) - sines * Float(sin(margin))
    let limit = Float(cos(.pi - margin))
    let beyond = cosines - Float(sin(.pi - margin) * margin)
    let isWithin = isGreater(cosines, Tensor(repeating: limit, shape: cosines.shape))
    let moved = selection(where: isWithin, turned, beyond)
    return crossEntropy(
      selection(where: own, moved, cosines) * Float(scale),
      labels: LabelTensor(labels, shape: [labels.count])
    )
  }

  /// The triplet loss of each image with the farthest of its identity and the nearest of another.
  ///
  /// Hermans, Beyer and Leibe 2017, "In Defense of the Triplet Loss for Person Re-Identification", equation
  /// 5. Which images these are is found without a gradient.
  /// - Parameters:
  ///   - embedding: `[N, E]`, rows of length 1.
  ///   - labels: The identity of each image.
  ///   - margin: By how much others should be farther away.
  /// - Returns: One number; 0 where the batch has no triplet.
  static func hardTripletLoss(_ embedding: Tensor, labels: [Int32], margin: Double) -> Tensor {
    let (count, size) = (embedding.shape[0], embedding.shape[1])
    let values = embedding.values
    func similarity(_ a: Int, _ b: Int) -> Float {
      var sum: Float = 0
      for place in 0..<size { sum += values[a * size + place] * values[b * size + place] }
      return sum
    }
    var triplets: [(anchor: Int, positive: Int, negative: Int)] = []
    for anchor in 0..<count {
      var (positive, negative): (Int?, Int?) = (nil, nil)
      var (least, most): (Float, Float) = (.infinity, -.infinity)
      for other in 0..<count where other != anchor {
        let found = similarity(anchor, other)
        if labels[other] == labels[anchor] {
          if found < least { (least, positive) = (found, other) }
        } else if found > most {
          (most, negative) = (found, other)
        }
      }
      if let positive, let negative { triplets.append((anchor, positive, negative)) }
    }
    guard !triplets.isEmpty else { return (embedding * 0).sum(axes: nil) }
    func rows(_ indices: [Int]) -> Tensor {
      matrixProduct(
        Tensor(
          indices.flatMap { index in (0..<count).map { $0 == index ? Float(1) : 0 } },
          shape: [indices.count, count]
        ),
        embedding
      )
    }
    return tripletMarginLoss(
      rows(triplets.map(\.anchor)),
      positive: rows(triplets.map(\.positive)),
      negative: rows(triplets.map(\.negative)),
      margin: margin
    )
  }
}
