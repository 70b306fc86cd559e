import Evaluation

/// An object's mask as it lies in a sample: looked up in the picture's own pixels.
package struct PlacedMask: Sendable, Equatable {
  private let mask: RunLengthMask
  /// Where each run ends.
  private let ends: [Int]
  private let placement: RasterPlacement
  /// Columns and rows of the reduced picture.
  private let size: SIMD2<Double>
  private let reduction: Double
  /// What is seen of it in the sample.
  private let visible: DetectionBox

  /// Points of a target's cell along each axis.
  private static let points = 2

  /// Places a mask.
  /// - Parameters:
  ///   - mask: The mask in pixels of the picture.
  ///   - placement: Where the reduced picture lies.
  ///   - size: Columns and rows of the reduced picture.
  ///   - reduction: Pixels of the picture along each axis that became one.
  ///   - visible: What is seen of the object.
  init(
    _ mask: RunLengthMask,
    placement: RasterPlacement,
    size: SIMD2<Double>,
    reduction: Int,
    visible: DetectionBox
  ) {
    self.mask = mask
    var place = 0
    ends = mask.runs.map { run in
      place += run
      return place
    }
    self.placement = placement
    self.size = size
    self.reduction = Double(reduction)
    self.visible = visible
  }

  /// Whether a point of the sample is inside.
  func contains(_ x: Double, _ y: Double) -> Bool {
    guard x >= visible.left, x < visible.right, y >= visible.top, y < visible.bottom else {
      return false
    }
    var across = (x - placement.x) / placement.scale
    var down = (y - placement.y) / placement.scale
    if placement.isFlippedAcross { across = size.x - across }
    if placement.isFlippedDown { down = size.y - down }
    let (column, row) = (across * reduction, down * reduction)
    guard column >= 0, column < Double(mask.width), row >= 0, row < Double(mask.height) else {
      return false
    }
    let place = Int(column) * mask.height + Int(row)
    // The first run that ends behind the place.
    var (low, high) = (0, ends.count)
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] > place { high = middle } else { low = middle + 1 }
    }
    return low % 2 == 1
  }

  /// What a mask head should say of a region.
  /// - Parameters:
  ///   - edges: The region in the sample.
  ///   - side: Rows and columns of the head's masks.
  /// - Returns: The share of each cell that is inside, row by row.
  package func target(_ edges: SIMD4<Float>, side: Int) -> [Float] {
    let count = side * Self.points
    let width = Double(edges.z - edges.x) / Double(count)
    let height = Double(edges.w - edges.y) / Double(count)
    var result = [Float](repeating: 0, count: side * side)
    let unit = 1 / Float(Self.points * Self.points)
    for row in 0..<count {
      for column in 0..<count {
        let isInside = contains(
          Double(edges.x) + (Double(column) + 0.5) * width,
          Double(edges.y) + (Double(row) + 0.5) * height
        )
        if isInside { result[row / Self.points * side + column / Self.points] += unit }
      }
    }
    return result
  }
}

extension RunLengthMask {
  /// A mask head's probabilities laid into a picture; what is at least one half is inside.
  ///
  /// Probabilities stand at the middles of the grid's cells, with zeros around the grid, and are
  /// interpolated linearly at the middles of the picture's pixels.
  /// - Parameters:
  ///   - grid: The probabilities, row by row.
  ///   - side: Rows and columns of the grid.
  ///   - box: Where the grid lies in the picture.
  ///   - width: Columns of the picture.
  ///   - height: Rows of the picture.
  init(pasting grid: [Float], side: Int, box: DetectionBox, width: Int, height: Int) {
    func cell(_ row: Int, _ column: Int) -> Double {
      (0..<side).contains(row) && (0..<side).contains(column)
        ? Double(grid[row * side + column]) : 0
    }
    func place(_ pixel: Int, _ low: Double, _ extent: Double) -> (cell: Int, share: Double) {
      let position = (Double(pixel) + 0.5 - low) / extent * Double(side) - 0.5
      let cell = position.rounded(.down)
      return (Int(cell), position - cell)
    }
    func pixels(_ low: Double, _ high: Double, _ count: Int) -> Range<Int> {
      let first = min(max(0, Int(low.rounded(.down))), count)
      return first..<max(first, min(count, Int(high.rounded(.up))))
    }
    let columns = pixels(box.left, box.right, width)
    let rows = pixels(box.top, box.bottom, height)
    self.init(width: width, height: height) { column in
      guard columns.contains(column), box.width > 0, box.height > 0 else { return [] }
      let across = place(column, box.left, box.width)
      var ranges: [Range<Int>] = []
      for row in rows {
        let down = place(row, box.top, box.height)
        func line(_ row: Int) -> Double {
          cell(row, across.cell) * (1 - across.share) + cell(row, across.cell + 1) * across.share
        }
        let value = line(down.cell) * (1 - down.share) + line(down.cell + 1) * down.share
        guard value >= 0.5 else { continue }
        if let last = ranges.last, last.upperBound == row {
          ranges[ranges.count - 1] = last.lowerBound..<row + 1
        } else {
          ranges.append(row..<row + 1)
        }
      }
      return ranges
    }
  }
}
