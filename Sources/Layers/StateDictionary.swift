import Tensors

/// How the names in a PyTorch state dictionary become the names of a network's parameters.
///
/// Layers here are named as PyTorch's modules, so that most names stay. What differs is what a
/// training program wraps around the network, what a module counts beside its weights, and modules
/// that are registered under several names; `pyTorch` knows these.
public struct StateDictionaryNames: Sendable {
  private let rename: @Sendable (String) -> String?

  /// Creates a mapping.
  /// - Parameter rename: The parameter's name for a stored one; nil for what is not a parameter.
  public init(_ rename: @escaping @Sendable (String) -> String?) { self.rename = rename }

  /// The parameter's name for a stored one; nil for what is not a parameter.
  /// - Parameter stored: The name in the file.
  /// - Returns: The name in the network.
  public func callAsFunction(_ stored: String) -> String? { rename(stored) }

  /// The names stay.
  public static let identical = StateDictionaryNames { $0 }

  /// State dictionaries of PyTorch, nnU-Net's among them.
  ///
  /// `module.` (distributed training) and `_orig_mod.` (compiled modules) at the front go;
  /// `num_batches_tracked` of batch normalisation is no weight. nnU-Net lists its encoder in the
  /// decoder again, and each convolution and normalisation in `all_modules` (0, and 1 or 2, which
  /// depends on a dropout in between). torchvision's detectors of before 2022 name single convolutions
  /// where later ones name blocks with one convolution.
  public static let pyTorch = StateDictionaryNames { stored in
    var parts = stored.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    while let first = parts.first, ["module", "_orig_mod"].contains(first) { parts.removeFirst() }
    if parts.last == "num_batches_tracked" { return nil }
    if parts.starts(with: ["decoder", "encoder"]) { parts.removeFirst() }
    if let place = parts.firstIndex(of: "all_modules"), place + 2 < parts.count {
      switch parts[place + 1] {
      case "0": parts.replaceSubrange(place...place + 1, with: ["conv"])
      case "1", "2": parts.replaceSubrange(place...place + 1, with: ["norm"])
      default: break
      }
    }
    return renamedDetector(parts).joined(separator: ".")
  }
}

/// `fpn.inner_blocks.0.weight`, `rpn.head.conv.weight` and `mask_head.mask_fcn1.weight` of before 2022 under
/// their later names `fpn.inner_blocks.0.0.weight`, `rpn.head.conv.0.0.weight` and `mask_head.0.0.weight`.
private func renamedDetector(_ parts: [String]) -> [String] {
  guard parts.count >= 4, let kind = parts.last else { return parts }
  let inside = Array(parts.dropLast())
  let places = inside.suffix(2)
  if ["inner_blocks", "layer_blocks"].contains(places.first), inside.contains("fpn"),
    places.last.flatMap({ Int($0) }) != nil
  {
    return inside + ["0", kind]
  }
  if inside.suffix(3) == ["rpn", "head", "conv"] { return inside + ["0", "0", kind] }
  if places.first == "mask_head", let name = places.last, name.hasPrefix("mask_fcn"),
    let number = Int(name.dropFirst(8)), number > 0
  {
    return Array(inside.dropLast()) + [String(number - 1), "0", kind]
  }
  return parts
}

extension Safetensors {
  /// Reads a file whose tensors get other names.
  /// - Parameters:
  ///   - path: The file.
  ///   - names: The names; several stored names may become one when their values are equal.
  /// - Throws: As `init(contentsOf:)`; `LayersError.damagedWeights` when tensors that become one
  ///   differ.
  public init(contentsOf path: String, names: StateDictionaryNames) throws {
    self = try Safetensors(contentsOf: path, skipping: { names($0) == nil })
      .renamed(by: names, from: path)
  }

  /// The same tensors under other names.
  /// - Parameters:
  ///   - names: The names; several stored names may become one when their values are equal.
  ///   - path: Where the tensors came from, for messages.
  /// - Returns: The renamed tensors.
  /// - Throws: `LayersError.damagedWeights` when tensors that become one differ.
  public func renamed(by names: StateDictionaryNames, from path: String) throws -> Safetensors {
    var renamed: [String: Tensor] = [:]
    for (stored, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      guard let name = names(stored) else { continue }
      if let other = renamed[name], other.shape != tensor.shape || other.values != tensor.values {
        throw LayersError.damagedWeights(
          path: path,
          reason: "\(stored) is another name of \(name), but their values differ"
        )
      }
      renamed[name] = tensor
    }
    return Safetensors(tensors: renamed, metadata: metadata)
  }
}
