import Imaging
import Support
import Tensors
import Transforms

/// Draws random square pieces of random pictures, randomly changed.
///
/// Beyond its edges a picture goes on as its mirror image, so that shrunken and turned pieces are full.
/// Objects are moved by their numbers, and classes are found in the piece itself, so that borders are
/// equally wide at every magnification.
struct PictureSampler: TrainingSampler {
  private let configuration: TrainingConfiguration
  private let plan: SegmentationPlan
  private let augmentation: PictureAugmentation
  private let cases: [PreparedCase]
  private let stream: RandomStream
  private let isForeground: @Sendable (UInt16) -> Bool

  private struct PreparedCase: Sendable {
    let volume: PreparedVolume
    /// Class numbers, or numbers of objects.
    let labels: [UInt16]
  }

  /// Prepares the pictures.
  /// - Parameters:
  ///   - cases: The pictures.
  ///   - classes: The classes of the label maps' numbers; of no account where these count objects.
  ///   - configuration: All numbers of the run.
  ///   - plan: The plan for pictures.
  ///   - augmentation: How pieces are changed.
  /// - Throws: `ImagingError` when a picture does not suit the plan; `PipelinesError.invalidPlan` when
  ///   the patch is not square, which turned pieces must be.
  init(
    _ cases: [DatasetCheck.LoadedCase],
    classes: LabelClasses,
    configuration: TrainingConfiguration,
    plan: SegmentationPlan,
    augmentation: PictureAugmentation
  ) throws {
    guard plan.patchSize[0] == plan.patchSize[1], plan.contextSlices == 0 else {
      throw PipelinesError.invalidPlan(reason: "pieces of pictures are not square")
    }
    self.configuration = configuration
    self.plan = plan
    self.augmentation = augmentation
    stream = RandomStream(seed: configuration.seed).split(Self.purpose)
    isForeground = { [counts = plan.separation != nil, foreground = classes.foreground] in
      $0 > 0 && (counts || foreground.contains($0))
    }
    self.cases = try cases.map { entry in
      let map = entry.labelMap.reoriented(to: plan.orientation)
      return PreparedCase(
        volume: try PreparedVolume(entry.scan, plan: plan),
        labels: plan.separation == nil ? map.labels.map { classes[$0] } : map.labels
      )
    }
  }

  private static let purpose = 0x7069_6374

  /// Channels, rows and columns.
  var sampleShape: [Int] { [plan.inputChannels] + plan.patchSize }
  var batchSize: Int { configuration.batchSize }

  func sample(step: Int, index: Int) -> TrainingSample {
    var random = stream.split(step, index)
    let entry = cases[Int.random(in: 0..<cases.count, using: &random)]
    let size = entry.volume.grid.size
    let plane = size.x * size.y
    let slice = Int.random(in: 0..<size.z, using: &random)
    let pixels = slice * plane..<(slice + 1) * plane
    let forced = configuration.foreground.isForced(index, &random)
    let shown = forced ? pixels.filter { isForeground(entry.labels[$0]) } : []
    let pixel =
      shown.isEmpty
      ? nil : shown[Int.random(in: 0..<shown.count, using: &random)] - pixels.lowerBound
    let side = plan.patchSize[0]
    let row = SliceSampler.patchStart(size.y, side, showing: pixel.map { $0 / size.x }, &random)
    let column = SliceSampler.patchStart(size.x, side, showing: pixel.map { $0 % size.x }, &random)

    let (stack, labels) = window(
      of: entry,
      first: pixels.lowerBound,
      row: row - side / 2,
      column: column - side / 2,
      side: 2 * side
    )
    let (changed, moved) = augmentation.slices.draw(&random).apply(
      to: stack,
      labels: labels,
      height: side,
      width: side
    )
    let symmetry = augmentation.drawSymmetry(&random)
    let turned = symmetry.applied(to: moved, side: side)
    return TrainingSample(
      values: symmetry.applied(to: changed.values, side: side),
      classes: plan.separation.map {
        ObjectBorders.classes(
          of: turned,
          width: side,
          height: side,
          borderWidth: $0.borderWidth
        )
      } ?? turned
    )
  }

  /// A square of a picture and of its mirror images beyond the edges.
  private func window(
    of entry: PreparedCase,
    first: Int,
    row: Int,
    column: Int,
    side: Int
  ) -> (SliceStack, [UInt16]) {
    let size = entry.volume.grid.size
    let columns = (column..<column + side).map { Self.mirrored($0, size.x) }
    var values: [Float] = []
    var labels: [UInt16] = []
    values.reserveCapacity(side * side)
    labels.reserveCapacity(side * side)
    for y in row..<row + side {
      let start = first + Self.mirrored(y, size.y) * size.x
      for x in columns {
        values.append(entry.volume.voxels[start + x])
        labels.append(entry.labels[start + x])
      }
    }
    return (SliceStack(channels: 1, height: side, width: side, values: values), labels)
  }

  /// The pixel that an index stands for.
  ///
  /// In order they are … 1 0 | 0 1 … n−1 | n−1 n−2 …
  private static func mirrored(_ index: Int, _ count: Int) -> Int {
    let period = 2 * count
    let place = ((index % period) + period) % period
    return place < count ? place : period - 1 - place
  }
}
