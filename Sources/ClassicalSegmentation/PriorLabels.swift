import Imaging

/// Labels that are to be improved, and how sure they are.
package struct PriorLabels: Sendable {
  /// The probabilities of a label, one for each voxel.
  package typealias Probabilities = @Sendable (_ label: UInt16) -> [Float]

  /// The label of each voxel.
  package let labels: [UInt16]
  /// The labels that occur, by rising number; 0 is background.
  package let occurring: [UInt16]
  /// The probabilities of the labels, or nil where only labels are known.
  package let probabilities: Probabilities?

  /// Whether labels are numbers of objects of one kind, not kinds.
  package let countsObjects: Bool

  /// Takes labels.
  /// - Parameters:
  ///   - labels: One for each voxel.
  ///   - countsObjects: Whether labels are numbers of objects of one kind.
  ///   - probabilities: The probabilities of a label that occurs.
  package init(
    _ labels: [UInt16],
    countsObjects: Bool = false,
    probabilities: Probabilities? = nil
  ) {
    self.countsObjects = countsObjects
    var occurs = [Bool](repeating: false, count: 1 << 16)
    for label in labels { occurs[Int(label)] = true }
    self.labels = labels
    occurring = (0..<occurs.count).filter { occurs[$0] }.map { UInt16($0) }
    self.probabilities = probabilities
  }

  /// The place of each label among those that occur.
  var classes: [UInt16] {
    var table = [UInt16](repeating: 0, count: 1 << 16)
    for (index, label) in occurring.enumerated() { table[Int(label)] = UInt16(index) }
    return labels.map { table[Int($0)] }
  }

  /// Gives every voxel of a foreground to an object: its own, or the one that reaches it first through the
  /// foreground, by faces.
  /// - Parameters:
  ///   - foreground: 0 for background, one for each voxel.
  ///   - image: The image, for its grid.
  /// - Returns: The objects; foreground that touches none of them is background.
  func objects(in foreground: [UInt16], image: ClassicalImage) -> [UInt16] {
    var result = labels
    for place in labels.indices where foreground[place] == 0 { result[place] = 0 }
    var front = result.indices.filter { result[$0] > 0 }
    while !front.isEmpty {
      var next: [Int] = []
      for place in front {
        image.forEachNeighbour(of: place) { other in
          guard foreground[other] > 0, result[other] == 0 else { return }
          result[other] = result[place]
          next.append(other)
        }
      }
      front = next
    }
    return result
  }

  /// A label's probabilities; without any, `certainty` where it is and the rest shared out elsewhere.
  func probability(of label: UInt16, certainty: Float) -> [Float] {
    if let probabilities { return probabilities(label) }
    let other = (1 - certainty) / Float(max(1, occurring.count - 1))
    return labels.map { $0 == label ? certainty : other }
  }

  /// The voxels that keep their labels: those of a probability of at least `certain`; without
  /// probabilities those at least `margin` from another label, or as deep as its structure goes.
  /// - Parameters:
  ///   - certain: The least probability.
  ///   - marginMM: The least distance, mm.
  ///   - image: The image, for its grid.
  /// - Returns: A class for each label that occurs.
  func seeds(certain: Float, marginMM: Double, image: ClassicalImage) -> SeedMarks {
    let classes = classes
    var marks = [UInt16](repeating: 0, count: labels.count)
    if let probabilities {
      for (index, label) in occurring.enumerated() {
        let values = probabilities(label)
        // A label that is nowhere so sure keeps the voxels where it is surest.
        var best: Float = 0
        for place in labels.indices where labels[place] == label { best = max(best, values[place]) }
        let least = min(certain, best)
        for place in labels.indices where labels[place] == label && values[place] >= least {
          marks[place] = UInt16(index + 1)
        }
      }
    } else {
      let depth = Self.depths(classes, image)
      var deepest = [Float](repeating: 0, count: occurring.count)
      for place in labels.indices where depth[place].isFinite {
        deepest[Int(classes[place])] = max(deepest[Int(classes[place])], depth[place])
      }
      for place in labels.indices
      where depth[place] >= min(Float(marginMM), deepest[Int(classes[place])]) {
        marks[place] = classes[place] + 1
      }
    }
    return SeedMarks(marks: marks, labels: occurring)
  }

  /// The distance of each voxel to the nearest face between two labels, mm: half a voxel beside one.
  private static func depths(_ classes: [UInt16], _ image: ClassicalImage) -> [Float] {
    var borders = [UInt8](repeating: 0, count: classes.count)
    for place in classes.indices {
      image.forEachNeighbour(of: place) { other in
        if classes[other] != classes[place] { borders[place] = 1 }
      }
    }
    let half = Float(image.finestSpacing / 2)
    return DistanceTransform.distances(to: borders, size: image.size, spacing: image.spacing)
      .map { $0 + half }
  }
}
