import Pipelines

/// How images are drawn from a diffusion model.
public struct DiffusionSampling: Sendable, Equatable {
  /// Leaps from noise to an image; nil for the model's own number.
  public var leaps: Int?
  /// Images of which the result is the mean.
  public var count: Int
  /// Seed of the noise.
  public var seed: UInt64

  /// Creates values; the defaults draw one image as the model's plan says.
  /// - Parameters:
  ///   - leaps: Leaps from noise to an image; nil for the model's own number.
  ///   - count: Images of which the result is the mean.
  ///   - seed: Seed of the noise.
  public init(leaps: Int? = nil, count: Int = 1, seed: UInt64 = 1) {
    self.leaps = leaps
    self.count = count
    self.seed = seed
  }

  /// Checks the values for a model.
  /// - Parameters:
  ///   - plan: The model's plan.
  ///   - model: Its name.
  /// - Throws: `EnhancementError.wrongParameter`.
  func check(_ plan: EnhancementPlan, model: String) throws(EnhancementError) {
    guard let diffusion = plan.diffusion else {
      guard leaps == nil, count == 1 else {
        throw .wrongParameter(
          stage: model,
          reason: "it is no diffusion model; leave out --steps and --samples"
        )
      }
      return
    }
    let steps = diffusion.process.schedule.steps
    guard (1...steps).contains(leaps ?? diffusion.leaps) else {
      throw .wrongParameter(stage: model, reason: "its way back has 1 to \(steps) steps")
    }
    guard (1...1000).contains(count) else {
      throw .wrongParameter(stage: model, reason: "\(count) samples are not 1 to 1000")
    }
  }
}
