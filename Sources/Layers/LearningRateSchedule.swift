import Foundation

/// How the learning rate falls from its start; a value for plans.
public enum LearningRateSchedule: Codable, Sendable, Equatable {
  /// Always the same.
  case constant
  /// rate · (1 − t/T)^power, nnU-Net's with power 0.9.
  case poly(power: Double)
  /// rate · (1 + cos(π t/T)) / 2 (Loshchilov and Hutter 2017, without restarts).
  case cosine

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
    }
  }
}
