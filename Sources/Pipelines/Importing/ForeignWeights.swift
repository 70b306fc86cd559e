import Layers
import Networks
import Support

/// The weights of another program for one of our networks.
enum ForeignWeights {
  /// Reads a state dictionary and checks that the network takes it.
  /// - Parameters:
  ///   - file: Where it can be opened.
  ///   - path: What it is called in messages.
  ///   - network: The network's values.
  /// - Returns: The weights under our names.
  /// - Throws: `LayersError`; `NetworksError`; `SupportError`.
  static func read(
    _ file: String,
    named path: String,
    for network: NetworkConfiguration
  ) throws -> Safetensors {
    let dictionary = try StateDictionary(contentsOf: file)
    var names = StateDictionaryNames.pyTorch
    if case .dynUNet(let values) = network { names = values.stateDictionaryNames }
    let weights = Safetensors(tensors: try dictionary.renamed(by: names))
    var random = RandomStream(seed: 0)
    let built = try Parameter.withoutRandomWeights { try network.makeNetwork(random: &random) }
    try built.load(weights, from: path)
    return weights
  }
}
