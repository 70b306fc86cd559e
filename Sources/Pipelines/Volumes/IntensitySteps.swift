import Foundation

/// Intensities as NumPy and PyTorch compute them, in single precision where they do.
package enum IntensitySteps {
  /// Applies a step to the channels; others than those on intensities do nothing.
  package static func apply(_ step: VolumeStep, to channels: inout [[Float]]) {
    switch step {
    case .scaleRange(let low, let high, let newLow, let newHigh, let clips):
      for index in channels.indices {
        scaleRange(&channels[index], low, high, newLow, newHigh, clips: clips)
      }
    case .normalize(let mean, let deviation, let nonzero, let channelWise):
      normalize(&channels, mean, deviation, nonzero: nonzero, channelWise: channelWise)
    case .scale(let newLow, let newHigh, let channelWise):
      groups(&channels, apart: channelWise) { scale(&$0, newLow, newHigh) }
    case .scalePercentiles(
      let lower,
      let upper,
      let newLow,
      let newHigh,
      let clips,
      let relative,
      let channelWise
    ):
      var (bottom, top) = (newLow, newHigh)
      if relative, let newLow, let newHigh {
        bottom = (newHigh - newLow) * (lower / 100) + newLow
        top = (newHigh - newLow) * (upper / 100) + newLow
      }
      groups(&channels, apart: channelWise) { values in
        let found = percentiles(values, [lower, upper])
        scaleRange(&values, found[0], found[1], bottom, top, clips: clips)
      }
    case .scaleQuantiles(let lower, let upper, let margin, let clips):
      for index in channels.indices {
        let found = percentiles(channels[index], [lower, upper])
        let (low, width) = (Float(found[0]), Float(found[1] - found[0] + margin))
        for place in channels[index].indices {
          let value = (channels[index][place] - low) / (width == 0 ? 1 : width)
          channels[index][place] = clips ? min(max(value, 0), 1) : value
        }
      }
    case .dividePercentile(let percentile):
      for index in channels.indices {
        let found = Float(percentiles(channels[index], [percentile])[0])
        guard found != 0 else { continue }
        for place in channels[index].indices { channels[index][place] /= found }
      }
    default: break
    }
  }

  /// Runs a body on each channel, or on all of them joined.
  private static func groups(
    _ channels: inout [[Float]],
    apart: Bool,
    _ body: (inout [Float]) -> Void
  ) {
    if apart || channels.count == 1 {
      for index in channels.indices { body(&channels[index]) }
      return
    }
    let count = channels[0].count
    var joined = Array(channels.joined())
    body(&joined)
    for index in channels.indices {
      channels[index] = Array(joined[index * count..<(index + 1) * count])
    }
  }

  private static func scaleRange(
    _ values: inout [Float],
    _ low: Double,
    _ high: Double,
    _ newLow: Double?,
    _ newHigh: Double?,
    clips: Bool
  ) {
    if high - low == 0 {
      for place in values.indices {
        values[place] = values[place] - Float(low) + Float(newLow ?? 0)
      }
      return
    }
    let (start, width) = (Float(low), Float(high - low))
    for place in values.indices {
      var value = (values[place] - start) / width
      if let newLow, let newHigh { value = value * Float(newHigh - newLow) + Float(newLow) }
      if clips {
        if let newLow { value = max(value, Float(newLow)) }
        if let newHigh { value = min(value, Float(newHigh)) }
      }
      values[place] = value
    }
  }

  private static func scale(_ values: inout [Float], _ newLow: Double, _ newHigh: Double) {
    guard let low = values.min(), let high = values.max() else { return }
    if low == high {
      for place in values.indices { values[place] *= Float(newLow) }
      return
    }
    for place in values.indices {
      values[place] = (values[place] - low) / (high - low) * Float(newHigh - newLow) + Float(newLow)
    }
  }

  private static func normalize(
    _ channels: inout [[Float]],
    _ means: [Double]?,
    _ deviations: [Double]?,
    nonzero: Bool,
    channelWise: Bool
  ) {
    func apply(_ values: inout [Float], _ mean: Double?, _ deviation: Double?) {
      let (own, spread, count) = statistics(values, nonzero: nonzero)
      guard count > 0 else { return }
      let center = Float(mean ?? own)
      let width = Float(deviation ?? spread)
      for place in values.indices where !nonzero || values[place] != 0 {
        values[place] = (values[place] - center) / (width == 0 ? 1 : width)
      }
    }
    if channelWise {
      for index in channels.indices {
        apply(&channels[index], means?[index], deviations?[index])
      }
    } else {
      groups(&channels, apart: false) { apply(&$0, means?[0], deviations?[0]) }
    }
  }

  /// Mean and population deviation, in double precision.
  private static func statistics(
    _ values: [Float],
    nonzero: Bool
  ) -> (mean: Double, deviation: Double, count: Int) {
    var (sum, count) = (0.0, 0)
    for value in values where !nonzero || value != 0 {
      sum += Double(value)
      count += 1
    }
    let mean = sum / Double(max(count, 1))
    var squares = 0.0
    for value in values where !nonzero || value != 0 {
      squares += (Double(value) - mean) * (Double(value) - mean)
    }
    return (mean, (squares / Double(max(count, 1))).squareRoot(), count)
  }

  /// Percentiles with linear interpolation between ranks (NumPy's default).
  package static func percentiles(_ values: [Float], _ wanted: [Double]) -> [Double] {
    guard !values.isEmpty else { return wanted.map { _ in 0 } }
    // Numbers that are none sort nowhere.
    let sorted = values.map { $0.isNaN ? -.infinity : $0 }.sorted()
    return wanted.map { percentile in
      let rank = percentile / 100 * Double(sorted.count - 1)
      let below = Int(rank.rounded(.down))
      let above = min(below + 1, sorted.count - 1)
      let share = rank - Double(below)
      let (a, b) = (Double(sorted[below]), Double(sorted[above]))
      return share == 0 ? a : a + (b - a) * share
    }
  }
}
