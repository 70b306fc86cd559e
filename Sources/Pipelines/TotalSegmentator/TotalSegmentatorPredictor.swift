import Imaging
import ImagingIO
import Support

/// Segments scans as TotalSegmentator does around its nnU-Net models.
///
/// The scan is turned to right, anterior, superior and resampled, every part predicts on that grid,
/// later parts draw over earlier ones, and labels go back by the nearest neighbour. Where the task
/// crops, another model finds the region first; a scan without it gets no labels.
package struct TotalSegmentatorPredictor: ScanPredictor {
  /// One of the task's models.
  package struct Part: Sendable {
    /// The way from the prepared scan to the model's labels.
    package var predictor: any ScanPredictor
    /// The task's label for each of the model's, background first.
    package var numbers: [UInt16]

    package init(predictor: any ScanPredictor, numbers: [UInt16]) {
      self.predictor = predictor
      self.numbers = numbers
    }
  }

  private let task: TotalSegmentatorTask
  private let parts: [Part]
  /// Parts that none of the wanted structures needs.
  private let idleCount: Int
  private let finder: (any ScanPredictor)?
  private let clearsSmallPieces: Bool

  /// Creates a predictor.
  /// - Parameters:
  ///   - task: What is done around the models.
  ///   - parts: Its models, in the order in which their labels are drawn.
  ///   - finder: What finds the structures of the task's `crop`, on the scan's grid; nil leaves the
  ///     scan whole.
  ///   - clearsSmallPieces: Whether pieces up to 0.2 ml are cleared (`--remove_small_blobs`).
  ///   - structures: Names of the structures that are wanted, nil for all: parts that know none of
  ///     them do not run (`--roi_subset`), so that they draw over nothing either.
  package init(
    task: TotalSegmentatorTask,
    parts: [Part],
    finder: (any ScanPredictor)? = nil,
    clearsSmallPieces: Bool = false,
    structures: [String]? = nil
  ) {
    self.task = task
    let wanted = structures.map { names in
      Set(task.definitions.filter { names.contains($0.name) }.map { UInt16($0.id) })
    }
    self.parts = parts.filter { part in
      wanted.map { !$0.isDisjoint(with: part.numbers) } ?? true
    }
    idleCount = parts.count - self.parts.count
    self.finder = finder
    self.clearsSmallPieces = clearsSmallPieces
  }

  package func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    guard outputs.probabilities == nil else {
      throw PipelinesError.unavailableOutput("probabilities")
    }
    let geometry = scan.geometry
    var box: VoxelBox?
    var found: LabelMap?
    if let crop = task.crop, let finder {
      let labels = try finder.predict(
        scan,
        outputs: PredictionOutputs(),
        progress: progress,
        interruption: interruption
      )
      box = TotalSegmentatorGrid.box(
        around: mask(of: crop.structures, in: labels),
        marginMM: crop.marginMM,
        in: geometry
      )
      guard box != nil else {
        progress.note("The region that \(task.name) looks at was not found; no labels.")
        return LabelMap(
          geometry: geometry,
          labels: [UInt16](repeating: 0, count: geometry.voxelCount),
          table: task.definitions
        )
      }
      found = labels
    }
    let grid = try TotalSegmentatorGrid(geometry, box: box, spacing: task.spacing)
    let prepared = ScanChannels([grid.prepared(scan.volumes[0])])
    var labels = [UInt16](repeating: 0, count: grid.geometry.voxelCount)
    if idleCount > 0 {
      progress.note(
        "\(idleCount) of \(idleCount + parts.count) models do not run: none of the structures asked "
          + "for is theirs."
      )
    }
    for part in parts {
      try interruption.check()
      let own = try part.predictor.predict(
        prepared,
        outputs: PredictionOutputs(),
        progress: progress,
        interruption: interruption
      )
      for (index, label) in own.labels.enumerated() where Int(label) < part.numbers.count {
        let number = part.numbers[Int(label)]
        if number != 0 { labels[index] = number }
      }
    }
    try interruption.check()
    let cleaning = TotalSegmentatorCleaning(geometry: grid.geometry)
    switch task.cleaning {
    case .none: break
    case .body: cleaning.cleanBody(&labels)
    case .vertebrae: cleaning.cleanVertebrae(&labels, structures: task.structures)
    }
    if clearsSmallPieces { cleaning.clearSmallPieces(&labels) }
    var restored = grid.restored(labels)
    if let outside = task.outside, let found {
      let mean = (0..<3).reduce(Float(0)) { $0 + Float(geometry.spacing[$1]) } / 3
      TotalSegmentatorCleaning(geometry: geometry).clearOutside(
        &restored,
        of: mask(of: outside.structures, in: found),
        steps: Int(outside.distanceMM / Double(mean))
      )
    }
    return LabelMap(geometry: geometry, labels: restored, table: task.definitions)
  }

  /// The voxels of some structures of the cropping model.
  private func mask(of structures: [String], in labels: LabelMap) -> [Bool] {
    let names = task.crop?.task?.structures ?? []
    let wanted = Set(
      structures.compactMap { name in names.firstIndex(of: name).map { UInt16($0 + 1) } }
    )
    return labels.labels.map { wanted.contains($0) }
  }
}
