import Foundation
import Imaging
import ImagingIO
import Support

/// Writes any readable image in another format.
public struct ImageConversion: Sendable {
  /// What a conversion made.
  public struct Result: Sendable {
    /// The series that was converted.
    public let summary: SeriesSummary
    /// The files that appeared, or the folder's files.
    public let files: [String]
    /// How values changed, one sentence, or nil when they did not.
    public let remark: String?
  }

  /// The output's kind, by its ending.
  enum Target: Equatable {
    case nifti
    case nrrd
    case metaImage
    case pngFile
    case pngFolder

    init(_ path: String) throws(ImagingIOError) {
      let name = URL(fileURLWithPath: path).lastPathComponent.lowercased()
      let endings = [".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz"]
      if endings.contains(where: name.hasSuffix) {
        self = .nifti
      } else if name.hasSuffix(".nrrd") {
        self = .nrrd
      } else if name.hasSuffix(".mha") {
        self = .metaImage
      } else if name.hasSuffix(".png") {
        self = .pngFile
      } else if path.hasSuffix("/") || !name.contains(".") {
        self = .pngFolder
      } else {
        throw .unknownOutputFormat(path: path)
      }
    }
  }

  private let outputs: OutputGuard
  private let interruption: Interruption
  private let progress: any ProgressReporter

  /// Creates a converter.
  /// - Parameters:
  ///   - outputs: Writes the output.
  ///   - interruption: Stops between volumes.
  ///   - progress: Told about long reading.
  public init(outputs: OutputGuard, interruption: Interruption, progress: any ProgressReporter) {
    self.outputs = outputs
    self.interruption = interruption
    self.progress = progress
  }

  /// Converts one volume, or all time points of one series.
  ///
  /// Values keep their scalar type in NIfTI, NRRD and MetaImage, so label maps stay integer. A DICOM
  /// file of colours keeps them in `.png`, with 8 bits a channel.
  /// - Parameters:
  ///   - input: A file or folder.
  ///   - output: `.nii`, `.nii.gz`, a `.hdr`/`.img` pair, `.nrrd`, `.mha`, `.png` for one slice,
  ///     or a folder for PNG slices.
  ///   - selection: Which series and volume, when there are several.
  /// - Returns: What was made.
  /// - Throws: `ImagingIOError` for inputs and unknown endings; `SupportError` for outputs.
  public func convert(
    _ input: String,
    to output: String,
    selection: VolumeSelection
  ) throws -> Result {
    let target = try Target(output)
    try outputs.check(output)
    if target == .pngFile, let result = try convertColor(input, to: output, selection) {
      return result
    }
    let loaded = try Self.timePoints(
      of: input,
      selection: selection,
      interruption: interruption,
      progress: progress
    )
    try interruption.check()
    guard let summary = loaded.last?.summary else {
      throw ImagingIOError.noSuchSelection(path: input, selection: "volume")
    }
    let volumes = AnyVolume.inCommonType(loaded.map(\.volume))
    switch target {
    case .nifti:
      return Result(
        summary: summary,
        files: try writeNIfTI(volumes, shift: loaded.last?.shift, to: output),
        remark: nil
      )
    case .nrrd, .metaImage:
      guard loaded.allSatisfy({ $0.shift == nil }) else {
        throw ImagingIOError.unsupported(
          path: input,
          what: "slices that are shifted against each other",
          remedy: "end the output in .nii.gz, which can state the shift"
        )
      }
      try outputs.writeFile(output) { temporary in
        switch target {
        case .nrrd: try NRRDWriter.write(timePoints: volumes, to: temporary)
        default: try MetaImageWriter.write(timePoints: volumes, to: temporary)
        }
      }
      return Result(summary: summary, files: [output], remark: nil)
    case .pngFile, .pngFolder:
      guard volumes.count == 1 else {
        throw ImagingIOError.severalVolumes(
          path: input,
          choices: (1...volumes.count).map { "time point \($0)" }
        )
      }
      let slices = SliceImages(volumes[0])
      if target == .pngFile, slices.count > 1 {
        throw ImagingIOError.unsupported(
          path: input,
          what: "\(slices.count) slices, which one PNG cannot hold",
          remedy: "name a folder as output"
        )
      }
      let files = try slices.write(to: output, asFolder: target == .pngFolder, outputs: outputs)
      return Result(summary: summary, files: files, remark: slices.remark)
    }
  }

  /// Writes a DICOM file of colours as a colour picture; nil for any other input.
  private func convertColor(
    _ input: String,
    to output: String,
    _ selection: VolumeSelection
  ) throws -> Result? {
    let frame = selection.timePoint ?? selection.volume ?? 1
    guard let picture = try? DICOMFormat.readColor(input, frame: frame),
      let summary = try DICOMFormat().inspect(input, progress: progress).first
    else { return nil }
    let image = PNGImage(
      width: picture.width,
      height: picture.height,
      channels: 3,
      samples: .eightBit(picture.rgb)
    )
    try outputs.write(PNGEncoder.encode(image), to: output)
    var colored = summary
    // That it is no volume does not matter to a picture.
    colored.problems.removeAll { $0.code == "colour" }
    return Result(summary: colored, files: [output], remark: nil)
  }

  /// One loaded volume for each time point: all of them unless one is chosen.
  static func timePoints(
    of input: String,
    selection: VolumeSelection,
    interruption: Interruption,
    progress: any ProgressReporter
  ) throws -> [LoadedVolume] {
    let format = try ImageFormats.format(of: input)
    let count: Int
    do {
      return [try format.read(input, selection: selection, progress: progress)]
    } catch ImagingIOError.severalTimePoints(_, let choices) {
      count = choices.count
    }
    return try (1...count).map { point in
      try interruption.check()
      var chosen = selection
      chosen.timePoint = point
      return try format.read(input, selection: chosen, progress: progress)
    }
  }

  private func writeNIfTI(
    _ volumes: [AnyVolume],
    shift: SliceShift?,
    to output: String
  ) throws -> [String] {
    let pair = Self.pair(output)
    guard let pair else {
      try outputs.writeFile(output) { temporary in
        try NIfTIWriter.write(timePoints: volumes, secondsApart: 0, to: temporary, shift: shift)
      }
      return [output]
    }
    // Both files of a pair are made in a hidden folder and appear one right after the other.
    for file in pair { try outputs.check(file) }
    let folder = URL(fileURLWithPath: output).deletingLastPathComponent().path
    try outputs.writeFolder("\(folder)/.pair-\(ProcessInfo.processInfo.processIdentifier)") {
      temporary in
      let name = URL(fileURLWithPath: pair[0]).lastPathComponent
      try NIfTIWriter.write(
        timePoints: volumes,
        secondsApart: 0,
        to: temporary + "/" + name,
        shift: shift
      )
      for file in pair {
        let made = temporary + "/" + URL(fileURLWithPath: file).lastPathComponent
        guard rename(made, file) == 0 else {
          throw SupportError.unwritable(path: file, reason: String(cString: strerror(errno)))
        }
      }
    }
    try? FileManager.default.removeItem(
      atPath: "\(folder)/.pair-\(ProcessInfo.processInfo.processIdentifier)"
    )
    return pair
  }

  /// Header and voxel file, when the output is a pair.
  static func pair(_ output: String) -> [String]? {
    let ending = output.lowercased().hasSuffix(".gz") ? String(output.suffix(3)) : ""
    let base = output.dropLast(ending.count)
    guard [".hdr", ".img"].contains(base.lowercased().suffix(4)) else { return nil }
    return [base.dropLast(4) + ".hdr" + ending, base.dropLast(4) + ".img" + ending]
  }
}
