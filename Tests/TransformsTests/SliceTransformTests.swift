import Foundation
import Support
import TestSupport
import Testing
import Transforms

@Suite struct SliceTransformTests {
  /// Two channels of 4 rows and 5 columns that count up.
  private let stack = SliceStack(
    channels: 2,
    height: 4,
    width: 5,
    values: (0..<40).map { Float($0) }
  )
  private let labels = (0..<20).map { UInt16($0) }

  @Test func theIdentityChangesNothing() {
    let (result, moved) = SliceTransform().apply(to: stack, labels: labels, height: 4, width: 5)
    #expect(result == stack)
    #expect(moved == labels)
  }

  @Test func aLargerResultCentresTheSliceInZeros() {
    let (result, moved) = SliceTransform().apply(to: stack, labels: labels, height: 6, width: 7)
    for row in 0..<6 {
      for column in 0..<7 {
        let inside = (1..<5).contains(row) && (1..<6).contains(column)
        let value = inside ? Float((row - 1) * 5 + column - 1) : 0
        #expect(result.values[row * 7 + column] == value)
        #expect(moved[row * 7 + column] == UInt16(value))
      }
    }
  }

  @Test func mirroringReversesColumnsOfImageAndLabels() {
    var transform = SliceTransform()
    transform.mirrorsColumns = true
    let (result, moved) = transform.apply(to: stack, labels: labels, height: 4, width: 5)
    for row in 0..<4 {
      #expect(
        moved[row * 5..<row * 5 + 5].elementsEqual(labels[row * 5..<row * 5 + 5].reversed())
      )
      for column in 0..<5 {
        #expect(abs(result.values[row * 5 + column] - Float(row * 5 + 4 - column)) < 1e-5)
      }
    }
  }

  @Test func aShiftMovesTheObject() {
    var transform = SliceTransform()
    transform.translation = [1, 0]
    let (result, moved) = transform.apply(to: stack, labels: labels, height: 4, width: 5)
    #expect(Array(result.values[0..<5]) == [0, 0, 1, 2, 3])
    #expect(Array(moved[5..<10]) == [0, 5, 6, 7, 8])
  }

  @Test func aQuarterTurnOfASquare() {
    // 0 1    turned by 90 degrees: the column axis goes to the row axis.
    // 2 3
    let square = SliceStack(channels: 1, height: 2, width: 2, values: [0, 1, 2, 3])
    var transform = SliceTransform()
    transform.rotation = .pi / 2
    let (result, moved) = transform.apply(to: square, labels: [0, 1, 2, 3], height: 2, width: 2)
    #expect(moved == [2, 0, 3, 1])
    expectClose(result.values, [2, 0, 3, 1], Tolerance(absolute: 1e-5, relative: 0))
  }

  @Test func magnifyingByTwoSpreadsTheCentre() {
    let line = SliceStack(channels: 1, height: 1, width: 5, values: [0, 0, 4, 0, 0])
    var transform = SliceTransform()
    transform.scale = [2, 1]
    let (result, _) = transform.apply(
      to: line,
      labels: [0, 0, 0, 0, 0],
      height: 1,
      width: 5
    )
    #expect(result.values == [0, 2, 4, 2, 0])
  }

  @Test func gammaKeepsMeanAndDeviation() {
    var transform = SliceTransform()
    transform.gamma = 1.4
    let (result, _) = transform.apply(to: stack, labels: labels, height: 4, width: 5)
    func moments(_ values: [Float]) -> (Double, Double) {
      let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
      let squares = values.reduce(0.0) { $0 + pow(Double($1) - mean, 2) }
      return (mean, (squares / Double(values.count)).squareRoot())
    }
    let (before, after) = (moments(stack.values), moments(result.values))
    #expect(abs(before.0 - after.0) < 1e-4)
    #expect(abs(before.1 - after.1) < 1e-4)
    #expect(result != stack)
  }

  @Test func blurringKeepsAConstantAndFlattensAPeak() {
    var transform = SliceTransform()
    transform.blur = 0.8
    let flat = SliceStack(channels: 1, height: 5, width: 5, values: .init(repeating: 3, count: 25))
    let none = [UInt16](repeating: 0, count: 25)
    let (same, _) = transform.apply(to: flat, labels: none, height: 5, width: 5)
    expectClose(same.values, flat.values, Tolerance(absolute: 1e-5, relative: 0))
    var peak = flat
    peak.values[12] = 10
    let (spread, _) = transform.apply(to: peak, labels: none, height: 5, width: 5)
    #expect(spread.values[12] < 6)
    #expect(spread.values[11] > 3.5)
    #expect(spread.values[11] == spread.values[13])
  }

  @Test func noiseHasItsDeviationAndFollowsItsSeed() {
    var transform = SliceTransform()
    transform.noise = 0.5
    transform.noiseSeed = 7
    let flat = SliceStack(
      channels: 1,
      height: 100,
      width: 100,
      values: .init(repeating: 0, count: 10_000)
    )
    let none = [UInt16](repeating: 0, count: 10_000)
    let first = transform.apply(to: flat, labels: none, height: 100, width: 100).stack
    let second = transform.apply(to: flat, labels: none, height: 100, width: 100).stack
    #expect(first == second)
    let squares = first.values.reduce(0.0) { $0 + Double($1 * $1) }
    // 10,000 values: the deviation's own standard error is 0.7 %, five of them are 3.5 %.
    #expect(abs((squares / 10_000).squareRoot() - 0.5) < 0.0175)
    transform.noiseSeed = 8
    #expect(transform.apply(to: flat, labels: none, height: 100, width: 100).stack != first)
  }
}

@Suite struct SliceAugmentationTests {
  @Test func theSameStreamDrawsTheSameTransform() {
    var (first, second) = (RandomStream(seed: 3), RandomStream(seed: 3))
    for _ in 0..<50 {
      #expect(SliceAugmentation().draw(&first) == SliceAugmentation().draw(&second))
    }
  }

  @Test func drawnValuesStayWithinTheirLimits() {
    var augmentation = SliceAugmentation()
    augmentation.mirrorProbability = 0.5
    var random = RandomStream(seed: 1)
    let drawn = (0..<2000).map { _ in augmentation.draw(&random) }
    for transform in drawn {
      #expect(abs(transform.rotation) <= 15 * .pi / 180)
      #expect(abs(transform.translation.x) <= 4 && abs(transform.translation.y) <= 4)
      // The common magnification and a third of it for each axis.
      let limit = 1.2 * (1 + 0.2 / 3)
      #expect(transform.scale.max() <= limit && transform.scale.min() >= 1 / limit)
      #expect(transform.blur <= 0.9 && transform.noise <= 0.2)
    }
    let mirrored = drawn.filter(\.mirrorsColumns).count
    // Binomial with 2000 draws: five standard deviations are 112.
    #expect((888...1112).contains(mirrored))
  }

  @Test func noAugmentationIsTheIdentity() {
    var random = RandomStream(seed: 1)
    for _ in 0..<20 { #expect(SliceAugmentation.none.draw(&random) == SliceTransform()) }
  }
}

@Suite struct IntensityNormalizationTests {
  @Test func zScoreOfFourValuesByHand() {
    // Mean 5, squared deviations 9 1 1 9: deviation √5.
    var values: [Float] = [2, 4, 6, 8]
    IntensityNormalization.zScore.apply(to: &values)
    let root = Float(5).squareRoot()
    expectClose(
      values,
      [-3 / root, -1 / root, 1 / root, 3 / root],
      Tolerance(absolute: 1e-6, relative: 0)
    )
  }

  @Test func aConstantImageBecomesZero() {
    var values = [Float](repeating: 1234.567, count: 1000)
    IntensityNormalization.zScore.apply(to: &values)
    #expect(values == [Float](repeating: 0, count: 1000))
  }

  @Test func undefinedValuesCountAsZero() {
    var values: [Float] = [.nan, 0, .infinity, 4]
    IntensityNormalization.none.apply(to: &values)
    #expect(values == [0, 0, 0, 4])
    values = [.nan, 2]
    IntensityNormalization.zScore.apply(to: &values)
    #expect(values == [-1, 1])
  }
}
