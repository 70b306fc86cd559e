import Foundation
import Imaging
import ImagingIO
import Support

/// Sizes, spacings and intensities of a data set, from which a plan is made.
///
/// Axes are the patient's: left-right, front-back, feet-head, whatever the order in the files. Sizes are
/// those of the box around what is not 0.
public struct DatasetFingerprint: Codable, Sendable, Equatable {
  /// One case.
  public struct Case: Codable, Sendable, Equatable {
    /// The id.
    public let id: String
    /// Voxels of the box around what is not 0.
    public let size: [Int]
    /// Spacing, mm.
    public let spacingMM: [Double]
    /// Voxels of the box over those of the scan.
    public let relativeSize: Double
    /// Voxels of each structure, in the order of the labels.
    public let structureVoxels: [Int]
  }

  /// Values within structures, over all cases.
  ///
  /// nnU-Net's (Isensee et al. 2021, "Dataset fingerprint"): as many voxels of every case, drawn with
  /// replacement, so that large structures do not count more.
  public struct Intensities: Codable, Sendable, Equatable {
    /// The mean.
    public let mean: Double
    /// The deviation (with n).
    public let sd: Double
    /// The median.
    public let median: Double
    /// The least value drawn.
    public let minimum: Double
    /// The largest value drawn.
    public let maximum: Double
    /// The 0.5th percentile.
    public let percentile00_5: Double
    /// The 99.5th percentile.
    public let percentile99_5: Double
    /// Values drawn.
    public let count: Int
  }

  /// One structure.
  public struct Structure: Codable, Sendable, Equatable {
    /// The number in the label maps.
    public let id: Int
    /// The name.
    public let name: String
    /// Cases that show it.
    public let cases: Int
    /// Its share of the scans' voxels.
    public let share: Double
  }

  /// The cases without a fault, by id.
  public let cases: [Case]
  /// Values of the first channel within structures; nil where no case shows one.
  public let intensities: Intensities?
  /// Values of every channel within structures; empty where no case shows one.
  public let channelIntensities: [Intensities]
  /// The structures.
  public let structures: [Structure]
  /// The median of the sizes along each axis.
  public let medianSize: [Double]
  /// The median of the spacings along each axis, mm.
  public let medianSpacingMM: [Double]
  /// The 10th percentile of the sizes along each axis.
  public let lowSize: [Double]
  /// The 10th percentile of the spacings along each axis, mm.
  public let lowSpacingMM: [Double]
  /// The median of `relativeSize`.
  public let medianRelativeSize: Double

  /// Voxels drawn from each case (nnU-Net's default) and its seed.
  static let (samplesPerCase, seed) = (10_000, UInt64(1234))
}

/// Collects a fingerprint case by case, so that one scan is held at a time.
struct FingerprintCollector {
  private var cases: [DatasetFingerprint.Case] = []
  /// Of each channel.
  private var values: [[Float]] = []
  private var voxels = 0

  /// Adds a case; the values drawn depend on its place and nothing else.
  mutating func add(_ entry: DatasetCheck.LoadedCase, labels: [LabelDefinition]) {
    let geometry = entry.scan.geometry
    let reordering = GridReordering(from: geometry.orientation, to: .ras)
    var box: GridBox?
    for channel in entry.channels.volumes {
      guard let part = channel.accept(NonzeroBoxFinder(size: geometry.size)) else { continue }
      box = box?.union(part) ?? part
    }
    let size = reordering.applied(to: box?.size ?? geometry.size)
    let spacing = geometry.reordered(by: reordering).spacing
    let counts = entry.labelMap.voxelCounts
    var random = RandomStream(seed: DatasetFingerprint.seed).split(cases.count)
    let places = Self.draw(
      entry.labelMap,
      foreground: counts.reduce(0) { $0 + ($1.key > 0 ? $1.value : 0) },
      &random
    )
    for (number, channel) in ([entry.scan] + entry.further).enumerated() {
      if number == values.count { values.append([]) }
      values[number] += places.map { channel.voxels[$0] }
    }
    voxels += geometry.voxelCount
    cases.append(
      DatasetFingerprint.Case(
        id: entry.id,
        size: (0..<3).map { size[$0] },
        spacingMM: (0..<3).map { spacing[$0] },
        relativeSize: Double(size.x * size.y * size.z) / Double(geometry.voxelCount),
        structureVoxels: labels.map { counts[$0.id] ?? 0 }
      )
    )
  }

  /// The fingerprint of what was added; nil of nothing.
  func fingerprint(labels: [LabelDefinition]) -> DatasetFingerprint? {
    guard !cases.isEmpty else { return nil }
    func statistic(_ percent: Double, _ value: (DatasetFingerprint.Case, Int) -> Double) -> [Double]
    {
      (0..<3).map { axis in NNUNetPlanner.percentile(cases.map { value($0, axis) }, percent) }
    }
    return DatasetFingerprint(
      cases: cases,
      intensities: values.first.flatMap(Self.summary),
      channelIntensities: values.compactMap(Self.summary),
      structures: labels.enumerated().map { index, label in
        DatasetFingerprint.Structure(
          id: label.id,
          name: label.name,
          cases: cases.count { $0.structureVoxels[index] > 0 },
          share: Double(cases.reduce(0) { $0 + $1.structureVoxels[index] }) / Double(max(1, voxels))
        )
      },
      medianSize: statistic(50) { Double($0.size[$1]) },
      medianSpacingMM: statistic(50) { $0.spacingMM[$1] },
      lowSize: statistic(10) { Double($0.size[$1]) },
      lowSpacingMM: statistic(10) { $0.spacingMM[$1] },
      medianRelativeSize: NNUNetPlanner.percentile(cases.map(\.relativeSize), 50)
    )
  }

  /// Random voxels of structures, with replacement; in one walk over the voxels.
  private static func draw(
    _ map: LabelMap,
    foreground: Int,
    _ random: inout RandomStream
  ) -> [Int] {
    guard foreground > 0 else { return [] }
    let ranks = (0..<DatasetFingerprint.samplesPerCase)
      .map { _ in Int.random(in: 0..<foreground, using: &random) }.sorted()
    var result: [Int] = []
    result.reserveCapacity(ranks.count)
    var (rank, next) = (0, 0)
    for (index, label) in map.labels.enumerated() where label > 0 {
      while next < ranks.count, ranks[next] == rank {
        result.append(index)
        next += 1
      }
      if next == ranks.count { break }
      rank += 1
    }
    return result
  }

  private static func summary(_ values: [Float]) -> DatasetFingerprint.Intensities? {
    guard let least = values.min(), let most = values.max() else { return nil }
    let all = values.map { Double($0) }
    let mean = all.reduce(0, +) / Double(all.count)
    let squares = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return DatasetFingerprint.Intensities(
      mean: mean,
      sd: (squares / Double(all.count)).squareRoot(),
      median: NNUNetPlanner.percentile(all, 50),
      minimum: Double(least),
      maximum: Double(most),
      percentile00_5: NNUNetPlanner.percentile(all, 0.5),
      percentile99_5: NNUNetPlanner.percentile(all, 99.5),
      count: all.count
    )
  }
}
