import Imaging
import Support
import Transforms

/// Draws random patches of random volumes, randomly changed, as nnU-Net does.
///
/// Isensee et al. 2021, methods, "Training procedure": the last third of a batch is centred on a
/// voxel of a random structure or region of its case.
package struct VolumeSampler: TrainingSampler {
  private let configuration: TrainingConfiguration
  private let patchSize: SIMD3<Int>
  private let augmentation: VolumeAugmentation
  private let cases: [PreparedCase]
  private let stream: RandomStream

  /// Voxels of one structure that are remembered, evenly over all.
  private static let rememberedVoxels = 10_000
  private static let purpose = 0x766F_6C75

  private struct PreparedCase: Sendable {
    let patch: VolumePatch
    /// Places of each structure or region that is present.
    let places: [[Int32]]
  }

  /// Prepares the cases.
  /// - Parameters:
  ///   - cases: Labelled scans.
  ///   - classes: The classes of the label maps' numbers.
  ///   - configuration: All numbers of the run.
  ///   - plan: A plan of three dimensions.
  ///   - augmentation: How far changes go.
  ///   - interruption: Looked at between cases.
  /// - Throws: What preparing a case throws; `SupportError.interrupted`.
  init(
    _ cases: [DatasetCheck.LoadedCase],
    classes: LabelClasses,
    configuration: TrainingConfiguration,
    plan: NNUNetPlan,
    augmentation: VolumeAugmentation,
    interruption: Interruption
  ) throws {
    precondition(!plan.isPlanar, "a plan of two dimensions")
    self.configuration = configuration
    self.augmentation = augmentation
    patchSize = SIMD3(plan.patchSize[2], plan.patchSize[1], plan.patchSize[0])
    stream = RandomStream(seed: configuration.seed).split(Self.purpose)
    self.cases = try cases.map { entry in
      let prepared = try NNUNetPreparation(
        entry.channels,
        plan: plan,
        interruption: interruption
      )
      let numbers = prepared.resampled(entry.labelMap, plan: plan)
        .map { classes[UInt16(bitPattern: $0)] }
      return PreparedCase(
        patch: VolumePatch(
          channels: prepared.channels.count,
          size: prepared.size,
          values: prepared.channels.flatMap { $0 },
          classes: numbers
        ),
        places: Self.places(numbers, of: classes)
      )
    }
  }

  /// Channels, planes, rows and columns.
  package var sampleShape: [Int] {
    [cases.first?.patch.channels ?? 1, patchSize.z, patchSize.y, patchSize.x]
  }
  package var batchSize: Int { configuration.batchSize }

  package func sample(step: Int, index: Int) -> TrainingSample {
    var random = stream.split(step, index)
    let entry = cases[Int.random(in: 0..<cases.count, using: &random)]
    let forced = configuration.foreground.isForced(index, &random)
    var center: SIMD3<Int>?
    if forced, !entry.places.isEmpty {
      let places = entry.places[Int.random(in: 0..<entry.places.count, using: &random)]
      let place = Int(places[Int.random(in: 0..<places.count, using: &random)])
      let size = entry.patch.size
      center = SIMD3(place % size.x, place / size.x % size.y, place / (size.x * size.y))
    }
    var origin = SIMD3<Int>()
    for axis in 0..<3 {
      origin[axis] = start(
        entry.patch.size[axis],
        patchSize[axis],
        around: center?[axis],
        &random
      )
    }
    let changed = augmentation.draw(
      patchSize: patchSize,
      channels: entry.patch.channels,
      &random
    ).apply(to: entry.patch, origin: origin, patchSize: patchSize)
    return TrainingSample(values: changed.values, classes: changed.classes)
  }

  /// Where the patch begins along an axis: an image that fits is centred, of a larger one a random
  /// part is seen, or the part around a voxel.
  private func start(
    _ size: Int,
    _ patch: Int,
    around voxel: Int?,
    _ random: inout RandomStream
  ) -> Int {
    guard size > patch else { return -((patch - size) / 2) }
    guard let voxel else { return Int.random(in: 0...size - patch, using: &random) }
    return min(max(0, voxel - patch / 2), size - patch)
  }

  private static func places(_ numbers: [UInt16], of classes: LabelClasses) -> [[Int32]] {
    let structures = classes.structures
    // The class after the structures is ignored, and belongs to none.
    var structuresOfClass = [[Int]](repeating: [], count: Int(classes.foreground.upperBound) + 1)
    for (index, members) in structures.enumerated() {
      for member in members { structuresOfClass[Int(member)].append(index) }
    }
    var totals = [Int](repeating: 0, count: structures.count)
    for value in numbers {
      for index in structuresOfClass[Int(value)] { totals[index] += 1 }
    }
    let steps = totals.map { max(1, $0 / rememberedVoxels) }
    var seen = [Int](repeating: 0, count: structures.count)
    var result = [[Int32]](repeating: [], count: structures.count)
    for (place, value) in numbers.enumerated() {
      for index in structuresOfClass[Int(value)] {
        if seen[index] % steps[index] == 0 { result[index].append(Int32(place)) }
        seen[index] += 1
      }
    }
    return result.filter { !$0.isEmpty }
  }
}

extension NNUNetPreparation {
  /// Labels as the network's grid has them: transposed, cropped and resampled like the scan.
  /// - Parameters:
  ///   - map: Labels on the scan's grid.
  ///   - plan: The plan of the preparation.
  /// - Returns: Numbers on the prepared grid, x fastest.
  func resampled(_ map: LabelMap, plan: NNUNetPlan) -> [Int16] {
    NNUNetResampler(
      plan.segmentation,
      from: box.size,
      to: size,
      spacing: spacing,
      newSpacing: networkSpacing
    ).resample(labels: Self.labels(map, reordering, fullSize, box))
  }
}
