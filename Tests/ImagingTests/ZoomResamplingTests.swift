import Foundation
import Imaging
import TestSupport
import Testing

@Suite struct ZoomResamplingTests {
  struct Case: Decodable, CustomTestStringConvertible, Sendable {
    var name: String
    var order: Int
    var alignment: String
    var axis: Int?
    var size: [Int]
    var newSize: [Int]
    var values: [Float]
    var expected: [Double]

    var testDescription: String { name }

    func resampling() throws -> ZoomResampling {
      ZoomResampling(
        from: SIMD3(size[0], size[1], size[2]),
        to: SIMD3(newSize[0], newSize[1], newSize[2]),
        order: try #require(ZoomResampling.Order(rawValue: order)),
        alignment: try #require(ZoomResampling.Alignment(rawValue: alignment)),
        axes: axis.map { .apart(axis: $0) } ?? .together
      )
    }
  }

  private struct File: Decodable { var cases: [Case] }

  static let cases: [Case] = {
    let url = URL(fileURLWithPath: Fixtures.path("resampling/zoom.json"))
    guard let data = try? Data(contentsOf: url) else { return [] }
    return (try? JSONDecoder().decode(File.self, from: data).cases) ?? []
  }()

  @Test func theFixtureIsThere() { #expect(Self.cases.count == 26) }

  /// Sums are single precision: a few units in the last place of values below 4.
  @Test(arguments: cases)
  func valuesAreSkimagesAndScipys(_ item: Case) throws {
    let result = try item.resampling().resample(item.values)
    #expect(result.count == item.expected.count)
    let worst = zip(result, item.expected).map { abs(Double($0) - $1) }.max() ?? .infinity
    #expect(worst < (item.order == 0 ? 1e-9 : 2e-6))
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
