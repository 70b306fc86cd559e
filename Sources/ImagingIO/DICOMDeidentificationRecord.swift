/// What was done with one object: tags, counts and new identifiers, never an original value.
package struct DICOMDeidentificationRecord: Equatable, Sendable {
  /// What happened to an element.
  package enum Change: String, CaseIterable, Comparable, Codable, Sendable {
    case removed, emptied, replaced, uidMapped, shifted, kept, cleaned

    /// In the order of their words.
    package static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
  }

  /// An element and what happened to it, at any depth.
  package struct Step: Hashable, Comparable, Sendable {
    /// Group * 65536 + element.
    package var tag: UInt32
    /// What happened.
    package var change: Change

    /// By tag.
    package static func < (one: Self, other: Self) -> Bool {
      (one.tag, one.change) < (other.tag, other.change)
    }
  }

  /// Why an object may show identity although its elements are clean.
  package struct Flag: Equatable, Hashable, Codable, Sendable {
    /// A stable word.
    package var code: String
    /// One sentence without values of the object.
    package var message: String
  }

  /// How often each element was changed.
  package internal(set) var steps: [Step: Int] = [:]
  /// What to look at.
  package internal(set) var flags: [Flag] = []
  /// Tells patients apart: a digest under the key.
  package internal(set) var patientDigest = ""
  /// The patient's new name and identifier.
  package internal(set) var pseudonym = ""
  /// Digests under the key of study, series and instance.
  package internal(set) var studyDigest = ""
  package internal(set) var seriesDigest = ""
  package internal(set) var instanceDigest = ""
  /// Whether the flags keep the object from being written.
  package internal(set) var isWithheld = false

  /// The number of elements with a change.
  package func count(_ change: Change) -> Int {
    steps.reduce(0) { $0 + ($1.key.change == change ? $1.value : 0) }
  }

  mutating func note(_ tag: UInt32, _ change: Change) {
    steps[Step(tag: tag, change: change), default: 0] += 1
  }
}

/// What became of a file.
package enum DICOMDeidentificationOutcome: Sendable {
  /// It was written.
  case written(DICOMDeidentificationRecord)
  /// It may show identity and was not written.
  case withheld(DICOMDeidentificationRecord)
  /// It is no DICOM object, and nothing of it was written.
  case foreign
  /// It is a directory of other files (DICOMDIR), which would name them.
  case directory
  /// It breaks off or contradicts itself, so that not all of it could be cleaned.
  case damaged
  /// Its transfer syntax cannot be written as it was read.
  case unsupported
}
