/// Lowers the learning rate when a measure no longer gets better; a value for checkpoints.
///
/// PyTorch's `ReduceLROnPlateau` with a relative threshold.
public struct PlateauSchedule: Codable, Sendable, Equatable {
  /// By what the rate is multiplied.
  public let factor: Double
  /// Updates without improvement that are tolerated.
  public let patience: Int
  /// What counts as better: below best · (1 − threshold), or above best · (1 + threshold).
  public let threshold: Double
  /// Updates after a reduction in which nothing is counted.
  public let cooldown: Int
  /// The rate is never lowered below this.
  public let minimumRate: Double
  /// Whether larger measures are better.
  public let largerIsBetter: Bool
  /// The learning rate.
  public private(set) var rate: Double
  /// The best measure so far.
  public private(set) var best: Double?
  private var badUpdates = 0
  private var coolingUpdates = 0

  /// Creates a schedule.
  /// - Parameters:
  ///   - rate: The rate at the start.
  ///   - factor: By what it is multiplied, 0 to 1.
  ///   - patience: Updates without improvement that are tolerated.
  ///   - threshold: The relative improvement that counts.
  ///   - cooldown: Updates after a reduction in which nothing is counted.
  ///   - minimumRate: The rate is never lowered below this.
  ///   - largerIsBetter: Whether larger measures are better.
  public init(
    rate: Double,
    factor: Double = 0.1,
    patience: Int = 10,
    threshold: Double = 1e-4,
    cooldown: Int = 0,
    minimumRate: Double = 0,
    largerIsBetter: Bool = false
  ) {
    self.rate = rate
    self.factor = factor
    self.patience = patience
    self.threshold = threshold
    self.cooldown = cooldown
    self.minimumRate = minimumRate
    self.largerIsBetter = largerIsBetter
  }

  /// Takes a measure into account; not-a-number counts as no improvement.
  /// - Parameter measure: The measure, such as a validation loss.
  public mutating func update(_ measure: Double) {
    if isBetter(measure) {
      best = measure
      badUpdates = 0
    } else {
      badUpdates += 1
    }
    if coolingUpdates > 0 {
      coolingUpdates -= 1
      badUpdates = 0
    }
    if badUpdates > patience {
      rate = max(minimumRate, rate * factor)
      coolingUpdates = cooldown
      badUpdates = 0
    }
  }

  private func isBetter(_ measure: Double) -> Bool {
    guard let best else { return !measure.isNaN }
    return largerIsBetter
      ? measure > best * (1 + threshold) : measure < best * (1 - threshold)
  }
}
