import Foundation
import Imaging
import ImagingIO
import Support

extension SegmentationDataset {
  /// The names of the channels by their number.
  ///
  /// Pictures are seen as grey values; three colours are one channel of theirs.
  static func channelNames(
    _ header: Header,
    arePictures: Bool,
    _ unusable: (String) -> PipelinesError
  ) throws -> [String] {
    let named = header.channel_names ?? header.modality ?? [:]
    if arePictures {
      guard named.count <= 1 || named.count == 3 else {
        throw unusable("pictures have 1 or 3 channels, and it names \(named.count)")
      }
      return ["grey"]
    }
    guard named.count > 1 else { return [named.values.first ?? "image"] }
    return try (0..<named.count).map { number in
      guard let name = named["\(number)"] else {
        throw unusable("its \(named.count) channels are not numbered from 0")
      }
      return name
    }
  }

  /// A channel in words: "the scan", or of several the number and the name.
  /// - Parameter number: The channel.
  /// - Returns: A name for messages.
  func channelWords(_ number: Int) -> String {
    channelNames.count == 1 ? "the scan" : "channel \(number) (\(channelNames[number]))"
  }

  /// Reads the channels of a case: one file for each, or one file with a time point for each.
  /// - Parameter entry: The case.
  /// - Returns: One volume for each channel.
  /// - Throws: What reading throws; `SupportError.unreadable` for another number of channels.
  func readChannels(_ entry: Case) throws -> [Volume<Float>] {
    guard channelNames.count > 1, entry.images.count == 1 else {
      return try entry.images.map { try DatasetCheck.scan($0, asPicture: isPictures) }
    }
    let volumes = try ImageFormats.inspect(entry.image, progress: SilentProgress())
      .flatMap(\.volumes)
    guard volumes.count == 1, let size = volumes.first?.size, size.count == 4,
      size[3] == channelNames.count
    else {
      throw SupportError.unreadable(
        path: entry.image,
        reason: "the data set has \(channelNames.count) channels, and it is no file of as many "
          + "time points"
      )
    }
    return try (1...channelNames.count).map { point in
      var selection = VolumeSelection()
      selection.timePoint = point
      return try ImageFormats.read(
        entry.image,
        selection: selection,
        progress: SilentProgress()
      ).volume.asFloat
    }
  }

  /// The scan that a file begins.
  /// - Parameters:
  ///   - file: The file's name.
  ///   - folder: Its folder.
  ///   - ending: What the data set's file names end with.
  ///   - channels: The number of channels.
  /// - Returns: The scan with its further channels as a case without a label map; nil where the file
  ///   is a further channel, or one is missing.
  static func scan(_ file: String, in folder: String, ending: String, channels: Int) -> Case? {
    let first = channelSuffix(0)
    let ending = [ending, ".nii.gz", ".nii"].first { file.hasSuffix($0) } ?? ""
    let name = String(file.dropLast(ending.count))
    let path = folder + "/" + file
    guard name.hasSuffix(first) else {
      let isFurther = (1..<max(2, channels)).contains { name.hasSuffix(channelSuffix($0)) }
      return channels > 1 && isFurther ? nil : Case(id: name, image: path, label: path)
    }
    let id = String(name.dropLast(first.count))
    let further = (0..<channels).dropFirst().map { folder + "/" + id + channelSuffix($0) + ending }
    guard further.allSatisfy({ FileManager.default.fileExists(atPath: $0) }) else { return nil }
    return Case(id: id, image: path, furtherImages: further, label: path)
  }
}
