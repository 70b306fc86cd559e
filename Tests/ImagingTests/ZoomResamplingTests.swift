import Foundation
import Imaging
import Support
import TestSupport
import Testing

@Suite struct ZoomResamplingTests {
  struct Case: Decodable, CustomTestStringConvertible, Sendable {
    var name: String
    var order: Int
    var alignment: String
    var axis: Int?
    var across: Int
    var positions: String
    var size: [Int]
    var newSize: [Int]
    var values: [Float]
    var expected: [Double]

    var testDescription: String { name }

    func resampling() throws -> ZoomResampling {
      let across = try #require(ZoomResampling.Order(rawValue: across))
      return ZoomResampling(
        from: SIMD3(size[0], size[1], size[2]),
        to: SIMD3(newSize[0], newSize[1], newSize[2]),
        order: try #require(ZoomResampling.Order(rawValue: order)),
        alignment: try #require(ZoomResampling.Alignment(rawValue: alignment)),
        axes: axis.map { .apart(axis: $0, across: across) } ?? .together,
        positions: try #require(ZoomResampling.Positions(rawValue: positions))
      )
    }
  }

  private struct File: Decodable { var cases: [Case] }

  static let cases: [Case] = {
    let url = URL(fileURLWithPath: Fixtures.path("resampling/zoom.json"))
    guard let data = try? Data(contentsOf: url) else { return [] }
    return (try? JSONDecoder().decode(File.self, from: data).cases) ?? []
  }()

  @Test func theFixtureIsThere() { #expect(Self.cases.count == 42) }

  /// Only rounding to single precision separates the two.
  ///
  /// Sums are double precision; results, and what passes from x and y to z, are rounded: of values
  /// below 4 by 2.4e-7 each time. PyTorch's own sums are single precision.
  @Test(arguments: cases)
  func valuesAreSkimagesAndScipysAndPyTorchs(_ item: Case) throws {
    let result = try item.resampling().resample(item.values)
    #expect(result.count == item.expected.count)
    let worst = zip(result, item.expected).map { abs(Double($0) - $1) }.max() ?? .infinity
    #expect(worst < (item.order == 0 ? 1e-9 : 7e-7))
  }

  @Test(arguments: [1, 2, 3])
  func resultsDoNotDependOnTheNumberOfThreads(_ threads: Int) {
    let values = (0..<13_320).map { (index: Int) -> Float in Float(index * 7919 % 1013) }
    let zoom = ZoomResampling(from: SIMD3(40, 37, 9), to: SIMD3(23, 50, 14), order: .cubic)
    let expected = zoom.resample(values)
    Parallelism.$threadCount.withValue(threads) { #expect(zoom.resample(values) == expected) }
  }

  @Test(arguments: [ZoomResampling.Axes.together, .apart(axis: 0), .apart(axis: 2)])
  func integersAndSlicesOnDemandGiveTheSame(_ axes: ZoomResampling.Axes) {
    let values = (0..<1320).map { (index: Int) -> Int16 in Int16(index * 7919 % 4001 - 1024) }
    let floats = values.map { Float($0) }
    let zoom = ZoomResampling(
      from: SIMD3(12, 11, 10),
      to: SIMD3(9, 15, 7),
      order: .cubic,
      axes: axes
    )
    let expected = zoom.resample(floats)
    #expect(zoom.resample(values) == expected)
    let made = zoom.resample { z, slice in
      for index in 0..<132 { slice[index] = floats[z * 132 + index] }
    }
    #expect(made == expected)
  }

  @Test func equalSizesChangeNothing() {
    let values = (0..<60).map { Float($0 * 7 % 13) }
    let same = ZoomResampling(from: SIMD3(5, 4, 3), to: SIMD3(5, 4, 3), order: .cubic)
    #expect(same.resample(values) == values)
  }

  @Test func aConstantStaysAsItIs() {
    let zoom = ZoomResampling(from: SIMD3(9, 8, 7), to: SIMD3(20, 3, 11), order: .cubic)
    #expect(zoom.resample([Float](repeating: 3, count: 504)).allSatisfy { $0 == 3 })
  }
}
