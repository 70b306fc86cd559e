import Transforms

/// How a network learns from scans without labels: blocks are blanked, and it fills them in.
///
/// He et al. 2022, "Masked autoencoders are scalable vision learners", in the plain form for
/// convolutions: the network of the later segmentation sees the scan with the blocks set to 0, the mean
/// of a normalised scan, and its one output is compared with the scan inside the blocks. (Tian et al.
/// 2023, "Designing BERT for convolutional networks", also keep the blocks out of every feature map,
/// which needs sparse convolutions.)
public struct MaskedReconstruction: Codable, Sendable, Equatable {
  /// Edge of a block, pixels or voxels; at most a quarter of the patch along each axis is taken.
  public var blockSize = 16
  /// Share of the blocks that are blanked, 0 to 1 (Tian et al.'s 60 %).
  public var maskedShare = 0.6
  /// How scans are changed before.
  public var changes: Changes

  /// How scans are changed before blocks are blanked.
  public enum Changes: Codable, Sendable, Equatable {
    /// Slices of scans.
    case slices(SliceAugmentation)
    /// Patches of pictures.
    case pictures(PictureAugmentation)
    /// Patches of scans.
    case patches(VolumeAugmentation)
  }

  /// Creates a recipe.
  /// - Parameter changes: How scans are changed before.
  public init(changes: Changes) { self.changes = changes }

  /// How whole scans are shown, blocks aside.
  var samples: TrainingSamples {
    switch changes {
    case .slices(let augmentation): .slices(augmentation)
    case .pictures(let augmentation): .pictures(augmentation)
    case .patches(let augmentation): .patches(augmentation)
    }
  }
}

extension TrainingConfiguration {
  /// The same run with scans alone: the network has one output, which fills in blanked blocks.
  /// - Returns: The configuration of the pre-training.
  /// - Throws: `PipelinesError.invalidPlan` when the run makes its images from label maps.
  public func withoutLabels() throws -> TrainingConfiguration {
    var result = self
    switch samples {
    case .slices(let changes):
      result.samples = .reconstruction(MaskedReconstruction(changes: .slices(changes)))
    case .pictures(let changes):
      result.samples = .reconstruction(MaskedReconstruction(changes: .pictures(changes)))
    case .patches(let changes):
      result.samples = .reconstruction(MaskedReconstruction(changes: .patches(changes)))
    case .synthesis, .reconstruction:
      throw PipelinesError.invalidPlan(reason: "its samples are not drawn from labelled scans")
    }
    // One resolution is reconstructed; the heads of the others belong to structures.
    if case .plainConvUNet(var values) = network {
      values.hasDeepSupervision = false
      result.network = .plainConvUNet(values)
    }
    return result
  }
}
