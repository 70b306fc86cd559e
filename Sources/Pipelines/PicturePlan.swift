import Imaging
import Networks

/// What a slice-wise plan has beyond one for scans when its images are pictures: PNG, JPEG, TIFF, BMP.
///
/// A picture has pixels and no place in a patient: it is never resampled, whatever spacing its file
/// names, and colours become grey (`GreyPicture`). One channel serves fluorescence and stained sections
/// alike, and a picture of changed grey values is one that a microscope could give, which one of colours
/// changed at random is not.
public struct PicturePlan: Codable, Sendable, Equatable {
  /// How touching objects are told apart; nil where labels are structures.
  public var separation: ObjectSeparation?

  /// Creates a plan.
  /// - Parameter separation: How touching objects are told apart; nil where labels are structures.
  public init(separation: ObjectSeparation? = nil) { self.separation = separation }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  func check() throws(PipelinesError) { try separation?.check() }
}

extension SegmentationPlan {
  /// How touching objects are told apart; nil where labels are structures.
  var separation: ObjectSeparation? { picture?.separation }

  /// The network's classes after background: the structures, or the parts of objects.
  /// - Parameter labels: The structures, or what the objects are.
  /// - Returns: One definition for each class.
  func classes(_ labels: [LabelDefinition]) -> [LabelDefinition] {
    guard separation != nil else { return labels }
    return ["inside", "border"].enumerated().map { index, name in
      LabelDefinition(id: index + 1, name: name, color: LabelDefinition.defaultColor(index))
    }
  }

  /// The way from a scan or picture to labels, or to objects.
  /// - Parameters:
  ///   - network: The network.
  ///   - labels: The structures, or what the objects are.
  ///   - usesMirroring: Whether to average over the plan's mirror axes.
  /// - Returns: The predictor.
  func predictor(
    _ network: PlannedNetwork,
    labels: [LabelDefinition],
    usesMirroring: Bool
  ) -> any ScanPredictor {
    let slices = SlicePredictor(
      plan: self,
      network: network,
      labels: classes(labels),
      usesMirroring: usesMirroring
    )
    guard let separation, let object = labels.first else { return slices }
    return ObjectPredictor(plan: self, separation: separation, classes: slices, object: object)
  }
}

extension ModelPlan {
  /// The network's classes after background.
  /// - Parameter labels: The structures, or what the objects are.
  /// - Returns: One definition for each class.
  func classes(_ labels: [LabelDefinition]) -> [LabelDefinition] {
    if case .slices(let plan) = self { plan.classes(labels) } else { labels }
  }

  /// The plan whose labels are the network's classes.
  ///
  /// Numbers of objects say nothing about how far two predictions agree: one object more shifts all later
  /// ones.
  var withoutSeparation: ModelPlan {
    guard case .slices(var plan) = self else { return self }
    plan.picture?.separation = nil
    return .slices(plan)
  }

  /// Whether images are pictures.
  public var isPicture: Bool {
    if case .slices(let plan) = self { plan.picture != nil } else { false }
  }

  /// Whether label maps hold numbers of objects.
  var findsObjects: Bool {
    if case .slices(let plan) = self { plan.separation != nil } else { false }
  }
}
