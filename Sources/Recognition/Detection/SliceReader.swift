import Imaging
import ImagingIO
import Pipelines
import Support

/// Reads slices of volumes as pixels, and each volume only once for slices that follow each other.
struct SliceReader {
  private var held: (path: String, volume: Volume<Float>, scale: IntensityRange.Scale?)?

  /// A slice in the intensities of its file, with the scale of its whole volume.
  /// - Parameters:
  ///   - image: An entry with a slice.
  ///   - plan: Says which intensities become 0 and 1.
  /// - Returns: The pixels.
  /// - Throws: What reading throws; `RecognitionError.unsuitableImage` when there is no such slice.
  mutating func raster(
    _ image: DetectionDataset.Image,
    plan: RecognitionPlan
  ) throws -> RasterImage<Float> {
    let (volume, scale) = try volume(image.path, plan)
    let size = volume.geometry.size
    let slice = image.slice ?? 0
    guard (0..<size.z).contains(slice), size.x == image.width, size.y == image.height else {
      throw RecognitionError.unsuitableImage(
        path: image.path,
        reason:
          "it has \(size.x) x \(size.y) x \(size.z) voxels now, and had others when the boxes were made"
      )
    }
    let start = slice * size.x * size.y
    return RasterImage<Float>(
      slice: volume.voxels[start..<start + size.x * size.y],
      width: size.x,
      height: size.y,
      scale: scale,
      channels: plan.channels
    )
  }

  /// A slice in 8 bits of the range that the network sees, reduced as pictures are.
  ///
  /// Trainings keep slices so; the range is cut off at its ends, as it is for the network.
  mutating func picture(
    _ image: DetectionDataset.Image,
    plan: RecognitionPlan
  ) throws -> RasterImage<UInt8> {
    let slice = try raster(image, plan: plan)
    let eight = RasterImage<UInt8>(
      width: slice.width,
      height: slice.height,
      channels: slice.channels,
      values: slice.values.map { UInt8(nearest: 255 * (slice.scale?.scaled($0) ?? 0)) },
      reduction: 1,
      scale: IntensityRange.fixed(low: 0, high: 255).scale(for: [])
    )
    return eight.reduced(
      by: RasterPlacement.reduction(
        width: eight.width,
        height: eight.height,
        into: plan.imageSize
      )
    )
  }

  private mutating func volume(
    _ path: String,
    _ plan: RecognitionPlan
  ) throws -> (Volume<Float>, IntensityRange.Scale?) {
    if let held, held.path == path { return (held.volume, held.scale) }
    let volume = try ImageFormats.read(path).volume.asFloat
    let scale = plan.intensity.scale(for: volume.voxels)
    held = (path, volume, scale)
    return (volume, scale)
  }
}

extension Detector {
  /// Finds the objects in a picture or slice of a data set.
  func detect(
    _ image: DetectionDataset.Image,
    _ options: Options,
    reader: inout SliceReader
  ) throws -> [Detection] {
    guard image.slice != nil else { return try detect(image.path, options) }
    return try detect(reader.raster(image, plan: plan), options)
  }

  /// Finds the objects in a picture or slice of a data set, and shows it.
  /// - Parameters:
  ///   - image: The picture or slice.
  ///   - options: Which findings are told.
  /// - Returns: The pixels, a slice's within the range that the network sees, and the findings.
  /// - Throws: What reading throws; `RecognitionError.infiniteScores`.
  public func look(
    at image: DetectionDataset.Image,
    _ options: Options = Options()
  ) throws -> (picture: ColorImage, found: [Detection]) {
    guard image.slice != nil else {
      let picture = try ColorImage.read(image.path)
      return (picture, try detect(picture, options))
    }
    var reader = SliceReader()
    let slice = try reader.raster(image, plan: plan)
    return (ColorImage(slice), try detect(slice, options))
  }
}

extension ColorImage {
  /// A slice within the range that a network sees; of three channels the first.
  init(_ slice: RasterImage<Float>) {
    let (count, channels) = (slice.width * slice.height, slice.channels)
    self.init(
      width: slice.width,
      height: slice.height,
      pixels: (0..<3 * count).map {
        UInt8(nearest: 255 * (slice.scale?.scaled(slice.values[$0 / 3 * channels]) ?? 0))
      }
    )
  }
}
