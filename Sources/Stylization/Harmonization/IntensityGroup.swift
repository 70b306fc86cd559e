import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import Transforms

/// How the scans of a scanner or site look: statistics alone, nothing of any scan.
public struct IntensityGroup: Codable, Sendable, Equatable {
  private static let currentSchema = "lamina.intensity-group/1"

  /// Version of this record.
  public private(set) var schema = IntensityGroup.currentSchema
  /// What it is called: as the user says, else by the number of scans.
  ///
  /// It stands in what is made of other patients' scans, so that it must not be a file's name.
  public let name: String
  /// Scans that it was learnt from.
  public let scans: Int
  /// The mean values at the percentiles `ForegroundValues.percentiles` of the foreground.
  public let percentiles: [Double]
  /// The mean of what lies below the foreground's edge.
  public let background: Double
  /// Mean deviations of the bands of details, as shares of the foreground's range: see `DetailBands`.
  public let details: [Double]
  /// The standard scale of landmarks, 0 to 100.
  let standard: HistogramStandard

  /// Learns how scans look.
  /// - Parameters:
  ///   - name: Where they come from; nil calls them by their number.
  ///   - paths: Files, or folders or zips of DICOM.
  ///   - selection: Which series and volume of each.
  ///   - progress: Told about every scan.
  ///   - interruption: Looked at between scans.
  /// - Throws: What reading throws; `StylizationError.noContrast`.
  public init(
    name: String?,
    paths: [String],
    selection: VolumeSelection,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    var (marks, backgrounds, details) = ([[Double]](), [Double](), [[Double]]())
    // One scan at a time: of each stay its numbers, and fewer than 400 000 values for the landmarks.
    var landmarks: [[Float]] = []
    for path in paths {
      try interruption.check()
      let loaded = try ImageFormats.read(path, selection: selection, progress: progress)
      let scan = loaded.volume.asFloat
      guard let values = ForegroundValues(scan) else {
        throw StylizationError.noContrast(path: path)
      }
      marks.append(values.percentiles)
      backgrounds.append(values.background)
      details.append(DetailBands(scan, values).deviations)
      landmarks.append(values.standardSample)
    }
    guard let standard = HistogramStandard(of: landmarks), !marks.isEmpty else {
      throw StylizationError.noContrast(path: paths.joined(separator: ", "))
    }
    func mean(_ rows: [[Double]]) -> [Double] {
      rows[0].indices.map { place in
        rows.reduce(0) { $0 + $1[place] } / Double(rows.count)
      }
    }
    self.name = name ?? Self.countWords(paths.count)
    self.standard = standard
    scans = paths.count
    percentiles = mean(marks)
    background = backgrounds.reduce(0, +) / Double(backgrounds.count)
    self.details = mean(details)
    // Distances are shares of this range.
    guard range.low < range.high else {
      throw StylizationError.noContrast(path: paths.joined(separator: ", "))
    }
  }

  private static func countWords(_ scans: Int) -> String {
    "\(scans) reference scan\(scans == 1 ? "" : "s")"
  }

  /// Its name, and how many scans it was learnt from.
  public var words: String {
    let count = Self.countWords(scans)
    return name == count ? name : "\(name), \(count)"
  }

  /// Reads statistics that were saved.
  /// - Parameter path: A .json file.
  /// - Throws: `SupportError.notFound`; `StylizationError.damagedGroup`.
  public init(contentsOf path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    guard let group = try? JSONDecoder().decode(Self.self, from: data),
      group.schema == Self.currentSchema,
      group.percentiles.count == ForegroundValues.percentiles.count,
      group.details.count == DetailBands.widths.count,
      zip(group.percentiles, group.percentiles.dropFirst()).allSatisfy(<=),
      (group.percentiles + group.details + [group.background]).allSatisfy(\.isFinite),
      group.range.low < group.range.high,
      group.standard.landmarks.count == HistogramStandard.percentiles.count,
      group.standard.landmarks.allSatisfy(\.isFinite)
    else { throw StylizationError.damagedGroup(path: path) }
    self = group
  }

  /// The foreground's range, from its 1st to its 99th percentile.
  public var range: (low: Double, high: Double) {
    (ForegroundValues.at(1, percentiles), ForegroundValues.at(99, percentiles))
  }
}

/// The values of a scan's foreground: those above the mean of all (Nyúl, Udupa and Zhang 2000).
struct ForegroundValues: Sendable {
  /// Percentiles that are kept: 0.5 and 99.5, and between them every whole one.
  static let percentiles: [Double] = [0.5] + (1...99).map(Double.init) + [99.5]

  /// The edge of the foreground.
  let edge: Float
  /// Values at `percentiles`.
  let percentiles: [Double]
  /// The mean of what lies below.
  let background: Double
  /// The number of the foreground's voxels.
  let count: Int
  /// Values that stand for all, for landmarks: every n-th finite value of the scan, with the n that leaves
  /// from 200 000 to fewer than 400 000 of a larger scan.
  let standardSample: [Float]

  /// Finds the foreground; nil without contrast.
  init?(_ scan: Volume<Float>) {
    let finite = scan.voxels.filter(\.isFinite)
    guard !finite.isEmpty else { return nil }
    let mean = finite.reduce(0.0) { $0 + Double($1) } / Double(finite.count)
    self.init(finite, edge: Float(mean))
  }

  /// Takes the values above an edge; nil when they have no contrast.
  init?(_ finite: [Float], edge: Float) {
    let bright = finite.filter { $0 > edge }
    let below = finite.filter { $0 <= edge }
    guard bright.count > 100, let low = bright.min(), let high = bright.max(), low < high
    else { return nil }
    self.edge = edge
    count = bright.count
    percentiles = IntensitySteps.percentiles(bright, Self.percentiles)
    background =
      below.isEmpty ? Double(edge) : below.reduce(0.0) { $0 + Double($1) } / Double(below.count)
    let step = max(1, finite.count / 200_000)
    standardSample = stride(from: 0, to: finite.count, by: step).map { finite[$0] }
  }

  /// The value at a percentile, linear between those kept.
  static func at(_ percentile: Double, _ values: [Double]) -> Double {
    let upper = percentiles.firstIndex { $0 >= percentile } ?? percentiles.count - 1
    guard upper > 0 else { return values[0] }
    let (a, b) = (percentiles[upper - 1], percentiles[upper])
    let share = (percentile - a) / (b - a)
    return values[upper - 1] * (1 - share) + values[upper] * share
  }

  /// The distance of two distributions given by their percentiles: the mean difference of values of
  /// equal rank (Wasserstein's first).
  static func distance(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(a.count)
  }
}

/// Details of several sizes, as differences of Gaussian means.
struct DetailBands: Sendable {
  /// Deviations of the means, mm; each band lies between two, the finest between the first and the
  /// scan itself.
  static let widths: [Double] = [0.7, 1.4, 2.8]

  /// The bands, finest first.
  let bands: [[Float]]
  /// Deviations in the foreground, as shares of its range: 1.4826 times the median of absolute values
  /// (Hampel 1974), so that texture and noise decide and the few voxels of edges do not.
  let deviations: [Double]

  init(_ scan: Volume<Float>, _ values: ForegroundValues) {
    let geometry = scan.geometry
    var (bands, finer) = ([[Float]](), scan.voxels.map { $0.isFinite ? $0 : 0 })
    for width in Self.widths {
      let coarser = GaussianFilter.blurred(
        finer,
        size: geometry.size,
        deviations: .init(repeating: width) / geometry.spacing
      )
      bands.append(zip(finer, coarser).map { $0 - $1 })
      finer = coarser
    }
    let range =
      ForegroundValues.at(99, values.percentiles) - ForegroundValues.at(1, values.percentiles)
    deviations = bands.map { band in
      var sizes: [Float] = []
      sizes.reserveCapacity(values.count)
      for (value, detail) in zip(scan.voxels, band) where value > values.edge {
        sizes.append(abs(detail))
      }
      guard !sizes.isEmpty else { return 0 }
      sizes.sort()
      return 1.4826 * Double(sizes[sizes.count / 2]) / max(range, .leastNormalMagnitude)
    }
    self.bands = bands
  }
}
