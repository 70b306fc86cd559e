import Support

/// What can go wrong in a measurement.
package enum BenchError: ClassifiedError, Equatable {
  /// A `.npy` file is not one of single-precision numbers in C order, or contradicts itself.
  case damagedArray(path: String, reason: String)
  /// The folder's list of networks cannot be read.
  case damagedFacts(path: String, reason: String)
  /// The folder holds no network of this name.
  case unknownNetwork(name: String, known: [String])
  /// It is not known how the network of this name is built.
  case unknownArchitecture(name: String, known: [String])
  /// The exported arrays do not fit the network.
  case unfitArray(path: String, expected: [Int], found: [Int])
  /// The engine cannot compute in this precision yet.
  case unavailablePrecision(String, purpose: String)
  /// The program of the other side ended with an error or printed no record.
  case rivalFailed(command: String, reason: String)
  /// Lamina's own run ended with an error; it gave this status.
  case ownRunFailed(command: String, status: Int32, reason: String)
  /// No operation has this text in its name.
  case noOperation(filter: String)

  /// The kind of the failure.
  package var failure: Failure {
    switch self {
    case .damagedArray, .damagedFacts, .unfitArray: .damagedInput
    case .unknownNetwork: .missingInput
    case .unknownArchitecture, .unavailablePrecision, .rivalFailed: .missingComponent
    case .ownRunFailed(_, let status, _): Failure(rawValue: status) ?? .internalFault
    case .noOperation: .usage
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  package var description: String {
    switch self {
    case .damagedArray(let path, let reason):
      "\(path) is not an array of little-endian single-precision numbers in C order: \(reason)."
    case .damagedFacts(let path, let reason): "\(path) is damaged: \(reason)."
    case .unknownNetwork(let name, let known):
      "The folder holds no network \(name); it lists \(known.joined(separator: ", "))."
    case .unknownArchitecture(let name, let known):
      "How \(name) is built is not known; known are the beginnings \(known.joined(separator: ", ")), "
        + "or give it a \"network\" in networks.json."
    case .unfitArray(let path, let expected, let found):
      "\(path) has the shape \(found), not \(expected)."
    case .unavailablePrecision(let precision, let purpose):
      "\(purpose) in \(precision) is not available yet; choose f32."
    case .rivalFailed(let command, let reason): "The rival `\(command)` failed: \(reason)."
    case .ownRunFailed(let command, _, let reason): "Lamina's run `\(command)` failed: \(reason)."
    case .noOperation(let filter): "No operation has \(filter) in its name."
    }
  }
}
