import Foundation
import Tensors

/// How much noise each step of a diffusion model adds, and the steps back.
///
/// Ho, Jain and Abbeel 2020, "Denoising Diffusion Probabilistic Models" (DDPM), sections 2 and 3; Song,
/// Meng and Ermon 2021, "Denoising Diffusion Implicit Models" (DDIM). Steps count from 0; "before" step 0
/// there is no noise. ᾱ is the share of the clean image's variance that is left after a step.
public struct NoiseSchedule: Codable, Sendable, Equatable {
  /// How the noise grows.
  public enum Kind: Codable, Sendable, Equatable {
    /// β grows evenly from the first to the last step; 1e-4 to 0.02 in DDPM for 1000 steps.
    case linear(first: Double, last: Double)
    /// ᾱ is a squared cosine of the time (Nichol and Dhariwal 2021, "Improved Denoising Diffusion
    /// Probabilistic Models", equation 17); the offset is 0.008 there.
    case cosine(offset: Double)
  }

  /// How the noise grows.
  public let kind: Kind
  /// The number of steps.
  public let steps: Int

  /// β of a step is at most this, so that a step back exists (Nichol and Dhariwal 2021, section 3.2).
  private static let largestBeta = 0.999

  /// Creates a schedule.
  /// - Parameters:
  ///   - kind: How the noise grows.
  ///   - steps: The number of steps, at least 1.
  /// - Precondition: At least one step.
  public init(_ kind: Kind = .linear(first: 1e-4, last: 0.02), steps: Int = 1000) {
    precondition(steps > 0, "a schedule of \(steps) steps")
    self.kind = kind
    self.steps = steps
  }

  /// The share of variance that each step replaces by noise, β.
  public var betas: [Double] {
    switch kind {
    case .linear(let first, let last):
      (0..<steps).map { step in
        min(first + (last - first) * Double(step) / Double(max(1, steps - 1)), Self.largestBeta)
      }
    case .cosine(let offset):
      (0..<steps).map { step in
        func kept(_ step: Int) -> Double {
          let angle = (Double(step) / Double(steps) + offset) / (1 + offset) * .pi / 2
          return cos(angle) * cos(angle)
        }
        return min(1 - kept(step + 1) / kept(step), Self.largestBeta)
      }
    }
  }

  /// The share of the clean image's variance that is left after each step, ᾱ.
  public var keptVariances: [Double] {
    var product = 1.0
    return betas.map { beta in
      product *= 1 - beta
      return product
    }
  }

  /// Steps for a shorter way back, as DDIM takes it: evenly spaced, the last step first.
  /// - Parameter count: How many, 1 to `steps`.
  /// - Returns: Steps in descending order; the first is the schedule's last, and with more than one step
  ///   the last is 0.
  public func spacedSteps(_ count: Int) -> [Int] {
    precondition((1...steps).contains(count), "\(count) of \(steps) steps")
    guard count > 1 else { return [steps - 1] }
    return (0..<count).map { index in
      Int((Double((count - 1 - index) * (steps - 1)) / Double(count - 1)).rounded())
    }
  }

  /// Adds noise to clean images (DDPM, equation 4): √ᾱ x + √(1 − ᾱ) ε.
  /// - Parameters:
  ///   - clean: `[N, …]`.
  ///   - noise: ε, the shape of `clean`, of a standard normal distribution.
  ///   - steps: The step of each sample.
  /// - Returns: The shape of `clean`.
  public func noised(_ clean: Tensor, with noise: Tensor, at steps: [Int]) -> Tensor {
    precondition(
      clean.shape == noise.shape && clean.shape.first == steps.count,
      "noise \(noise.shape) and \(steps.count) steps for \(clean.shape)"
    )
    let kept = keptVariances
    let signal = steps.map { Float(kept[$0].squareRoot()) }
    let spread = steps.map { Float((1 - kept[$0]).squareRoot()) }
    return clean * Self.factors(signal, clean) + noise * Self.factors(spread, clean)
  }

  /// The clean images that noise and noisy images stand for (DDPM, equation 15).
  /// - Parameters:
  ///   - noisy: `[N, …]`.
  ///   - noise: The noise that was found in it, the shape of `noisy`.
  ///   - steps: The step of each sample.
  ///   - range: Limits of the images' values; nil for none.
  /// - Returns: The shape of `noisy`.
  public func clean(
    _ noisy: Tensor,
    noise: Tensor,
    at steps: [Int],
    range: ClosedRange<Float>? = nil
  ) -> Tensor {
    precondition(
      noisy.shape == noise.shape && noisy.shape.first == steps.count,
      "noise \(noise.shape) and \(steps.count) steps for \(noisy.shape)"
    )
    let kept = keptVariances
    let scale = steps.map { Float(1 / kept[$0].squareRoot()) }
    let spread = steps.map { Float(-((1 - kept[$0]) / kept[$0]).squareRoot()) }
    let clean = noisy * Self.factors(scale, noisy) + noise * Self.factors(spread, noisy)
    return range.map { clean.clamped(low: $0.lowerBound, high: $0.upperBound) } ?? clean
  }

  /// One step back by chance (DDPM, algorithm 2 and equation 7).
  ///
  /// The spread of the fresh noise is that of the true way back, β̃ (equation 7); at step 0 there is none.
  /// - Parameters:
  ///   - noisy: Images at the step, any shape.
  ///   - noise: The noise that was found in them, the shape of `noisy`.
  ///   - step: The step.
  ///   - fresh: The shape of `noisy`, of a standard normal distribution; not looked at for step 0.
  ///   - range: Limits of the clean images' values; nil for none.
  /// - Returns: Images before the step.
  public func stepBack(
    _ noisy: Tensor,
    noise: Tensor,
    from step: Int,
    fresh: Tensor,
    range: ClosedRange<Float>? = nil
  ) -> Tensor {
    let (beta, kept) = (betas[step], keptVariances)
    let before = step > 0 ? kept[step - 1] : 1
    let rest = 1 - kept[step]
    let estimate = clean(
      noisy,
      noise: noise,
      at: [Int](repeating: step, count: noisy.shape[0]),
      range: range
    )
    let mean =
      estimate * Float(before.squareRoot() * beta / rest)
      + noisy * Float((1 - beta).squareRoot() * (1 - before) / rest)
    if step == 0 { return mean }
    return mean + fresh * Float((beta * (1 - before) / rest).squareRoot())
  }

  /// One step back over any number of steps (DDIM, equations 12 and 16).
  /// - Parameters:
  ///   - noisy: Images at the step, any shape.
  ///   - noise: The noise that was found in them, the shape of `noisy`.
  ///   - step: The step.
  ///   - target: The step to arrive at, below `step`; nil for clean images.
  ///   - chance: η, the share of chance: 0 for none, 1 for as much as DDPM has.
  ///   - fresh: The shape of `noisy`, of a standard normal distribution; nil without chance.
  ///   - range: Limits of the clean images' values; nil for none.
  /// - Returns: Images at the target.
  /// - Precondition: With chance there is fresh noise.
  public func leapBack(
    _ noisy: Tensor,
    noise: Tensor,
    from step: Int,
    to target: Int?,
    chance: Double = 0,
    fresh: Tensor? = nil,
    range: ClosedRange<Float>? = nil
  ) -> Tensor {
    precondition(target ?? -1 < step, "a step back from \(step) to \(target ?? -1)")
    let kept = keptVariances
    let (now, then) = (kept[step], target.map { kept[$0] } ?? 1)
    let spread =
      chance * ((1 - then) / (1 - now)).squareRoot() * (1 - now / then).squareRoot()
    let estimate = clean(
      noisy,
      noise: noise,
      at: [Int](repeating: step, count: noisy.shape[0]),
      range: range
    )
    // Where the estimate was limited, the noise is what is then left of the image.
    let found =
      range == nil
      ? noise
      : (noisy - estimate * Float(now.squareRoot())) * Float(1 / (1 - now).squareRoot())
    let arrived =
      estimate * Float(then.squareRoot())
      + found * Float(max(0, 1 - then - spread * spread).squareRoot())
    guard spread > 0 else { return arrived }
    guard let fresh else { preconditionFailure("a step back by chance without fresh noise") }
    return arrived + fresh * Float(spread)
  }

  /// One number for each sample, to be multiplied with all of its values.
  private static func factors(_ values: [Float], _ like: Tensor) -> Tensor {
    Tensor(values, shape: [values.count] + like.shape.dropFirst().map { _ in 1 })
  }
}
