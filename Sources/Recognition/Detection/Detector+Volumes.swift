import Imaging
import ImagingIO
import Support

extension Detector {
  /// More than one in so many values outside the model's range are told.
  private static let oddShare = 10

  /// What was found in a volume.
  public struct VolumeFindings: Sendable {
    /// The findings of each slice along z, in voxels.
    public let slices: [[Detection]]
    /// The findings in space by falling score.
    public let findings: [VolumeDetection]
    /// The boxes that each finding was joined of, with their slices from 0.
    public let boxes: [[(slice: Int, detection: Detection)]]

    /// Joins the findings of neighbouring slices.
    package init(
      _ slices: [[Detection]],
      linking: SliceLinking = SliceLinking(),
      geometry: ImageGeometry
    ) {
      let linked = linking.linked(slices, geometry: geometry)
      self.slices = slices
      findings = linked.map(\.finding)
      boxes = linked.map(\.track.boxes)
    }
  }

  /// Finds objects in the slices of a file's volume one by one, and joins those of neighbouring slices.
  /// - Parameters:
  ///   - path: A file or folder in a format that `ImageFormats` knows.
  ///   - options: Which findings of slices are told.
  ///   - linking: How slices are joined.
  ///   - progress: Told about each slice.
  ///   - interruption: Looked at between slices.
  /// - Returns: The findings.
  /// - Throws: `ImagingIOError`; `RecognitionError.infiniteScores`; `SupportError.interrupted`.
  public func detectVolume(
    _ path: String,
    _ options: Options = Options(),
    linking: SliceLinking = SliceLinking(),
    progress: any ProgressReporter = SilentProgress(),
    interruption: Interruption = Interruption()
  ) throws -> VolumeFindings {
    try detect(
      ImageFormats.read(path).volume.asFloat,
      options,
      linking: linking,
      progress: progress,
      interruption: interruption
    )
  }

  /// Finds objects in the slices of a volume one by one, and joins those of neighbouring slices.
  ///
  /// Slices lie along the volume's third axis; turn the volume for others. Intensities are scaled as
  /// the plan says, by the whole volume where it goes by percentiles.
  /// - Parameters:
  ///   - volume: The volume.
  ///   - options: Which findings of slices are told.
  ///   - linking: How slices are joined.
  ///   - progress: Told about each slice.
  ///   - interruption: Looked at between slices.
  /// - Returns: The findings.
  /// - Throws: `RecognitionError.infiniteScores`; `SupportError.interrupted`.
  public func detect(
    _ volume: Volume<Float>,
    _ options: Options = Options(),
    linking: SliceLinking = SliceLinking(),
    progress: any ProgressReporter = SilentProgress(),
    interruption: Interruption = Interruption()
  ) throws -> VolumeFindings {
    let size = volume.geometry.size
    let scale = plan.intensity.scale(for: volume.voxels)
    if case .fixed(let low, let high) = plan.intensity {
      let outside = volume.voxels.count { Double($0) < low || Double($0) > high }
      if outside > volume.voxels.count / Self.oddShare {
        progress.warn(
          "\(outside * 100 / volume.voxels.count) % of the values lie outside \(low) to \(high), which is "
            + "what \(name) sees."
        )
      }
    }
    var slices: [[Detection]] = []
    progress.begin("detecting", total: size.z)
    for slice in 0..<size.z {
      try interruption.check()
      let start = slice * size.x * size.y
      let image = RasterImage<Float>(
        slice: volume.voxels[start..<start + size.x * size.y],
        width: size.x,
        height: size.y,
        scale: scale,
        channels: plan.channels
      )
      slices.append(try detect(image, options))
      progress.update(slice + 1, detail: nil)
    }
    progress.end()
    return VolumeFindings(slices, linking: linking, geometry: volume.geometry)
  }
}
