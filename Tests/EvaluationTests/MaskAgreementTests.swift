import Evaluation
import Foundation
import Imaging
import TestSupport
import Testing

/// Masks and what other programs make of them; see Fixtures/evaluation/README.md.
struct MaskAgreementTests {
  struct Case: Decodable, Sendable {
    let kind: String
    let size: [Int]
    let spacing: [Double]
    let toleranceMM: Double
    let prediction: Data
    let reference: Data
    let centreline: Data?
    let expected: [String: Double?]

    var count: Int { size.reduce(1, *) }

    func mask(_ packed: Data) -> [UInt8] {
      (0..<count).map { packed[packed.startIndex + $0 / 8] >> ($0 % 8) & 1 }
    }

    func map(_ packed: Data) throws -> LabelMap {
      let geometry = try grid(
        SIMD3(size[0], size[1], size[2]),
        spacing: SIMD3(spacing[0], spacing[1], spacing[2])
      )
      return LabelMap(geometry: geometry, labels: mask(packed).map(UInt16.init), table: [])
    }
  }

  static func cases(_ path: String) throws -> [Case] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    return try JSONDecoder().decode([Case].self, from: data)
  }

  /// Relative to values above 1, absolute below: MONAI computes in single precision (1.2e-7), and
  /// so are our squared distances.
  static let tolerance = 1e-6

  /// Values of one empty mask as MedPy has them: BraTS' policy.
  private func check(_ cases: [Case]) throws {
    for (index, item) in cases.enumerated() {
      let found = try values(
        item.map(item.prediction),
        item.map(item.reference),
        policy: .brats,
        toleranceMM: item.toleranceMM
      )
      for (key, expected) in item.expected {
        let value = try #require(found[key], "\(key)")
        guard let expected else {
          #expect(value.number == nil || key == "iou", "case \(index), \(item.kind): \(key)")
          continue
        }
        // Without a lesion in either mask the policy decides, not the formula.
        let number = value.number ?? .nan
        let difference = abs(number - expected) / max(1, abs(expected))
        #expect(
          difference <= Self.tolerance,
          "case \(index), \(item.kind): \(key) is \(number), expected \(expected)"
        )
      }
    }
  }

  @Test func metricsAgreeWithOtherPrograms() throws {
    let cases = try Self.cases(Fixtures.path("evaluation/masks.json"))
    #expect(cases.count >= 200)
    try check(cases)
  }

  @Test func centreLinesAreThoseOfScikitImage() throws {
    let cases = try Self.cases(Fixtures.path("evaluation/masks.json"))
    var checked = 0
    for (index, item) in cases.enumerated() {
      guard let centreline = item.centreline else { continue }
      let size = SIMD3(item.size[0], item.size[1], item.size[2])
      let found = Skeleton.thinned(
        item.mask(item.prediction),
        size: size,
        isPlanar: size.z == 1,
        rule: .scikitImage
      )
      #expect(found == item.mask(centreline), "case \(index), \(item.kind)")
      checked += 1
    }
    #expect(checked >= 50)
  }

  /// Pairs that `generate.py --real` made; they stay outside the repository.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["LAMINA_EVALUATION_CASES"] != nil))
  func metricsAgreeOnRealMasks() throws {
    let path = try #require(ProcessInfo.processInfo.environment["LAMINA_EVALUATION_CASES"])
    try check(try Self.cases(path))
  }
}
