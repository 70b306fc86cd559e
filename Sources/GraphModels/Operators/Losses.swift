import Foundation
import Tensors

/// Losses, which networks carry that were exported with their training.
extension GraphOperator {
  static let losses: [GraphOperator] = [
    GraphOperator("NegativeLogLikelihoodLoss", 2...3, ["ignore_index", "reduction"]) { context in
      let loss = try likelihoodLoss(context, try context.numbers(0))
      return [GraphValue(try context.operand(0).type, loss)]
    },
    GraphOperator("SoftmaxCrossEntropyLoss", 2...3, ["ignore_index", "reduction"]) { context in
      let x = try context.numbers(0)
      try context.require(x.rank >= 2 && x.count > 0, "scores of \(x.shape)")
      let logarithms = logSoftmax(x, axis: 1)
      let type = try context.operand(0).type
      let loss = try likelihoodLoss(context, logarithms)
      return [GraphValue(type, loss), GraphValue(type, logarithms)]
    },
  ]

  /// −w(t) · x(t) of every cell with the class t, or their sum, or the sum divided by that of the weights.
  private static func likelihoodLoss(_ context: NodeContext, _ x: Tensor) throws -> Tensor {
    let target = try context.operand(1)
    let weight = context.optionalNumbers(2)
    try context.require(
      x.rank >= 2 && x.count > 0 && target.shape == [x.shape[0]] + x.shape.dropFirst(2)
        && weight.map { $0.shape == [x.shape[1]] } ?? true,
      "scores \(x.shape) for the classes \(target.shape)"
    )
    let (classes, inner) = (x.shape[1], x.shape.dropFirst(2).reduce(1, *))
    let ignored =
      context.node.attributes["ignore_index"] == nil
      ? nil : Float(try context.integer("ignore_index", 0))
    if let known = target.integers?.indices {
      try context.require(
        known.allSatisfy { Float($0) == ignored || (0..<classes).contains($0) },
        "a class beyond \(classes)"
      )
    }
    let reduction = try context.text("reduction", "mean")
    guard ["none", "sum", "mean"].contains(reduction) else {
      throw context.unsupported("the reduction \(reduction)")
    }
    let shape = reduction == "none" ? target.shape : []
    let operands = [x, target.tensor] + (weight.map { [$0] } ?? [])
    return ElementMaps.compute("likelihood-loss", operands, shape: shape) { values in
      var (losses, sum, weights) = ([Float](), 0.0, 0.0)
      for (cell, label) in values[1].enumerated() {
        guard label != ignored else {
          losses.append(0)
          continue
        }
        let place = Indices.inside(label, classes)
        let factor = values.count > 2 ? values[2][place] : 1
        let score = values[0][(cell / inner * classes + place) * inner + cell % inner]
        losses.append(-factor * score)
        sum += Double(-factor * score)
        weights += Double(factor)
      }
      switch reduction {
      case "none": return losses
      case "sum": return [Float(sum)]
      default: return [Float(sum / weights)]
      }
    }
  }
}
