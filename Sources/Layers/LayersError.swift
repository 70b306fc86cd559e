import Support

/// What can go wrong with stored weights.
public enum LayersError: ClassifiedError, Equatable {
  /// The file is not a safetensors file, or contradicts itself.
  case damagedWeights(path: String, reason: String)
  /// A pickle names a class or function that weights do not need; nothing of it was run.
  case forbiddenPickle(path: String, name: String)
  /// Weights and network do not fit; names are sorted.
  case weightsMismatch(path: String, missing: [String], unused: [String], misshapen: [String])

  /// The kind of the failure.
  public var failure: Failure { .damagedInput }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .damagedWeights(let path, let reason): return "\(path) is damaged: \(reason)."
    case .forbiddenPickle(let path, let name):
      return "\(path) is refused: it asks for \(name), which weights do not need; nothing of it "
        + "was run."
    case .weightsMismatch(let path, let missing, let unused, let misshapen):
      let parts = [("missing", missing), ("unused", unused), ("of another shape", misshapen)]
        .filter { !$0.1.isEmpty }
        .map { "\($0.1.count) \($0.0) (\(Self.shortened($0.1)))" }
      return "The weights in \(path) do not fit the network: " + parts.joined(separator: "; ")
        + "."
    }
  }

  /// Names that a message shows of one list.
  private static let namesShown = 3

  /// The first names, and how many more there are.
  private static func shortened(_ names: [String]) -> String {
    let shown = names.prefix(namesShown).joined(separator: ", ")
    return names.count > namesShown ? "\(shown) and \(names.count - namesShown) more" : shown
  }
}
