import Foundation
import ImagingIO
import Pipelines
import Support
import Synchronization
import Tensors

/// Draws training samples: each is a function of seed, step and place in the batch.
package struct DetectionSampler: Sendable {
  /// Samples of a step.
  package struct Batch: Sendable {
    /// `[N, channels, H, W]`.
    package let images: Tensor
    /// The objects of each sample.
    package let objects: [[TaskAlignedAssigner.Object]]
  }

  /// Pictures are kept in memory, reduced, as far as they take no more than this.
  private static let memoryLimit = 3 << 30
  /// Of a box that is cut, at least this share must be left.
  private static let leastShare = 0.1
  /// Boxes narrower than this, in the network's pixels, are not learned.
  private static let leastSide = 2.0

  private let images: [DetectionDataset.Image]
  private let plan: RecognitionPlan
  private let augmentation: DetectionAugmentation
  private let cache = Cache()

  private final class Cache: Sendable {
    let content = Mutex<(images: [Int: RasterImage<UInt8>], bytes: Int)>(([:], 0))
  }

  /// Prepares to draw.
  /// - Parameters:
  ///   - images: The pictures.
  ///   - plan: The network's input.
  ///   - augmentation: How much samples differ from the pictures.
  /// - Precondition: There is a picture.
  package init(
    _ images: [DetectionDataset.Image],
    plan: RecognitionPlan,
    augmentation: DetectionAugmentation
  ) {
    precondition(!images.isEmpty, "no picture to draw samples from")
    self.images = images
    self.plan = plan
    self.augmentation = augmentation
  }

  /// The samples of a step.
  /// - Parameters:
  ///   - step: Counted from 0.
  ///   - total: Steps in all.
  ///   - count: Samples.
  ///   - seed: The run's seed.
  /// - Returns: The batch.
  /// - Throws: What reading a picture throws.
  package func batch(step: Int, of total: Int, count: Int, seed: UInt64) throws -> Batch {
    let size = plan.imageSize
    let length = plan.channels * size[0] * size[1]
    let pixels = AlignedBuffer<Float>(repeating: RasterImage<UInt8>.border, count: count * length)
    let isPlain = Double(step) >= (1 - augmentation.plainShare) * Double(total)
    let results = Mutex<(objects: [Int: [TaskAlignedAssigner.Object]], error: (any Error)?)>(
      ([:], nil)
    )
    Parallelism.forEach(count) { index in
      do {
        let objects = try sample(
          place: step * count + index,
          seed: seed,
          isPlain: isPlain,
          into: pixels.pointer + index * length
        )
        results.withLock { $0.objects[index] = objects }
      } catch {
        results.withLock { $0.error = $0.error ?? error }
      }
    }
    let (objects, error) = results.withLock { ($0.objects, $0.error) }
    if let error { throw error }
    return Batch(
      images: Tensor(shape: [count, plan.channels] + size, storage: pixels),
      objects: (0..<count).map { objects[$0] ?? [] }
    )
  }

  /// The picture at a place of the endless list: every picture once in each round, by a random stride.
  private func index(place: Int, seed: UInt64) -> Int {
    let count = images.count
    var random = RandomStream(seed: seed).split(0x6F72_6465, place / count)
    let start = Int(random.uniform() * Double(count))
    var stride = 1 + Int(random.uniform() * Double(count))
    func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
    while divisor(count, stride) != 1 { stride += 1 }
    return (start + place % count * stride) % count
  }

  private func raster(_ index: Int) throws -> RasterImage<UInt8> {
    if let known = cache.content.withLock({ $0.images[index] }) { return known }
    if images[index].slice != nil { return try slice(index) }
    let picture = try ColorImage.read(images[index].path)
    let image = RasterImage(picture, plan: plan).reduced(
      by: RasterPlacement.reduction(
        width: picture.width,
        height: picture.height,
        into: plan.imageSize
      )
    )
    keep(image, index)
    return image
  }

  private func keep(_ image: RasterImage<UInt8>, _ index: Int) {
    cache.content.withLock { content in
      guard content.bytes + image.values.count <= Self.memoryLimit else { return }
      if content.images.updateValue(image, forKey: index) == nil {
        content.bytes += image.values.count
      }
    }
  }

  /// A slice; the others of its volume are kept too, since the whole file was read for it.
  private func slice(_ index: Int) throws -> RasterImage<UInt8> {
    var reader = SliceReader()
    let wanted = try reader.picture(images[index], plan: plan)
    guard cache.content.withLock({ $0.bytes < Self.memoryLimit }) else { return wanted }
    for (other, image) in images.enumerated() where image.path == images[index].path {
      keep(other == index ? wanted : try reader.picture(image, plan: plan), other)
    }
    return wanted
  }

  private func sample(
    place: Int,
    seed: UInt64,
    isPlain: Bool,
    into target: UnsafeMutablePointer<Float>
  ) throws -> [TaskAlignedAssigner.Object] {
    var random = RandomStream(seed: seed).split(0x7361_6D70, place)
    let size = plan.imageSize
    let first = index(place: place, seed: seed)
    var objects: [TaskAlignedAssigner.Object] = []
    let isMosaic = random.chance(augmentation.mosaic) && !isPlain
    if isMosaic {
      let middleY = Int(random.uniform(in: 0.25..<0.75) * Double(size[0]))
      let middleX = Int(random.uniform(in: 0.25..<0.75) * Double(size[1]))
      let growth = 1 + augmentation.scale * (2 * random.uniform() - 1)
      for quarter in 0..<4 {
        let number = quarter == 0 ? first : Int(random.uniform() * Double(images.count))
        let rows = quarter < 2 ? 0..<middleY : middleY..<size[0]
        let columns = quarter % 2 == 0 ? 0..<middleX : middleX..<size[1]
        objects += try draw(
          number,
          growth: growth,
          rows: rows,
          columns: columns,
          touches: (down: quarter < 2, across: quarter % 2 == 0),
          random: &random,
          into: target
        )
      }
    } else {
      let growth = 1 + (isPlain ? 0.5 : 1) * augmentation.scale * (2 * random.uniform() - 1)
      objects += try draw(
        first,
        growth: growth,
        rows: 0..<size[0],
        columns: 0..<size[1],
        touches: nil,
        random: &random,
        into: target
      )
    }
    finish(target, random: &random)
    return objects
  }

  /// Draws one picture into a part of the input.
  ///
  /// `touches` says of a quarter of a mosaic whether the picture's lower and right edge meet the middle;
  /// it is nil for a whole input.
  private func draw(
    _ number: Int,
    growth: Double,
    rows: Range<Int>,
    columns: Range<Int>,
    touches: (down: Bool, across: Bool)?,
    random: inout RandomStream,
    into target: UnsafeMutablePointer<Float>
  ) throws -> [TaskAlignedAssigner.Object] {
    let image = try raster(number)
    let size = plan.imageSize
    var placement = RasterPlacement.letterbox(width: image.width, height: image.height, into: size)
    placement.scale *= growth
    placement.isFlippedAcross = random.chance(augmentation.flipAcross)
    placement.isFlippedDown = random.chance(augmentation.flipDown)
    let (width, height) = (Double(image.width), Double(image.height))
    func offset(_ room: Range<Int>, _ length: Double, meetsEnd: Bool?) -> Double {
      let free = Double(room.count) - length
      let share = random.uniform()
      guard let meetsEnd else {
        // Somewhere about the corner of a letterbox, or about the middle of what is too large.
        let shift = augmentation.translation * (2 * share - 1) * Double(room.count)
        return free >= 0 ? free * share : free / 2 + shift
      }
      // A larger picture shows any part of itself, a smaller one lies at the middle of the mosaic.
      if free < 0 { return Double(room.lowerBound) + free * share }
      return meetsEnd ? Double(room.upperBound) - length : Double(room.lowerBound)
    }
    placement.x = offset(columns, width * placement.scale, meetsEnd: touches?.across)
    placement.y = offset(rows, height * placement.scale, meetsEnd: touches?.down)
    if touches == nil, augmentation.translation == 0 { (placement.x, placement.y) = (0, 0) }
    image.draw(into: target, size: size, rows: rows, columns: columns, placement)
    let visible = DetectionBox(
      left: Double(columns.lowerBound),
      top: Double(rows.lowerBound),
      right: Double(columns.upperBound),
      bottom: Double(rows.upperBound)
    )
    return images[number].objects.compactMap { object in
      let own = object.box.mapped(scale: 1 / Double(image.reduction), x: 0, y: 0)
      let moved = placement.moved(own, width: width, height: height)
      let cut = DetectionBox(
        left: max(moved.left, visible.left),
        top: max(moved.top, visible.top),
        right: min(moved.right, visible.right),
        bottom: min(moved.bottom, visible.bottom)
      )
      guard cut.width >= Self.leastSide, cut.height >= Self.leastSide,
        cut.area >= Self.leastShare * moved.area
      else { return nil }
      return TaskAlignedAssigner.Object(
        label: object.label,
        box: cut,
        isIgnored: object.kind != .counted,
        mask: object.mask.map { mask in
          PlacedMask(
            mask,
            placement: placement,
            size: SIMD2(width, height),
            reduction: image.reduction,
            visible: cut
          )
        }
      )
    }
  }

  /// Changes the colours, and takes the plan's means away.
  private func finish(_ target: UnsafeMutablePointer<Float>, random: inout RandomStream) {
    let plane = plan.imageSize[0] * plan.imageSize[1]
    let jitter = ColorJitter(augmentation, random: &random)
    if plan.channels == 3 {
      for pixel in 0..<plane {
        jitter.apply(&target[pixel], &target[plane + pixel], &target[2 * plane + pixel])
      }
    } else {
      for pixel in 0..<plane { target[pixel] = min(max(target[pixel] * jitter.brightness, 0), 1) }
    }
    for channel in 0..<plan.channels {
      let (mean, deviation) = (Float(plan.means[channel]), Float(plan.deviations[channel]))
      guard mean != 0 || deviation != 1 else { continue }
      for pixel in 0..<plane {
        target[channel * plane + pixel] = (target[channel * plane + pixel] - mean) / deviation
      }
    }
  }
}
