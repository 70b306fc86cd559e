package import Support

/// What can be wrong with what a classical method is given.
package enum ClassicalSegmentationError: ClassifiedError, Equatable {
  /// There is no method of this name.
  case unknownMethod(name: String, known: [String])
  /// The method does not refine other labels.
  case cannotRefine(method: String, known: [String])
  /// The method needs seeds and was given none.
  case needsSeeds(method: String, automatic: String)
  /// The method takes no seeds and was given some.
  case takesNoSeeds(method: String)
  /// Seeds lie on another grid than the image.
  case seedsElsewhere(reason: String)
  /// The seeds have fewer labels than the method must tell apart.
  case tooFewSeeds(method: String, found: Int, needed: Int)
  /// The label that should mark the background is not among the seeds.
  case noBackgroundSeeds(label: Int, found: [Int])
  /// All values of the image are the same.
  case constantImage(value: Float)
  /// The image has fewer different values than classes were asked for.
  case tooFewValues(classes: Int)
  /// Values that are not finite.
  case undefinedValues(count: Int)
  /// Values too large to compute with.
  case valuesTooLarge(limit: Double)
  /// The image has more voxels than the method can number.
  case tooManyVoxels(count: Int, limit: Int)
  /// There are more labels than the method takes, or than label maps can number.
  case tooManyLabels(count: Int, limit: Int)

  /// The kind of the failure.
  package var failure: Failure {
    switch self {
    case .unknownMethod, .cannotRefine, .needsSeeds, .takesNoSeeds: .usage
    default: .damagedInput
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  package var description: String {
    switch self {
    case .unknownMethod(let name, let known):
      "There is no classical method \"\(name)\"; give one of \(known.joined(separator: ", "))."
    case .cannotRefine(let method, let known):
      "\(method) does not refine labels; give one of \(known.joined(separator: ", "))."
    case .needsSeeds(let method, let automatic):
      "\(method) needs seeds: give a label map on the scan's grid by --seeds FILE"
        + ", or \(method):\(automatic) for automatic ones."
    case .takesNoSeeds(let method): "\(method) takes no seeds; leave out --seeds."
    case .seedsElsewhere(let reason):
      "The seeds do not lie on the scan's grid (\(reason)); draw them on the scan itself."
    case .tooFewSeeds(let method, let found, let needed):
      "\(method) tells at least \(needed) kinds of seeds apart and found \(found); mark another "
        + "label, such as the background."
    case .noBackgroundSeeds(let label, let found):
      "No seed has the label \(label) that should mark the background; the seeds have "
        + "\(found.map(String.init).joined(separator: ", "))."
    case .constantImage(let value):
      "The image is \(value) everywhere, so that there is nothing to tell apart; check the scan."
    case .tooFewValues(let classes):
      "The image has too few different values for \(classes) classes; ask for fewer."
    case .undefinedValues(let count):
      "\(count) values of the image are not finite numbers; replace them before segmenting."
    case .valuesTooLarge(let limit):
      "The image has values beyond \(limit), too large to compute with; scale it first."
    case .tooManyVoxels(let count, let limit):
      "The image has \(count) voxels and the method takes at most \(limit); cut it or make it "
        + "coarser."
    case .tooManyLabels(let count, let limit):
      "There are \(count) labels and at most \(limit) are possible; ask for fewer."
    }
  }
}
