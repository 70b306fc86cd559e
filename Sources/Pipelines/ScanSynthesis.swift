import Imaging
import Support
import Transforms

/// Scans that are made from label maps, with the labels that they show.
///
/// The generator is the one of trainings from label maps (``LabelSynthesis``). Of one number and seed
/// all contrasts show the same head, equally deformed; `t1` and `t2` share bias field and texture too.
public struct ScanSynthesis: Sendable {
  /// Which intensities tissues get.
  public enum Contrast: String, Codable, Sendable, CaseIterable {
    /// Any, or those of T1-weighted scans.
    case random
    /// Those of T1-weighted scans, where the table knows them.
    case t1
    /// The same inverted in the brain and its fluid, which is near T2-weighting: bright fluid, dark white
    /// matter.
    case t2
  }

  /// One scan.
  public struct MadeScan: Sendable {
    /// The label map's name and the scan's number among those of that map.
    public let id: String
    /// Its contrast.
    public let contrast: Contrast
    /// The scan, axes to right, anterior, superior.
    public let scan: Volume<Float>
    /// What it shows, by the numbers that networks learn.
    public let labelMap: LabelMap
  }

  private let dataset: SegmentationDataset
  private let contrasts: [Contrast]
  private let isVaried: Bool

  /// Chooses what is made.
  /// - Parameters:
  ///   - dataset: Label maps with a table of synthesis.
  ///   - contrasts: Which contrasts each head is made in, at least one.
  ///   - isVaried: With noise, lost resolution, stripped skulls and cut fields of view, as in trainings;
  ///     else whole heads without noise, at the maps' resolution.
  public init(
    _ dataset: SegmentationDataset,
    contrasts: [Contrast] = [.random],
    isVaried: Bool = false
  ) {
    precondition(!contrasts.isEmpty, "no contrast")
    (self.dataset, self.contrasts, self.isVaried) = (dataset, contrasts, isVaried)
  }

  /// Makes scans; they take turns at the maps, and each depends on its number and the seed alone.
  /// - Parameters:
  ///   - count: How many heads.
  ///   - seed: Seed of every random choice.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  ///   - take: Is given every scan, one at a time.
  /// - Throws: `PipelinesError.notADataset` without a table of synthesis, `.faultyDataset` for maps that
  ///   cannot be read; `SupportError.interrupted`; what `take` throws.
  public func make(
    _ count: Int,
    seed: UInt64,
    progress: any ProgressReporter,
    interruption: Interruption,
    take: (MadeScan) throws -> Void
  ) throws {
    guard let table = dataset.synthesis else {
      throw PipelinesError.notADataset(
        path: dataset.path,
        reason: "its description has no table \"synthesis\""
      )
    }
    let reader = SynthesisMaps(
      recipe: SynthesisRecipe(table: table, settings: SynthesisSettings()),
      labels: dataset.labels
    )
    let (maps, faults) = try reader.read(
      Array(dataset.cases.prefix(count)),
      progress: progress,
      interruption: interruption
    )
    guard faults.isEmpty else {
      throw PipelinesError.faultyDataset(path: dataset.path, faults: faults)
    }
    let stream = RandomStream(seed: seed).split(0x636C_6561)
    progress.begin("making \(count) scans", total: count)
    defer { progress.end() }
    for number in 0..<count {
      let entry = maps[number % maps.count]
      for contrast in contrasts {
        try interruption.check()
        let synthesis = LabelSynthesis(
          table: table,
          settings: .making(contrast, isVaried: isVaried),
          patchSize: entry.geometry.size,
          spacing: entry.geometry.spacing
        )
        // The shape is drawn first, so that it does not depend on the contrast.
        var random = stream.split(number)
        var parameters = synthesis.draw(from: entry.map, using: &random)
        if !isVaried {
          // Air that is drawn with noise of its own.
          for (place, entry) in table.entries.enumerated() where entry.location == .background {
            parameters.deviations[place] = 0
          }
        }
        let (values, classes) = synthesis.sample(entry.map, parameters)
        try take(
          MadeScan(
            id: "\(entry.id)-\(number / maps.count + 1)",
            contrast: contrast,
            scan: Volume(geometry: entry.geometry, voxels: values),
            labelMap: LabelMap(
              geometry: entry.geometry,
              labels: classes.map { $0 == 0 ? 0 : UInt16(dataset.labels[Int($0) - 1].id) },
              table: dataset.labels
            )
          )
        )
      }
      progress.update(number + 1, detail: nil)
    }
  }
}

extension SynthesisSettings {
  /// The settings of a contrast.
  fileprivate static func making(
    _ contrast: ScanSynthesis.Contrast,
    isVaried: Bool
  ) -> SynthesisSettings {
    var settings = SynthesisSettings()
    settings.elsewhereProbability = 0
    if !isVaried {
      settings.translationMM = 5
      // Of 255: tissue that is not quite uniform.
      (settings.deviationLimit, settings.t1DeviationLimit) = (3, 3)
      settings.t1Probability = 0.5
      settings.strippingProbability = 0.2
      settings.fullResolutionProbability = 1
      settings.cutProbability = 0
    }
    switch contrast {
    case .random: break
    case .t1: (settings.t1Probability, settings.inversionProbability) = (1, 0)
    case .t2: (settings.t1Probability, settings.inversionProbability) = (1, 1)
    }
    return settings
  }
}
