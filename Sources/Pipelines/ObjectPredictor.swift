import Imaging
import Support

/// Finds the objects of pictures: a network's classes, and what `ObjectSeparation` makes of them.
///
/// The label map holds the objects' numbers, its table a name such as "nucleus 7" for each. The pages of
/// a stack are looked at one by one; numbers go on from page to page.
struct ObjectPredictor: ScanPredictor {
  private let plan: SegmentationPlan
  private let separation: ObjectSeparation
  private let classes: SlicePredictor
  private let object: LabelDefinition

  /// Creates a predictor.
  /// - Parameters:
  ///   - plan: What the network expects.
  ///   - separation: How objects are told apart.
  ///   - classes: Gives the scores of background, inside and border.
  ///   - object: What the objects are.
  init(
    plan: SegmentationPlan,
    separation: ObjectSeparation,
    classes: SlicePredictor,
    object: LabelDefinition
  ) {
    self.plan = plan
    self.separation = separation
    self.classes = classes
    self.object = object
  }

  func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    let geometry = scan.geometry
    let prepared = try PreparedVolume(scan.volumes[0].asFloat, plan: plan)
    let target = prepared.target
    try outputs.probabilities?.begin(
      size: [ObjectSeparation.classCount, geometry.size.z, geometry.size.y, geometry.size.x]
    )
    var labels: [UInt16] = []
    labels.reserveCapacity(target.voxelCount)
    var count = 0
    try classes.forEachSlice(of: prepared, progress: progress, interruption: interruption) {
      slice,
      scores,
      resampler in
      let probabilities = resampler.softmax(scores)
      outputs.probabilities?.write(probabilities, plane: slice, of: target, scan: geometry)
      guard
        let found = separation.objects(
          in: probabilities,
          width: target.size.x,
          height: target.size.y
        ), count + Int(found.max() ?? 0) <= Int(UInt16.max)
      else { throw PipelinesError.tooManyObjects(limit: Int(UInt16.max)) }
      labels += found.map { $0 == 0 ? 0 : $0 + UInt16(count) }
      count += Int(found.max() ?? 0)
    }
    let table = Self.table(count: count, object: object)
    let back = LabelMap(geometry: target, labels: labels, table: table)
      .reoriented(to: geometry.orientation)
    // The scan's own geometry, not the twice reordered one, which differs by rounding.
    return LabelMap(geometry: geometry, labels: back.labels, table: table)
  }

  /// A name and a colour for each object.
  private static func table(count: Int, object: LabelDefinition) -> [LabelDefinition] {
    (0..<count).map { index in
      LabelDefinition(
        id: index + 1,
        name: "\(object.name) \(index + 1)",
        color: LabelDefinition.defaultColor(index),
        code: object.code
      )
    }
  }
}
