import Foundation

/// How the learning rate falls from its start; a value for plans.
public enum LearningRateSchedule: Codable, Sendable, Equatable {
  /// Always the same.
  case constant
  /// rate · (1 − t/T)^power, nnU-Net's with power 0.9.
  case poly(power: Double)
  /// rate · (1 + cos(π t/T)) / 2 (Loshchilov and Hutter 2017, without restarts).
  case cosine
  /// A rise in proportion over the first steps, then half a cosine wave from rate to floor · rate.
  ///
  /// Goyal et al. 2017 for the rise; it stands for `warmupSteps`, which should be 0.
  case cosineWithWarmup(steps: Int, floor: Double)
  /// rate · factor^⌊t/every⌋.
  case step(every: Int, factor: Double)
  /// rate · factor^t.
  case exponential(factor: Double)
  /// Up half a cosine wave to the rate, then down another (Smith and Topin 2018, in PyTorch's form).
  ///
  /// It starts at rate / startDivisor, is at its peak after `peakShare` of the steps, and ends at
  /// rate / (startDivisor · endDivisor); PyTorch's constants are 0.3, 25 and 1e4. `warmupSteps` should
  /// be 0.
  case oneCycle(peakShare: Double, startDivisor: Double, endDivisor: Double)

  /// The learning rate of a step.
  /// - Parameters:
  ///   - initial: The rate at the start.
  ///   - step: t, from 0.
  ///   - total: T, at least 1; later steps get the rate of the end.
  ///   - warmupSteps: The rate rises in proportion over so many first steps.
  /// - Returns: The rate.
  public func rate(initial: Double, step: Int, total: Int, warmupSteps: Int = 0) -> Double {
    let progress = min(1, Double(step) / Double(max(1, total)))
    let warmup = step < warmupSteps ? Double(step + 1) / Double(warmupSteps + 1) : 1
    switch self {
    case .constant: return initial * warmup
    case .poly(let power): return initial * warmup * pow(1 - progress, power)
    case .cosine: return initial * warmup * (1 + cos(.pi * progress)) / 2
    case .cosineWithWarmup(let steps, let floor):
      if step < steps { return initial * warmup * Double(step + 1) / Double(steps + 1) }
      let share = min(1, Double(step - steps) / Double(max(1, total - steps)))
      return initial * warmup * Self.wave(from: 1, to: floor, share)
    case .step(let every, let factor):
      return initial * warmup * pow(factor, Double(step / max(1, every)))
    case .exponential(let factor): return initial * warmup * pow(factor, Double(step))
    case .oneCycle(let peakShare, let startDivisor, let endDivisor):
      let start = 1 / startDivisor
      let (peak, end) = (peakShare * Double(total) - 1, Double(total - 1))
      let place = min(Double(step), end)
      if place < peak { return initial * warmup * Self.wave(from: start, to: 1, place / peak) }
      let share = end > peak ? (place - max(0, peak)) / (end - max(0, peak)) : 1
      return initial * warmup * Self.wave(from: 1, to: start / endDivisor, share)
    }
  }

  /// Half a cosine wave.
  private static func wave(from start: Double, to end: Double, _ share: Double) -> Double {
    end + (start - end) * (1 + cos(.pi * share)) / 2
  }
}
