import Imaging
import Support

/// Measurements of one segmented structure, without a reference.
public struct StructureStatistics: Equatable, Sendable, Codable {
  /// The intensities of the scan inside a structure, in the scan's unit.
  public struct Intensity: Equatable, Sendable, Codable {
    /// The mean.
    public let mean: Double
    /// The standard deviation over the voxels (with n).
    public let sd: Double
    /// The smallest value.
    public let min: Double
    /// The largest value.
    public let max: Double
  }

  /// The label number.
  public let label: Int
  /// The structure's name.
  public let name: String
  /// The number of voxels.
  public let voxels: Int
  /// The volume, ml.
  public let volumeML: Double
  /// The mean position of the voxels, LPS mm: three numbers; nil for an absent structure.
  public let centroidMM: [Double]?
  /// The lowest voxel index of the structure on each axis; nil for an absent structure.
  public let boxLow: [Int]?
  /// The highest voxel index of the structure on each axis; nil for an absent structure.
  public let boxHigh: [Int]?
  /// The largest distance of two points of the surface, which lies in the middle of the outer voxels'
  /// outer faces, mm; nil for an absent structure.
  public let largestDiameterMM: Double?
  /// The number of pieces that touch each other by no face, edge or corner.
  public let components: Int
  /// Whether the structure reaches the edge of the grid and may be cut off there.
  public let touchesBorder: Bool
  /// The intensities; nil without a scan, for an absent structure, or when values are not finite.
  public let intensity: Intensity?
  /// The mean, over the voxels that the model gave to the structure, of the probability that it gave
  /// them for it; nil when it is not known.
  ///
  /// Uncalibrated: networks are surer than they are right, so that 0.9 does not mean that nine
  /// voxels of ten are. It tells structures and scans of one model apart, and nothing more. Voxels
  /// count as the model decided them, before any postprocessing.
  public var uncalibratedConfidence: Double?
  /// Where the true volume lies in most cases; nil when no intervals were asked for.
  public var volumeInterval: VolumeIntervals.Interval?

  /// Measures every structure of a label map.
  ///
  /// An axis of one voxel has no edge to touch.
  /// - Parameters:
  ///   - labelMap: The segmentation.
  ///   - scan: The scan, on the same grid.
  /// - Returns: One entry for each label of the table and each further label that occurs, rising.
  /// - Throws: `ImagingError.gridMismatch` when the scan lies on another grid.
  public static func measure(
    _ labelMap: LabelMap,
    scan: Volume<Float>?
  ) throws(ImagingError) -> [StructureStatistics] {
    if let scan, let difference = scan.geometry.difference(from: labelMap.geometry) {
      throw .gridMismatch(reason: difference)
    }
    var sums: [Int: Sums] = [:]
    let components = LabelRuns(labelMap) {
      sums[$0.label, default: Sums()].add($0, scan, labelMap.geometry)
    }.componentCounts
    var names = Dictionary(
      labelMap.table.map { ($0.id, $0.name) },
      uniquingKeysWith: { first, _ in first }
    )
    for id in sums.keys where names[id] == nil { names[id] = "label \(id)" }
    return names.sorted { $0.key < $1.key }.map { id, name in
      let geometry = labelMap.geometry
      guard let sum = sums[id] else {
        return StructureStatistics(
          label: id,
          name: name,
          voxels: 0,
          volumeML: 0,
          centroidMM: nil,
          boxLow: nil,
          boxHigh: nil,
          largestDiameterMM: nil,
          components: 0,
          touchesBorder: false,
          intensity: nil
        )
      }
      let centroid = geometry.position(ofIndex: sum.position / Double(sum.voxels))
      let touches = (0..<3).contains { axis in
        geometry.size[axis] > 1
          && (sum.low[axis] == 0 || sum.high[axis] == geometry.size[axis] - 1)
      }
      return StructureStatistics(
        label: id,
        name: name,
        voxels: sum.voxels,
        volumeML: Double(sum.voxels) * geometry.voxelVolumeML,
        centroidMM: [centroid.x, centroid.y, centroid.z],
        boxLow: [sum.low.x, sum.low.y, sum.low.z],
        boxHigh: [sum.high.x, sum.high.y, sum.high.z],
        largestDiameterMM: sum.diameter.length(spacing: geometry.spacing),
        components: components[id] ?? 0,
        touchesBorder: touches,
        intensity: scan == nil ? nil : sum.intensity
      )
    }
  }

  /// What accumulates over the runs of one label.
  private struct Sums {
    var voxels = 0
    var position = SIMD3<Double>.zero
    var low = SIMD3(Int.max, Int.max, Int.max)
    var high = SIMD3(-1, -1, -1)
    var mean = 0.0
    var squares = 0.0
    var smallest = Double.infinity
    var largest = -Double.infinity
    var measured = 0
    var diameter = LargestDiameter()

    mutating func add(_ run: LabelRuns.Run, _ scan: Volume<Float>?, _ geometry: ImageGeometry) {
      diameter.add(run)
      let count = run.end - run.start
      voxels += count
      let middle = Double(run.start + run.end - 1) / 2
      position += SIMD3(middle, Double(run.y), Double(run.z)) * Double(count)
      low = pointwiseMin(low, [run.start, run.y, run.z])
      high = pointwiseMax(high, [run.end - 1, run.y, run.z])
      guard let scan else { return }
      let row = geometry.offset(0, run.y, run.z)
      for x in run.start..<run.end {
        // Welford (1962): the running mean keeps digits when the mean is far from zero.
        let value = Double(scan.voxels[row + x])
        measured += 1
        let difference = value - mean
        mean += difference / Double(measured)
        squares += difference * (value - mean)
        smallest = Swift.min(smallest, value)
        largest = Swift.max(largest, value)
      }
    }

    var intensity: Intensity? {
      guard measured > 0, mean.isFinite, squares.isFinite else { return nil }
      return Intensity(
        mean: mean,
        sd: (squares / Double(measured)).squareRoot(),
        min: smallest,
        max: largest
      )
    }
  }
}
