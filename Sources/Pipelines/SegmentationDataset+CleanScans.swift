import Imaging
import Support
import Transforms

extension SegmentationDataset {
  /// Scans without noise that are made from the data set's label maps, for trainings of networks that
  /// improve images.
  ///
  /// Each has a contrast, a shape and a bias field of its own, as in trainings from label maps; its tissue
  /// is nearly uniform, because texture of independent voxels would be noise, and its resolution is that
  /// of the map. The scans take turns at the maps, and a scan depends on its number and the seed alone.
  /// - Parameters:
  ///   - count: How many.
  ///   - seed: Seed of every random choice.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  /// - Returns: The scans, named by map and number, axes to right, anterior, superior.
  /// - Throws: `PipelinesError.notADataset` without a table of synthesis, `.faultyDataset` for maps that
  ///   cannot be read; `SupportError.interrupted`.
  package func cleanScans(
    _ count: Int,
    seed: UInt64,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> [(id: String, scan: Volume<Float>)] {
    guard let table = synthesis else {
      throw PipelinesError.notADataset(
        path: path,
        reason: "its description has no table \"synthesis\""
      )
    }
    let recipe = SynthesisRecipe(table: table, settings: .clean)
    let (maps, faults) = try SynthesisMaps(recipe: recipe, labels: labels).read(
      Array(cases.prefix(count)),
      progress: progress,
      interruption: interruption
    )
    guard faults.isEmpty else { throw PipelinesError.faultyDataset(path: path, faults: faults) }
    let stream = RandomStream(seed: seed).split(0x636C_6561)
    progress.begin("making \(count) scans", total: count)
    defer { progress.end() }
    return try (0..<count).map { number in
      try interruption.check()
      let entry = maps[number % maps.count]
      let synthesis = LabelSynthesis(
        table: table,
        settings: recipe.settings,
        patchSize: entry.geometry.size,
        spacing: entry.geometry.spacing
      )
      var random = stream.split(number)
      var parameters = synthesis.draw(from: entry.map, using: &random)
      // Air that is drawn with noise of its own.
      for (place, entry) in table.entries.enumerated() where entry.location == .background {
        parameters.deviations[place] = 0
      }
      let values = synthesis.sample(entry.map, parameters).values
      progress.update(number + 1, detail: nil)
      return (
        "\(entry.id)-\(number / maps.count + 1)",
        Volume(geometry: entry.geometry, voxels: values)
      )
    }
  }
}

extension SynthesisSettings {
  /// Whole heads without noise or loss of resolution.
  fileprivate static var clean: SynthesisSettings {
    var settings = SynthesisSettings()
    settings.elsewhereProbability = 0
    settings.translationMM = 5
    // Of 255: tissue that is not quite uniform.
    (settings.deviationLimit, settings.t1DeviationLimit) = (3, 3)
    settings.t1Probability = 0.5
    settings.strippingProbability = 0.2
    settings.fullResolutionProbability = 1
    settings.cutProbability = 0
    return settings
  }
}
