import Imaging

/// Draws surfaces of structures from a direction, by a depth buffer and smooth shading.
public struct SurfaceRenderer: Sendable {
  /// Where the onlooker stands.
  public enum Viewpoint: String, Sendable, CaseIterable {
    /// Before the patient, whose right is on the left.
    case front
    /// At the patient's left; anterior is on the left.
    case left
    /// Above the head; anterior is up, the patient's left is on the left.
    case above

    /// Unit vectors (LPS) to the right of the picture, upwards, and to the onlooker.
    var axes: (right: SIMD3<Double>, up: SIMD3<Double>, near: SIMD3<Double>) {
      switch self {
      case .front: ([1, 0, 0], [0, 0, 1], [0, -1, 0])
      case .left: ([0, 1, 0], [0, 0, 1], [1, 0, 0])
      case .above: ([-1, 0, 0], [0, -1, 0], [0, 0, 1])
      }
    }

    /// The sides of the patient at the left, right, top and bottom edges.
    var edges: [Character] {
      switch self {
      case .front: ["R", "L", "S", "I"]
      case .left: ["A", "P", "S", "I"]
      case .above: ["L", "R", "A", "P"]
      }
    }
  }

  /// A picture and how wide it is in the patient.
  public struct Rendering: Sendable {
    /// The picture.
    public let image: RGBImage
    /// The picture's width, mm.
    public let widthMM: Double
  }

  /// The picture's longer side in pixels.
  public let longerSide: Int
  /// Each pixel is the mean of this many times as many rows and columns.
  private static let supersampling = 2
  /// The part of the picture around the surfaces that stays empty.
  private static let margin = 0.06
  /// The background, which the slices' pictures have too.
  private static let background = SIMD3<Double>(18, 21, 24)

  /// Creates a renderer.
  /// - Parameter longerSide: The picture's longer side in pixels.
  public init(longerSide: Int = 480) {
    precondition(longerSide > 0, "a picture of \(longerSide) pixels")
    self.longerSide = longerSide
  }

  /// Draws surfaces.
  /// - Parameters:
  ///   - surfaces: The surfaces; hidden parts lie behind others.
  ///   - viewpoint: Where the onlooker stands.
  /// - Returns: The picture, or nil when there is no triangle.
  public func render(_ surfaces: [LabelSurface], from viewpoint: Viewpoint) -> Rendering? {
    let axes = viewpoint.axes
    let points = surfaces.lazy.flatMap(\.mesh.vertices)
      .map { SIMD3(dot($0, axes.right), -dot($0, axes.up), dot($0, axes.near)) }
    guard let first = points.first else { return nil }
    let low = points.reduce(first) { pointwiseMin($0, $1) }
    let high = points.reduce(first) { pointwiseMax($0, $1) }
    let extent = pointwiseMax(high - low, SIMD3(repeating: 1e-3))
    let room = Self.margin * max(extent.x, extent.y)
    let (wide, tall) = (extent.x + 2 * room, extent.y + 2 * room)
    let scale = Double(longerSide) / max(wide, tall)
    let width = max(1, Int((wide * scale).rounded()))
    let height = max(1, Int((tall * scale).rounded()))
    let fine = Self.supersampling
    var canvas = Canvas(width: width * fine, height: height * fine, fill: Self.background)
    let light = unit(0.9 * axes.near + 0.35 * axes.up - 0.25 * axes.right)
    for surface in surfaces {
      let color = surface.definition.color
      let channels = SIMD3(Double(color.red), Double(color.green), Double(color.blue))
      let shades = surface.mesh.vertexNormals.map { 0.28 + 0.72 * min(1, max(0, dot($0, light))) }
      let placed = surface.mesh.vertices.map { point in
        SIMD3(
          (dot(point, axes.right) - low.x + room) * scale * Double(fine),
          (-dot(point, axes.up) - low.y + room) * scale * Double(fine),
          dot(point, axes.near)
        )
      }
      for corners in surface.mesh.triangles {
        let (a, b, c) = (Int(corners.x), Int(corners.y), Int(corners.z))
        canvas.fill(
          (placed[a], placed[b], placed[c]),
          shades: SIMD3(shades[a], shades[b], shades[c]),
          color: channels
        )
      }
    }
    return Rendering(image: canvas.reduced(by: fine), widthMM: Double(width) / scale)
  }

  private func unit(_ vector: SIMD3<Double>) -> SIMD3<Double> {
    vector / dot(vector, vector).squareRoot()
  }

  /// Pixels with their depths.
  private struct Canvas {
    let width: Int
    let height: Int
    var colors: [SIMD3<Float>]
    var depths: [Double]

    init(width: Int, height: Int, fill: SIMD3<Double>) {
      self.width = width
      self.height = height
      colors = Array(repeating: SIMD3<Float>(fill), count: width * height)
      depths = Array(repeating: -.infinity, count: width * height)
    }

    /// Fills a triangle that faces the onlooker.
    mutating func fill(
      _ corners: (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>),
      shades: SIMD3<Double>,
      color: SIMD3<Double>
    ) {
      let (a, b, c) = corners
      let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
      // Outward faces run against the clock, which with rows downwards counts as negative.
      guard area < 0 else { return }
      let low = pointwiseMin(pointwiseMin(a, b), c)
      let high = pointwiseMax(pointwiseMax(a, b), c)
      let left = max(0, Int((low.x - 0.5).rounded(.up)))
      let right = min(width - 1, Int((high.x - 0.5).rounded(.down)))
      let top = max(0, Int((low.y - 0.5).rounded(.up)))
      let bottom = min(height - 1, Int((high.y - 0.5).rounded(.down)))
      guard left <= right, top <= bottom else { return }
      for y in top...bottom {
        for x in left...right {
          let (px, py) = (Double(x) + 0.5, Double(y) + 0.5)
          let u = ((c.x - b.x) * (py - b.y) - (c.y - b.y) * (px - b.x)) / area
          let v = ((a.x - c.x) * (py - c.y) - (a.y - c.y) * (px - c.x)) / area
          let w = 1 - u - v
          guard u >= 0, v >= 0, w >= 0 else { continue }
          let depth = u * a.z + v * b.z + w * c.z
          let place = x + width * y
          guard depth > depths[place] else { continue }
          depths[place] = depth
          colors[place] = SIMD3<Float>(color * (u * shades.x + v * shades.y + w * shades.z))
        }
      }
    }

    /// The means of blocks as a picture.
    func reduced(by factor: Int) -> RGBImage {
      let (wide, tall) = (width / factor, height / factor)
      var bytes: [UInt8] = []
      bytes.reserveCapacity(3 * wide * tall)
      for y in 0..<tall {
        for x in 0..<wide {
          var sum = SIMD3<Float>.zero
          for row in 0..<factor {
            for column in 0..<factor {
              sum += colors[x * factor + column + width * (y * factor + row)]
            }
          }
          let mean = sum / Float(factor * factor)
          for channel in 0..<3 {
            bytes.append(UInt8(min(max(mean[channel].rounded(), 0), 255)))
          }
        }
      }
      return RGBImage(width: wide, height: tall, bytes: bytes)
    }
  }
}
