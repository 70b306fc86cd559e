import Foundation
import Imaging
import Support

/// Ranks unlabelled cases by what a model would learn from their labels.
///
/// Two things count, as in active learning: how uncertain the model is, and how different a case is
/// from those suggested before it (greedy k-centre; Sener and Savarese 2018, "Active learning for
/// convolutional neural networks: a core-set approach"). The most uncertain case comes first; then
/// always the one with the largest product of uncertainty and distance to its nearest predecessor.
///
/// - Uncertainty is the mean entropy of the class probabilities, divided by the logarithm of the
///   number of classes, over the voxels in which background is less than 99 % certain. Probabilities
///   of background alone would drown in air otherwise.
/// - Distance is Euclidean between simple features: the logarithm of the volume of each structure
///   (1 µl added) and of the field of view, and mean and deviation of the scan's values in the
///   segmented region, as shares of those of the whole scan. Each is divided by its deviation over
///   the cases.
public struct CaseRanking: Sendable {
  /// What ranking needs of a case.
  package struct Entry: Sendable, Equatable {
    package let id: String
    package let path: String
    package let uncertainty: Double
    package let features: [Double]

    package init(id: String, path: String, uncertainty: Double, features: [Double]) {
      self.id = id
      self.path = path
      self.uncertainty = uncertainty
      self.features = features
    }
  }

  private let model: ModelPackage
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Background more certain than this is none of the model's doubts.
  private static let certainty: Float = 0.99

  /// Creates a ranking.
  /// - Parameters:
  ///   - model: The model whose doubts count.
  ///   - progress: Told about each case.
  ///   - interruption: Looked at between cases.
  public init(
    model: ModelPackage,
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.model = model
    self.progress = progress
    self.interruption = interruption
  }

  /// Segments scans and ranks them.
  /// - Parameters:
  ///   - scans: The scans without labels.
  ///   - count: The number of suggestions.
  /// - Returns: At most so many suggestions, the first to label first.
  /// - Throws: What segmenting throws; `UnlabelledError` for a model of regions or without scans.
  public func suggestions(
    among scans: [SegmentationInputs.Case],
    count: Int
  ) throws -> [CaseSuggestion] {
    guard !scans.isEmpty else { throw UnlabelledError.noScans(path: "The data set") }
    let (run, _) = try model.probabilityRun(interruption)
    progress.begin("segmenting \(scans.count) unlabelled scans", total: scans.count)
    let entries = try scans.enumerated().map { index, scan in
      try interruption.check()
      let result = try run.segment(scan)
      progress.update(index + 1, detail: scan.id)
      return Entry(
        id: scan.id,
        path: scan.path,
        uncertainty: result.probabilities.map(Self.uncertainty) ?? 0,
        features: Self.features(result, labels: model.description.labels)
      )
    }
    progress.end()
    return Self.ranked(entries, count: count)
  }

  /// Orders cases greedily.
  /// - Parameters:
  ///   - entries: The cases; all have the same number of features.
  ///   - count: The number of suggestions.
  /// - Returns: At most so many; of equal ones the first of the ids comes first.
  package static func ranked(_ entries: [Entry], count: Int) -> [CaseSuggestion] {
    var left = entries.sorted { $0.id < $1.id }
    let scales = scales(left.map(\.features))
    func distance(_ a: Entry, _ b: Entry) -> Double {
      var sum = 0.0
      for (index, scale) in scales.enumerated() where scale > 0 {
        let difference = (a.features[index] - b.features[index]) / scale
        sum += difference * difference
      }
      return sum.squareRoot()
    }
    var nearest = [Double](repeating: .infinity, count: left.count)
    var chosen: [CaseSuggestion] = []
    while chosen.count < count, !left.isEmpty {
      let scores = zip(left, nearest).map { $1.isFinite ? $0.uncertainty * $1 : $0.uncertainty }
      let best = scores.max() ?? 0
      let place = scores.firstIndex(of: best) ?? 0
      let taken = left.remove(at: place)
      let space = nearest.remove(at: place)
      chosen.append(
        CaseSuggestion(
          rank: chosen.count + 1,
          id: taken.id,
          path: taken.path,
          uncertainty: taken.uncertainty,
          distance: space.isFinite ? space : nil
        )
      )
      for index in left.indices {
        nearest[index] = min(nearest[index], distance(left[index], taken))
      }
    }
    return chosen
  }

  /// The deviation of each feature over the cases; 0 where it is the same in all.
  private static func scales(_ features: [[Double]]) -> [Double] {
    guard let first = features.first else { return [] }
    let count = Double(features.count)
    return first.indices.map { index in
      let mean = features.reduce(0) { $0 + $1[index] } / count
      let variance = features.reduce(0) { $0 + ($1[index] - mean) * ($1[index] - mean) } / count
      return variance.squareRoot()
    }
  }

  /// The mean normalised entropy where background is not certain.
  private static func uncertainty(_ sink: ProbabilitySink) -> Double {
    let classes = sink.size.first ?? 0
    guard classes > 1 else { return 0 }
    return sink.withValues { values in
      meanEntropy(UnsafeBufferPointer(values), classes: classes)
    }
  }

  /// The mean of −Σ p ln p / ln C over voxels whose first class is less than 99 % certain.
  /// - Parameters:
  ///   - values: Probabilities, class slowest.
  ///   - classes: C, at least 2.
  /// - Returns: 0 to 1; 0 without such a voxel.
  package static func meanEntropy(
    _ values: UnsafeBufferPointer<Float>,
    classes: Int
  ) -> Double {
    let voxels = values.count / classes
    var (sum, count) = (0.0, 0)
    for voxel in 0..<voxels where values[voxel] < certainty {
      var entropy = 0.0
      for c in 0..<classes {
        let p = Double(values[c * voxels + voxel])
        if p > 0 { entropy -= p * log(p) }
      }
      sum += entropy / log(Double(classes))
      count += 1
    }
    return count > 0 ? sum / Double(count) : 0
  }

  private static func features(
    _ result: SegmentationRun.Result,
    labels: [LabelDefinition]
  ) -> [Double] {
    let scan = result.scan
    let map = result.labelMap
    let places = Dictionary(
      labels.enumerated().map { (UInt16(truncatingIfNeeded: $1.id), $0) },
      uniquingKeysWith: { first, _ in first }
    )
    var counts = [Int](repeating: 0, count: labels.count)
    var (all, inside) = (Moments(), Moments())
    for (label, value) in zip(map.labels, scan.voxels) {
      let value = Double(value)
      guard value.isFinite else { continue }
      all.add(value)
      guard label != 0 else { continue }
      inside.add(value)
      if let place = places[label] { counts[place] += 1 }
    }
    let voxelML = map.geometry.voxelVolumeML
    let volumes = counts.map { log(Double($0) * voxelML + 0.001) }
    let deviation = max(all.deviation, .leastNormalMagnitude)
    return volumes + [
      log(Double(map.labels.count) * voxelML),
      inside.count > 0 ? (inside.mean - all.mean) / deviation : 0,
      inside.count > 0 ? inside.deviation / deviation : 0,
    ]
  }
}

/// Running mean and variance (Welford 1962).
private struct Moments {
  private(set) var count = 0
  private(set) var mean = 0.0
  private var squares = 0.0

  var deviation: Double { count > 0 ? (squares / Double(count)).squareRoot() : 0 }

  mutating func add(_ value: Double) {
    count += 1
    let difference = value - mean
    mean += difference / Double(count)
    squares += difference * (value - mean)
  }
}
