import Support

/// Where an image comes to lie in a network's input.
struct RasterPlacement: Sendable, Equatable {
  /// Pixels of the input that one of the image covers.
  var scale: Double
  /// Where the image's left edge comes to lie.
  var x: Double
  /// Where the image's upper edge comes to lie.
  var y: Double
  /// Whether left and right are exchanged.
  var isFlippedAcross = false
  /// Whether above and below are exchanged.
  var isFlippedDown = false

  /// The whole image in proportion, as large as it fits, in the upper left corner.
  static func letterbox(width: Int, height: Int, into size: [Int]) -> RasterPlacement {
    RasterPlacement(
      scale: min(Double(size[1]) / Double(width), Double(size[0]) / Double(height)),
      x: 0,
      y: 0
    )
  }

  /// How many pixels may become one before the image is drawn, so that nothing fine turns coarse.
  static func reduction(width: Int, height: Int, into size: [Int]) -> Int {
    max(1, Int(1 / letterbox(width: width, height: height, into: size).scale))
  }

  /// Where a box of the image comes to lie.
  func moved(_ box: DetectionBox, width: Double, height: Double) -> DetectionBox {
    var box = box
    if isFlippedAcross { (box.left, box.right) = (width - box.right, width - box.left) }
    if isFlippedDown { (box.top, box.bottom) = (height - box.bottom, height - box.top) }
    return box.mapped(scale: scale, x: x, y: y)
  }

  /// Where a box of the input lies in the image that was not flipped.
  func original(_ box: DetectionBox) -> DetectionBox {
    box.mapped(scale: 1 / scale, x: -x / scale, y: -y / scale)
  }
}

extension RasterImage {
  /// What lies where no image does: a middle grey.
  static var border: Float { 114 / 255 }

  /// Neighbours and their weight for each place along an axis of the input; nil outside the image.
  private func taps(
    _ places: Range<Int>,
    count: Int,
    scale: Double,
    offset: Double,
    isFlipped: Bool
  ) -> [(first: Int, second: Int, weight: Float)?] {
    places.map { place in
      var position = (Double(place) + 0.5 - offset) / scale
      guard position >= 0, position <= Double(count) else { return nil }
      if isFlipped { position = Double(count) - position }
      let center = min(max(position - 0.5, 0), Double(count - 1))
      let first = Int(center)
      return (first, min(first + 1, count - 1), Float(center - Double(first)))
    }
  }

  /// Draws the image by bilinear interpolation; what it does not cover stays.
  /// - Parameters:
  ///   - target: Planes of the input, `[channels, H, W]`, on the scale from 0 to 1.
  ///   - size: H and W.
  ///   - rows: The rows that may be drawn to.
  ///   - columns: The columns that may be drawn to.
  ///   - placement: Where the image lies.
  func draw(
    into target: UnsafeMutablePointer<Float>,
    size: [Int],
    rows: Range<Int>,
    columns: Range<Int>,
    _ placement: RasterPlacement
  ) {
    let down = taps(
      rows,
      count: height,
      scale: placement.scale,
      offset: placement.y,
      isFlipped: placement.isFlippedDown
    )
    let across = taps(
      columns,
      count: width,
      scale: placement.scale,
      offset: placement.x,
      isFlipped: placement.isFlippedAcross
    )
    let plane = size[0] * size[1]
    let (low, factor) = (scale?.low ?? 0, scale.map { 1 / $0.width } ?? 0)
    values.withUnsafeBufferPointer { source in
      for (row, vertical) in zip(rows, down) {
        guard let vertical else { continue }
        let (upper, lower) = (vertical.first * width, vertical.second * width)
        for (column, horizontal) in zip(columns, across) {
          guard let horizontal else { continue }
          let place = row * size[1] + column
          for channel in 0..<channels {
            func value(_ line: Int, _ x: Int) -> Float {
              source[(line + x) * channels + channel].intensity
            }
            let (a, b) = (value(upper, horizontal.first), value(upper, horizontal.second))
            let (c, d) = (value(lower, horizontal.first), value(lower, horizontal.second))
            let top = a + horizontal.weight * (b - a)
            let bottom = c + horizontal.weight * (d - c)
            let intensity = top + vertical.weight * (bottom - top)
            target[channel * plane + place] = intensity.isFinite ? (intensity - low) * factor : 0
          }
        }
      }
    }
  }
}
