import Foundation
import Imaging
import Support
import Testing
import Transforms

/// A symmetric head of balls: white matter and cortex of two sides, a kernel on each, and a stem.
private enum AtlasHead {
  /// Labels 2 and 41 are white matter, 3 and 42 cortex, 10 and 49 kernels (left, right), 16 the stem, 24
  /// fluid, 500 the head.
  static func table() throws -> SynthesisTable {
    try SynthesisTable(entries: [
      .init(label: 0, intensity: 0, output: 0),
      .init(label: 500, intensity: 9, output: 0, t1Mean: 100, t1Deviation: 10),
      .init(label: 2, intensity: 1, output: 1, mirrored: 41, t1Mean: 160, t1Deviation: 10),
      .init(label: 3, intensity: 2, output: 2, mirrored: 42, t1Mean: 100, t1Deviation: 10),
      .init(label: 41, intensity: 3, output: 3, mirrored: 2, t1Mean: 160, t1Deviation: 10),
      .init(label: 42, intensity: 4, output: 4, mirrored: 3, t1Mean: 100, t1Deviation: 10),
      .init(label: 10, intensity: 6, output: 5, mirrored: 49, t1Mean: 115, t1Deviation: 10),
      .init(label: 49, intensity: 7, output: 6, mirrored: 10, t1Mean: 115, t1Deviation: 10),
      .init(label: 16, intensity: 8, output: 7, t1Mean: 140, t1Deviation: 10),
      .init(label: 24, intensity: 5, output: 8, region: .fluid, t1Mean: 40, t1Deviation: 5),
    ])
  }

  /// The label at a place, mm right, front and head of the middle.
  static func label(at place: SIMD3<Double>) -> UInt16 {
    let isLeft = place.x < 0
    let kernel = SIMD3<Double>(abs(place.x), place.y, place.z) - SIMD3<Double>(14, 4, 8)
    let stem = place - SIMD3<Double>(0, -16, -26)
    let stretch = place.y > 0 ? 1.25 : 1.0
    let scaled = place * SIMD3<Double>(1, 1 / stretch, 1.1)
    let radius = (scaled * scaled).sum().squareRoot()
    if (stem * stem).sum() < 100 { return 16 }
    if (kernel * kernel).sum() < 64 { return isLeft ? 10 : 49 }
    switch radius {
    case ..<24: return isLeft ? 2 : 41
    case ..<32: return isLeft ? 3 : 42
    case ..<36: return 24
    case ..<42: return 500
    default: return 0
    }
  }

  static func map() throws -> SynthesisMap {
    let size = SIMD3(52, 58, 50)
    var labels: [UInt16] = []
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          let voxel = SIMD3<Double>(Double(x), Double(y), Double(z))
          labels.append(label(at: voxel * 2 - SIMD3<Double>(50, 50, 48)))
        }
      }
    }
    return try SynthesisMap(
      labels: labels,
      size: size,
      spacing: SIMD3(2, 2, 2),
      table: table()
    )
  }
}

/// A made-up head, an atlas of it, and scans of it in other places and contrasts.
struct AtlasFitterTests {
  /// Intensities of white matter, cortex, fluid and the head.
  private static let contrasts: [[Float]] = [[160, 100, 40, 120], [60, 100, 200, 30]]

  private static func atlas() throws -> ProbabilisticAtlas {
    var settings = AtlasBuilder.Settings()
    settings.leastVolumeMM3 = 100
    settings.marginMM = 14
    return try AtlasBuilder(table: AtlasHead.table(), settings: settings)
      .atlas(of: [AtlasHead.map(), AtlasHead.map()], interruption: Interruption())
  }

  /// The head turned and shifted, in a contrast, with noise; the true labels beside it.
  private static func scan(
    _ contrast: [Float],
    isStripped: Bool = false
  ) throws -> (scan: Volume<Float>, labels: [UInt16]) {
    let geometry = try ImageGeometry(
      size: SIMD3(50, 58, 50),
      spacing: SIMD3(2, 2, 2),
      origin: SIMD3(20, -30, 10),
      direction: Matrix3([-1, 0, 0], [0, -1, 0], [0, 0, 1])
    )
    var random = RandomStream(seed: 7)
    var (values, labels) = ([Float](), [UInt16]())
    let (c, s) = (cos(0.12), sin(0.12))
    for z in 0..<geometry.size.z {
      for y in 0..<geometry.size.y {
        for x in 0..<geometry.size.x {
          let d = SIMD3<Double>(Double(x), Double(y), Double(z)) * 2 - SIMD3<Double>(48, 54, 48)
          let turned = SIMD3<Double>(d.x, c * d.y - s * d.z, s * d.y + c * d.z) * 0.95
          let label = AtlasHead.label(at: turned)
          labels.append(label)
          let noise = Float(random.normal()) * 5
          switch label {
          case 2, 41: values.append(contrast[0] + noise)
          case 10, 49: values.append(contrast[1] + 20 + noise)
          case 16: values.append(contrast[0] - 20 + noise)
          case 3, 42: values.append(contrast[1] + noise)
          case 24: values.append(isStripped ? 0 : contrast[2] + noise)
          case 500: values.append(isStripped ? 0 : contrast[3] + noise)
          default: values.append(isStripped ? 0 : abs(noise))
          }
        }
      }
    }
    return (Volume(geometry: geometry, voxels: values), labels)
  }

  private static func dice(_ a: [Bool], _ b: [Bool]) -> Double {
    let both = zip(a, b).count { $0 && $1 }
    return 2 * Double(both) / Double(max(1, a.count { $0 } + b.count { $0 }))
  }

  /// Each label's Dice.
  private static func overlap(_ volume: Volume<Float>, _ truth: [UInt16]) throws -> [Double] {
    let atlas = try atlas()
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

  @Test(arguments: contrasts)
  func structuresAreFoundInAnyContrastWithoutAFirstGuess(_ contrast: [Float]) throws {
    let (scan, labels) = try Self.scan(contrast)
    let overlaps = try Self.overlap(scan, labels)
    // Balls of 4 to 16 voxels' radius, a third of a voxel off at their surfaces.
    #expect(overlaps.allSatisfy { $0 > 0.8 }, "\(overlaps)")
  }

  @Test func structuresAreFoundWithoutSkullAndFluid() throws {
    let (scan, labels) = try Self.scan(Self.contrasts[0], isStripped: true)
    let overlaps = try Self.overlap(scan, labels)
    // The thin cortex with nothing beyond it loses its rim to the classes outside: a limit of the method.
    let cortex = [1, 3]
    for index in 0..<7 {
      #expect(overlaps[index] > (cortex.contains(index) ? 0.5 : 0.9), "\(overlaps)")
    }
  }

  @Test(arguments: [Float.greatestFiniteMagnitude, -600, .infinity])
  func aStrayVoxelMovesNothing(_ value: Float) throws {
    let (scan, labels) = try Self.scan(Self.contrasts[0])
    var voxels = scan.voxels
    voxels[5] = value
    let overlaps = try Self.overlap(Volume(geometry: scan.geometry, voxels: voxels), labels)
    #expect(overlaps.allSatisfy { $0 > 0.8 }, "\(overlaps)")
  }

  @Test(arguments: [0, 7] as [Float])
  func aScanOfOneValueHasNoPlace(_ value: Float) throws {
    let atlas = try Self.atlas()
    let geometry = try Self.scan(Self.contrasts[0]).scan.geometry
    let flat = Volume(
      geometry: geometry,
      voxels: [Float](repeating: value, count: geometry.voxelCount)
    )
    let place = try AtlasPlacement(atlas, fitter: AtlasFitter(atlas))
      .find(in: AtlasScan(flat), interruption: Interruption())
    #expect(place == nil)
  }

  @Test func fitsAreTheSameForAnyNumberOfThreads() throws {
    let atlas = try Self.atlas()
    let scan = AtlasScan(try Self.scan(Self.contrasts[0]).scan)
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
    let atlas = try Self.atlas()
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
    let atlas = try Self.atlas()
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
