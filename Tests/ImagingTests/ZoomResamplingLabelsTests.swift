import Foundation
import Imaging
import TestSupport
import Testing

@Suite struct ZoomResamplingLabelsTests {
  struct Case: Decodable, CustomTestStringConvertible, Sendable {
    var name: String
    var order: Int
    var axis: Int?
    var vote: String
    var positions: String
    var size: [Int]
    var newSize: [Int]
    var labels: [Int16]
    var expected: [Int16]

    var testDescription: String { name }
  }

  private struct File: Decodable { var cases: [Case] }

  static let cases: [Case] = {
    let url = URL(fileURLWithPath: Fixtures.path("resampling/labels.json"))
    guard let data = try? Data(contentsOf: url) else { return [] }
    return (try? JSONDecoder().decode(File.self, from: data).cases) ?? []
  }()

  @Test func theFixtureIsThere() { #expect(Self.cases.count == 20) }

  @Test(arguments: cases)
  func labelsAreBatchgeneratorsAndNNUNets(_ item: Case) throws {
    let zoom = ZoomResampling(
      from: SIMD3(item.size[0], item.size[1], item.size[2]),
      to: SIMD3(item.newSize[0], item.newSize[1], item.newSize[2]),
      order: try #require(ZoomResampling.Order(rawValue: item.order)),
      axes: item.axis.map { .apart(axis: $0) } ?? .together,
      positions: try #require(ZoomResampling.Positions(rawValue: item.positions))
    )
    let vote = try #require(ZoomResampling.LabelVote(rawValue: item.vote))
    #expect(zoom.resample(labels: item.labels, vote: vote) == item.expected)
    // The other types choose alike.
    #expect(
      zoom.resample(labels: item.labels.map { UInt16($0 + 1) }, vote: vote)
        == item.expected.map { UInt16($0 + 1) }
    )
    #expect(
      zoom.resample(labels: item.labels.map { UInt8($0 + 1) }, vote: vote)
        == item.expected.map { UInt8($0 + 1) }
    )
  }

  @Test func oneLabelStaysAlone() {
    let zoom = ZoomResampling(from: SIMD3(5, 1, 3), to: SIMD3(9, 2, 1), order: .linear)
    #expect(zoom.resample(labels: [UInt8](repeating: 9, count: 15)).allSatisfy { $0 == 9 })
  }
}
