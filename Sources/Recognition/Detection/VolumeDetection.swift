import Imaging

/// A finding in a volume: boxes of neighbouring slices that belong together.
public struct VolumeDetection: Codable, Sendable, Equatable {
  /// The class, counted from 0.
  public let label: Int
  /// The largest score of its slices.
  public let score: Double
  /// The first voxel along x, y and z.
  public let lower: [Double]
  /// The end along x, y and z: the first edge beyond, so that extents are differences.
  public let upper: [Double]
  /// Slices that show it.
  public let slices: Int
  /// The middle in mm, LPS.
  public let centerMM: [Double]
  /// The extents along the volume's axes in mm.
  public let sizeMM: [Double]
}

/// Joins the boxes of neighbouring slices to boxes in space.
///
/// Slice by slice, a box goes to the open finding of its class whose last box it overlaps most, pairs of
/// the largest overlap first; a box that overlaps none opens a finding. A finding ends when more slices
/// than allowed do not show it.
public struct SliceLinking: Codable, Sendable, Equatable {
  /// Boxes of neighbouring slices that overlap at least this much belong together.
  public var leastOverlap = 0.3
  /// So many slices between may miss a finding.
  public var gap = 1
  /// Findings of fewer slices are left out.
  public var leastSlices = 1

  /// Creates the defaults that the properties show.
  public init() {}

  /// The boxes of one finding.
  struct Track {
    /// Each box with its slice, from 0.
    var boxes: [(slice: Int, detection: Detection)]
  }

  /// Joins boxes.
  /// - Parameters:
  ///   - slices: The boxes of each slice along z, in voxels.
  ///   - geometry: The volume's geometry.
  /// - Returns: The findings by falling score.
  public func callAsFunction(
    _ slices: [[Detection]],
    geometry: ImageGeometry
  ) -> [VolumeDetection] {
    linked(slices, geometry: geometry).map(\.finding)
  }

  /// Joins boxes, and keeps those of each finding.
  func linked(
    _ slices: [[Detection]],
    geometry: ImageGeometry
  ) -> [(finding: VolumeDetection, track: Track)] {
    var (open, closed): ([Track], [Track]) = ([], [])
    for (slice, detections) in slices.enumerated() {
      func isOpen(_ track: Track) -> Bool {
        track.boxes.last.map { slice - $0.slice <= gap + 1 } ?? false
      }
      closed += open.filter { !isOpen($0) }
      open = open.filter(isOpen)
      var pairs: [(overlap: Double, track: Int, detection: Int)] = []
      for (track, entry) in open.enumerated() {
        guard let last = entry.boxes.last?.detection else { continue }
        for (index, detection) in detections.enumerated() where detection.label == last.label {
          let overlap = last.box.overlap(detection.box)
          if overlap >= leastOverlap { pairs.append((overlap, track, index)) }
        }
      }
      pairs.sort { ($1.overlap, $0.track, $0.detection) < ($0.overlap, $1.track, $1.detection) }
      var (tracked, used): (Set<Int>, Set<Int>) = ([], [])
      for pair in pairs where !tracked.contains(pair.track) && !used.contains(pair.detection) {
        tracked.insert(pair.track)
        used.insert(pair.detection)
        open[pair.track].boxes.append((slice, detections[pair.detection]))
      }
      for (index, detection) in detections.enumerated() where !used.contains(index) {
        open.append(Track(boxes: [(slice, detection)]))
      }
    }
    return (closed + open).filter { $0.boxes.count >= leastSlices }
      .compactMap { track in Self.joined(track, geometry).map { (finding: $0, track: track) } }
      .enumerated()
      .sorted { ($1.element.finding.score, $0.offset) < ($0.element.finding.score, $1.offset) }
      .map(\.element)
  }

  private static func joined(_ track: Track, _ geometry: ImageGeometry) -> VolumeDetection? {
    guard let first = track.boxes.first, let last = track.boxes.last else { return nil }
    var hull = first.detection.box
    for (_, detection) in track.boxes {
      hull.left = min(hull.left, detection.box.left)
      hull.top = min(hull.top, detection.box.top)
      hull.right = max(hull.right, detection.box.right)
      hull.bottom = max(hull.bottom, detection.box.bottom)
    }
    let lower = SIMD3(hull.left, hull.top, Double(first.slice))
    let upper = SIMD3(hull.right, hull.bottom, Double(last.slice + 1))
    // A voxel's middle has its whole number as index, and the first voxel begins half a voxel before.
    let center = geometry.position(ofIndex: (lower + upper) / 2 - 0.5)
    let size = (upper - lower) * geometry.spacing
    return VolumeDetection(
      label: first.detection.label,
      score: track.boxes.map(\.detection.score).max() ?? 0,
      lower: [lower.x, lower.y, lower.z],
      upper: [upper.x, upper.y, upper.z],
      slices: track.boxes.count,
      centerMM: [center.x, center.y, center.z],
      sizeMM: [size.x, size.y, size.z]
    )
  }
}
