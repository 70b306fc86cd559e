import Foundation

/// How a box is told relative to another: shifts of its middle and growth of its sides.
///
/// Girshick et al. 2014, "Rich feature hierarchies", appendix C: ((x − xₐ)/wₐ, (y − yₐ)/hₐ, log(w/wₐ),
/// log(h/hₐ)), each times a factor that brings it to about 1. Boxes are left, upper, right and lower edge.
package struct BoxCoding: Sendable {
  /// The factors.
  package let factors: SIMD4<Float>

  /// For boxes relative to anchors.
  package static let anchors = BoxCoding(factors: [1, 1, 1, 1])
  /// For boxes relative to proposed regions.
  package static let regions = BoxCoding(factors: [10, 10, 5, 5])

  /// Growth beyond this counts as this, so that no side overflows.
  package static let largestGrowth = Float(log(1000.0 / 16))

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
