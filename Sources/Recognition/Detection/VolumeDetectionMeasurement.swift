import Imaging
import ImagingIO
import Pipelines
import Support

/// How well a detector finds the connected structures of volumes: its linked boxes against theirs.
///
/// By falling score, a finding takes the structure of its class that it overlaps most and that no other
/// has taken, if their boxes' intersection over union in space is large enough. 0.1 is what lesion
/// detection usually asks for in three dimensions (Baumgartner et al. 2021, "nnDetection", section 3).
/// Findings are those that `Detector.detect` tells by the model's own thresholds.
public struct VolumeDetectionMeasurement: Sendable {
  /// One class at one overlap.
  public struct ClassResult: Codable, Sendable, Equatable {
    /// The class's name.
    public let name: String
    /// The least intersection over union of boxes.
    public let leastOverlap: Double
    /// Structures that were found; nil without structures.
    public let sensitivity: ShareWithInterval?
    /// Findings that are structures; nil without findings.
    public let precision: ShareWithInterval?
    /// Findings that are none, for each volume.
    public let falseFindingsPerVolume: Double
    /// The mean overlap of those found; nil without any.
    public let meanOverlap: Double?
  }

  /// The results in numbers.
  public struct Summary: Codable, Sendable, Equatable {
    /// Volumes that were looked at.
    public let volumes: Int
    /// The classes at each overlap.
    public let classes: [ClassResult]
    /// Cases that could not be read.
    public let notes: [String]
  }

  /// A box in space, in voxels.
  package struct Box: Sendable, Equatable {
    let label: Int
    let lower: SIMD3<Double>
    let upper: SIMD3<Double>
    let score: Double

    /// Creates a box.
    /// - Parameters:
    ///   - label: The class, counted from 0.
    ///   - lower: The first voxel along x, y and z.
    ///   - upper: The first edge beyond.
    ///   - score: How sure the detector is.
    package init(
      label: Int,
      lower: SIMD3<Double>,
      upper: SIMD3<Double>,
      score: Double = 1
    ) {
      (self.label, self.lower, self.upper, self.score) = (label, lower, upper, score)
    }

    /// The intersection over union.
    package func overlap(_ other: Box) -> Double {
      let sides = pointwiseMin(upper, other.upper) - pointwiseMax(lower, other.lower)
      guard sides.min() > 0 else { return 0 }
      let common = sides.x * sides.y * sides.z
      return common / (volume + other.volume - common)
    }

    private var volume: Double {
      let sides = upper - lower
      return sides.x * sides.y * sides.z
    }
  }

  /// The overlaps at which results are told.
  public static let overlaps = [0.1, 0.5]

  /// The results in numbers.
  public let summary: Summary

  /// Runs a detector over volumes.
  /// - Parameters:
  ///   - detector: The detector.
  ///   - path: The folder with `dataset.json`.
  ///   - names: The cases to look at; nil for all.
  ///   - linking: How slices are joined.
  ///   - progress: Told about each case.
  ///   - interruption: Looked at between slices.
  /// - Throws: As `DetectionDataset.volumes`; `RecognitionError.infiniteScores`; `SupportError.interrupted`.
  public init(
    _ detector: Detector,
    on path: String,
    cases names: [String]? = nil,
    linking: SliceLinking = SliceLinking(),
    progress: any ProgressReporter = SilentProgress(),
    interruption: Interruption = Interruption()
  ) throws {
    let source = try DetectionDataset.labelledVolumes(path)
    let numbers = DetectionDataset.classNumbers(source, detector.classes)
    let cases = source.cases.filter { names?.contains($0.id) ?? true }
    var (pairs, notes): ([(found: [Box], truth: [Box])], [String]) = ([], [])
    progress.begin("detecting in volumes", total: cases.count)
    for (number, item) in cases.enumerated() {
      try interruption.check()
      do {
        let truth = Self.boxes(try DetectionDataset.labelMap(item), numbers)
        let found = try detector.detectVolume(
          item.image,
          linking: linking,
          interruption: interruption
        ).findings
        pairs.append((found.map(Self.box), truth))
      } catch let error as any ClassifiedError where error.failure == .damagedInput {
        if case .infiniteScores? = error as? RecognitionError { throw error }
        notes.append("\(item.id) was left out. \(error.description)")
      }
      progress.update(number + 1, detail: nil)
    }
    progress.end()
    summary = Self.summary(pairs, classes: detector.classes, notes: notes)
  }

  /// The boxes of a label map's connected structures (26 neighbours), in voxels.
  static func boxes(_ map: LabelMap, _ numbers: [Int: Int]) -> [Box] {
    let parts = ConnectedComponents(
      labels: map.labels,
      size: map.geometry.size,
      connectivity: .twentySix
    )
    return parts.corners(size: map.geometry.size).compactMap { corner in
      numbers[Int(map.labels[corner.first])].map {
        Box(label: $0, lower: SIMD3<Double>(corner.lower), upper: SIMD3<Double>(corner.upper))
      }
    }
  }

  private static func box(_ finding: VolumeDetection) -> Box {
    Box(
      label: finding.label,
      lower: SIMD3(finding.lower[0], finding.lower[1], finding.lower[2]),
      upper: SIMD3(finding.upper[0], finding.upper[1], finding.upper[2]),
      score: finding.score
    )
  }

  /// Counts over all volumes.
  /// - Parameters:
  ///   - pairs: Findings and structures of each volume.
  ///   - classes: The classes' names.
  ///   - notes: Cases that could not be read.
  /// - Returns: The results.
  package static func summary(
    _ pairs: [(found: [Box], truth: [Box])],
    classes: [String],
    notes: [String] = []
  ) -> Summary {
    Summary(
      volumes: pairs.count,
      classes: classes.enumerated().flatMap { label, name in
        overlaps.map { least in
          let own = pairs.map { pair in
            (
              found: pair.found.filter { $0.label == label },
              truth: pair.truth.filter { $0.label == label }
            )
          }
          let matched = own.flatMap { matches($0.found, $0.truth, least) }
          let told = own.reduce(0) { $0 + $1.found.count }
          return ClassResult(
            name: name,
            leastOverlap: least,
            sensitivity: ShareWithInterval(
              matched.count,
              of: own.reduce(0) { $0 + $1.truth.count }
            ),
            precision: ShareWithInterval(matched.count, of: told),
            falseFindingsPerVolume: Double(told - matched.count) / Double(max(1, pairs.count)),
            meanOverlap: matched.isEmpty
              ? nil : matched.reduce(0, +) / Double(matched.count)
          )
        }
      },
      notes: notes
    )
  }

  /// The overlaps of findings with the structures that they take.
  private static func matches(_ found: [Box], _ truth: [Box], _ least: Double) -> [Double] {
    var free = Set(truth.indices)
    let order = found.enumerated().sorted {
      ($1.element.score, $0.offset) < ($0.element.score, $1.offset)
    }
    return order.compactMap { _, box in
      let best = free.map { (place: $0, overlap: box.overlap(truth[$0])) }
        .max { ($0.overlap, $1.place) < ($1.overlap, $0.place) }
      guard let best, best.overlap >= least else { return nil }
      free.remove(best.place)
      return best.overlap
    }
  }
}
