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
  /// The brains of label maps fill a box that no head fills.
  case atlasTooLarge(extentMM: Double)
  /// There is no filter of this name.
  case unknownFilter(name: String, known: [String])
  /// A filter has no parameter of this name.
  case unknownFilterParameter(filter: String, name: String, known: [String])
  /// A filter's parameter lies outside its range.
  case filterParameterOutOfRange(
    filter: String,
    name: String,
    value: Double,
    lowest: Double,
    highest: Double,
    isWhole: Bool
  )
  /// What follows a filter's name is not a name, "=" and a number, or a name stands there twice.
  case unreadableFilterSetting(String)
  /// An image that is to be filtered has values that are not finite.
  case undefinedValues(count: Int)
  /// An image that is to be filtered has values too large to compute with.
  case valuesTooLarge(limit: Double)
  /// A setting of a degradation has no meaning.
  case degradationOutOfRange(setting: String, value: Double)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .unknownFilter, .unknownFilterParameter, .filterParameterOutOfRange,
      .unreadableFilterSetting, .degradationOutOfRange:
      .usage
    default: .damagedInput
    }
  }

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
    case .atlasTooLarge(let extent):
      "The brains of the label maps reach over \(Int(min(extent, 1e9))) mm; check the spacing of their voxels."
    case .unknownLabel(let label):
      "The label map holds label \(label), which the synthesis table lacks; add an entry."
    case .unknownFilter(let name, let known):
      "There is no filter \"\(name)\"; give one of \(known.joined(separator: ", "))."
    case .unknownFilterParameter(let filter, let name, let known):
      "\(filter) has no parameter \"\(name)\"; it has "
        + "\(known.joined(separator: ", "))."
    case .filterParameterOutOfRange(let filter, let name, let value, let low, let high, let whole):
      "\(filter) cannot have \(name)=\(value); give a \(whole ? "whole " : "")number "
        + "from \(low) to \(high)."
    case .unreadableFilterSetting(let text):
      "\"\(text)\" is no setting; give settings once each as in nlm:h=0.8,patch=2."
    case .undefinedValues(let count):
      "\(count) values of the image are not finite numbers; replace them before filtering."
    case .valuesTooLarge(let limit):
      "The image has values beyond \(limit), too large to filter; scale it first."
    case .degradationOutOfRange(let setting, let value):
      "A degradation's \(setting) of \(value) has no meaning; give a value within its range."
    }
  }
}
