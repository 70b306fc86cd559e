extension SIMD4<Float> {
  /// The area of a box; 0 for one turned inside out.
  var area: Float { Swift.max(0, z - x) * Swift.max(0, w - y) }

  /// Whether all four numbers are.
  var isFiniteBox: Bool { x.isFinite && y.isFinite && z.isFinite && w.isFinite }

  /// The area that two boxes share.
  func common(_ other: SIMD4<Float>) -> Float {
    let across = Swift.min(z, other.z) - Swift.max(x, other.x)
    let down = Swift.min(w, other.w) - Swift.max(y, other.y)
    return across > 0 && down > 0 ? across * down : 0
  }

  /// The intersection over the union; 0 for boxes without area.
  func overlap(_ other: SIMD4<Float>) -> Float {
    let common = common(other)
    return common > 0 ? common / (area + other.area - common) : 0
  }

  /// The part within an image of H x W pixels.
  func clipped(_ size: [Int]) -> SIMD4<Float> {
    let (height, width) = (Float(size[0]), Float(size[1]))
    return SIMD4(
      Swift.min(Swift.max(x, 0), width),
      Swift.min(Swift.max(y, 0), height),
      Swift.min(Swift.max(z, 0), width),
      Swift.min(Swift.max(w, 0), height)
    )
  }
}

extension DetectionBox {
  /// A box by left, upper, right and lower edge.
  init(_ edges: SIMD4<Float>) {
    self.init(
      left: Double(edges.x),
      top: Double(edges.y),
      right: Double(edges.z),
      bottom: Double(edges.w)
    )
  }

  /// Left, upper, right and lower edge.
  var edges: SIMD4<Float> { SIMD4(Float(left), Float(top), Float(right), Float(bottom)) }
}
