import Foundation

extension NetworkConfiguration {
  /// Whether layers of the network drop channels or values while training.
  ///
  /// Every network keeps the share under the name `dropoutProbability`, some inside other values.
  public var hasDropout: Bool {
    guard let data = try? JSONEncoder().encode(self),
      let tree = try? JSONSerialization.jsonObject(with: data)
    else { return false }
    return Self.drops(tree)
  }

  private static func drops(_ tree: Any) -> Bool {
    if let table = tree as? [String: Any] {
      return table.contains { key, value in
        key == "dropoutProbability" ? (value as? Double ?? 0) > 0 : drops(value)
      }
    }
    return (tree as? [Any])?.contains(where: drops) ?? false
  }

  /// The network with dropout of whole channels.
  /// - Parameter probability: The share of the channels that is dropped, 0 ≤ p < 1.
  /// - Returns: The values of the network; nil where it has no such dropout.
  public func dropping(_ probability: Double) -> NetworkConfiguration? {
    switch self {
    case .unet(var values):
      values.dropoutProbability = probability
      return .unet(values)
    case .plainConvUNet(var values):
      values.dropoutProbability = probability > 0 ? probability : nil
      return .plainConvUNet(values)
    case .convLSTMUNet(var values):
      values.dropoutProbability = probability > 0 ? probability : nil
      return .convLSTMUNet(values)
    default: return nil
    }
  }
}
