package import Support
package import Transforms

/// Classes of brightness, split where the values within them vary least.
///
/// Otsu 1979; Liao, Chen and Chung 2001, "A fast algorithm for multilevel thresholding": thresholds
/// that maximise the sum over classes of (sum of values)² / number, which is the variance between
/// classes but for a constant. Found exactly, by dynamic programming over a histogram of 256 bins; of
/// equally good thresholds the lowest. The darkest class is background.
package struct MultiOtsu: ClassicalMethod {
  package static let name = "otsu"
  package static let paper =
    "Otsu 1979, A threshold selection method from gray-level histograms; several thresholds: Liao, "
    + "Chen and Chung 2001, A fast algorithm for multilevel thresholding"
  package static let parameters = [
    FilterParameter(
      "classes",
      2,
      2...5,
      isWhole: true,
      "classes of brightness; the darkest is background"
    )
  ]
  package static let seeds = SeedNeed.none

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package static func bytesPerVoxel(classes: Int) -> Int { 0 }

  package func labels(
    of image: ClassicalImage,
    seeds: [UInt16]?,
    interruption: Interruption
  ) throws -> ClassicalLabels {
    let classes = values.whole("classes")
    let thresholds = try Self.thresholds(of: image.values, classes: classes)
    return ClassicalLabels(
      image.values.map { UInt16(Self.index(of: $0, thresholds)) },
      largest: classes - 1
    )
  }

  /// The class of a value, from 0 for the darkest.
  static func index(of value: Float, _ thresholds: [Float]) -> Int {
    thresholds.reduce(0) { $0 + (value >= $1 ? 1 : 0) }
  }

  /// The thresholds between classes, rising; a value equal to one belongs above it.
  /// - Parameters:
  ///   - values: Finite values.
  ///   - classes: From 2 on.
  /// - Returns: One fewer than classes.
  /// - Throws: `ClassicalSegmentationError.tooFewValues` when there are fewer occupied bins than
  ///   classes.
  package static func thresholds(
    of values: [Float],
    classes: Int
  ) throws(ClassicalSegmentationError) -> [Float] {
    guard let histogram = OtsuThreshold.Histogram(values),
      histogram.counts.count(where: { $0 > 0 }) >= classes
    else { throw .tooFewValues(classes: classes) }
    if classes == 2 {
      return [histogram.edge(above: OtsuThreshold.lastBin(of: histogram.counts))]
    }
    return lastBins(of: histogram.counts, classes: classes).map { histogram.edge(above: $0) }
  }

  /// The last bin of every class but the brightest.
  /// - Precondition: At least as many occupied bins as classes.
  static func lastBins(of counts: [Int], classes: Int) -> [Int] {
    let bins = counts.count
    var (number, sum) = ([0.0], [0.0])
    for bin in 0..<bins {
      number.append(number[bin] + Double(counts[bin]))
      sum.append(sum[bin] + Double(bin) * Double(counts[bin]))
    }
    /// What the bins from one up to another contribute as a class; nothing when they are empty.
    func score(_ first: Int, _ end: Int) -> Double {
      let count = number[end] - number[first]
      guard count > 0 else { return -.infinity }
      let total = sum[end] - sum[first]
      return total * total / count
    }
    // best[end]: the bins before `end` in as many classes as there were rounds.
    var best = (0...bins).map { $0 == 0 ? -Double.infinity : score(0, $0) }
    var choices: [[Int]] = []
    for _ in 1..<classes {
      var next = [Double](repeating: -.infinity, count: bins + 1)
      var choice = [Int](repeating: 0, count: bins + 1)
      for end in 1...bins {
        for first in 1..<max(1, end) {
          let value = best[first] + score(first, end)
          if value > next[end] { (next[end], choice[end]) = (value, first) }
        }
      }
      choices.append(choice)
      best = next
    }
    var ends: [Int] = []
    var end = bins
    for choice in choices.reversed() {
      end = choice[end]
      ends.append(end - 1)
    }
    return ends.reversed()
  }
}
