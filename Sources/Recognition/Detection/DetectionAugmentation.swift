import Support

/// How much training images differ from those of the files.
public struct DetectionAugmentation: Codable, Sendable, Equatable {
  /// The share of samples that four images make up.
  ///
  /// Bochkovskiy, Wang and Liao 2020, "YOLOv4", figure 3.
  public var mosaic = 1.0
  /// The share of the last steps that see whole images again.
  public var plainShare = 0.1
  /// The probability that left and right are exchanged.
  public var flipAcross = 0.5
  /// The probability that above and below are exchanged; for images without an upright.
  public var flipDown = 0.0
  /// Images are up to so much larger or smaller: 0.5 for factors from 0.5 to 1.5.
  public var scale = 0.5
  /// Images lie up to this share of the side off their place.
  public var translation = 0.1
  /// The hue differs by up to this share of the circle.
  public var hue = 0.015
  /// The saturation differs by up to this share.
  public var saturation = 0.7
  /// The brightness differs by up to this share.
  public var brightness = 0.4

  /// Creates the strengths of YOLOv8.
  public init() {}

  /// Images as they are.
  public static var none: DetectionAugmentation {
    var values = DetectionAugmentation()
    (values.mosaic, values.flipAcross, values.scale, values.translation) = (0, 0, 0, 0)
    (values.hue, values.saturation, values.brightness) = (0, 0, 0)
    return values
  }

  /// Checks values that came from outside.
  /// - Throws: `RecognitionError.unfitTraining`.
  func check() throws(RecognitionError) {
    let shares = [
      mosaic, plainShare, flipAcross, flipDown, translation, hue, saturation, brightness,
    ]
    guard shares.allSatisfy((0...1).contains), (0...0.9).contains(scale) else {
      throw .unfitTraining(reason: "strengths of the augmentation lie outside 0 to 1 (scale 0.9)")
    }
  }
}

/// Another hue, saturation and brightness.
struct ColorJitter {
  /// Added to the hue, in turns.
  let hue: Float
  /// Factors.
  let saturation: Float
  let brightness: Float

  init(_ strengths: DetectionAugmentation, random: inout RandomStream) {
    func draw(_ strength: Double) -> Float {
      Float(strength * (2 * random.uniform() - 1))
    }
    hue = draw(strengths.hue)
    saturation = 1 + draw(strengths.saturation)
    brightness = 1 + draw(strengths.brightness)
  }

  /// Changes a pixel on the scale from 0 to 1.
  func apply(_ red: inout Float, _ green: inout Float, _ blue: inout Float) {
    let most = max(red, green, blue)
    let least = min(red, green, blue)
    let range = most - least
    let value = min(max(most * brightness, 0), 1)
    guard most > 0, range > 0 else {
      (red, green, blue) = (value, value, value)
      return
    }
    var sixth: Float
    if most == red {
      sixth = (green - blue) / range
    } else if most == green {
      sixth = 2 + (blue - red) / range
    } else {
      sixth = 4 + (red - green) / range
    }
    sixth += 6 * hue
    if sixth < 0 { sixth += 6 }
    if sixth >= 6 { sixth -= 6 }
    let chroma = value * min(1, range / most * saturation)
    func channel(_ offset: Float) -> Float {
      // The distance from the channel's own hue, in sixths of the circle.
      var place = sixth + offset
      if place >= 6 { place -= 6 }
      return value - chroma * max(0, min(place, 4 - place, 1))
    }
    (red, green, blue) = (channel(5), channel(3), channel(1))
  }
}
