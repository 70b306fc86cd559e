import Support

/// What can go wrong when work is given to Slurm.
public enum SlurmError: ClassifiedError, Equatable {
  /// There is no `sbatch`.
  case notInstalled
  /// `sbatch` refused the job.
  case refused(script: String, reason: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .notInstalled: .missingComponent
    case .refused: .usage
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .notInstalled: "sbatch was not found; --slurm is for machines with Slurm."
    case .refused(let script, let reason):
      "sbatch refused \(script): \(reason.isEmpty ? "it gave no reason" : reason); "
        + "see --slurm-options."
    }
  }
}
