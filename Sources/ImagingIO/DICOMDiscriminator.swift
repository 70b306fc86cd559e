/// What may tell images of one place apart, in the order in which it is tried.
enum DICOMDiscriminator: Int, CaseIterable, Sendable {
  case stack, imageType, kernel, kilovolts, echoTime, inversionTime, flipAngle, repetitionTime
  case energyWindow, detector, sliceThickness
  case diffusionBValue, gradient, temporalPosition, cardiacPhase, triggerTime, frameReferenceTime
  case acquisitionNumber, acquisitionTime, dimension, frameNumber

  /// Whether images that differ in it are points of one 4-D volume, not volumes of their own.
  ///
  /// Acquisitions of CT are phases of contrast and stay apart; those of other modalities repeat
  /// one image in time.
  func isSeriesOfPoints(modality: String?) -> Bool {
    switch self {
    case .diffusionBValue, .gradient, .temporalPosition, .cardiacPhase, .triggerTime,
      .frameReferenceTime, .frameNumber:
      true
    case .acquisitionNumber, .acquisitionTime: modality != "CT"
    default: false
    }
  }

  /// Whether its values differ from slice to slice within one pass, so that their rank at each
  /// place counts and not their value.
  var mayBeRanked: Bool {
    switch self {
    case .triggerTime, .frameReferenceTime, .acquisitionTime, .acquisitionNumber: true
    default: false
    }
  }

  /// Whether images without a value form a group of their own, as those without diffusion do.
  var allowsNone: Bool { self == .gradient || self == .diffusionBValue }

  /// What it is called.
  var name: String {
    switch self {
    case .stack: "stack"
    case .imageType: "image type"
    case .kernel: "reconstruction kernel"
    case .kilovolts: "tube voltage"
    case .echoTime: "echo time"
    case .inversionTime: "inversion time"
    case .flipAngle: "flip angle"
    case .repetitionTime: "repetition time"
    case .energyWindow: "energy window"
    case .detector: "detector"
    case .sliceThickness: "slice thickness"
    case .diffusionBValue: "b-value"
    case .gradient: "gradient direction"
    case .temporalPosition: "temporal position"
    case .cardiacPhase: "cardiac phase"
    case .triggerTime: "trigger time"
    case .frameReferenceTime: "frame reference time"
    case .acquisitionNumber: "acquisition"
    case .acquisitionTime: "acquisition time"
    case .dimension: "dimension index"
    case .frameNumber: "frame"
    }
  }

  private var unit: String {
    switch self {
    case .kilovolts: " kV"
    case .echoTime, .inversionTime, .repetitionTime, .triggerTime, .frameReferenceTime: " ms"
    case .flipAngle: " degrees"
    case .sliceThickness: " mm"
    case .diffusionBValue: " s/mm2"
    case .cardiacPhase: " %"
    case .acquisitionTime: " s"
    default: ""
    }
  }

  /// A value in words.
  func words(_ fact: DICOMFact?) -> String {
    switch fact {
    case .none: "no \(name)"
    case .number(let value): "\(name) \(value)\(unit)"
    case .text(let text): "\(name) \(text.prefix(64))"
    }
  }
}

/// The value of a discriminator.
enum DICOMFact: Hashable, Comparable, Sendable {
  case number(Double)
  case text(String)

  /// A finite number, or nothing.
  static func maybe(_ value: Double?) -> DICOMFact? {
    guard let value, value.isFinite else { return nil }
    return .number(value)
  }

  /// Text, or nothing.
  static func maybe(_ value: String?) -> DICOMFact? {
    guard let value, !value.isEmpty else { return nil }
    return .text(value)
  }
}

/// The kinds of images that never share a volume: originals, localisers, what was derived, and the
/// components of complex images.
struct DICOMImageKind: Hashable, Comparable, Sendable {
  /// In words, such as "phase images"; empty for ordinary original images.
  var words: String

  /// Ordinary original images.
  static let plain = DICOMImageKind(words: "")

  static func < (a: Self, b: Self) -> Bool { a.words < b.words }

  /// The kind that Image Type (or Frame Type) and Complex Image Component tell (PS3.3 C.7.6.1.1.2,
  /// C.8.3.1.1.1, C.8.13.3.1.1).
  init(imageType: [String], complexComponent: String?, modality: String?) {
    let values = imageType.map { $0.uppercased() }
    let flavours = Set(values.dropFirst(2))
    if flavours.contains("LOCALIZER") {
      words = "localiser images"
      return
    }
    var parts: [String] = []
    let components: [(name: String, marks: Set<String>)] = [
      ("phase", ["P", "PHASE", "PHASE MAP", "VELOCITY MAP", "PHASE CONTRAST", "P_FFE", "P_SE"]),
      ("real", ["R", "REAL", "R_FFE", "R_SE", "R_IR"]),
      ("imaginary", ["I", "IMAGINARY", "I_FFE", "I_SE"]),
    ]
    let stated = complexComponent.map { [$0.uppercased()] }.flatMap { $0 == ["MIXED"] ? nil : $0 }
    // The third value of MR images by Siemens and Philips; other values say it by name alone.
    let marks = stated.map(Set.init) ?? flavours
    if modality == "MR",
      let component = components.first(where: { !$0.marks.isDisjoint(with: marks) })
    {
      parts.append(component.name)
    }
    if values.first == "DERIVED" { parts.append("derived") }
    let maps = [
      "ADC", "FA", "TRACEW", "MPR", "PROJECTION IMAGE", "MIP", "MIN IP", "MEAN", "RESAMPLED",
    ]
    if let map = maps.first(where: flavours.contains) { parts.append(map) }
    words = parts.isEmpty ? "" : parts.joined(separator: " ") + " images"
  }

  private init(words: String) { self.words = words }
}
