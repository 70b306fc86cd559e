import Enhancement
import Foundation
import Imaging
import Support
import TestSupport
import Testing

@Suite struct ImageDamageTests {
  private static let (width, height) = (96, 80)

  private var smooth: [Float] {
    (0..<Self.width * Self.height).map { place in
      0.5 + 0.3 * Float(sin(Double(place % Self.width) / 9) * cos(Double(place / Self.width) / 11))
    }
  }

  private func damaged(
    _ kind: ImageDamage.Kind,
    level: Double = 0.8,
    seed: UInt64 = 4,
    planes: Int = 1
  ) -> [Float] {
    let damage = ImageDamage(kind: kind, lowest: level, highest: level)
    var values = (0..<planes).flatMap { _ in smooth }
    damage.apply(
      damage.middle(seed: seed),
      to: &values,
      width: Self.width,
      height: Self.height
    )
    return values
  }

  @Test(arguments: ImageDamage.Kind.allCases)
  func everyKindDamagesAndIsRepeated(_ kind: ImageDamage.Kind) {
    let found = (1...6).map { damaged(kind, seed: $0) }
    #expect(found.contains { $0 != smooth })
    let isFinite = found.joined().allSatisfy { $0.isFinite }
    #expect(isFinite)
    #expect(damaged(kind) == damaged(kind))
    #expect(Set(found).count > 1)
    // A weaker one changes less.
    func change(_ level: Double) -> Float {
      (1...8).reduce(0) { sum, seed in
        zip(damaged(kind, level: level, seed: seed), smooth).reduce(sum) { $0 + abs($1.0 - $1.1) }
      }
    }
    #expect(change(0.2) < change(1))
  }

  @Test func planesHaveMarksOfTheirOwn() {
    let area = Self.width * Self.height
    let apart = damaged(.scratches, planes: 2)
    #expect(Array(apart[..<area]) != Array(apart[area...]))
  }

  @Test func degradationsNameDamage() throws {
    #expect(
      try ImageDegradation(["old-photograph:60%"]).steps == [.damage(.oldPhotograph, 0.6)]
    )
    for text in ["old-photograph:5", "old-photograph:120%", "scratches", "spikes:0%"] {
      #expect(throws: EnhancementError.unknownDegradation(text: text)) {
        try ImageDegradation([text])
      }
    }
  }
}
