import Support

/// What can go wrong when several processes train together.
package enum DistributedError: ClassifiedError, Equatable {
  /// Open MPI is not there.
  case noLibrary
  /// Another implementation of MPI is in its place.
  case otherLibrary
  /// The launcher started processes that do not see each other.
  case otherLauncher(started: Int, joined: Int)
  /// A call failed.
  case failed(call: String)
  /// An error of one process, which stops all.
  case rank(Int, count: Int, failure: Failure, sentence: String)

  package var failure: Failure {
    switch self {
    case .noLibrary, .otherLibrary, .failed: .missingComponent
    case .otherLauncher: .usage
    case .rank(_, _, let failure, _): failure
    }
  }

  package var description: String {
    switch self {
    case .noLibrary:
      "Training with several processes needs Open MPI (libmpi.so.40, Debian's libopenmpi3); "
        + "install it or start without mpirun."
    case .otherLibrary:
      "libmpi.so is not Open MPI; install Open MPI and use its mpirun."
    case .otherLauncher(let started, let joined):
      "\(started) processes were started, but Open MPI joined \(joined); "
        + "start them with Open MPI's own mpirun."
    case .failed(let call):
      "MPI failed while \(call): a process or the network is gone; "
        + "go on from the last checkpoint with --resume."
    case .rank(let rank, let count, _, let sentence):
      "Process \(rank + 1) of \(count): \(sentence)"
    }
  }
}
