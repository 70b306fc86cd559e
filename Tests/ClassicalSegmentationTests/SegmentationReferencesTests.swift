import ClassicalSegmentation
import Support
import TestSupport
import Testing

/// What scikit-image gives for the same images.
struct SegmentationReferencesTests {
  private let fixture: ClassicalFixture

  init() throws { fixture = try ClassicalFixture.load() }

  @Test func thresholdsAreThoseOfMultiOtsu() throws {
    #expect(fixture.otsu.map(\.classes) == [2, 3, 4, 5])
    for stored in fixture.otsu {
      let thresholds = try MultiOtsu.thresholds(of: stored.values, classes: stored.classes)
      // scikit-image compares variances in single precision: of nearly equal ones it may take another,
      // which must not be better than ours, nor worse than its rounding.
      let ours = variance(stored.values, thresholds)
      let theirs = variance(stored.values, stored.thresholds)
      #expect(ours >= theirs * (1 - 1e-3) && theirs >= ours * (1 - 1e-3), "\(ours), \(theirs)")
      // A bin is 0.02 wide at least.
      expectClose(thresholds, stored.thresholds, Tolerance(absolute: 0.025, relative: 0))
    }
  }

  /// The variance between classes, but for a constant: Σ (sum of values)² / number.
  private func variance(_ values: [Float], _ thresholds: [Float]) -> Double {
    var sums = [Double](repeating: 0, count: thresholds.count + 1)
    var counts = sums
    for value in values {
      let index = thresholds.count { value >= $0 }
      sums[index] += Double(value)
      counts[index] += 1
    }
    return zip(sums, counts).reduce(0) { $0 + $1.0 * $1.0 / max(1, $1.1) }
  }

  @Test func probabilitiesAreThoseOfTheRandomWalker() throws {
    #expect(fixture.walks.count == 3)
    for stored in fixture.walks {
      let image = try ClassicalImage(values: stored.values, size: extent(stored.size))
      let walker = try RandomWalker(parameters: ["tolerance": 1e-8])
      var found: [Double] = []
      try walker.forEachClass(
        digits(stored.seeds),
        classes: stored.classes,
        of: image,
        interruption: Interruption()
      ) { found += $1 }
      // Weights are in single precision, the file has six figures.
      expectClose(found, stored.probabilities, Tolerance(absolute: 2e-5, relative: 0))
      // Something is undecided: the test would see wrong weights.
      #expect(stored.probabilities.count { $0 > 0.2 && $0 < 0.8 } > 20)
    }
  }

  @Test func contoursAreThoseOfTheMorphologicalSnake() throws {
    #expect(fixture.contours.count == 4)
    for stored in fixture.contours {
      let edges = stored.edges.map { Float($0) / 256 }
      let image = try ClassicalImage(values: edges, size: extent(stored.size))
      let method = try GeodesicContour(parameters: [
        "iterations": Double(stored.iterations), "smoothing": Double(stored.smoothing),
        "balloon": Double(stored.balloon), "threshold": stored.threshold,
      ])
      let end = try method.evolved(
        digits(stored.start).map { UInt8($0) },
        along: edges,
        image,
        Interruption()
      )
      #expect(end.map { UInt16($0) } == digits(stored.end), "balloon \(stored.balloon)")
      #expect(stored.end != stored.start)
    }
  }

  @Test func superpixelsFindAsManyBorders() throws {
    let stored = fixture.superpixels
    let size = extent(stored.size)
    let method = try Superpixels(parameters: ["segments": Double(stored.regions)])
    let found = try method.labels(stored.values, size)
    let truth = borders(stored.truth, size)
    let regions = borders(found.labels.map(Int.init), size)
    let near = regions.indices.map { place in
      (-1...1).contains { dy in
        (-1...1).contains { dx in
          let (x, y) = (place % size.x + dx, place / size.x + dy)
          return x >= 0 && y >= 0 && x < size.x && y < size.y && regions[x + size.x * y]
        }
      }
    }
    let recall =
      Double(truth.indices.count { truth[$0] && near[$0] }) / Double(truth.count { $0 })
    let share = Double(regions.count { $0 }) / Double(regions.count)
    // As good as scikit-image's best of six settings, without more borders.
    #expect(recall >= stored.recall - 0.02, "\(recall) against \(stored.recall)")
    #expect(share <= 1.1 * stored.borders, "\(share) against \(stored.borders)")
    #expect(abs(found.largest - stored.regions) < stored.regions / 3, "\(found.largest)")
  }

  /// Whether a pixel's right or lower neighbour belongs elsewhere.
  private func borders(_ labels: [Int], _ size: SIMD3<Int>) -> [Bool] {
    labels.indices.map { place in
      (place % size.x < size.x - 1 && labels[place + 1] != labels[place])
        || (place / size.x < size.y - 1 && labels[place + size.x] != labels[place])
    }
  }
}
