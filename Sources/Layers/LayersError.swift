import Support

/// What can go wrong with stored weights.
public enum LayersError: ClassifiedError, Equatable {
  /// The file is not a safetensors file, or contradicts itself.
  case damagedWeights(path: String, reason: String)
  /// Weights and network do not fit; names are sorted.
  case weightsMismatch(path: String, missing: [String], unused: [String], misshapen: [String])

  /// The kind of the failure.
  public var failure: Failure { .damagedInput }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .damagedWeights(let path, let reason): return "\(path) is damaged: \(reason)."
    case .weightsMismatch(let path, let missing, let unused, let misshapen):
      let parts = [("missing", missing), ("unused", unused), ("of another shape", misshapen)]
        .filter { !$0.1.isEmpty }
        .map { "\($0.1.count) \($0.0) (\($0.1.prefix(3).joined(separator: ", ")))" }
      return "The weights in \(path) do not fit the network: " + parts.joined(separator: "; ")
        + "."
    }
  }
}
