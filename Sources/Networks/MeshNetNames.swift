import Layers
import Tensors

/// Finds the layers of a MeshNet in a state dictionary that numbers the parts of a sequence.
///
/// Programs differ in what takes a place in the sequence: activations, normalisations and dropouts
/// may, or each layer is a sequence of its own (`model.0.weight`, `model.2.weight`; `model.0.0.weight`,
/// `model.1.0.weight`; `features.conv1…`). Numbers in names, compared as numbers, give the order;
/// a weight of a window begins a layer.
public struct MeshNetNames: Sendable {
  /// The stored name of each of our names.
  public let stored: [String: String]
  /// The shapes of the convolutions' weights in order.
  public let weights: [[Int]]
  /// Whether each convolution has a bias.
  public let biases: [Bool]
  /// Whether every hidden layer has a normalisation with a scale, and whether with running statistics.
  public let hasScales: Bool
  /// Whether every hidden layer has running statistics.
  public let hasStatistics: Bool

  /// Reads the names; nil when names or shapes are not those of a chain of convolutions.
  /// - Parameter tensors: A state dictionary.
  public init?(_ tensors: [String: Tensor]) {
    let entries = tensors.keys.map { name in (name: name, path: Self.path(name)) }
      .sorted { Self.precedes($0.path, $1.path) }
    var stored: [String: String] = [:]
    var weights: [[Int]] = []
    var biases: [Bool] = []
    var places: [[String]] = []
    var scales: Set<Int> = []
    var statistics: Set<Int> = []
    // Windows first, in order, so that what lies between them finds its layer.
    for (name, path) in entries where (tensors[name]?.rank ?? 0) >= 4 {
      guard path.last == "weight", let shape = tensors[name]?.shape else { return nil }
      stored["layers.\(weights.count).conv.weight"] = name
      weights.append(shape)
      biases.append(false)
      places.append(Array(path.dropLast()))
    }
    guard weights.count >= 2 else { return nil }
    for (name, path) in entries where (tensors[name]?.rank ?? 0) < 4 {
      let place = Array(path.dropLast())
      guard let last = path.last, tensors[name]?.rank == 1,
        let layer = places.lastIndex(where: { !Self.precedes(place, $0) })
      else { return nil }
      var own = "layers.\(layer).norm.\(last)"
      if place == places[layer] {
        guard last == "bias" else { return nil }
        own = "layers.\(layer).conv.bias"
        biases[layer] = true
      } else if last == "weight" {
        scales.insert(layer)
      } else if last == "running_mean" {
        statistics.insert(layer)
      } else if last != "bias", last != "running_var" {
        return nil
      }
      guard stored.updateValue(name, forKey: own) == nil else { return nil }
    }
    let rank = weights[0].count
    for (index, shape) in weights.enumerated() {
      guard shape.count == rank, index == 0 || shape[1] == weights[index - 1][0] else {
        return nil
      }
    }
    let all = Set(0..<weights.count - 1)
    guard scales.isEmpty || scales == all, statistics.isEmpty || statistics == all else {
      return nil
    }
    self.stored = stored
    self.weights = weights
    self.biases = biases
    hasScales = !scales.isEmpty
    hasStatistics = !statistics.isEmpty
  }

  /// The tensors under our names.
  /// - Parameter tensors: The state dictionary that was read.
  /// - Returns: As many tensors.
  public func renamed(_ tensors: [String: Tensor]) -> [String: Tensor] {
    stored.compactMapValues { tensors[$0] }
  }

  private static func path(_ name: String) -> [String] {
    name.split(whereSeparator: { $0 == "." || $0 == "/" }).map(String.init)
  }

  /// Whether a path comes first: part by part, numbers as numbers.
  private static func precedes(_ a: [String], _ b: [String]) -> Bool {
    for (x, y) in zip(a, b) where x != y {
      let (p, q) = (split(x), split(y))
      return p.text == q.text ? p.number < q.number : p.text < q.text
    }
    return a.count < b.count
  }

  /// "conv12" as ("conv", 12).
  private static func split(_ part: String) -> (text: String, number: Int) {
    let digits = part.reversed().prefix { $0.isASCII && $0.isNumber }
    let text = String(part.dropLast(digits.count))
    return (text, Int(String(digits.reversed())) ?? -1)
  }
}
