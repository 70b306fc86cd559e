/// The kind of a failure, as the command line's exit codes tell them apart.
///
/// Each module has one error enum; its cases carry facts and its `failure` says which of these
/// kinds a case is. `lamina` maps the kind to the exit status of `sysexits.h`.
public enum Failure: Int32, Sendable, CaseIterable {
  /// The arguments are wrong.
  case usage = 64
  /// An input is damaged or not what it says.
  case damagedInput = 65
  /// An input was not found or cannot be read.
  case missingInput = 66
  /// A needed model or component is not there.
  case missingComponent = 69
  /// A bug in Lamina.
  case internalFault = 70
  /// An output cannot be written, or exists and may not be replaced.
  case unwritableOutput = 73
  /// The user stopped the run.
  case interrupted = 130
}

/// An error that knows its kind and describes itself in one sentence.
///
/// `description` says what was wrong, where (file, slice, key) and what to do; it holds paths but
/// never a patient's name or identifier.
public protocol ClassifiedError: Error, CustomStringConvertible, Sendable {
  /// The kind of the failure.
  var failure: Failure { get }
}
