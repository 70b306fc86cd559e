import Tensors

/// Finds out whether a training step broke down, and where.
///
/// `isSound` is cheap enough for every step: one pass over the gradients. `diagnose` runs the
/// step again, watching every operation, and is for after a failure.
public struct FiniteCheck: Sendable {
  /// Where the first value was that is infinite or not a number.
  public enum Fault: Sendable, Equatable, CustomStringConvertible {
    /// In what the network was given.
    case input
    /// In a parameter, before the step.
    case parameter(name: String)
    /// In a layer's output.
    case output(layer: String)
    /// In a step without parameters, such as an activation, after this layer.
    case following(layer: String)
    /// In the loss of a finite output.
    case loss
    /// In a parameter's gradient.
    case gradient(parameter: String)
    /// Nowhere: the step went well the second time.
    case notReproduced

    /// What was not finite, as the subject of a sentence and its verb.
    public var description: String {
      switch self {
      case .input: "the input is not finite"
      case .parameter(let name): "the parameter \(name) is not finite"
      case .output(let layer): "the output of the layer \(layer) is not finite"
      case .following(let layer): "what follows the layer \(layer) is not finite"
      case .loss: "the loss is not finite, though the network's output is"
      case .gradient(let name): "the gradient of \(name) is not finite"
      case .notReproduced:
        "the loss or a gradient was not finite, but is when the step is repeated"
      }
    }
  }

  private let parameters: [(name: String, parameter: Parameter)]

  /// Creates a check.
  /// - Parameter parameters: The network's parameters by dotted name.
  public init(_ parameters: [(name: String, parameter: Parameter)]) {
    self.parameters = parameters
  }

  /// Whether a step's loss and gradients are finite.
  /// - Parameters:
  ///   - loss: The loss.
  ///   - gradients: Its gradients.
  /// - Returns: False when any value is infinite or not a number.
  public func isSound(loss: Tensor, gradients: Gradients) -> Bool {
    loss.isFinite
      && parameters.allSatisfy { gradients[$0.parameter.key]?.isFinite ?? true }
  }

  /// Repeats a step and finds the first value that is not finite.
  ///
  /// Parameters must have the values from before the step (`ParameterSnapshot`: running statistics
  /// take part), and the closures must draw the same random numbers as the step did. Running
  /// statistics are put back afterwards.
  /// - Parameters:
  ///   - inputs: What the network is given.
  ///   - forward: Runs the network in training mode.
  ///   - loss: Computes the loss of the network's output.
  /// - Returns: The first fault, in the order input, parameters, outputs, loss, gradients.
  public func diagnose(
    inputs: [Tensor],
    forward: () -> Tensor,
    loss: (Tensor) -> Tensor
  ) -> Fault {
    let snapshot = ParameterSnapshot(parameters)
    defer { snapshot.restore() }
    if inputs.contains(where: { !$0.isFinite }) { return .input }
    for (name, parameter) in parameters where !parameter.value.isFinite {
      return .parameter(name: name)
    }
    let probe = ValueProbe()
    let output = ValueProbe.$current.withValue(probe) { forward() }
    if let finding = probe.finding { return fault(of: finding) }
    let value = loss(output)
    if !value.isFinite { return .loss }
    let found = gradients(of: value)
    for (name, parameter) in parameters {
      if let gradient = found[parameter.key], !gradient.isFinite {
        return .gradient(parameter: name)
      }
    }
    return .notReproduced
  }

  /// A layer's name is its parameters' without the last part.
  private func fault(of finding: ValueProbe.Finding) -> Fault {
    let names = parameters.filter { finding.leaves.contains($0.parameter.key) }.map(\.name)
    let parts = names.first?.split(separator: ".").dropLast() ?? []
    let layer = parts.isEmpty ? "network" : parts.joined(separator: ".")
    return finding.isDirect && !names.isEmpty ? .output(layer: layer) : .following(layer: layer)
  }
}
