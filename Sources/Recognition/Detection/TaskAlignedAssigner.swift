import Foundation
import Support
import Synchronization
import Tensors

/// Chooses the cells that answer for each object by how well they already find and name it.
///
/// Feng et al. 2021, "TOOD: task-aligned one-stage object detection", section 3.2: a cell whose middle
/// lies in the box is aligned by t = s^α · u^β, s the score of the object's class and u the overlap of
/// its box with the object's. The cells with the largest t answer, each for one object, and their
/// wanted score is t scaled so that the largest of an object is its largest u.
///
/// An object so small that no middle lies in it is answered for by the nearest cell, which the paper
/// leaves without any.
package struct TaskAlignedAssigner: Sendable {
  /// An object of a sample, in the network's pixels.
  package struct Object: Sendable, Equatable {
    /// The class.
    package var label: Int
    /// Where it lies.
    package var box: DetectionBox
    /// Whether it is not to be learned, but its place not to be called empty either.
    package var isIgnored: Bool
    /// Its mask; nil where none is known.
    package var mask: PlacedMask?

    /// Creates an object.
    package init(label: Int, box: DetectionBox, isIgnored: Bool = false, mask: PlacedMask? = nil) {
      self.label = label
      self.box = box
      self.isIgnored = isIgnored
      self.mask = mask
    }
  }

  /// Cells that answer for an object.
  package var count = 10
  /// The exponent of the score.
  package var alpha = 0.5
  /// The exponent of the overlap.
  package var beta = 6.0

  /// Creates an assigner with YOLOv8's constants; the paper has α = 1 and 13 cells.
  package init() {}

  private struct Candidate {
    let cell: Int
    let overlap: Double
    let alignment: Double
  }

  /// Chooses cells for a batch.
  /// - Parameters:
  ///   - output: `[N, 4 · bins + classes, A]`.
  ///   - objects: The objects of each image.
  ///   - decoder: Reads the output.
  /// - Returns: What each cell should have said.
  package func targets(
    _ output: Tensor,
    objects: [[Object]],
    decoder: DetectionDecoder
  ) -> DetectionTargets {
    let plain = output.plain
    let found = Mutex<[Int: DetectionTargets]>([:])
    Parallelism.forEach(objects.count) { image in
      let targets = plain.withElements {
        self.targets($0, image: image, objects: objects[image], decoder: decoder)
      }
      found.withLock { $0[image] = targets }
    }
    let parts = found.withLock { $0 }
    var result = DetectionTargets(positives: [])
    for image in objects.indices {
      guard let part = parts[image] else { continue }
      result.positives += part.positives
      result.ignored.formUnion(part.ignored)
    }
    return result
  }

  private func targets(
    _ values: UnsafeBufferPointer<Float>,
    image: Int,
    objects: [Object],
    decoder: DetectionDecoder
  ) -> DetectionTargets {
    let grid = decoder.grid
    let cells = grid.count
    var predicted: [Int: DetectionBox] = [:]
    func candidate(_ cell: Int, _ object: Object) -> Candidate {
      let box = predicted[cell] ?? decoder.box(values, image: image, cell: cell)
      predicted[cell] = box
      let row = 4 * decoder.bins + object.label
      let logit = values[(image * (4 * decoder.bins + decoder.classes) + row) * cells + cell]
      let score = 1 / (1 + exp(-Double(logit)))
      let overlap = object.box.overlap(box)
      return Candidate(
        cell: cell,
        overlap: overlap,
        alignment: pow(score, alpha) * pow(overlap, beta)
      )
    }
    let wanted = objects.filter { !$0.isIgnored }
    // The object that each cell answers for, the one it overlaps most if several chose it.
    var owners: [Int: (object: Int, candidate: Candidate)] = [:]
    for (index, object) in wanted.enumerated() {
      var inside = Self.cells(in: object.box, grid)
      if inside.isEmpty { inside = Self.nearest(to: object.box, grid).map { [$0] } ?? [] }
      let chosen = inside.map { candidate($0, object) }
        .sorted { ($1.alignment, $0.cell) < ($0.alignment, $1.cell) }.prefix(count)
      for candidate in chosen {
        if let owner = owners[candidate.cell], owner.candidate.overlap >= candidate.overlap {
          continue
        }
        owners[candidate.cell] = (index, candidate)
      }
    }
    var largest = [(alignment: Double, overlap: Double)](repeating: (0, 0), count: wanted.count)
    for owner in owners.values {
      largest[owner.object].alignment =
        max(largest[owner.object].alignment, owner.candidate.alignment)
      largest[owner.object].overlap =
        max(largest[owner.object].overlap, owner.candidate.overlap)
    }
    let positives = owners.values.sorted { $0.candidate.cell < $1.candidate.cell }.map { owner in
      let object = wanted[owner.object]
      let top = largest[owner.object]
      let share = top.alignment > 0 ? owner.candidate.alignment / top.alignment : 0
      return DetectionTargets.Positive(
        image: image,
        cell: owner.candidate.cell,
        label: object.label,
        box: SIMD4(
          Float(object.box.left),
          Float(object.box.top),
          Float(object.box.right),
          Float(object.box.bottom)
        ),
        score: Float(share * top.overlap)
      )
    }
    var ignored: Set<DetectionTargets.Ignored> = []
    for object in objects where object.isIgnored {
      for cell in Self.cells(in: object.box, grid) where owners[cell] == nil {
        ignored.insert(DetectionTargets.Ignored(image: image, cell: cell))
      }
    }
    return DetectionTargets(positives: positives, ignored: ignored)
  }

  /// The cells whose middle lies in a box.
  private static func cells(in box: DetectionBox, _ grid: DetectionTargets.Grid) -> [Int] {
    let (left, right) = (Float(box.left), Float(box.right))
    let (top, bottom) = (Float(box.top), Float(box.bottom))
    return (0..<grid.count).filter {
      grid.x[$0] > left && grid.x[$0] < right && grid.y[$0] > top && grid.y[$0] < bottom
    }
  }

  /// The cell of the finest grid whose middle is nearest to that of a box.
  private static func nearest(to box: DetectionBox, _ grid: DetectionTargets.Grid) -> Int? {
    guard let finest = grid.stride.first else { return nil }
    let (x, y) = (Float(box.left + box.right) / 2, Float(box.top + box.bottom) / 2)
    func distance(_ cell: Int) -> Float {
      let (across, down) = (grid.x[cell] - x, grid.y[cell] - y)
      return across * across + down * down
    }
    return (0..<grid.count).prefix { grid.stride[$0] == finest }
      .min { distance($0) < distance($1) }
  }
}
