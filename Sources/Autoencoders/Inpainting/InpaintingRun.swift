import Enhancement
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Recognition
import Support

/// Fills holes of pictures and of scans, slice by slice, and leaves everything else as it is, to the bit.
public struct InpaintingRun: Sendable {
  /// What is a hole.
  public struct Holes: Sendable {
    /// A picture or label map of the image's grid, other than 0 where the image is to be filled; or nil.
    public var mask: String?
    /// The value that stands for missing ones, perhaps not a number; or nil.
    public var missing: Double?

    /// Creates it.
    /// - Parameters:
    ///   - mask: A picture or label map.
    ///   - missing: The value that stands for missing ones.
    public init(mask: String? = nil, missing: Double? = nil) {
      (self.mask, self.missing) = (mask, missing)
    }
  }

  /// A filled image.
  public struct Result: Sendable {
    /// The image before.
    package let before: EnhancementContent
    /// The image after.
    package let after: EnhancementContent
    /// A scan in the type of its file; nil for pictures.
    package let scan: AnyVolume?
    /// Whether each voxel was a hole.
    package let hidden: [Bool]
    /// What is worth knowing, one sentence each.
    public let notes: [String]

    /// Voxels that were filled.
    public var filledCount: Int { hidden.count { $0 } }
    /// Voxels of the image.
    public var count: Int { hidden.count }
    /// Columns, rows and slices.
    public var size: [Int] {
      let size = before.grey.geometry.size
      return [size.x, size.y, size.z]
    }

    /// Writes the filled image.
    /// - Parameter path: `.png` for pictures; `.nii`, `.nii.gz`, `.nrrd` or `.mha`.
    /// - Throws: `EnhancementError.unfitOutput`; `SupportError.unwritable`.
    public func write(to path: String) throws {
      if let scan {
        try EnhancementContent.write(scan: scan, to: path)
      } else {
        try after.write(to: path, keepsFractions: false)
      }
    }

    /// The slice with the most holes: red, green and blue of each pixel before and after, and the holes.
    public var shown: (height: Int, width: Int, before: [UInt8], after: [UInt8], hidden: [Bool]) {
      let geometry = before.grey.geometry
      let area = geometry.size.x * geometry.size.y
      let slice =
        (0..<geometry.size.z).max { a, b in
          let counts = [a, b].map { number in
            hidden[number * area..<(number + 1) * area].count { $0 }
          }
          return (counts[0], b) < (counts[1], a)
        } ?? 0
      let (old, new) = (
        InpaintingRun.planes(before, slice: slice), InpaintingRun.planes(after, slice: slice)
      )
      let finite = new.values.filter(\.isFinite)
      let (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
      let range: IntensityRange =
        before.isPicture
        ? .fixed(low: 0, high: 255)
        : .fixed(low: Double(low), high: Double(max(high, low.nextUp)))
      return (
        old.height, old.width, old.shown(by: range), new.shown(by: range),
        Array(hidden[slice * area..<(slice + 1) * area])
      )
    }
  }

  private let inpainter: Inpainter
  private let selection: VolumeSelection
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a run.
  /// - Parameters:
  ///   - inpainter: What fills.
  ///   - selection: Which series and volume of each input.
  ///   - progress: Told about each slice.
  ///   - interruption: Looked at before each.
  public init(
    _ inpainter: Inpainter,
    selection: VolumeSelection = VolumeSelection(),
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.inpainter = inpainter
    self.selection = selection
    self.progress = progress
    self.interruption = interruption
  }

  /// Fills an image.
  /// - Parameters:
  ///   - path: A picture, or a scan of any format.
  ///   - holes: What is filled.
  /// - Returns: The image before and after.
  /// - Throws: `AutoencodersError.unfitMask` for a mask of another grid, one that hides nothing, and a
  ///   slice of which nothing is known; what reading and filling throw.
  public func fill(_ path: String, holes: Holes) throws -> Result {
    let input = try EnhancementInput(path: path, selection: selection, progress: progress)
    let content = input.content
    let geometry = content.grey.geometry
    let hidden = try hidden(of: content, path: path, holes)
    let area = geometry.size.x * geometry.size.y
    let name = holes.mask ?? path
    guard hidden.contains(true) else {
      throw AutoencodersError.unfitMask(
        path: name,
        reason: "it hides nothing; there is nothing to fill"
      )
    }
    var values = content.channels.map(\.voxels)
    let slices = (0..<geometry.size.z).filter { slice in
      hidden[slice * area..<(slice + 1) * area].contains(true)
    }
    progress.begin("filling \(slices.count) slices", total: slices.count)
    for (number, slice) in slices.enumerated() {
      try interruption.check()
      let image = Self.planes(content, slice: slice)
      let own = Array(hidden[slice * area..<(slice + 1) * area])
      let filled = try inpainter.filled(
        image,
        hidden: own,
        spacing: [geometry.spacing.x, geometry.spacing.y],
        path: geometry.size.z > 1 ? "\(name), slice \(slice + 1)" : name
      )
      for channel in values.indices {
        for place in 0..<area where own[place] {
          values[channel][slice * area + place] = filled.values[channel * area + place]
        }
      }
      progress.update(number + 1, detail: nil)
    }
    progress.end()
    let after = content.mapChannels { volume, channel in
      Volume(geometry: volume.geometry, voxels: values[channel])
    }
    var scan: AnyVolume?
    if case .scan(_, let stored) = content { scan = stored.replacing(hidden, by: values[0]) }
    let unknown = content.grey.voxels.indices.count {
      !hidden[$0] && !content.grey.voxels[$0].isFinite
    }
    return Result(
      before: content,
      after: after,
      scan: scan,
      hidden: hidden,
      notes: input.problems.map(\.message)
        + (unknown == 0
          ? []
          : ["\(unknown) values that are not finite stay as they are: they were not to be filled."])
    )
  }

  static func planes(_ content: EnhancementContent, slice: Int) -> ImagePlanes {
    let size = content.grey.geometry.size
    let area = size.x * size.y
    return ImagePlanes(
      height: size.y,
      width: size.x,
      values: content.channels.flatMap { $0.voxels[slice * area..<(slice + 1) * area] }
    )
  }

  private func hidden(
    of content: EnhancementContent,
    path: String,
    _ holes: Holes
  ) throws -> [Bool] {
    var result = [Bool](repeating: false, count: content.grey.voxels.count)
    if let missing = holes.missing {
      let value = Float(missing)
      for place in result.indices {
        result[place] = content.channels.allSatisfy { channel in
          missing.isNaN ? !channel.voxels[place].isFinite : channel.voxels[place] == value
        }
      }
    }
    guard let mask = holes.mask else { return result }
    let read = try EnhancementInput(path: mask, selection: VolumeSelection(), progress: progress)
      .content
    let (own, other) = (content.grey.geometry, read.grey.geometry)
    guard own.size == other.size else {
      func words(_ size: SIMD3<Int>) -> String { "\(size.x) x \(size.y) x \(size.z)" }
      throw AutoencodersError.unfitMask(
        path: mask,
        reason: "it has \(words(other.size)) pixels, and the image \(words(own.size))"
      )
    }
    guard content.isPicture == read.isPicture else {
      throw AutoencodersError.unfitMask(
        path: mask,
        reason: content.isPicture
          ? "it is a scan, and \(path) a picture; give a picture of the same size"
          : "it is a picture, which has no place in space, and \(path) a scan; give a label map"
      )
    }
    if !content.isPicture, let difference = other.difference(from: own) {
      throw AutoencodersError.unfitMask(path: mask, reason: difference)
    }
    for (place, value) in read.grey.voxels.enumerated() {
      guard value.isFinite else {
        throw AutoencodersError.unfitMask(path: mask, reason: "it has values that are not finite")
      }
      if value != 0 { result[place] = true }
    }
    return result
  }
}

extension AnyVolume {
  /// The volume with other values at some voxels; all others keep their bits.
  ///
  /// Values are rounded where the type is of whole numbers, and end where it does.
  func replacing(_ places: [Bool], by values: [Float]) -> AnyVolume {
    func whole<Number: FixedWidthInteger & BitwiseCopyable & Sendable>(
      _ volume: Volume<Number>
    ) -> Volume<Number> {
      changed(volume) { value in
        let rounded = Double(value.rounded())
        return Number(exactly: rounded) ?? (rounded > 0 ? .max : .min)
      }
    }
    func changed<Scalar: BitwiseCopyable & Sendable>(
      _ volume: Volume<Scalar>,
      _ convert: (Float) -> Scalar
    ) -> Volume<Scalar> {
      var voxels = volume.voxels
      for place in voxels.indices where places[place] { voxels[place] = convert(values[place]) }
      return Volume(geometry: volume.geometry, voxels: voxels)
    }
    switch self {
    case .int8(let volume): return .int8(whole(volume))
    case .uint8(let volume): return .uint8(whole(volume))
    case .int16(let volume): return .int16(whole(volume))
    case .uint16(let volume): return .uint16(whole(volume))
    case .int32(let volume): return .int32(whole(volume))
    case .uint32(let volume): return .uint32(whole(volume))
    case .int64(let volume): return .int64(whole(volume))
    case .uint64(let volume): return .uint64(whole(volume))
    case .float32(let volume): return .float32(changed(volume) { $0 })
    case .float64(let volume): return .float64(changed(volume) { Double($0) })
    }
  }
}
