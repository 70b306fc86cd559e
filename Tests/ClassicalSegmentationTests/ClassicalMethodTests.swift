import ClassicalSegmentation
import Imaging
import Support
import Testing
import Transforms

/// Images whose segmentation can be derived by hand.
struct ClassicalMethodTests {
  @Test func twoClassesAreOtsus() throws {
    let (values, _) = square([20, 20, 1], noise: 30)
    let thresholds = try MultiOtsu.thresholds(of: values, classes: 2)
    #expect(thresholds == [try #require(OtsuThreshold.of(values))])
  }

  @Test func classesOfDistinctLevelsAreTheLevels() throws {
    let levels: [Float] = [0, 0, 0, 10, 10, 50, 50, 50, 90, 100]
    let found = try MultiOtsu(parameters: ["classes": 4]).labels(levels, [10, 1, 1])
    #expect(found.labels == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3] && found.largest == 3)
    #expect(throws: ClassicalSegmentationError.tooFewValues(classes: 3)) {
      try MultiOtsu(parameters: ["classes": 3]).labels([0, 1, 1, 0], [4, 1, 1])
    }
  }

  @Test func regionsCompeteForEveryVoxel() throws {
    // From both ends: 5 is nearer to the left mean at its time, 6 to the right one.
    let values: [Float] = [0, 1, 2, 3, 7, 8, 9, 10]
    let seeds: [UInt16] = [1, 0, 0, 0, 0, 0, 0, 2]
    let found = try RegionGrowing().labels(values, [8, 1, 1], seeds: seeds)
    #expect(found.labels == [1, 1, 1, 1, 2, 2, 2, 2])
  }

  @Test func cornersAreNotLostToTheSurroundings() throws {
    // The ground reaches every voxel on the box's faces first; each is far more like the box.
    let size: SIMD3<Int> = [12, 12, 12]
    let (values, mask) = square(size, noise: 3)
    var seeds = [UInt16](repeating: 0, count: values.count)
    (seeds[0], seeds[6 + 12 * (6 + 12 * 6)]) = (1, 2)
    let found = try RegionGrowing(parameters: ["background": 1]).labels(values, size, seeds: seeds)
    #expect(found.labels == mask.map { $0 ? 2 : 0 })
  }

  @Test func manyPartsAreSolvedAlone() throws {
    // Known voxels cut the line into parts: the first between 1 and 2, the second between two of 2.
    let image = try ClassicalImage(values: [0, 0, 0, 0, 0, 0, 0, 1e6], size: [8, 1, 1])
    var found: [Double] = []
    try RandomWalker(parameters: ["tolerance": 1e-10]).forEachClass(
      [1, 0, 2, 0, 0, 2, 0, 3],
      classes: 3,
      of: image,
      interruption: Interruption()
    ) { _, values in found += values }
    let expected = [1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0.5, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    // The last step is so steep that its weight is the least one, 1e-10.
    for place in expected.indices {
      #expect(abs(found[place] - expected[place]) < 1e-6, "\(place): \(found[place])")
    }
  }

  @Test func aToleranceLeavesWhatIsTooDifferent() throws {
    let values: [Float] = [0, 1, 2, 5, 1, 0, 9, 9]
    let seeds: [UInt16] = [4, 0, 0, 0, 0, 0, 0, 0]
    let found = try RegionGrowing(parameters: ["tolerance": 2]).labels(
      values,
      [8, 1, 1],
      seeds: seeds
    )
    // The voxel of 5 is a wall: what lies behind is alike, and not reached.
    #expect(found.labels == [4, 4, 4, 0, 0, 0, 0, 0])
  }

  /// Whether a pixel's centre lies in a disc.
  private func isInDisc(
    _ place: Int,
    _ width: Int,
    _ centre: SIMD2<Double>,
    _ radius: Double
  ) -> Bool {
    let step = SIMD2(Double(place % width), Double(place / width)) - centre
    return (step * step).sum() <= radius * radius
  }

  /// Two overlapping discs of radius 8 whose centres lie 12 apart.
  private var twoDiscs: (values: [Float], size: SIMD3<Int>) {
    let size: SIMD3<Int> = [40, 26, 1]
    let values = (0..<size.x * size.y).map { place -> Float in
      isInDisc(place, 40, [13, 13], 8) || isInDisc(place, 40, [26, 13], 8) ? 200 : 10
    }
    return (values, size)
  }

  @Test func touchingDiscsAreDividedInTheMiddle() throws {
    let (values, size) = twoDiscs
    let found = try MarkerWatershed(parameters: ["smoothing": 0]).labels(values, size)
    #expect(found.objectName == "object" && found.largest == 2)
    for place in values.indices {
      let expected: UInt16 = values[place] < 100 ? 0 : place % 40 < 20 ? 1 : 2
      // Left and right are mirror images; their middle line may go to either.
      if place % 40 != 19, place % 40 != 20 { #expect(found.labels[place] == expected) }
    }
  }

  @Test func aDeepRequirementJoinsThem() throws {
    // The pass between the discs is about √(64 − 42) = 4.7 high, the peaks about 8.5: 5 is more than that.
    let (values, size) = twoDiscs
    let found = try MarkerWatershed(parameters: ["smoothing": 0, "depth": 5]).labels(values, size)
    #expect(found.largest == 1)
  }

  @Test func darkObjectsAreFoundByTheBorder() throws {
    let (values, size) = twoDiscs
    let inverted = values.map { 255 - $0 }
    let method = try MarkerWatershed(parameters: ["smoothing": 0])
    #expect(try method.labels(inverted, size) == method.labels(values, size))
    let bright = try MarkerWatershed(parameters: ["smoothing": 0, "bright": 1, "depth": 1e6])
    // The bright ground is one connected region.
    #expect(try bright.labels(inverted, size).labels == values.map { $0 < 100 ? 1 : 0 })
  }

  @Test func smallObjectsAreLeftOut() throws {
    var (values, size) = twoDiscs
    values[0] = 200
    let plain = try MarkerWatershed(parameters: ["smoothing": 0]).labels(values, size)
    let large = try MarkerWatershed(parameters: ["smoothing": 0, "smallest": 2]).labels(
      values,
      size
    )
    #expect(plain.largest == 3 && large.largest == 2)
    #expect(large.labels[0] == 0)
  }

  @Test func theRandomWalkerOfALineIsLinear() throws {
    // Equal values: probabilities fall evenly from seed to seed, 1, 3/4, 1/2, 1/4, 0. The last voxel
    // gives the image a deviation and weighs nothing.
    let image = try ClassicalImage(values: [0, 0, 0, 0, 0, 1e6], size: [6, 1, 1])
    var found: [Double] = []
    try RandomWalker(parameters: ["tolerance": 1e-10]).forEachClass(
      [1, 0, 0, 0, 2, 0],
      classes: 2,
      of: image,
      interruption: Interruption()
    ) { index, values in if index == 0 { found = values } }
    let expected = [1, 0.75, 0.5, 0.25, 0]
    for place in expected.indices {
      #expect(abs(found[place] - expected[place]) < 1e-6, "\(found)")
    }
  }

  @Test func theRandomWalkerCountsMillimetres() throws {
    // Along x steps weigh 1, along y (2 mm) 1/4: of a voxel between a seed beside it and one below it
    // 4/5 of the walks reach the first one first.
    let image = try ClassicalImage(
      values: [0, 0, 0, 0, 0, 0, 0, 0, 1e-3],
      size: [3, 3, 1],
      spacing: [1, 2, 1]
    )
    var found: [Double] = []
    // beta = 0: values do not count. All voxels but the middle are seeds; left and right 1, others 2.
    try RandomWalker(parameters: ["beta": 0, "tolerance": 1e-10]).forEachClass(
      [2, 2, 2, 1, 0, 1, 2, 2, 2],
      classes: 2,
      of: image,
      interruption: Interruption()
    ) { index, values in if index == 0 { found = values } }
    #expect(abs(found[4] - 0.8) < 1e-6, "\(found)")
  }

  @Test func discsVanishBelowTwiceTheLength() throws {
    // Two discs, of 4 and of 12 mm radius; the length 3 lies between their halves.
    let size: SIMD3<Int> = [64, 40, 1]
    let values = (0..<size.x * size.y).map { place -> Float in
      isInDisc(place, 64, [18, 20], 12) || isInDisc(place, 64, [48, 20], 4) ? 1 : 0
    }
    func voxels(length: Double) throws -> (large: Int, small: Int) {
      let found = try ConvexChanVese(parameters: ["length": length, "iterations": 4000])
        .labels(values, size).labels
      return (
        found.indices.count { found[$0] == 1 && $0 % 64 < 36 },
        found.indices.count { found[$0] == 1 && $0 % 64 >= 36 }
      )
    }
    let (large, small) = try voxels(length: 3)
    #expect(small == 0 && large > 400, "\(large), \(small)")
    let short = try voxels(length: 1)
    #expect(short.small > 35 && short.large > 425, "\(short)")
    #expect(try voxels(length: 8) == (0, 0))
  }

  @Test func superpixelsAreConnectedAndCoverAll() throws {
    for (size, spacing) in [
      (SIMD3<Int>(40, 30, 1), SIMD3<Double>.one), (SIMD3<Int>(16, 14, 6), SIMD3<Double>(1, 1, 3)),
    ] {
      let (values, _) = square(size, noise: 30)
      let found = try Superpixels(parameters: ["segments": 30]).labels(
        values,
        size,
        spacing: spacing
      )
      #expect(found.objectName == "superpixel" && !found.labels.contains(0))
      let parts = ConnectedComponents(labels: found.labels, size: size, connectivity: .six)
      #expect(parts.count == found.largest && (20...45).contains(found.largest), "\(found.largest)")
    }
  }

  @Test func geodesicsStopAtTheEdge() throws {
    let (values, mask) = square([40, 40, 1], noise: 2)
    var seeds = [UInt16](repeating: 0, count: 1600)
    for y in 18..<22 { for x in 18..<22 { seeds[y * 40 + x] = 6 } }
    let method = try GeodesicContour(parameters: [
      "iterations": 60, "balloon": 1, "threshold": 0.6,
    ])
    let found = try method.labels(values, [40, 40, 1], seeds: seeds)
    #expect(found.labels.max() == 6)
    let wrong = zip(found.labels, mask).count { ($0 == 6) != $1 }
    // Of 400 pixels, corners are rounded.
    #expect(wrong <= 24, "\(wrong)")
  }

  @Test func contoursInPartsAreThoseOfTheWhole() throws {
    // Three labels far apart, one at the image's edge, and a balloon that carries them over a margin.
    let size: SIMD3<Int> = [90, 70, 1]
    let (values, _) = square(size, noise: 25)
    let image = try ClassicalImage(values: values, size: size)
    let labels = values.indices.map { place -> UInt16 in
      let (x, y) = (place % 90, place / 90)
      if x < 6 && y < 7 { return 3 }
      if abs(x - 40) < 4 && abs(y - 30) < 4 { return 1 }
      return abs(x - 75) < 5 && abs(y - 55) < 3 ? 2 : 0
    }
    for balloon in [0.0, 1] {
      let method = try GeodesicContour(parameters: ["balloon": balloon, "iterations": 12])
      let edges = method.edgeFunction(image)
      var expected = [UInt16](repeating: 0, count: labels.count)
      for label in [3, 2, 1] as [UInt16] {
        let start = labels.map { UInt8($0 == label ? 1 : 0) }
        let mask = try method.evolved(start, along: edges, image, Interruption())
        for place in mask.indices where mask[place] == 1 { expected[place] = label }
      }
      let found = try method.refined(PriorLabels(labels), by: image, interruption: Interruption())
      #expect(found == expected, "balloon \(balloon)")
      #expect(found != labels)
    }
  }

  @Test func priorsWithoutProbabilitiesKeepTheirInside() throws {
    // A bar of five voxels: with a margin of 2 the middle one and what is farther outside are seeds.
    let labels: [UInt16] = [0, 0, 0, 0, 3, 3, 3, 3, 3, 0, 0, 0, 0]
    let image = try ClassicalImage(
      values: labels.map { Float($0) * 10 + 0.5 },
      size: [13, 1, 1]
    )
    let watershed = try MarkerWatershed(parameters: ["smoothing": 0, "margin": 2])
    #expect(
      try watershed.refined(PriorLabels(labels), by: image, interruption: Interruption()) == labels
    )
  }

  @Test func neighbouringNumbersOfSinglePrecisionAreToldApart() throws {
    // Between 1e6 and the next number but none there is no threshold but the upper one itself.
    let values: [Float] = [1e6, 1e6, 1e6 + 0.0625, 1e6 + 0.0625]
    let found = try MultiOtsu(parameters: [:]).labels(values, [4, 1, 1])
    #expect(found.labels == [0, 0, 1, 1])
    let grown = try RegionGrowing(parameters: ["auto": 2]).labels(values, [4, 1, 1])
    #expect(grown.labels == [0, 0, 1, 1])
    // A range whose inverse single precision does not hold.
    let small = Float.leastNormalMagnitude / 8
    let tiny = [0, 0, small, small]
    let cut = try GraphCut(parameters: [:]).labels(tiny, [4, 1, 1], seeds: [1, 0, 0, 2])
    #expect(cut.labels == [1, 1, 2, 2])
  }
}
