import ClassicalSegmentation
import Foundation
import Support
import Testing
import Transforms

/// What holds for every method of the catalogue.
struct ClassicalMethodCatalogTests {
  private static let names = ClassicalMethodCatalog.all.map { $0.name }
  private static let sizes: [SIMD3<Int>] = [[24, 20, 1], [12, 11, 10], [30, 1, 1]]

  /// The method with automatic seeds where it needs any.
  private func method(_ name: String) throws -> any ClassicalMethod {
    let type = try #require(ClassicalMethodCatalog.all.first { $0.name == name })
    if case .required = type.seeds {
      return try ClassicalMethodCatalog.method(named: name, parameters: ["auto": 2])
    }
    return try ClassicalMethodCatalog.method(named: name)
  }

  @Test func namesAndPapersAreStated() {
    #expect(Self.names.count == 9 && Set(Self.names).count == 9)
    for type in ClassicalMethodCatalog.all {
      #expect(type.paper.contains(/\d{4}/), "\(type.name)")
      #expect(type.parameters.allSatisfy { !$0.meaning.isEmpty && $0.range.contains($0.standard) })
      #expect(type.bytesPerVoxel(classes: 4) >= 0)
    }
    #expect(
      ClassicalMethodCatalog.refinements.map { $0.name }
        == ["watershed", "random-walker", "graph-cut", "geodesic", "crf"]
    )
  }

  @Test(arguments: names)
  func resultsDoNotDependOnThreads(_ name: String) throws {
    for size in Self.sizes {
      let (values, _) = square(size, noise: 20)
      var results: [ClassicalLabels] = []
      for threads in [1, 3] {
        try Parallelism.$threadCount.withValue(threads) {
          results.append(try method(name).labels(values, size))
        }
      }
      #expect(results[0] == results[1], "\(size)")
      #expect(results[0].labels.count == values.count)
      #expect(Int(results[0].labels.max() ?? 0) <= results[0].largest)
    }
  }

  @Test(arguments: names)
  func aBrightSquareIsFound(_ name: String) throws {
    guard name != "slic" else { return }
    for size in [[24, 20, 1], [20, 18, 16]] as [SIMD3<Int>] {
      // Curvature rounds a cube to a ball; the fixtures hold geodesic contours in 3-D.
      if name == "geodesic", size.z > 1 { continue }
      let (values, mask) = square(size, noise: 3)
      let found = try method(name).labels(values, size).labels.map { $0 > 0 }
      // Smoothing methods may round the eight corners and twelve edges of a cube.
      let wrong = zip(found, mask).count { $0 != $1 }
      let allowed = ["chan-vese", "geodesic", "watershed", "crf"].contains(name) ? 0.12 : 0
      #expect(Double(wrong) <= allowed * Double(mask.count(where: { $0 })), "\(size): \(wrong)")
    }
  }

  @Test(arguments: names)
  func valuesThatMeanNothingAreErrors(_ name: String) throws {
    #expect(throws: ClassicalSegmentationError.constantImage(value: 7)) {
      try method(name).labels([Float](repeating: 7, count: 12), [4, 3, 1])
    }
    #expect(throws: ClassicalSegmentationError.undefinedValues(count: 2)) {
      try method(name).labels([1, .nan, .infinity, 3], [4, 1, 1])
    }
    #expect(throws: ClassicalSegmentationError.valuesTooLarge(limit: 1e12)) {
      try method(name).labels([1, 2e12, 0, 3], [4, 1, 1])
    }
  }

  @Test(arguments: names)
  func seedsAreAskedFor(_ name: String) throws {
    let type = try #require(ClassicalMethodCatalog.all.first { $0.name == name })
    let plain = try ClassicalMethodCatalog.method(named: name)
    switch type.seeds {
    case .none:
      #expect(throws: ClassicalSegmentationError.takesNoSeeds(method: name)) {
        try plain.checkSeeds(true)
      }
    case .optional: #expect(throws: Never.self) { try plain.checkSeeds(false) }
    case .required(let automatic):
      let error = ClassicalSegmentationError.needsSeeds(method: name, automatic: automatic)
      #expect(throws: error) { try plain.checkSeeds(false) }
      #expect(throws: error) { try plain.labels([0, 1, 2, 3], [4, 1, 1]) }
      #expect(error.failure == .usage && error.description.contains("--seeds"))
      let zeros = [UInt16](repeating: 0, count: 4)
      #expect(throws: ClassicalSegmentationError.self) {
        try plain.labels([0, 1, 2, 3], [4, 1, 1], seeds: zeros)
      }
    }
  }

  @Test(arguments: names)
  func descriptionsAreReadBack(_ name: String) throws {
    let method = try method(name)
    let again = try ClassicalMethodCatalog.method(describedBy: method.text)
    #expect(again.values == method.values)
    let data = try JSONEncoder().encode(method)
    let type = try #require(ClassicalMethodCatalog.all.first { $0.name == name })
    #expect(try JSONDecoder().decode(type, from: data).values == method.values)
  }

  @Test func faultyDescriptionsAreErrors() {
    #expect(throws: ClassicalSegmentationError.unknownMethod(name: "otsus", known: Self.names)) {
      try ClassicalMethodCatalog.method(describedBy: "otsus:classes=2")
    }
    #expect(
      throws: TransformsError.unknownFilterParameter(filter: "otsu", name: "c", known: ["classes"])
    ) { try ClassicalMethodCatalog.method(describedBy: "otsu:c=2") }
    #expect(throws: TransformsError.self) {
      try ClassicalMethodCatalog.method(describedBy: "otsu:classes=6")
    }
    #expect(throws: TransformsError.unreadableFilterSetting("classes")) {
      try ClassicalMethodCatalog.method(describedBy: "otsu:classes")
    }
    #expect(
      throws: ClassicalSegmentationError.cannotRefine(
        method: "slic",
        known: ["watershed", "random-walker", "graph-cut", "geodesic", "crf"]
      )
    ) { try ClassicalMethodCatalog.refinement(describedBy: "slic") }
    #expect(ClassicalMethodCatalog.names("crf:auto=2") && !ClassicalMethodCatalog.names("crfs"))
  }

  @Test(arguments: ClassicalMethodCatalog.refinements.map { $0.name })
  func aDisplacedLabelMovesOntoTheEdge(_ name: String) throws {
    // The label is a voxel too small all round; the refinement should find the square's own border.
    let size: SIMD3<Int> = [32, 32, 1]
    let (values, mask) = square(size, noise: 3)
    let prior = PriorLabels(
      mask.indices.map { place in
        let (x, y) = (place % 32, place / 32)
        return x >= 9 && x < 23 && y >= 9 && y < 23 ? 5 : 0
      }
    )
    var text = name
    if name == "watershed" || name == "random-walker" { text += ":margin=3" }
    if name == "geodesic" { text += ":iterations=10,balloon=1,threshold=0.5" }
    let method = try ClassicalMethodCatalog.refinement(describedBy: text)
    let image = try ClassicalImage(values: values, size: size)
    let refined = try method.refined(prior, by: image, interruption: Interruption())
    #expect(Set(refined) == [0, 5])
    let before = zip(prior.labels, mask).count { ($0 > 0) != $1 }
    let after = zip(refined, mask).count { ($0 > 0) != $1 }
    // 60 pixels before; at most the four corners' pixels and their neighbours are left.
    #expect(before == 60)
    #expect(after <= 12, "\(after) of \(before)")
  }
}
