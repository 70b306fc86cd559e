import Foundation
import Support
import Tensors

/// The tensors of a weights file of whatever kind, by name, and what the file says beside them.
///
/// Known are safetensors, both layouts of `torch.save`, and archives of TorchScript, of which only the
/// parameters are taken and nothing is run. The content decides, not the file's name. Programs wrap
/// state dictionaries in others and put prefixes before names; the first is undone here, the second
/// by `Layer.load(_:names:)`, which knows the names that are wanted.
public struct StateDictionary: Sendable {
  /// What a file was.
  public enum Format: String, Sendable, CaseIterable {
    /// Hugging Face's format.
    case safetensors
    /// A checkpoint of `torch.save`.
    case torch
    /// A program of `torch.jit.save`.
    case torchScript = "torchscript"
  }

  /// The tensors by name.
  public var tensors: [String: Tensor]
  /// Free text by key: safetensors' own metadata.
  public let metadata: [String: String]
  /// What the file was.
  public let format: Format
  /// The keys that led from the top of the file to the tensors; none where they lie at the top.
  public let keys: [String]
  /// The file.
  public let path: String

  /// Keys under which programs keep a state dictionary, the more particular ones first.
  private static let wrappers = [
    "state_dict", "model_state_dict", "network_weights", "model_state", "net_state_dict",
    "net", "network", "model", "generator", "params_ema", "params", "weights", "ema", "module",
  ]

  /// How deep state dictionaries are looked for.
  private static let maximumDepth = 3

  /// Reads a file.
  /// - Parameters:
  ///   - path: The file.
  ///   - keys: The keys that lead to the dictionary of tensors; nil to look for it.
  ///   - isSkipped: Tells by its name whether a tensor is left out; its type need not be known then.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `LayersError.damagedWeights` when the file is
  ///   damaged, of no known kind, or holds no tensors there; `.forbiddenPickle`.
  public init(
    contentsOf path: String,
    at keys: [String]? = nil,
    skipping isSkipped: (_ name: String) -> Bool = { _ in false }
  ) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    self.path = path
    let file = try RangedFile(path)
    let magic = [UInt8](try file.read(0..<min(16, file.count)))
    func damaged(_ reason: String) -> LayersError { .damagedWeights(path: path, reason: reason) }
    if Self.isSafetensors(magic) {
      let stored = try Safetensors(contentsOf: path, skipping: isSkipped)
      guard keys?.isEmpty ?? true else {
        throw damaged("a safetensors file has no \(keys?.joined(separator: ".") ?? "")")
      }
      (tensors, metadata, format, self.keys) = (stored.tensors, stored.metadata, .safetensors, [])
    } else if magic.starts(with: [0x50, 0x4B]) || magic.first == 0x80 {
      let torch = try TorchFile(path)
      metadata = [:]
      if torch.isScript {
        (tensors, format, self.keys) = (try torch.attributes(skipping: isSkipped), .torchScript, [])
        if tensors.isEmpty, torch.hasConstants {
          throw damaged("it is a frozen program, whose weights have no names; export it unfrozen")
        }
      } else {
        let place = try keys ?? Self.place(in: torch)
        tensors = try torch.tensors(at: place, skipping: isSkipped)
        format = .torch
        self.keys = place
      }
    } else {
      throw damaged(Self.guess(magic))
    }
    guard !tensors.isEmpty else {
      throw damaged("it holds no tensors\(keys.map { " at " + $0.joined(separator: ".") } ?? "")")
    }
  }

  /// Creates a dictionary from memory.
  /// - Parameters:
  ///   - tensors: The tensors by name.
  ///   - format: What they were read from.
  ///   - path: Where they came from, for messages.
  public init(_ tensors: [String: Tensor], format: Format, path: String) {
    self.tensors = tensors
    self.format = format
    self.path = path
    metadata = [:]
    keys = []
  }

  /// An 8-byte length, and a JSON object.
  private static func isSafetensors(_ magic: [UInt8]) -> Bool {
    guard magic.count > 9, magic[6] == 0, magic[7] == 0 else { return false }
    return magic[8...].first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
  }

  /// What else the file may be.
  private static func guess(_ magic: [UInt8]) -> String {
    if magic.starts(with: [0x89, 0x48, 0x44, 0x46]) { return "it is an HDF5 file, not PyTorch's" }
    if magic.starts(with: [0x1F, 0x8B]) { return "it is packed with gzip; unpack it first" }
    if magic.starts(with: [0x08]) { return "it may be an ONNX model, which is no weights file" }
    return "it is neither a safetensors file nor one of PyTorch's"
  }

  /// Looks for the dictionary of tensors: the top, then under the known keys.
  private static func place(in file: TorchFile) throws -> [String] {
    if file.tensorCount(at: []) > 0 { return [] }
    var level: [[String]] = [[]]
    for _ in 0..<maximumDepth {
      var next: [[String]] = []
      for place in level {
        let keys = Set(file.keys(at: place))
        for wrapper in wrappers where keys.contains(wrapper) {
          let inner = place + [wrapper]
          if file.tensorCount(at: inner) > 0 { return inner }
          next.append(inner)
        }
      }
      level = next
    }
    let known = file.keys().prefix(8).joined(separator: ", ")
    throw LayersError.damagedWeights(
      path: file.path,
      reason: "no state dictionary was found in it; its keys are \(known.isEmpty ? "none" : known)"
    )
  }
}

extension StateDictionary {
  /// The tensors under other names.
  /// - Parameter names: The names; several stored names may become one when their values are equal.
  /// - Returns: The tensors by their new names.
  /// - Throws: `LayersError.damagedWeights` when tensors that become one differ.
  public func renamed(by names: StateDictionaryNames) throws(LayersError) -> [String: Tensor] {
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
    return renamed
  }

  /// How many leading parts all names share, such as 2 for "module.net.…".
  package var sharedParts: Int {
    let paths = tensors.keys.map { $0.split(separator: ".", omittingEmptySubsequences: false) }
    guard let first = paths.first else { return 0 }
    var count = 0
    while count < first.count - 1,
      paths.allSatisfy({ $0.count > count + 1 && $0[count] == first[count] })
    {
      count += 1
    }
    return count
  }
}

extension Layer {
  /// Takes over the weights of a state dictionary, all or none.
  ///
  /// Parts that all stored names begin with ("module.", "net.") are left out where the network's own
  /// names have none such: of the possibilities the one that fits best is taken.
  /// - Parameters:
  ///   - dictionary: The state dictionary.
  ///   - names: How its names, without such parts, become those of the network.
  /// - Throws: `LayersError.weightsMismatch` with every name that is missing, unused or of another
  ///   shape; `.damagedWeights` when two stored tensors of one name differ.
  public func load(
    _ dictionary: StateDictionary,
    names: StateDictionaryNames = .pyTorch
  ) throws(LayersError) {
    let wanted = Set(namedParameters.map(\.name))
    var best: (fitting: Int, tensors: [String: Tensor])?
    for count in 0...dictionary.sharedParts {
      let shortened = StateDictionaryNames { stored in
        names(
          stored.split(separator: ".", omittingEmptySubsequences: false).dropFirst(count)
            .joined(separator: ".")
        )
      }
      let tensors = try dictionary.renamed(by: shortened)
      let fitting = tensors.keys.count { wanted.contains($0) }
      if fitting > best?.fitting ?? -1 { best = (fitting, tensors) }
    }
    try load(Safetensors(tensors: best?.tensors ?? [:]), from: dictionary.path)
  }
}
