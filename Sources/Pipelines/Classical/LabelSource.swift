internal import ClassicalSegmentation
import Support

/// What a run must know of what finds its labels: models, a classical method, or atlases.
struct LabelSource: Sendable {
  /// What the record says; at least one.
  let records: [RunRecord.Model]
  /// Channels of a scan.
  let channels: Int
  /// What kind of image is read.
  let kind: ScanKind
  /// What the labels count; nil where they are structures.
  let objectName: String?
  /// Volumes that are reported beside those of the structures.
  let totals: [ModelDescription.Total]
  /// What removes unlikely pieces on request; nil keeps the largest component of each structure.
  let postprocessing: NNUNetPostprocessing?
  /// Whether small pieces are cleared by the predictor.
  let clearsPieces: Bool

  /// Models whose probabilities are averaged.
  /// - Precondition: There is a model.
  init(_ models: [ModelPackage]) {
    let description = models[0].description
    records = models.map(\.record)
    channels = description.channels.count
    kind = description.plan.scanKind
    objectName = description.plan.findsObjects ? description.labels.first?.name : nil
    totals = description.totals ?? []
    postprocessing = models.count == 1 ? description.postprocessing : nil
    // TotalSegmentator clears small pieces before its labels come back onto the scan's grid.
    clearsPieces = description.totalSegmentator != nil
  }

  /// A classical method.
  init(_ method: any ClassicalMethod, isSeeded: Bool) {
    records = [
      RunRecord.Model(
        name: type(of: method).name,
        version: Version.current,
        path: "",
        weightsSHA256: "",
        plan: "\(method.text) (\(type(of: method).paper))"
      )
    ]
    channels = 1
    kind = .scanOrPicture
    objectName = type(of: method).objectName(isSeeded: isSeeded)
    totals = []
    postprocessing = nil
    clearsPieces = false
  }

  /// Labelled scans that are laid over a scan.
  /// - Throws: `SupportError` when a file cannot be read.
  init(_ atlases: RegisteredAtlases) throws {
    records = [try atlases.record()]
    channels = 1
    kind = .scan
    objectName = nil
    totals = []
    postprocessing = nil
    clearsPieces = false
  }
}

extension RunRecord.Model {
  /// What two runs share when the same thing found their labels: the weights, or a method's settings.
  var identity: String { weightsSHA256.isEmpty ? plan : weightsSHA256 }
}

extension ClassicalMethod {
  /// What the record of a run says of the method.
  var record: StageRecord {
    StageRecord(name: Self.name, summary: "\(text) (\(Self.paper))")
  }
}
