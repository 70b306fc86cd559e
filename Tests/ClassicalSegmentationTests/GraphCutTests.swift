import ClassicalSegmentation
import Support
import Testing

struct GraphCutTests {
  /// An energy of random costs and weights.
  private func labelling(_ size: SIMD3<Int>, labels: Int, seed: UInt64) throws -> GridLabelling {
    var random = RandomStream(seed: seed)
    let count = size.x * size.y * size.z
    let image = try ClassicalImage(values: (0..<count).map { Float($0) }, size: size)
    let costs = (0..<count * labels).map { _ in Int32(1000 * random.uniform()) }
    let strides = [1, size.x, size.x * size.y]
    let weights = (0..<3).map { axis in
      size[axis] == 1
        ? []
        : (0..<count).map { place in
          place / strides[axis] % size[axis] < size[axis] - 1 ? Int32(600 * random.uniform()) : 0
        }
    }
    return GridLabelling(image: image, labels: labels, weights: weights) {
      costs[$0 * labels + $1]
    }
  }

  /// All labellings' smallest energy.
  private func least(_ labelling: GridLabelling) -> Int {
    let count = labelling.image.values.count
    var best = Int.max
    var current = [UInt16](repeating: 0, count: count)
    while true {
      best = min(best, labelling.energy(current))
      var place = 0
      while place < count, Int(current[place]) == labelling.labels - 1 {
        current[place] = 0
        place += 1
      }
      guard place < count else { return best }
      current[place] += 1
    }
  }

  @Test func twoLabelsHaveTheLeastEnergyOfAll() throws {
    for seed in 1...40 as ClosedRange<UInt64> {
      for size in [[4, 3, 1], [3, 2, 2], [12, 1, 1], [1, 4, 3]] as [SIMD3<Int>] {
        let labelling = try labelling(size, labels: 2, seed: seed)
        let found = try labelling.minimised(Interruption())
        #expect(labelling.energy(found) == least(labelling), "seed \(seed), \(size)")
      }
    }
  }

  @Test func threeLabelsComeNearTheLeastEnergy() throws {
    var exact = 0
    for seed in 1...40 as ClosedRange<UInt64> {
      let labelling = try labelling([2, 2, 2], labels: 3, seed: seed)
      let found = labelling.energy(try labelling.minimised(Interruption()))
      let least = least(labelling)
      // Boykov, Veksler and Zabih 2001, theorem 6.1.
      #expect(found >= least && found <= 2 * least, "seed \(seed)")
      if found == least { exact += 1 }
    }
    #expect(exact >= 30, "\(exact) of 40")
  }

  @Test func seedsKeepTheirLabels() throws {
    // A bright seed in the dark half and the other way round, which no cost would choose.
    let (values, _) = square([16, 16, 1], noise: 5)
    var seeds = [UInt16](repeating: 0, count: 256)
    (seeds[0], seeds[8 * 16 + 8]) = (7, 3)
    (seeds[1], seeds[8 * 16 + 9]) = (3, 7)
    let method = try GraphCut(parameters: ["smoothness": 0.5])
    let found = try method.labels(values, [16, 16, 1], seeds: seeds)
    for place in seeds.indices where seeds[place] > 0 {
      #expect(found.labels[place] == seeds[place])
    }
  }

  @Test func theBackgroundsSeedsBecomeZero() throws {
    let (values, mask) = square([16, 16, 1], noise: 5)
    var seeds = [UInt16](repeating: 0, count: 256)
    for place in 0..<16 { seeds[place] = 2 }
    for x in 5..<11 { seeds[8 * 16 + x] = 9 }
    let method = try GraphCut(parameters: ["background": 2])
    let found = try method.labels(values, [16, 16, 1], seeds: seeds)
    #expect(found.labels == mask.map { $0 ? 9 : 0 })
    #expect(throws: ClassicalSegmentationError.noBackgroundSeeds(label: 4, found: [2, 9])) {
      try GraphCut(parameters: ["background": 4]).labels(values, [16, 16, 1], seeds: seeds)
    }
  }

  @Test func widerSpacingWeakensItsFaces() throws {
    let image = try ClassicalImage(
      values: [0, 0, 0, 0, 0, 0, 0, 1],
      size: [2, 2, 2],
      spacing: [1, 2, 4]
    )
    let weights = try GraphCut(parameters: ["smoothness": 8, "edge": 1e6]).weights(image)
    // Equal values: smoothness over the distance in units of the finest, in parts of 65536.
    let expected: [Int32] = [524_288, 262_144, 131_072]
    #expect(weights.map { $0[0] } == expected)
  }
}
