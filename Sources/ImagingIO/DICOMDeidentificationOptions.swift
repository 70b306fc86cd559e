/// What a de-identification keeps beyond the basic profile.
package struct DICOMDeidentificationOptions: Equatable, Sendable {
  /// What happens to dates and date-times.
  package enum Dates: String, CaseIterable, Codable, Sendable {
    /// Emptied, removed or replaced by a fixed date, as the basic profile says.
    case removed
    /// All of one patient moved by the same number of days; times of day stay.
    case shifted
  }

  /// Options of PS3.15 E.3 that keep something.
  package enum Retention: String, CaseIterable, Codable, Sendable {
    /// Sex, age, size, weight and the like; ages above 89 years become 90.
    case characteristics
    /// Identity of the device: station name, serial numbers, device UID.
    case device
    /// Name, address and department of the institution.
    case institution
    /// Study, series and protocol descriptions of which every word is a known technical term.
    case descriptors
  }

  /// What happens to dates and date-times.
  package var dates = Dates.removed
  /// What is kept.
  package var kept: Set<Retention> = []
  /// The name and identifier of the only patient, or nil for pseudonyms.
  package var subject: String?
  /// Whether objects that may show identity in pixels or free text are written all the same.
  package var allowsFlagged = false

  /// The basic profile without options.
  package init() {}

  /// The codes of context group 7050 for what is done (PS3.16).
  package var codes: [(value: String, meaning: String)] {
    var codes = [("113100", "Basic Application Confidentiality Profile")]
    if kept.contains(.descriptors) { codes.append(("113105", "Clean Descriptors Option")) }
    if dates == .shifted {
      codes.append(
        ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
      )
    }
    if kept.contains(.characteristics) {
      codes.append(("113108", "Retain Patient Characteristics Option"))
    }
    if kept.contains(.device) { codes.append(("113109", "Retain Device Identity Option")) }
    if kept.contains(.institution) {
      codes.append(("113112", "Retain Institution Identity Option"))
    }
    return codes
  }
}
