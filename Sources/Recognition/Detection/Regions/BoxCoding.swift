import Foundation

/// How a box is told relative to another: shifts of its middle and growth of its sides.
///
/// Girshick et al. 2014, "Rich feature hierarchies", appendix C: ((x − xₐ)/wₐ, (y − yₐ)/hₐ, log(w/wₐ),
/// log(h/hₐ)), each times a factor that brings it to about 1. Boxes are left, upper, right and lower edge.
package struct BoxCoding: Sendable {
  /// The factors.
  let factors: SIMD4<Float>

  /// For boxes relative to anchors.
  package static let anchors = BoxCoding(factors: [1, 1, 1, 1])
  /// For boxes relative to proposed regions.
  package static let regions = BoxCoding(factors: [10, 10, 5, 5])

  /// Growth beyond this counts as this, so that no side overflows.
  private static let largestGrowth = Float(log(1000.0 / 16))

  /// How a box differs from another.
  /// - Parameters:
  ///   - box: The box, of some width and height.
  ///   - other: The other, of some width and height.
  /// - Returns: Shifts along x and y and growth of width and height.
  package func shifts(of box: SIMD4<Float>, from other: SIMD4<Float>) -> SIMD4<Float> {
    let (width, height) = (other.z - other.x, other.w - other.y)
    let (newWidth, newHeight) = (box.z - box.x, box.w - box.y)
    return factors
      * SIMD4(
        (box.x + newWidth / 2 - other.x - width / 2) / width,
        (box.y + newHeight / 2 - other.y - height / 2) / height,
        log(newWidth / width),
        log(newHeight / height)
      )
  }

  /// The box that differs from another in a given way.
  /// - Parameters:
  ///   - shifts: What `shifts` gives.
  ///   - other: The other box.
  /// - Returns: The box; not finite where the shifts are not.
  package func box(_ shifts: SIMD4<Float>, from other: SIMD4<Float>) -> SIMD4<Float> {
    let (width, height) = (other.z - other.x, other.w - other.y)
    let moved = shifts / factors
    let x = moved.x * width + other.x + width / 2
    let y = moved.y * height + other.y + height / 2
    let halfWidth = exp(min(moved.z, Self.largestGrowth)) * width / 2
    let halfHeight = exp(min(moved.w, Self.largestGrowth)) * height / 2
    return SIMD4(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight)
  }
}

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
