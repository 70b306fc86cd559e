import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// Gives pictures a style by a trained network.
public struct StyleNetwork: Sendable {
  private let model: PictureModel
  private let largestSide: Int
  private let keepsColours: Bool
  /// Means and deviations of the style's maps, for a network of any style.
  private let wanted: Tensor?
  private let strength: Float

  /// Creates it.
  /// - Parameters:
  ///   - model: A model of a style, or of any.
  ///   - style: The style's file, for a model of any style.
  ///   - strength: The share of the style: 1 for all, 0 for the picture as it is.
  ///   - largestSide: Larger pictures, styles too, are reduced to it.
  ///   - keepsColours: Whether the colours stay those of the content.
  /// - Throws: `StylizationError.needlessStyle`, `.missingStyle`; what reading the style throws.
  public init(
    _ model: PictureModel,
    style: String? = nil,
    strength: Double = 1,
    largestSide: Int,
    keepsColours: Bool
  ) throws {
    (self.model, self.largestSide, self.keepsColours) = (model, largestSide, keepsColours)
    self.strength = Float(strength)
    guard let network = model.network as? AdaINNetwork else {
      guard style == nil else { throw StylizationError.needlessStyle(path: model.path) }
      wanted = nil
      return
    }
    guard let style else { throw StylizationError.missingStyle(path: model.path) }
    let picture = try ImagePlanes.photograph(style, largestSide: largestSide)
    let range = model.plan.styleRange
    let input = Self.fitted(Self.scaled(picture.tensor, to: range), network.sizeMultiple)
    wanted = network.encoded(input, in: .inference)
  }

  /// Pictures of 0 to 1 on a network's scale.
  static func scaled(_ pictures: Tensor, to range: [Double]) -> Tensor {
    pictures * Float(range[1] - range[0]) + Float(range[0])
  }

  /// Pictures of 0 to 1 from a network's scale.
  static func restored(_ output: Tensor, from range: [Double]) -> Tensor {
    (output + Float(-range[0])) * Float(1 / (range[1] - range[0]))
  }

  /// Sides that a network's halvings divide; what is added is mirrored.
  private static func fitted(_ x: Tensor, _ multiple: Int) -> Tensor {
    let after = x.shape.dropFirst(2).map { (multiple - $0 % multiple) % multiple }
    return after == [0, 0] ? x : padded(x, before: [0, 0], after: after, mode: .reflect)
  }

  /// Gives a picture the style.
  /// - Parameter path: Its file.
  /// - Returns: The picture as it was seen, what became of it, and the seconds that the network took.
  /// - Throws: What reading throws; `StylizationError.damagedModel` for a network without finite
  ///   values.
  package func run(
    _ path: String
  ) throws -> (content: ImagePlanes, painted: ImagePlanes, seconds: Double) {
    let content = try ImagePlanes.photograph(path, largestSide: largestSide)
    let clock = ContinuousClock()
    let started = clock.now
    let range = model.plan.styleRange
    let (network, size) = (model.network, (content.height, content.width))
    let input = Self.fitted(Self.scaled(content.tensor, to: range), network.sizeMultiple)
    let output: Tensor
    if let any = network as? AdaINNetwork, let wanted {
      let maps = any.encoded(input, in: .inference)
      output = any.decoded(any.styled(maps, by: wanted, strength: strength), in: .inference)
    } else {
      let painted = network(input, in: .inference)
      output = strength == 1 ? painted : input * (1 - strength) + painted * strength
    }
    let cut = Self.restored(output, from: range)
      .sliced(axis: 2, end: size.0).sliced(axis: 3, end: size.1)
    let painted = ImagePlanes(cut)
    let seconds = (clock.now - started).seconds
    guard cut.values.allSatisfy(\.isFinite) else {
      throw StylizationError.damagedModel(path: model.path, reason: "its values are not finite")
    }
    return (content, keepsColours ? painted.withColours(of: content) : painted, seconds)
  }
}

extension StylizationPlan {
  /// What black and white are to a network that paints.
  var styleRange: [Double] { style?.range ?? [-1, 1] }
}
