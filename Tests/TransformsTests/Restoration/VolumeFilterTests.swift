import Foundation
import Support
import TestSupport
import Testing
import Transforms

/// What holds for every filter of the catalogue, and the numbers of other programs.
@Suite struct VolumeFilterTests {
  /// A step with noise.
  private func image(_ size: SIMD3<Int>) -> [Float] {
    var random = RandomStream(seed: 11)
    return (0..<size.x * size.y * size.z).map { i in
      Float((i % size.x < size.x / 2 ? 100 : 200) + 10 * random.normal())
    }
  }

  private static let names = VolumeFilterCatalog.all.map { $0.name }

  /// Allowed differences in units of images from 0 to about 200: what single precision leaves of sums
  /// of other orders, and the six figures of the file.
  private static let tolerances: [String: Double] = [
    "gaussian": 1e-3, "median": 1e-3, "unsharp": 1e-3, "nlm": 1e-3, "tv": 5e-3, "bilateral": 1e-3,
    "diffusion": 1e-3,
  ]

  @Test func filtersGiveTheNumbersOfOtherPrograms() throws {
    let fixture = try RestorationFixture.load()
    var used: Set<String> = []
    for stored in fixture.cases {
      guard let tolerance = Self.tolerances[stored.filter], let image = fixture.images[stored.image]
      else { continue }
      used.insert(stored.filter)
      let filter = try VolumeFilterCatalog.filter(
        named: stored.filter,
        parameters: stored.parameters
      )
      let result = try filter.apply(image.values, size: image.extent)
      expectClose(
        result,
        stored.expected,
        Tolerance(absolute: tolerance, relative: 1e-5),
        "\(stored.filter) of \(stored.image) with \(stored.parameters)"
      )
      #expect(rootMeanSquare(result, image.values) > 1)
    }
    #expect(used == Set(Self.tolerances.keys))
  }

  @Test(arguments: names)
  func constantsStay(_ name: String) throws {
    let filter = try VolumeFilterCatalog.filter(named: name)
    for value: Float in [0, -1024, 1e6] {
      let values = [Float](repeating: value, count: 5 * 4 * 3)
      #expect(try filter.apply(values, size: [5, 4, 3]) == values)
    }
  }

  @Test(arguments: names)
  func thinImagesGiveFiniteValues(_ name: String) throws {
    let sizes: [SIMD3<Int>] = [
      [1, 1, 1], [2, 1, 1], [40, 1, 1], [1, 40, 1], [1, 1, 40], [20, 20, 1], [20, 1, 20],
      [1, 20, 20], [3, 3, 3], [2, 30, 5],
    ]
    for size in sizes {
      let filter = try VolumeFilterCatalog.filter(named: name)
      let result = try filter.apply(image(size), size: size, spacing: [1, 1.5, 3])
      #expect(result.count == size.x * size.y * size.z)
      #expect(result.allSatisfy { $0.isFinite && $0 > 0 && $0 < 400 }, "\(name) of \(size)")
    }
  }

  @Test(arguments: names)
  func undefinedAndHugeValuesAreErrors(_ name: String) throws {
    let filter = try VolumeFilterCatalog.filter(named: name)
    var values = image([6, 5, 4])
    (values[3], values[17]) = (.nan, .infinity)
    #expect(throws: TransformsError.undefinedValues(count: 2)) {
      try filter.apply(values, size: [6, 5, 4])
    }
    (values[3], values[17]) = (0, 1e20)
    #expect(throws: TransformsError.valuesTooLarge(limit: 1e12)) {
      try filter.apply(values, size: [6, 5, 4])
    }
  }

  @Test(arguments: names)
  func threadsDoNotMatter(_ name: String) throws {
    let size = SIMD3(37, 30, 21)
    let values = image(size)
    let filter = try VolumeFilterCatalog.filter(named: name)
    let one = try Parallelism.$threadCount.withValue(1) { try filter.apply(values, size: size) }
    let five = try Parallelism.$threadCount.withValue(5) { try filter.apply(values, size: size) }
    #expect(one == five)
    #expect(one != values)
  }

  @Test(arguments: names)
  func filtersSurviveCoding(_ name: String) throws {
    let type = try #require(VolumeFilterCatalog.all.first { $0.name == name })
    let filter = try type.init(parameters: [:])
    let data = try JSONEncoder().encode(filter)
    #expect(try JSONDecoder().decode(type, from: data).values == filter.values)
    #expect(throws: (any Error).self) {
      try JSONDecoder().decode(type, from: Data(#"{"nonsense": 1}"#.utf8))
    }
  }

  @Test(arguments: ["nlm", "bm3d", "bilateral", "tv", "diffusion", "wavelet", "median"])
  func denoisersBringNoisyImagesNearerToTheTruth(_ name: String) throws {
    let fixture = try RestorationFixture.load()
    let noisy = try #require(fixture.images["photo"])
    let clean = try #require(fixture.clean["photo"])
    // The noise is estimated.
    let filter = try VolumeFilterCatalog.filter(named: name)
    let (before, after) = (
      rootMeanSquare(noisy.values, clean),
      rootMeanSquare(try filter.apply(noisy.values, size: noisy.extent), clean)
    )
    #expect(after < 0.75 * before, "\(name): \(before) became \(after)")
  }

  @Test func slicesAreFilteredByThemselves() throws {
    let size = SIMD3(18, 16, 5)
    let values = image(size)
    for name in Self.names where name != "n4" {
      let type = try #require(VolumeFilterCatalog.all.first { $0.name == name })
      let isChoice = type.parameters.contains { $0.name == "dimensions" }
      let noise = type.parameters.contains { $0.name == "sigma" } ? ["sigma": 10.0] : [:]
      let filter = try type.init(
        parameters: noise.merging(isChoice ? ["dimensions": 2] : [:]) { a, _ in a }
      )
      // BM3D's limits follow the whole image's range, total variation ends for all slices at once.
      guard name != "bm3d", name != "tv", name != "wavelet" else { continue }
      let whole = try filter.apply(values, size: size)
      let plane = size.x * size.y
      let slice = try filter.apply(Array(values[2 * plane..<3 * plane]), size: [18, 16, 1])
      #expect(Array(whole[2 * plane..<3 * plane]) == slice, "\(name)")
    }
  }

  @Test func catalogueSaysWhatExists() throws {
    #expect(Set(Self.names).count == Self.names.count)
    #expect(throws: TransformsError.unknownFilter(name: "nlmm", known: Self.names)) {
      try VolumeFilterCatalog.filter(named: "nlmm")
    }
    let known = NonLocalMeans.parameters.map(\.name)
    #expect(
      throws: TransformsError.unknownFilterParameter(filter: "nlm", name: "g", known: known)
    ) { try VolumeFilterCatalog.filter(describedBy: "nlm:g=1") }
    let filter = try VolumeFilterCatalog.filter(describedBy: "nlm:h=0.8, patch=2")
    #expect(filter.values.all["h"] == 0.8 && filter.values.all["patch"] == 2)
    for text in [
      "nlm:h", "nlm:h=x", "nlm:h=1,h=2", "nlm:h=1=2", "nlm:h=0", "nlm:patch=1.5", "nlm:h=nan",
    ] {
      #expect(throws: TransformsError.self) {
        try VolumeFilterCatalog.filter(describedBy: text)
      }
    }
  }
}
