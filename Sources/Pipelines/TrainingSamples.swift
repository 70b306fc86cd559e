import Transforms

/// What a training run shows its network; a value for plans.
public enum TrainingSamples: Codable, Sendable, Equatable {
  /// Slices of scans with their neighbours, changed at random.
  case slices(SliceAugmentation)
  /// Patches of pictures, changed at random.
  case pictures(PictureAugmentation)
  /// Patches of scans, changed at random.
  case patches(VolumeAugmentation)
  /// Images made from label maps alone; no scan is read.
  case synthesis(SynthesisRecipe)
  /// Scans with blanked blocks that the network fills in; no label map is read.
  case reconstruction(MaskedReconstruction)
}

/// How images are made from label maps.
public struct SynthesisRecipe: Codable, Sendable, Equatable {
  /// What each number of the maps means to the generator.
  public var table: SynthesisTable
  /// How far random choices go.
  public var settings: SynthesisSettings

  /// Creates a recipe.
  /// - Parameters:
  ///   - table: What each number of the maps means to the generator.
  ///   - settings: How far random choices go.
  public init(table: SynthesisTable, settings: SynthesisSettings = SynthesisSettings()) {
    self.table = table
    self.settings = settings
  }
}
