import Foundation
import Support
import Tensors

/// An exponential running average of weights, with which predictions are often better.
///
/// Polyak and Juditsky 1992, with a decay as in Tarvainen and Valpola 2017.
public struct WeightAverage: Sendable {
  /// How the average gets away from the random start.
  public enum WarmUp: String, Codable, Sendable, CaseIterable {
    /// The first weights are the first average.
    case none
    /// Update t, from 1, uses the decay min(d, (1 + t) / (10 + t)): early averages forget faster.
    case ramp
    /// The average starts at 0 and is divided by 1 − dᵗ, as Adam's moments.
    case biasCorrected
  }

  /// d, the share of the old average that stays.
  public let decay: Double
  /// How the average gets away from the random start.
  public let warmUp: WarmUp
  /// Updates so far.
  public private(set) var updateCount = 0
  /// By parameter name; a copy of the average shares them until one is updated.
  private var buffers: [String: AlignedBuffer<Float>] = [:]
  private let parameters: [(name: String, parameter: Parameter)]

  /// Creates an average of nothing so far.
  /// - Parameters:
  ///   - decay: d, 0 to 1.
  ///   - warmUp: How the average gets away from the random start.
  ///   - parameters: What to average, by unique names; running statistics too.
  /// - Precondition: 0 ≤ d < 1.
  public init(
    decay: Double,
    warmUp: WarmUp = .ramp,
    parameters: [(name: String, parameter: Parameter)]
  ) {
    precondition((0..<1).contains(decay), "the decay \(decay) of a weight average")
    self.decay = decay
    self.warmUp = warmUp
    self.parameters = parameters
  }

  /// Takes the parameters' present values into the average.
  public mutating func update() {
    updateCount += 1
    let count = Double(updateCount)
    let share = warmUp == .ramp ? min(decay, (1 + count) / (10 + count)) : decay
    for (name, parameter) in parameters {
      let value = parameter.value
      let average = AlignedBuffer<Float>(repeating: 0, count: value.count)
      if let stored = buffers[name] {
        average.pointer.update(from: stored.pointer, count: average.count)
      } else if warmUp != .biasCorrected {
        average.pointer.update(from: value.single.storage.pointer, count: average.count)
        buffers[name] = average
        continue
      }
      ParameterSteps.average(value, into: average, decay: Float(share))
      buffers[name] = average
    }
  }

  /// The averaged weights by parameter name; the present weights before the first update.
  public var values: [String: Tensor] {
    let scale =
      warmUp == .biasCorrected ? Float(1 / (1 - pow(decay, Double(max(1, updateCount))))) : 1
    return Dictionary(
      uniqueKeysWithValues: parameters.map { name, parameter in
        guard let buffer = buffers[name] else { return (name, parameter.value) }
        let average = Tensor(shape: parameter.shape, storage: buffer)
        return (name, scale == 1 ? average : average * scale)
      }
    )
  }

  /// Runs something with the averaged weights in place, then puts the present ones back.
  /// - Parameter body: What to run; nothing else may use the parameters meanwhile.
  /// - Returns: What the body returns.
  /// - Throws: What the body throws.
  public func withAveragedWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
    let present = ParameterSnapshot(parameters)
    defer { present.restore() }
    let averages = values
    for (name, parameter) in parameters {
      if let average = averages[name] { parameter.value = average }
    }
    return try body()
  }

  /// The averages as they are kept, before any correction, for checkpoints.
  public var stored: [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: parameters.compactMap { name, parameter in
        buffers[name].map { (name, Tensor(shape: parameter.shape, storage: $0)) }
      }
    )
  }

  /// Continues from stored averages.
  /// - Parameters:
  ///   - updateCount: Updates so far.
  ///   - stored: Averages as `stored` gave them.
  /// - Precondition: Each average has its parameter's number of values.
  public mutating func restore(updateCount: Int, stored: [String: Tensor]) {
    self.updateCount = updateCount
    buffers = [:]
    for (name, parameter) in parameters {
      guard let average = stored[name] else { continue }
      precondition(
        average.count == parameter.shape.reduce(1, *),
        "the average \(name) of \(average.shape) for a parameter of \(parameter.shape)"
      )
      buffers[name] = average.plain.storage
    }
  }
}

/// Parameters' values at a moment; values are shared, so that it costs no copy.
public struct ParameterSnapshot: Sendable {
  private let values: [(parameter: Parameter, value: Tensor)]

  /// Notes the present values.
  /// - Parameter parameters: The parameters by name.
  public init(_ parameters: [(name: String, parameter: Parameter)]) {
    values = parameters.map { ($0.parameter, $0.parameter.value) }
  }

  /// Puts the noted values back.
  public func restore() {
    for (parameter, value) in values { parameter.value = value }
  }
}
