import Imaging

/// Coded concepts as items of code sequences (PS3.3 section 8.8), and the codes that Lamina uses.
enum DICOMCode {
  /// What segments are when nothing more is known (CID 7150 and 7151).
  static let tissue = CodedConcept(value: "85756007", scheme: "SCT", meaning: "Tissue")
  /// Organs, vessels, bones and the like (CID 7150).
  static let anatomicalStructure = CodedConcept(
    value: "123037004",
    scheme: "SCT",
    meaning: "Anatomical Structure"
  )
  /// Tumours, cysts, oedema and the like (CID 7150).
  static let alteredStructure = CodedConcept(
    value: "49755003",
    scheme: "SCT",
    meaning: "Morphologically Altered Structure"
  )
  /// What is none of the segments (label maps only).
  static let background = CodedConcept(value: "125040", scheme: "DCM", meaning: "Background")
  /// The derivation of a segmentation (CID 7203).
  static let segmentation = CodedConcept(value: "113076", scheme: "DCM", meaning: "Segmentation")
  /// Why a segmentation refers to an image (CID 7202).
  static let sourceImage = CodedConcept(
    value: "121322",
    scheme: "DCM",
    meaning: "Source image for image processing operation"
  )
  /// Families of algorithms (CID 7162).
  static let artificialIntelligence = CodedConcept(
    value: "123110",
    scheme: "DCM",
    meaning: "Artificial Intelligence"
  )

  /// SNOMED CT's morphologically altered structures among the usual labels of segmentations.
  private static let altered: Set<String> = [
    "108369006", "86049000", "14799000", "52988006", "4147007", "27925004", "367643001",
    "79654002", "6574001", "367651003", "55641003", "416939005", "41699000", "125262002",
    "34823008", "50960005", "35917007", "370521001", "54867000", "397022008", "47375003",
    "85659009", "3898006", "1240414004", "49755003",
  ]

  /// The category of a structure's code.
  static func category(of code: CodedConcept) -> CodedConcept {
    code.scheme == "SCT" && altered.contains(code.value) ? alteredStructure : anatomicalStructure
  }
}

extension CodedConcept {
  /// The concept as an item of a code sequence.
  ///
  /// Code Value takes 16 characters; longer ones are Long Code Values.
  var item: DICOMDataSet {
    var item = DICOMDataSet()
    item.set(value.utf8.count <= 16 ? 0x0008_0100 : 0x0008_0119, value)
    item.set(0x0008_0102, DICOMDerivedObject.text(scheme, limit: 16))
    item.set(0x0008_0104, DICOMDerivedObject.text(meaning, limit: 64))
    return item
  }

  /// The concept of an item of a code sequence, or nil without a value and a scheme.
  init?(_ item: DICOMItem?) {
    guard let item, let scheme = item.text(0x0008_0102),
      let value = item.text(0x0008_0100) ?? item.text(0x0008_0119)
    else { return nil }
    self.init(value: value, scheme: scheme, meaning: item.text(0x0008_0104) ?? "")
  }
}
