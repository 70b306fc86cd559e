import Imaging

/// A content item of a structured report (PS3.3 C.17.3): what the tree of a report is made of.
struct DICOMContent: Equatable, Sendable {
  /// How an item belongs to the one above.
  enum Relation: String, Sendable {
    case contains = "CONTAINS"
    case context = "HAS OBS CONTEXT"
    case modifier = "HAS CONCEPT MOD"
    case acquisition = "HAS ACQ CONTEXT"
    case selection = "SELECTED FROM"
  }

  /// The value of an item.
  enum Value: Equatable, Sendable {
    case container(template: String?)
    case text(String)
    case code(CodedConcept)
    case uid(String)
    /// A number and its unit; not finite when read where it could not be measured.
    case number(Double, unit: CodedConcept)
    /// An instance, and a frame or segment of it.
    case image(classUID: String, instanceUID: String, frame: Int?, segment: Int?)
    /// Points of an image, column and row of each, the first pixel from 0 to 1 (PS3.3 C.18.6).
    case points(kind: String, [Double])
  }

  /// Nil for the root.
  var relation: Relation?
  /// What the item is about; nil where the relation says enough, as for images of a library.
  var name: CodedConcept?
  /// What it says.
  var value: Value
  /// The items below.
  var children: [DICOMContent] = []

  /// An item without others below.
  /// - Parameters:
  ///   - relation: How it belongs to the one above.
  ///   - name: What it is about.
  ///   - value: What it says.
  /// - Returns: The item.
  static func item(_ relation: Relation, _ name: CodedConcept, _ value: Value) -> DICOMContent {
    DICOMContent(relation: relation, name: name, value: value)
  }

  /// Elements of content items.
  enum Tag {
    static let relation: UInt32 = 0x0040_A010
    static let valueType: UInt32 = 0x0040_A040
    static let name: UInt32 = 0x0040_A043
    static let continuity: UInt32 = 0x0040_A050
    static let uid: UInt32 = 0x0040_A124
    static let text: UInt32 = 0x0040_A160
    static let code: UInt32 = 0x0040_A168
    static let measured: UInt32 = 0x0040_A300
    static let number: UInt32 = 0x0040_A30A
    static let float: UInt32 = 0x0040_A161
    static let unit: UInt32 = 0x0040_08EA
    static let template: UInt32 = 0x0040_A504
    static let content: UInt32 = 0x0040_A730
    static let references: UInt32 = 0x0008_1199
    static let segment: UInt32 = 0x0062_000B
    static let graphicData: UInt32 = 0x0070_0022
    static let graphicType: UInt32 = 0x0070_0023
  }

  /// The item as a data set.
  var dataSet: DICOMDataSet {
    var item = DICOMDataSet()
    if let relation { item.set(Tag.relation, relation.rawValue) }
    if let name { item.set(Tag.name, items: [name.item]) }
    switch value {
    case .container(let template):
      item.set(Tag.valueType, "CONTAINER")
      item.set(Tag.continuity, "SEPARATE")
      if let template {
        var identification = DICOMDataSet()
        identification.set(0x0008_0105, "DCMR")
        identification.set(0x0040_DB00, template)
        item.set(Tag.template, items: [identification])
      }
    case .text(let text):
      item.set(Tag.valueType, "TEXT")
      item.set(Tag.text, text)
    case .code(let code):
      item.set(Tag.valueType, "CODE")
      item.set(Tag.code, items: [code.item])
    case .uid(let uid):
      item.set(Tag.valueType, "UIDREF")
      item.set(Tag.uid, uid)
    case .number(let number, let unit):
      item.set(Tag.valueType, "NUM")
      var measured = DICOMDataSet()
      let text = DICOMDataSet.decimalString(number)
      measured.set(Tag.number, text)
      // The decimal string has 16 characters; what it cannot hold is beside it.
      if Double(text) != number { measured.set(Tag.float, number: number) }
      measured.set(Tag.unit, items: [unit.item])
      item.set(Tag.measured, items: [measured])
    case .image(let classUID, let instanceUID, let frame, let segment):
      var reference = DICOMDataSet()
      reference.set(0x0008_1150, classUID)
      reference.set(0x0008_1155, instanceUID)
      if let frame { reference.set(0x0008_1160, "\(frame)") }
      if let segment { reference.set(Tag.segment, number: Double(segment)) }
      item.set(Tag.valueType, "IMAGE")
      item.set(Tag.references, items: [reference])
    case .points(let kind, let numbers):
      item.set(Tag.valueType, "SCOORD")
      item.set(Tag.graphicType, kind)
      item.set(Tag.graphicData, numbers: numbers, vr: "FL")
    }
    if !children.isEmpty { item.set(Tag.content, items: children.map(\.dataSet)) }
    return item
  }
}

extension DICOMContent {
  /// Trees deeper than this are cut; reports of templates are at most ten deep.
  private static let maximumDepth = 32

  /// Reads an item and those below; items of other kinds are left out.
  init?(_ item: DICOMItem, depth: Int = 0) {
    relation = item.text(Tag.relation).flatMap(Relation.init)
    name = CodedConcept(item.item(Tag.name))
    switch item.text(Tag.valueType) {
    case "CONTAINER":
      value = .container(template: item.item(Tag.template)?.text(0x0040_DB00))
    case "TEXT": value = .text(item.texts(Tag.text).first ?? "")
    case "CODE":
      guard let code = CodedConcept(item.item(Tag.code)) else { return nil }
      value = .code(code)
    case "UIDREF": value = .uid(item.text(Tag.uid) ?? "")
    case "NUM":
      let measured = item.item(Tag.measured)
      let none = CodedConcept(value: "1", scheme: "UCUM", meaning: "no units")
      value = .number(
        measured?.number(Tag.float) ?? measured?.number(Tag.number) ?? .nan,
        unit: CodedConcept(measured?.item(Tag.unit)) ?? none
      )
    case "IMAGE":
      let reference = item.item(Tag.references)
      value = .image(
        classUID: reference?.text(0x0008_1150) ?? "",
        instanceUID: reference?.text(0x0008_1155) ?? "",
        frame: reference?.number(0x0008_1160).flatMap { Int(exactly: $0) },
        segment: reference?.number(Tag.segment).flatMap { Int(exactly: $0) }
      )
    case "SCOORD":
      value = .points(
        kind: item.text(Tag.graphicType) ?? "",
        item.numbers(Tag.graphicData) ?? []
      )
    default: return nil
    }
    guard depth < Self.maximumDepth else { return }
    children = item.items(Tag.content).compactMap { DICOMContent($0, depth: depth + 1) }
  }

  /// The first item below that is about a concept.
  func first(_ code: CodedConcept) -> DICOMContent? { all(code).first }

  /// The items below that are about a concept.
  func all(_ code: CodedConcept) -> [DICOMContent] {
    children.filter { $0.name?.value == code.value && $0.name?.scheme == code.scheme }
  }
}

/// Concepts of PS3.16 TID 1500 and the templates that it includes.
enum ReportConcept {
  private static func dcm(_ value: String, _ meaning: String) -> CodedConcept {
    CodedConcept(value: value, scheme: "DCM", meaning: meaning)
  }

  static let report = dcm("126000", "Imaging Measurement Report")
  static let language = dcm("121049", "Language of Content Item and Descendants")
  static let observerType = dcm("121005", "Observer Type")
  static let device = dcm("121007", "Device")
  static let deviceUID = dcm("121012", "Device Observer UID")
  static let deviceName = dcm("121013", "Device Observer Name")
  static let deviceManufacturer = dcm("121014", "Device Observer Manufacturer")
  static let deviceModel = dcm("121015", "Device Observer Model Name")
  static let procedure = dcm("121058", "Procedure reported")
  static let library = dcm("111028", "Image Library")
  static let libraryGroup = dcm("126200", "Image Library Group")
  static let modality = dcm("121139", "Modality")
  static let measurements = dcm("126010", "Imaging Measurements")
  static let group = dcm("125007", "Measurement Group")
  static let trackingID = dcm("112039", "Tracking Identifier")
  static let trackingUID = dcm("112040", "Tracking Unique Identifier")
  static let finding = dcm("121071", "Finding")
  static let segment = dcm("121191", "Referenced Segment")
  static let sourceSeries = dcm("121232", "Source series for segmentation")
  static let sourceImage = dcm("121112", "Source of Measurement")
  static let derivation = dcm("121401", "Derivation")
  static let algorithmName = dcm("111001", "Algorithm Name")
  static let algorithmVersion = dcm("111003", "Algorithm Version")
  static let algorithmParameters = dcm("111002", "Algorithm Parameters")
  static let comment = dcm("121106", "Comment")
  static let region = dcm("111030", "Image Region")
  static let certainty = dcm("111013", "Certainty of Finding")
  static let score = CodedConcept(value: "{0:1}", scheme: "UCUM", meaning: "range: 0:1")
  static let method = CodedConcept(
    value: "370129005",
    scheme: "SCT",
    meaning: "Measurement Method"
  )
  static let english = CodedConcept(
    value: "en-US",
    scheme: "RFC5646",
    meaning: "English (United States)"
  )

  /// A modality as a code (PS3.16 CID 29), and the procedure that it stands for.
  static func modality(_ modality: String?) -> (code: CodedConcept?, procedure: CodedConcept) {
    func procedure(_ value: String, _ meaning: String) -> CodedConcept {
      CodedConcept(value: value, scheme: "SCT", meaning: meaning)
    }
    switch modality {
    case "CT":
      return (dcm("CT", "Computed Tomography"), procedure("77477000", "Computed tomography"))
    case "MR":
      return (
        dcm("MR", "Magnetic Resonance"), procedure("113091000", "Magnetic resonance imaging")
      )
    case "PT":
      return (
        dcm("PT", "Positron emission tomography"),
        procedure("82918005", "Positron emission tomography")
      )
    default:
      let code = modality.map { dcm(DICOMDerivedObject.text($0, limit: 16), $0) }
      return (code, procedure("363679005", "Imaging procedure"))
    }
  }
}
