import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support

/// Fills holes in images, by a network or by an equation.
public struct Inpainter: Sendable {
  private enum Way: Sendable {
    case classical(ClassicalFilling)
    case network(NetworkFilling, RecognitionPlan)
  }

  /// The model; nil for an equation.
  public let model: ModelPackage?
  private let way: Way

  /// Images of more pixels than this do not go through a network at once.
  public static let largestArea = 1 << 22

  /// Fills by an equation.
  /// - Parameter classical: Which.
  public init(_ classical: ClassicalFilling) {
    model = nil
    way = .classical(classical)
  }

  /// Loads a model, whose files are checked against their hashes.
  /// - Parameter model: The model.
  /// - Throws: `AutoencodersError.otherTask`; `PipelinesError.damagedModel`; `LayersError`.
  public init(_ model: ModelPackage) throws {
    guard let plan = model.description.plan.autoencoder, plan.inpainting != nil else {
      throw AutoencodersError.otherTask(
        model: model.description.name,
        task: model.description.plan.summary,
        wanted: "filling holes"
      )
    }
    self.model = model
    let network = try model.makeNetwork()
    way = .network(
      NetworkFilling(
        planned: try PlannedNetwork(network),
        multiple: network.sizeMultiple,
        plan: plan
      ),
      plan.images
    )
  }

  /// The model's name, or the equation's.
  public var name: String {
    switch way {
    case .classical(let classical): classical.rawValue
    case .network: model?.description.name ?? ""
    }
  }

  /// The range of intensities of an image; of a model as it was trained, else of the image's finite values.
  package func dataRange(of image: ImagePlanes) -> Double {
    if case .network(_, let plan) = way, case .fixed(let low, let high) = plan.intensity {
      return high - low
    }
    let finite = image.values.filter(\.isFinite)
    return Double((finite.max() ?? 0) - (finite.min() ?? 0))
  }

  /// Fills holes.
  /// - Parameters:
  ///   - image: The image; values that are not finite count as unknown but stay unless they are hidden.
  ///   - hidden: Whether each pixel is to be filled.
  ///   - spacing: The distance of columns and of rows, for equations.
  ///   - path: The image's file, for messages.
  /// - Returns: The image, other than before only where it was hidden.
  /// - Throws: `AutoencodersError.unfitMask` when nothing is known or nothing is hidden;
  ///   `.unsuitableImage` for colours where the network sees grey, and for images too large for it;
  ///   `.infiniteValues`.
  package func filled(
    _ image: ImagePlanes,
    hidden: [Bool],
    spacing: SIMD2<Double> = [1, 1],
    path: String
  ) throws -> ImagePlanes {
    let unknown = image.unknown(hidden)
    guard hidden.contains(true) else {
      throw AutoencodersError.unfitMask(path: path, reason: "it hides nothing")
    }
    guard unknown.contains(false) else {
      throw AutoencodersError.unfitMask(
        path: path,
        reason: "nothing is known of the image; leave at least a pixel"
      )
    }
    let made: ImagePlanes
    switch way {
    case .classical(let classical):
      made = harmonised(image, unknown: unknown, classical, spacing)
    case .network(let network, let plan):
      made = try passed(image, unknown: unknown, network, plan, spacing, path)
    }
    var result = image
    let area = hidden.count
    for (place, isHidden) in hidden.enumerated() where isHidden {
      for channel in 0..<image.channels {
        result.values[channel * area + place] = made.values[channel * area + place]
      }
    }
    return result
  }

  private func harmonised(
    _ image: ImagePlanes,
    unknown: [Bool],
    _ classical: ClassicalFilling,
    _ spacing: SIMD2<Double>
  ) -> ImagePlanes {
    let area = unknown.count
    var result = image
    result.values = (0..<image.channels).flatMap { channel in
      classical.filled(
        Array(image.values[channel * area..<(channel + 1) * area]),
        hidden: unknown,
        width: image.width,
        spacing: spacing
      )
    }
    return result
  }

  private func passed(
    _ image: ImagePlanes,
    unknown: [Bool],
    _ network: NetworkFilling,
    _ plan: RecognitionPlan,
    _ spacing: SIMD2<Double>,
    _ path: String
  ) throws -> ImagePlanes {
    guard image.channels == plan.channels || image.channels == 1 || !image.hasColours else {
      throw AutoencodersError.unsuitableImage(
        path: path,
        reason: "it has colours, and \(name) fills grey images; use a model of colours, or harmonic"
      )
    }
    guard unknown.count <= Self.largestArea else {
      throw AutoencodersError.unsuitableImage(
        path: path,
        reason:
          "\(image.height) x \(image.width) pixels are more than the \(Self.largestArea) that "
          + "go through a network at once; crop it about the hole, or use harmonic"
      )
    }
    // Percentiles of what is known.
    let area = unknown.count
    let known = image.values.indices.filter { !unknown[$0 % area] }.map { image.values[$0] }
    guard let scale = plan.intensity.scale(for: known) else {
      // What is known is constant, and so is what is hidden.
      return harmonised(image, unknown: unknown, .harmonic, spacing)
    }
    var scaled = image.with(channels: plan.channels)
    scaled.values = scaled.values.map { scale.scaled($0) }
    let output = network.filled(scaled, unknown: unknown)
    guard output.values.allSatisfy(\.isFinite) else {
      throw AutoencodersError.infiniteValues(model: name)
    }
    var restored = output
    restored.values = output.values.map { scale.restored($0) }
    return restored.with(channels: image.channels)
  }
}
