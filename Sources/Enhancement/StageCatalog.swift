import Pipelines
import Support
import Transforms

/// Finds the steps that `--model` of `lamina enhance` and `--stage` of `lamina segment` name.
package enum StageCatalog {
  /// The step of a description.
  /// - Parameters:
  ///   - text: A model's name or folder, or a filter's name with its values, such as `nlm:patch=2`.
  ///   - noiseLevel: The noise that a model is told, on its scale of intensities; nil for its own standard.
  ///   - sampling: How images are drawn from a diffusion model.
  ///   - store: Where models are looked for.
  /// - Returns: The step.
  /// - Throws: `EnhancementError.unknownStage`; `PipelinesError.modelNotFound` for a folder that is not
  ///   there; `TransformsError` for a filter's values; what loading throws.
  package static func stage(
    _ text: String,
    noiseLevel: Double? = nil,
    sampling: DiffusionSampling = DiffusionSampling(),
    store: ModelStore = ModelStore()
  ) throws -> any ScanStage {
    let name = text.prefix { $0 != ":" }
    let filters = VolumeFilterCatalog.all.map { $0.name }
    func refuseOptions() throws {
      guard noiseLevel == nil else {
        throw EnhancementError.wrongParameter(
          stage: String(name),
          reason: "--noise-level is for models; filters take their values after a colon"
        )
      }
      guard sampling == DiffusionSampling() else {
        throw EnhancementError.wrongParameter(
          stage: String(name),
          reason: "--steps and --samples are for diffusion models"
        )
      }
    }
    do {
      return try Enhancer(store.model(text), noiseLevel: noiseLevel, sampling: sampling)
    } catch PipelinesError.modelNotFound(_, _) where filters.contains(String(name)) {
      try refuseOptions()
      return FilterStage(try VolumeFilterCatalog.filter(describedBy: text))
    } catch PipelinesError.modelNotFound(_, _) where name == ThickSliceStage.name {
      try refuseOptions()
      return ThickSliceStage(try ThickSliceSettings(text.dropFirst(name.count + 1)))
    } catch PipelinesError.modelNotFound(_, _) where !text.contains("/") {
      throw EnhancementError.unknownStage(name: text, filters: filters + [ThickSliceStage.name])
    }
  }

  /// Checks that a chain makes the grid finer as it was asked for.
  /// - Parameters:
  ///   - stages: The steps.
  ///   - wanted: How many times finer planes should become.
  /// - Throws: `EnhancementError.otherScale`.
  package static func check(_ stages: [any ScanStage], scale wanted: Int) throws {
    var scale = [1, 1, 1]
    for case let enhancer as Enhancer in stages {
      scale = zip(scale, enhancer.plan.scale).map { $0 * $1 }
    }
    guard scale[0] == wanted, scale[1] == wanted else {
      throw EnhancementError.otherScale(
        model: stages.map(\.record.name).joined(separator: ", "),
        wanted: wanted,
        scale: scale
      )
    }
  }
}
