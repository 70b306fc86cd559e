public import Support

/// What can be wrong with what this module is given.
public enum TransformsError: ClassifiedError, Equatable {
  /// A table lists a label twice.
  case duplicateLabel(Int)
  /// A table's label is not one of 0…65535.
  case labelOutOfRange(Int)
  /// A table's output class is not one of 0…65535.
  case outputOutOfRange(label: Int, output: Int)
  /// A table does not know what takes a label's place on the other side.
  case unknownMirror(label: Int, mirrored: Int)
  /// The label that takes another's place is not replaced by it in turn.
  case unpairedMirror(label: Int, mirrored: Int)
  /// A table has no entry of label 0 with output 0.
  case missingBackground
  /// A table has more entries than voxels can number.
  case tooManyEntries(count: Int, limit: Int)
  /// A label map holds a label that the table does not know.
  case unknownLabel(Int)

  /// The kind of the failure.
  public var failure: Failure { .damagedInput }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .duplicateLabel(let label):
      "The synthesis table lists label \(label) twice; remove one entry."
    case .labelOutOfRange(let label):
      "The synthesis table has label \(label); labels are 0 to 65535."
    case .outputOutOfRange(let label, let output):
      "The synthesis table gives label \(label) output \(output); outputs are 0 to 65535."
    case .unknownMirror(let label, let mirrored):
      "The synthesis table mirrors label \(label) to \(mirrored), which has no entry; add it."
    case .unpairedMirror(let label, let mirrored):
      "The synthesis table mirrors label \(label) to \(mirrored) but not \(mirrored) to \(label)."
    case .missingBackground:
      "The synthesis table needs an entry of label 0 with output 0, the background."
    case .tooManyEntries(let count, let limit):
      "The synthesis table has \(count) entries; at most \(limit) are supported."
    case .unknownLabel(let label):
      "The label map holds label \(label), which the synthesis table lacks; add an entry."
    }
  }
}
