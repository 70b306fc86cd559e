/// What a model is for.
public enum ModelTask: Sendable, Equatable {
  /// Finding structures.
  case segmentation
  /// Improving images.
  case enhancement(EnhancementPlan.Task)
  /// Saying what an image shows.
  case recognition(RecognitionPlan.Task)
  /// Saying what a sequence shows.
  case sequence
  /// Compressing images.
  case compression
  /// Telling unusual images, or filling holes.
  case autoencoder
  /// Giving pictures a style or colours.
  case stylization
  /// Starting other trainings from its weights.
  case start
}
