import Foundation
import Imaging
import ImagingIO
import Pipelines
import Recognition
import Support

/// Reads the frames of a clip.
package enum ClipReader {
  /// The pictures of a folder, in the order of time.
  static func frames(_ folder: String) throws -> [String] {
    try ClipDataset.entries(folder).map { folder + "/" + $0 }
      .filter { !FileManager.default.isFolder($0) && PictureFormat().recognises($0) }
  }

  /// Reads a clip.
  /// - Parameters:
  ///   - path: A folder of pictures, or a volume.
  ///   - maximum: Longer clips are thinned out evenly to so many frames.
  /// - Returns: The frames, at least one, all of one size.
  /// - Throws: `SequencesError.unsuitableClip` for a clip without frames, or with frames of several sizes;
  ///   what reading throws.
  package static func read(_ path: String, maximum: Int) throws -> [ImagePlanes] {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    let images: [ImagePlanes]
    let files = try FileManager.default.isFolder(path) ? frames(path) : []
    if !files.isEmpty {
      images = try thinned(files.count, maximum).map { try ImagePlanes(picture: files[$0]) }
    } else {
      images = try volumes(path, maximum: maximum)
    }
    guard let first = images.first else {
      throw SequencesError.unsuitableClip(path: path, reason: "it has no frame")
    }
    if let other = images.first(where: { $0.height != first.height || $0.width != first.width }) {
      throw SequencesError.unsuitableClip(
        path: path,
        reason: "its frames differ in size, \(first.height) x \(first.width) and "
          + "\(other.height) x \(other.width) pixels"
      )
    }
    return images
  }

  /// Places of frames that are spread evenly, the first and the last among them.
  /// - Parameters:
  ///   - count: Frames that there are.
  ///   - maximum: Frames to keep, at least 1.
  /// - Returns: At most so many places, rising.
  package static func thinned(_ count: Int, _ maximum: Int) -> [Int] {
    guard count > maximum else { return Array(0..<count) }
    guard maximum > 1 else { return [count / 2] }
    return (0..<maximum).map { ($0 * (count - 1) + (maximum - 1) / 2) / (maximum - 1) }
  }

  /// The middle slices of time points, or the slices of the only volume.
  private static func volumes(_ path: String, maximum: Int) throws -> [ImagePlanes] {
    do {
      let volume = try ImageFormats.read(path).volume.asFloat
      return thinned(volume.geometry.size.z, maximum).map { ImagePlanes(volume, slice: $0) }
    } catch ImagingIOError.severalTimePoints(_, let choices) {
      return try thinned(choices.count, maximum).map { index in
        var selection = VolumeSelection()
        selection.timePoint = index + 1
        let volume = try ImageFormats.read(path, selection: selection).volume.asFloat
        return ImagePlanes(volume, slice: volume.geometry.size.z / 2)
      }
    }
  }
}

/// Clips as a network sees them, read once and kept in memory.
///
/// They are kept before means and deviations, on the scale on which the range of intensities is 1.
struct FittedClips: Sendable {
  /// One clip.
  struct Clip: Sendable {
    let item: ClipDataset.Item
    /// `[frames, channels, rows, columns]`.
    let values: [Float]
    let frames: Int
  }

  /// The clips that could be read.
  let clips: [Clip]
  /// Those that could not, one sentence each.
  let problems: [String]

  /// More values than this are refused, 8 GB.
  private static let largestCount = 2 << 30

  /// Reads clips; those that cannot be read are left out and told.
  /// - Throws: `SequencesError.nothingToUse` when none can be read, or they are too many to keep;
  ///   `SupportError.interrupted`.
  init(
    _ items: [ClipDataset.Item],
    plan: SequencePlan.Clips,
    name: String,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    var (clips, problems, sum) = ([Clip](), [String](), 0)
    progress.begin("reading \(items.count) clips", total: items.count)
    for (index, item) in items.enumerated() {
      try interruption.check()
      do {
        let clip = try Self.fitted(item, plan)
        clips.append(clip)
        sum += clip.values.count
      } catch let error as any ClassifiedError {
        problems.append("\(item.id) was left out. \(error.description)")
      }
      guard sum <= Self.largestCount else {
        throw SequencesError.nothingToUse(
          path: name,
          reason: "its clips do not fit into 8 GB; make --size or --frames smaller"
        )
      }
      if index % 20 == 19 { progress.update(index + 1, detail: nil) }
    }
    progress.end()
    guard !clips.isEmpty || items.isEmpty else {
      throw SequencesError.nothingToUse(path: name, reason: problems[0])
    }
    (self.clips, self.problems) = (clips, problems)
  }

  private static func fitted(_ item: ClipDataset.Item, _ plan: SequencePlan.Clips) throws -> Clip {
    let frames = try ClipReader.read(item.path, maximum: plan.maximumFrames)
    return Clip(item: item, values: plan.values(frames), frames: frames.count)
  }

  /// The mean and the deviation of each channel over all frames; deviations are at least 1/255.
  func statistics(channels: Int, area: Int) -> (means: [Double], deviations: [Double]) {
    var (means, deviations) = ([Double](), [Double]())
    for channel in 0..<channels {
      var (sum, squares, count) = (0.0, 0.0, 0)
      for clip in clips {
        for frame in 0..<clip.frames {
          let first = (frame * channels + channel) * area
          for value in clip.values[first..<first + area] {
            sum += Double(value)
            squares += Double(value) * Double(value)
          }
          count += area
        }
      }
      let mean = sum / Double(max(1, count))
      let deviation = max(0, squares / Double(max(1, count)) - mean * mean).squareRoot()
      means.append((mean * 1e6).rounded() / 1e6)
      deviations.append(max(1.0 / 255, (deviation * 1e6).rounded() / 1e6))
    }
    return (means, deviations)
  }
}

extension SequencePlan.Clips {
  /// Frames as the network sees them, before means and deviations: `[frames, channels, rows, columns]`.
  func values(_ frames: [ImagePlanes]) -> [Float] {
    var neutral = self.frames
    neutral.means = neutral.means.map { _ in 0 }
    neutral.deviations = neutral.means.map { _ in 1 }
    return frames.flatMap { neutral.fitted($0).values }
  }

  /// From `[frames, channels, rows, columns]` before means and deviations to
  /// `[channels, steps, rows, columns]`; the last frame fills up.
  /// - Parameters:
  ///   - values: The frames, one or more.
  ///   - steps: Frames of the result.
  /// - Returns: The values as the network takes them.
  package func normalized(_ values: [Float], steps: Int) -> [Float] {
    let (channels, area) = (frames.channels, frames.height * frames.width)
    let count = values.count / (channels * area)
    var result: [Float] = []
    result.reserveCapacity(channels * steps * area)
    for channel in 0..<channels {
      let (mean, deviation) = (Float(frames.means[channel]), Float(frames.deviations[channel]))
      for step in 0..<steps {
        let first = (min(step, count - 1) * channels + channel) * area
        for value in values[first..<first + area] { result.append((value - mean) / deviation) }
      }
    }
    return result
  }
}
