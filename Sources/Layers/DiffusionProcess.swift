import Support
import Tensors

/// The way from images to noise, and back with a network that was taught on it.
///
/// Ho, Jain and Abbeel 2020, "Denoising Diffusion Probabilistic Models", for the way there; back by leaps
/// without chance (Song, Meng and Ermon 2021, "Denoising Diffusion Implicit Models", equation 12 with
/// η = 0), so that an image follows from the noise that it began with. What images follow (a condition)
/// is the network's matter alone.
public struct DiffusionProcess: Codable, Sendable, Equatable {
  /// What the network finds in a noisy image.
  public enum Prediction: String, Codable, Sendable, CaseIterable {
    /// The noise, ε.
    case noise
    /// √ᾱ ε − √(1 − ᾱ) x, from which image and noise follow with the same accuracy at every step
    /// (Salimans and Ho 2022, "Progressive Distillation for Fast Sampling of Diffusion Models", section
    /// 4): where nothing is left of an image, noise would not tell it.
    case velocity
  }

  /// How the noise grows.
  public let schedule: NoiseSchedule
  /// What the network finds.
  public let prediction: Prediction

  /// Creates a process.
  /// - Parameters:
  ///   - schedule: How the noise grows.
  ///   - prediction: What the network finds.
  public init(
    _ schedule: NoiseSchedule = NoiseSchedule(.cosine(offset: 0.008)),
    prediction: Prediction = .velocity
  ) {
    self.schedule = schedule
    self.prediction = prediction
  }

  /// Draws the steps and the noise of a batch: steps are uniform, noise is standard normal.
  /// - Parameters:
  ///   - shape: `[N, …]`.
  ///   - random: The stream to draw from.
  /// - Returns: The step of each sample, and the noise.
  public func draw(
    _ shape: [Int],
    random: inout RandomStream
  ) -> (steps: [Int], noise: Tensor) {
    let count = schedule.steps
    let steps = (0..<shape[0]).map { _ in min(count - 1, Int(random.uniform() * Double(count))) }
    let values = (0..<shape.reduce(1, *)).map { _ in Float(random.normal()) }
    return (steps, Tensor(values, shape: shape))
  }

  /// What a network is taught: noisy images, and what it should find in them.
  /// - Parameters:
  ///   - clean: `[N, …]`, about −1 to 1.
  ///   - noise: The shape of `clean`, standard normal.
  ///   - steps: The step of each sample.
  /// - Returns: Two tensors of the shape of `clean`.
  public func lesson(
    _ clean: Tensor,
    noise: Tensor,
    at steps: [Int]
  ) -> (noisy: Tensor, wanted: Tensor) {
    let noisy = schedule.noised(clean, with: noise, at: steps)
    switch prediction {
    case .noise: return (noisy, noise)
    // A turn by 90°: √ᾱ ε + √(1 − ᾱ) (−x).
    case .velocity: return (noisy, schedule.noised(noise, with: -clean, at: steps))
    }
  }

  /// The clean image and the noise that a network's finding stands for.
  /// - Parameters:
  ///   - noisy: Images at the step, any shape.
  ///   - found: What the network found, the shape of `noisy`.
  ///   - step: The step.
  /// - Returns: Two tensors of the shape of `noisy`.
  public func parts(
    _ noisy: Tensor,
    found: Tensor,
    at step: Int
  ) -> (clean: Tensor, noise: Tensor) {
    let kept = schedule.keptVariances[step]
    let (signal, spread) = (Float(kept.squareRoot()), Float((1 - kept).squareRoot()))
    switch prediction {
    case .noise: return ((noisy - found * spread) * (1 / signal), found)
    case .velocity:
      return (noisy * signal - found * spread, noisy * spread + found * signal)
    }
  }

  /// Makes images of noise.
  /// - Parameters:
  ///   - noise: Any shape, standard normal; the images follow from it.
  ///   - count: Leaps, 1 to the schedule's steps.
  ///   - predictor: What the network finds in images at a step.
  /// - Returns: Images, the shape of `noise`.
  /// - Throws: What the predictor throws.
  public func images(
    from noise: Tensor,
    count: Int,
    predictor: (_ noisy: Tensor, _ step: Int) throws -> Tensor
  ) rethrows -> Tensor {
    let (steps, kept) = (schedule.spacedSteps(count), schedule.keptVariances)
    var images = noise
    for (index, step) in steps.enumerated() {
      let parts = parts(images, found: try predictor(images, step), at: step)
      // The last leap ends at the clean image.
      guard index + 1 < steps.count else { return parts.clean }
      let then = kept[steps[index + 1]]
      images =
        parts.clean * Float(then.squareRoot()) + parts.noise * Float((1 - then).squareRoot())
    }
    return images
  }
}
