import Evaluation

/// A box along the axes of an image, in pixels; the first pixel reaches from 0 to 1.
public struct DetectionBox: Codable, Sendable, Hashable {
  /// The left edge.
  public var left: Double
  /// The upper edge.
  public var top: Double
  /// The right edge.
  public var right: Double
  /// The lower edge.
  public var bottom: Double

  /// Creates a box by its edges.
  /// - Parameters:
  ///   - left: The left edge.
  ///   - top: The upper edge.
  ///   - right: The right edge.
  ///   - bottom: The lower edge.
  public init(left: Double, top: Double, right: Double, bottom: Double) {
    self.left = left
    self.top = top
    self.right = right
    self.bottom = bottom
  }

  /// The extent along x.
  public var width: Double { right - left }
  /// The extent along y.
  public var height: Double { bottom - top }
  /// The area; 0 for a box turned inside out.
  public var area: Double { max(0, width) * max(0, height) }

  /// The part within an image.
  /// - Parameters:
  ///   - width: The image's width.
  ///   - height: The image's height.
  /// - Returns: The part, of no area where the box lies outside.
  public func clipped(width: Double, height: Double) -> DetectionBox {
    DetectionBox(
      left: min(max(left, 0), width),
      top: min(max(top, 0), height),
      right: min(max(right, 0), width),
      bottom: min(max(bottom, 0), height)
    )
  }

  /// The intersection over the union with another box.
  /// - Parameter other: The other box.
  /// - Returns: 0 to 1; 0 for two boxes without area.
  public func overlap(_ other: DetectionBox) -> Double {
    let across = min(right, other.right) - max(left, other.left)
    let down = min(bottom, other.bottom) - max(top, other.top)
    guard across > 0, down > 0 else { return 0 }
    let common = across * down
    return common / (area + other.area - common)
  }

  /// The box after x ↦ scale · x + offset.
  func mapped(scale: Double, x: Double, y: Double) -> DetectionBox {
    DetectionBox(
      left: scale * left + x,
      top: scale * top + y,
      right: scale * right + x,
      bottom: scale * bottom + y
    )
  }
}

/// An object that a detector found.
public struct Detection: Codable, Sendable, Equatable {
  /// The class, counted from 0.
  public var label: Int
  /// The class's probability, 0 to 1.
  public var score: Double
  /// Where it lies.
  public var box: DetectionBox
  /// The pixels of the picture within; nil from a detector without masks.
  public var mask: RunLengthMask?

  /// Creates a finding.
  /// - Parameters:
  ///   - label: The class, counted from 0.
  ///   - score: The class's probability, 0 to 1.
  ///   - box: Where it lies.
  ///   - mask: The pixels of the picture within.
  public init(label: Int, score: Double, box: DetectionBox, mask: RunLengthMask? = nil) {
    self.label = label
    self.score = score
    self.box = box
    self.mask = mask
  }
}
