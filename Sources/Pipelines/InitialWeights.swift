import Foundation
import Layers
import Networks
import Support
import Tensors

/// Weights of another model from which a training starts.
///
/// Tensors are taken by name where the shape is the same; a head for other structures, or a first
/// convolution of other channels, keeps its random weights. Where the grid is finer by one or more
/// halvings and the U-Net has as many more stages, the stages that see the same millimetres correspond:
/// the encoder's are counted from the deepest, as the decoder's are (coarse to fine, as Karras et al.
/// 2018, "Progressive growing of GANs", let networks grow).
public struct InitialWeights: Sendable {
  /// The model that they come from.
  public let source: String
  private let tensors: [String: Tensor]
  private let plan: ModelPlan

  private static let encoder = "encoder.stages."

  /// Reads the weights of a model package, whose hashes are checked.
  /// - Parameter package: The package.
  /// - Throws: `PipelinesError.damagedModel`; `LayersError`.
  public init(_ package: ModelPackage) throws {
    source = package.description.name
    plan = package.description.plan
    let network = try package.makeNetwork()
    tensors = Dictionary(
      network.namedParameters.map { ($0.name, $0.parameter.value) },
      uniquingKeysWith: { first, _ in first }
    )
  }

  /// How many of a network's values the weights give, and how many it has.
  /// - Parameters:
  ///   - network: The network.
  ///   - plan: The plan that it is trained under; nil for the source's own.
  /// - Returns: The two counts.
  public func coverage(
    of network: any Network,
    plan: ModelPlan? = nil
  ) -> (taken: Int, all: Int) {
    let found = values(for: network, plan)
    return network.namedParameters.reduce(into: (0, 0)) { counts, entry in
      let count = entry.parameter.shape.reduce(1, *)
      counts.1 += count
      if found[entry.name] != nil { counts.0 += count }
    }
  }

  /// Gives a network the weights that suit it.
  /// - Parameters:
  ///   - network: The network.
  ///   - plan: The plan that it is trained under.
  package func load(into network: any Network, plan: ModelPlan) {
    let found = values(for: network, plan)
    for (name, parameter) in network.namedParameters {
      if let value = found[name] { parameter.value = value }
    }
  }

  /// The tensors that suit, by the network's own names.
  private func values(for network: any Network, _ plan: ModelPlan?) -> [String: Tensor] {
    let names = network.namedParameters.map(\.name)
    let added = plan.map { addedStages(names, $0) } ?? 0
    return network.namedParameters.reduce(into: [:]) { result, entry in
      guard let name = Self.name(entry.name, stagesEarlier: added),
        let value = tensors[name], value.shape == entry.parameter.shape
      else { return }
      result[entry.name] = value
    }
  }

  /// How many stages a network has above those that see the source's grid.
  private func addedStages(_ names: [String], _ plan: ModelPlan) -> Int {
    guard case .nnUNet(let own) = self.plan, case .nnUNet(let new) = plan,
      own.spacing.count == new.spacing.count
    else { return 0 }
    let halvings = zip(own.spacing, new.spacing).map { log2($0 / $1) }
    let added = Self.stageCount(names) - Self.stageCount(Array(tensors.keys))
    return added > 0 && halvings.allSatisfy { abs($0 - Double(added)) < 0.3 } ? added : 0
  }

  private static func stageCount(_ names: [String]) -> Int {
    (names.compactMap { stage(of: $0)?.number }.max() ?? -1) + 1
  }

  private static func stage(of name: String) -> (number: Int, rest: Substring)? {
    guard name.hasPrefix(encoder) else { return nil }
    let rest = name.dropFirst(encoder.count)
    return Int(rest.prefix { $0 != "." }).map { ($0, rest.drop { $0 != "." }) }
  }

  /// The source's name for an encoder's parameter; nil where the source has no such stage.
  private static func name(_ name: String, stagesEarlier count: Int) -> String? {
    guard let (number, rest) = stage(of: name) else { return name }
    return number < count ? nil : encoder + String(number - count) + rest
  }
}
