import Imaging
import Support
import Tensors
import Transforms

/// Draws random slices of random volumes, randomly changed.
package struct SliceSampler: TrainingSampler {
  private let configuration: TrainingConfiguration
  private let plan: SegmentationPlan
  private let augmentation: SliceAugmentation
  private let cases: [PreparedCase]
  private let stream: RandomStream
  /// The structures' classes; the one after them is ignored.
  private let foregroundClasses: Range<UInt16>

  private struct PreparedCase: Sendable {
    let volume: PreparedVolume
    let classes: [UInt16]
    let foregroundSlices: [Int]
  }

  init(
    _ cases: [DatasetCheck.LoadedCase],
    classes: LabelClasses,
    configuration: TrainingConfiguration,
    plan: SegmentationPlan,
    augmentation: SliceAugmentation
  ) throws {
    self.configuration = configuration
    self.plan = plan
    self.augmentation = augmentation
    stream = RandomStream(seed: configuration.seed).split(Self.purpose)
    foregroundClasses = classes.foreground
    self.cases = try cases.map { entry in
      let volume = try PreparedVolume(entry.scan, plan: plan)
      let labelMap = entry.labelMap.reoriented(to: plan.orientation)
      let onGrid = volume.grid == volume.target ? labelMap : labelMap.resampled(to: volume.grid)
      let numbers = onGrid.labels.map { classes[$0] }
      let plane = volume.grid.size.x * volume.grid.size.y
      let foreground = (0..<volume.sliceCount).filter { slice in
        numbers[slice * plane..<(slice + 1) * plane].contains(
          where: classes.foreground.contains
        )
      }
      return PreparedCase(volume: volume, classes: numbers, foregroundSlices: foreground)
    }
  }

  private static let purpose = 0x736C_6963

  /// Channels, rows and columns.
  package var sampleShape: [Int] { [plan.inputChannels] + plan.patchSize }
  package var batchSize: Int { configuration.batchSize }

  package func sample(step: Int, index: Int) -> TrainingSample {
    var random = stream.split(step, index)
    let entry = cases[Int.random(in: 0..<cases.count, using: &random)]
    let forced = configuration.foreground.isForced(index, &random)
    let size = entry.volume.grid.size
    let isForced = forced && !entry.foregroundSlices.isEmpty
    let slice =
      isForced
      ? entry.foregroundSlices[Int.random(in: 0..<entry.foregroundSlices.count, using: &random)]
      : Int.random(in: 0..<entry.volume.sliceCount, using: &random)
    let plane = entry.volume.grid.size.x * entry.volume.grid.size.y
    let stack = entry.volume.stack(at: slice, context: plan.contextSlices)
    let labels = Array(entry.classes[slice * plane..<(slice + 1) * plane])
    let shown = isForced ? labels.indices.filter { foregroundClasses.contains(labels[$0]) } : []
    let pixel = shown.isEmpty ? nil : shown[Int.random(in: 0..<shown.count, using: &random)]
    let origin = (
      row: Self.patchStart(size.y, plan.patchSize[0], showing: pixel.map { $0 / size.x }, &random),
      column: Self.patchStart(
        size.x,
        plan.patchSize[1],
        showing: pixel.map { $0 % size.x },
        &random
      )
    )
    let (changed, classes) = augmentation.draw(&random).apply(
      to: stack,
      labels: labels,
      height: plan.patchSize[0],
      width: plan.patchSize[1],
      origin: origin
    )
    return TrainingSample(values: changed.values, classes: classes)
  }

  /// Where the patch begins along an axis: a slice that fits is centred, of a larger one a random part
  /// is seen, with the given pixel in it.
  static func patchStart(
    _ size: Int,
    _ patch: Int,
    showing pixel: Int?,
    _ random: inout RandomStream
  ) -> Int {
    guard size > patch else { return -((patch - size) / 2) }
    guard let pixel else { return Int.random(in: 0...size - patch, using: &random) }
    let (low, high) = (max(0, pixel - patch + 1), min(size - patch, pixel))
    return Int.random(in: low...high, using: &random)
  }
}
