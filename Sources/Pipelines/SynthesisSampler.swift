import Imaging
import ImagingIO
import Support
import Transforms

/// Draws images that are made from label maps alone.
///
/// Billot et al. 2023, "SynthSeg: Segmentation of brain MRI scans of any contrast and resolution
/// without retraining". A slice-wise plan sees the middle of a slab as thick as its channels.
package struct SynthesisSampler: TrainingSampler {
  package let sampleShape: [Int]
  package let batchSize: Int
  private let maps: [SynthesisMap]
  private let synthesis: LabelSynthesis
  private let isSlab: Bool
  private let stream: RandomStream

  private static let purpose = 0x7379_6E74

  /// Plans the samples of a run.
  /// - Parameters:
  ///   - maps: Label maps with axes to right, anterior, superior; at least one.
  ///   - recipe: How images are made.
  ///   - configuration: All numbers of the run.
  /// - Throws: `PipelinesError.invalidPlan` for a plan that turns or resamples otherwise.
  init(
    _ maps: [SynthesisMap],
    recipe: SynthesisRecipe,
    configuration: TrainingConfiguration
  ) throws {
    precondition(!maps.isEmpty, "no label map")
    self.maps = maps
    batchSize = configuration.batchSize
    stream = RandomStream(seed: configuration.seed).split(Self.purpose)
    let size: SIMD3<Int>
    let spacing: SIMD3<Double>
    switch configuration.plan {
    case .slices(let plan) where plan.orientation == .ras:
      sampleShape = [plan.inputChannels] + plan.patchSize
      size = SIMD3(plan.patchSize[1], plan.patchSize[0], plan.inputChannels)
      spacing = SIMD3(plan.spacingMM[0], plan.spacingMM[1], plan.spacingMM[2])
      isSlab = true
    case .nnUNet(let plan)
    where !plan.isPlanar && plan.reader == .reorienting && plan.transposeForward == [0, 1, 2]:
      sampleShape = [1] + plan.patchSize
      size = SIMD3(plan.patchSize[2], plan.patchSize[1], plan.patchSize[0])
      spacing = SIMD3(plan.spacing[2], plan.spacing[1], plan.spacing[0])
      isSlab = false
    default:
      throw PipelinesError.invalidPlan(
        reason: "images made from label maps have their axes to right, anterior, superior"
      )
    }
    synthesis = LabelSynthesis(
      table: recipe.table,
      settings: recipe.settings,
      patchSize: size,
      spacing: spacing
    )
  }

  package func sample(step: Int, index: Int) -> TrainingSample {
    var random = stream.split(step, index)
    let map = maps[Int.random(in: 0..<maps.count, using: &random)]
    let parameters = synthesis.draw(from: map, using: &random)
    let (values, classes) = synthesis.sample(map, parameters)
    guard isSlab else { return TrainingSample(values: values, classes: classes) }
    let plane = sampleShape[1] * sampleShape[2]
    let middle = sampleShape[0] / 2
    return TrainingSample(
      values: values,
      classes: Array(classes[middle * plane..<(middle + 1) * plane])
    )
  }
}

/// Whole label maps of a data set, as the generator and its tests want them.
struct SynthesisMaps {
  private let recipe: SynthesisRecipe
  private let labels: [LabelDefinition]

  init(recipe: SynthesisRecipe, labels: [LabelDefinition]) {
    self.recipe = recipe
    self.labels = labels
  }

  /// Reads the label maps of cases.
  /// - Parameters:
  ///   - cases: Which.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  /// - Returns: The maps, and what is wrong with the others, one line each.
  /// - Throws: `SupportError.interrupted`.
  func read(
    _ cases: [SegmentationDataset.Case],
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (maps: [(id: String, map: SynthesisMap, geometry: ImageGeometry)], faults: [String]) {
    var maps: [(id: String, map: SynthesisMap, geometry: ImageGeometry)] = []
    var faults: [String] = []
    progress.begin("reading \(cases.count) label maps", total: cases.count)
    for (index, entry) in cases.enumerated() {
      try interruption.check()
      do {
        let map = try NIfTIReader.readLabelMap(entry.label, table: []).reoriented(to: .ras)
        let geometry = map.geometry
        maps.append(
          (
            entry.id,
            try SynthesisMap(
              labels: map.labels,
              size: geometry.size,
              spacing: geometry.spacing,
              table: recipe.table
            ),
            geometry
          )
        )
      } catch let error as any ClassifiedError {
        faults.append("\(entry.id): \(error.description)")
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    return (maps, faults)
  }

  /// Scans made from held-out maps, with their labels: what a run is measured on.
  /// - Parameters:
  ///   - maps: The maps with their ids and grids.
  ///   - copies: Scans of each map.
  ///   - seed: Seed of every random choice.
  /// - Returns: Labelled scans on the maps' own grids.
  func scans(
    of maps: [(id: String, map: SynthesisMap, geometry: ImageGeometry)],
    copies: Int,
    seed: UInt64
  ) -> [DatasetCheck.LoadedCase] {
    let stream = RandomStream(seed: seed).split(0x6865_6C64)
    return maps.enumerated().flatMap { index, entry in
      let synthesis = LabelSynthesis(
        table: recipe.table,
        settings: recipe.settings,
        patchSize: entry.geometry.size,
        spacing: entry.geometry.spacing
      )
      return (0..<copies).map { copy in
        var random = stream.split(index, copy)
        let parameters = synthesis.draw(from: entry.map, using: &random)
        let (values, classes) = synthesis.sample(entry.map, parameters)
        return DatasetCheck.LoadedCase(
          id: "\(entry.id)-\(copy + 1)",
          scan: Volume(geometry: entry.geometry, voxels: values),
          labelMap: LabelMap(
            geometry: entry.geometry,
            labels: classes.map { $0 == 0 ? 0 : UInt16(labels[Int($0) - 1].id) },
            table: labels
          )
        )
      }
    }
  }
}
