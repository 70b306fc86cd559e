import Layers

/// How a diffusion model makes an image that follows a given one: saved with the weights.
///
/// The network is given the image that is being made, the one that it follows (Saharia et al. 2022,
/// "Image Super-Resolution via Iterative Refinement", section 2; "Palette", section 3), and the step, as
/// channels in this order.
public struct DiffusionPlan: Codable, Sendable, Equatable {
  /// How noise grows, and what the network finds.
  public var process: DiffusionProcess
  /// Leaps back from noise to an image, unless the user says otherwise.
  public var leaps: Int

  /// Creates a plan.
  /// - Parameters:
  ///   - process: How noise grows, and what the network finds.
  ///   - leaps: Leaps back from noise to an image.
  public init(_ process: DiffusionProcess = DiffusionProcess(), leaps: Int = 10) {
    self.process = process
    self.leaps = leaps
  }

  /// The network's image of what is 0 to 1 on the plan's scale: −1 to 1, as the noise has a mean of 0.
  package static func centered(_ value: Float) -> Float { 2 * value - 1 }

  /// The way back from `centered`.
  package static func restored(_ value: Float) -> Float { (value + 1) / 2 }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  func check() throws(PipelinesError) {
    let steps = process.schedule.steps
    guard (1...100_000).contains(steps), (1...steps).contains(leaps) else {
      throw .invalidPlan(reason: "it makes \(leaps) leaps over \(steps) steps")
    }
    guard process.schedule.betas.allSatisfy({ 0 < $0 && $0 < 1 }) else {
      throw .invalidPlan(reason: "its schedule of noise is out of range")
    }
  }
}
