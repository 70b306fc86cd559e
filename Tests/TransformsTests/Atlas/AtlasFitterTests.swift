import Foundation
import Imaging
import Support
import TestSupport
import Testing
import Transforms

/// A made-up head, an atlas of it, and scans of it in other places and contrasts.
struct AtlasFitterTests {
  private static func dice(_ a: [Bool], _ b: [Bool]) -> Double {
    let both = zip(a, b).count { $0 && $1 }
    return 2 * Double(both) / Double(max(1, a.count { $0 } + b.count { $0 }))
  }

  /// Each label's Dice.
  private static func overlap(_ volume: Volume<Float>, _ truth: [UInt16]) throws -> [Double] {
    let atlas = try AtlasHead.atlas()
    let fitter = AtlasFitter(atlas)
    let scan = AtlasScan(volume)
    let guess = try #require(
      try AtlasPlacement(atlas, fitter: fitter).find(in: scan, interruption: Interruption())
    )
    let fit = try fitter.fit(scan, guess: guess, interruption: Interruption())
    let labelling = AtlasLabelling(scan, atlas: atlas, fit: fit)
    let plane = volume.geometry.size.x * volume.geometry.size.y
    var found: [UInt16] = []
    for slice in 0..<volume.geometry.size.z {
      var labels = [UInt16](repeating: 0, count: plane)
      var winners = [Float](repeating: 0, count: plane)
      labels.withUnsafeMutableBufferPointer { labels in
        winners.withUnsafeMutableBufferPointer {
          labelling.label(slice: slice, labels: labels, winners: $0)
        }
      }
      #expect(winners.allSatisfy { $0 >= 0 && $0 <= 1.0001 })
      found += labels
    }
    let numbers: [UInt16] = [2, 3, 41, 42, 10, 49, 16, 24]
    return numbers.indices.map { index in
      dice(found.map { Int($0) == index + 1 }, truth.map { $0 == numbers[index] })
    }
  }

  @Test(arguments: AtlasHead.contrasts)
  func structuresAreFoundInAnyContrastWithoutAFirstGuess(_ contrast: [Float]) throws {
    let (scan, labels) = try AtlasHead.scan(contrast)
    let overlaps = try Self.overlap(scan, labels)
    // Balls of 4 to 16 voxels' radius, a third of a voxel off at their surfaces.
    #expect(overlaps.allSatisfy { $0 > 0.8 }, "\(overlaps)")
  }

  @Test func structuresAreFoundWithoutSkullAndFluid() throws {
    let (scan, labels) = try AtlasHead.scan(AtlasHead.contrasts[0], isStripped: true)
    let overlaps = try Self.overlap(scan, labels)
    // The thin cortex with nothing beyond it loses its rim to the classes outside: a limit of the method.
    let cortex = [1, 3]
    for index in 0..<7 {
      #expect(overlaps[index] > (cortex.contains(index) ? 0.5 : 0.9), "\(overlaps)")
    }
  }

  @Test(arguments: [Float.greatestFiniteMagnitude, -600, .infinity])
  func aStrayVoxelMovesNothing(_ value: Float) throws {
    let (scan, labels) = try AtlasHead.scan(AtlasHead.contrasts[0])
    var voxels = scan.voxels
    voxels[5] = value
    let overlaps = try Self.overlap(Volume(geometry: scan.geometry, voxels: voxels), labels)
    #expect(overlaps.allSatisfy { $0 > 0.8 }, "\(overlaps)")
  }

  @Test(arguments: [0, 7] as [Float])
  func aScanOfOneValueHasNoPlace(_ value: Float) throws {
    let atlas = try AtlasHead.atlas()
    let geometry = try AtlasHead.scan(AtlasHead.contrasts[0]).scan.geometry
    let flat = Volume(
      geometry: geometry,
      voxels: [Float](repeating: value, count: geometry.voxelCount)
    )
    let place = try AtlasPlacement(atlas, fitter: AtlasFitter(atlas))
      .find(in: AtlasScan(flat), interruption: Interruption())
    #expect(place == nil)
  }

  @Test func fitsAreTheSameForAnyNumberOfThreads() throws {
    let atlas = try AtlasHead.atlas()
    let scan = AtlasScan(try AtlasHead.scan(AtlasHead.contrasts[0]).scan)
    let fitter = AtlasFitter(atlas)
    let guess = AffineMap(scale: .one, shift: [-28, -84, -58])
    let gains = try [1, 3].map { threads in
      try Parallelism.$threadCount.withValue(threads) {
        try fitter.fit(scan, guess: guess, interruption: Interruption())
      }
    }
    #expect(gains[0].gain == gains[1].gain)
    #expect(gains[0].placement == gains[1].placement)
  }

  @Test func atlasesSurviveBeingStored() throws {
    let atlas = try AtlasHead.atlas()
    let bytes = try atlas.encoded()
    let read = try #require(ProbabilisticAtlas(encoded: bytes))
    #expect(read.grid == atlas.grid)
    #expect(read.classes == atlas.classes)
    #expect(read.centroids == atlas.centroids)
    for (a, b) in zip(read.probabilities, atlas.probabilities) {
      let gap = a - b
      // Rounding to 1/255, of up to 7 classes that then are scaled to 1.
      #expect(max(gap.max(), -gap.min()) < 0.03)
    }
    #expect(ProbabilisticAtlas(encoded: Array(bytes.dropLast())) == nil)
    #expect(ProbabilisticAtlas(encoded: [1, 2, 3]) == nil)
  }

  @Test func atlasesAreSymmetric() throws {
    let atlas = try AtlasHead.atlas()
    let size = atlas.grid.size
    for row in stride(from: 0, to: size.y * size.z, by: 17) {
      for x in 0..<size.x {
        let (place, mirror) = (row * size.x + x, row * size.x + size.x - 1 - x)
        #expect(atlas.sides[place] == -atlas.sides[mirror])
        let gap = atlas.probabilities[place] - atlas.probabilities[mirror]
        #expect(max(gap.max(), -gap.min()) < 1e-5)
      }
    }
  }

  @Test func affineMapsAreUndoneByTheirInverses() throws {
    let map = AffineMap(columns: [[1, 0.2, 0], [0, 2, 0.1], [0.3, 0, 1.5]], shift: [4, 5, 6])
    let point = SIMD3<Double>(3, -2, 7)
    let gap = map.inverse(map(point)) - point
    #expect((gap * gap).sum() < 1e-20)
    let points: [SIMD3<Double>] = [
      [0, 0, 0], [50, 0, 0], [0, 60, 0], [0, 0, 40], [20, 20, 20],
    ]
    let fitted = try #require(
      AffineMap.fit(points, to: points.map { map($0) }, weights: [1, 2, 1, 1, 1])
    )
    let error = fitted(point) - map(point)
    // The ridge bends the map by about a thousandth.
    #expect((error * error).sum().squareRoot() < 0.1)
  }
}
