import Foundation

/// What the header of a PET image says about standardised uptake values by body weight.
///
/// The factor follows the vendor-neutral calculation that QIBA describes (Quantitative Imaging
/// Biomarkers Alliance, FDG-PET/CT profile, SUV computation): values in Bq/ml times weight in g,
/// divided by the dose that is left at the start of the scan. Philips gives the factor, or the one
/// to Bq/ml, in private elements where the unit is counts.
struct DICOMUptake: Equatable, Sendable {
  /// Why the factor is not known.
  enum Missing: Error, Equatable, Sendable {
    case notPET
    case unit(String)
    case correction(String)
    case element(String)

    /// In words, without a subject.
    var words: String {
      switch self {
      case .notPET: "it is not PET"
      case .unit(let unit): "the unit is \(unit)"
      case .correction(let correction): "decay is corrected to \(correction)"
      case .element(let name): "\(name) is missing or impossible"
      }
    }
  }

  /// SUV for one unit of the image's values.
  let bodyWeightFactor: Result<Double, Missing>

  /// The header's facts.
  struct Facts: Equatable, Sendable {
    var unit: String?
    var correctedImage: [String] = []
    /// START, ADMIN or NONE.
    var decayCorrection: String?
    var weightKG: Double?
    var doseBq: Double?
    var halfLifeSeconds: Double?
    /// Seconds since 1970 of administration.
    var injection: Double?
    var series: Double?
    var acquisition: Double?
    /// Frame Reference Time and Actual Frame Duration, seconds.
    var frameReference: Double?
    var frameDuration: Double?
    /// GE's private start of the scan.
    var privateScan: Double?
    /// Philips' private factors: to SUV, and to Bq/ml.
    var philipsUptake: Double?
    var philipsActivity: Double?
  }

  /// Reads the facts of a header and computes the factor.
  init(_ root: DICOMItem) { bodyWeightFactor = Self.factor(Facts(root)) }

  /// The factor of facts, or what is missing.
  static func factor(_ facts: Facts) -> Result<Double, Missing> {
    do throws(Missing) { return .success(try compute(facts)) } catch { return .failure(error) }
  }

  private static func compute(_ facts: Facts) throws(Missing) -> Double {
    func positive(_ value: Double?, _ name: String) throws(Missing) -> Double {
      guard let value, value > 0, value.isFinite else { throw .element(name) }
      return value
    }
    var toActivity = 1.0
    switch facts.unit {
    case "GML": return 1
    case "BQML": break
    case "CNTS":
      if let factor = facts.philipsUptake, factor > 0 { return factor }
      guard let factor = facts.philipsActivity, factor > 0 else { throw .unit("counts") }
      toActivity = factor
    case let unit: throw .unit(unit ?? "not stated")
    }
    let isAttenuated = facts.correctedImage.contains("ATTN")
    let isDecayed = facts.correctedImage.contains { $0 == "DECY" || $0 == "DECAY" }
    guard isAttenuated, isDecayed else {
      throw .element("correction for attenuation and decay (Corrected Image)")
    }
    let weight = try positive(facts.weightKG, "Patient's Weight")
    let dose = try positive(facts.doseBq, "Radionuclide Total Dose")
    switch facts.decayCorrection {
    case "ADMIN": return toActivity * weight * 1000 / dose
    case "START": break
    case let correction: throw .correction(correction ?? "an unknown time")
    }
    let halfLife = try positive(facts.halfLifeSeconds, "Radionuclide Half Life")
    let scan = try scanStart(facts, halfLife: halfLife)
    guard let injection = facts.injection else {
      throw .element("Radiopharmaceutical Start Time")
    }
    let elapsed = scan - injection
    // Half a day covers every protocol; more, or less than nothing, is a wrong date.
    guard (0...43200 * 2).contains(elapsed) else { throw .element("a time between dose and scan") }
    let left = dose * exp2(-elapsed / halfLife)
    return try positive(toActivity * weight * 1000 / left, "a dose that is left at the scan")
  }

  /// The time to which decay is corrected.
  private static func scanStart(_ facts: Facts, halfLife: Double) throws(Missing) -> Double {
    guard let acquisition = facts.acquisition else { throw .element("Acquisition Time") }
    if let series = facts.series, series <= acquisition { return series }
    // The series was made later by postprocessing.
    if let scan = facts.privateScan { return scan }
    guard let reference = facts.frameReference, let duration = facts.frameDuration, duration > 0
    else { throw .element("a Series Time before acquisition") }
    let decay = Foundation.log(2) / halfLife
    let activity = decay * duration
    let average = Foundation.log(activity / (1 - exp(-activity))) / decay
    return acquisition - reference + average
  }

  /// What users of the plain values should know.
  static func note(_ missing: Missing?) -> InputProblem {
    guard let missing else {
      return InputProblem(
        code: "suv-possible",
        message: "PET values are as stored; the header allows standardised uptake values.",
        remedy: "Ask for SUV where the model expects it."
      )
    }
    return InputProblem(
      code: "suv-impossible",
      message: "PET values are as stored and cannot become standardised uptake values: "
        + "\(missing.words).",
      remedy: "Export the series with what is missing if the model expects SUV."
    )
  }
}

extension DICOMUptake.Facts {
  /// Reads the facts of a header (PS3.3 C.8.9.1, C.8.9.2).
  init(_ root: DICOMItem) {
    unit = root.text(0x0054_1001)
    correctedImage = root.texts(0x0028_0051)
    decayCorrection = root.text(0x0054_1102)
    weightKG = root.number(0x0010_1030)
    let seriesDate = root.text(DICOMTag.seriesDate)
    series = DICOMTime.seconds(date: seriesDate, time: root.text(DICOMTag.seriesTime))
    acquisition =
      DICOMTime.seconds(
        date: root.text(DICOMTag.acquisitionDate) ?? seriesDate,
        time: root.text(DICOMTag.acquisitionTime)
      ) ?? DICOMTime.seconds(dateTime: root.text(DICOMTag.acquisitionDateTime))
    frameReference = root.number(DICOMTag.frameReferenceTime).map { $0 / 1000 }
    frameDuration = root.number(DICOMTag.frameDuration).map { $0 / 1000 }
    if let drug = root.item(0x0054_0016) {
      doseBq = drug.number(0x0018_1074)
      halfLifeSeconds = drug.number(0x0018_1075)
      injection = DICOMTime.seconds(dateTime: drug.text(0x0018_1078))
      if injection == nil, let time = drug.text(0x0018_1072) {
        let scanDate = root.text(DICOMTag.acquisitionDate) ?? seriesDate
        injection = DICOMTime.seconds(date: scanDate, time: time)
        // A dose before midnight, a scan after it.
        if let given = injection, let acquisition, given > acquisition { injection = given - 86400 }
      }
    }
    if let tag = DICOMPrivate.tag(root, group: 0x9, creator: "GEMS_PETD_01", element: 0x0D) {
      privateScan = DICOMTime.seconds(dateTime: root.text(tag))
    }
    let philips = "Philips PET Private Group"
    philipsUptake =
      DICOMPrivate.numbers(root, group: 0x7053, creator: philips, element: 0x00)?.first
    philipsActivity =
      DICOMPrivate.numbers(root, group: 0x7053, creator: philips, element: 0x09)?.first
  }
}
