import Foundation
import Sequences
import Support
import TestSupport
import Testing

@Suite struct BeatDetectorTests {
  @Test(arguments: [360.0, 250, 1000])
  func everyBeatOfAMadeUpRecordIsFound(_ samplingHz: Double) {
    let ecg = SyntheticECG(seconds: 60, seed: 3)
    // At another frequency by linear interpolation.
    let step = SyntheticECG.samplingHz / samplingHz
    let count = Int(Double(ecg.values.count - 1) / step)
    let values = (0..<count).map { index -> Float in
      let place = Double(index) * step
      let left = Int(place)
      return Float(
        ecg.values[left] + (place - Double(left)) * (ecg.values[left + 1] - ecg.values[left])
      )
    }
    let found = BeatDetector().beats(values, samplingHz: samplingHz)
    let matching = BeatMatching(
      found: found,
      reference: ecg.beats.map { Int((Double($0.sample) / step).rounded()) },
      samplingHz: samplingHz
    )
    #expect(matching.falsePositives == 0 && matching.falseNegatives == 0)
    #expect((matching.largestErrorMS ?? 99) < 12)
  }

  @Test func missingAndConstantSamplesAreNoBeats() {
    #expect(BeatDetector().beats([Float](repeating: 3, count: 2000), samplingHz: 360).isEmpty)
    #expect(BeatDetector().beats([Float](repeating: .nan, count: 2000), samplingHz: 360).isEmpty)
    #expect(BeatDetector().beats([], samplingHz: 360).isEmpty)
    let ecg = SyntheticECG(seconds: 30, seed: 4)
    var values = ecg.values.map { Float($0) }
    for index in 3600..<5400 { values[index] = .nan }
    let found = BeatDetector().beats(values, samplingHz: 360)
    let left = ecg.beats.map(\.sample).filter { !(3500..<5500).contains($0) }
    let matching = BeatMatching(found: found, reference: left, samplingHz: 360)
    #expect(matching.falseNegatives == 0 && matching.falsePositives <= 1)
  }

  @Test func beatsAreMatchedAtMostOnceAndWithinTheWindow() {
    // At 100 Hz the window is 15 samples: 100 has two candidates, 300 none, 500 is 15 away.
    let matching = BeatMatching(
      found: [95, 104, 320, 515, 700],
      reference: [100, 300, 500],
      samplingHz: 100
    )
    #expect(matching.pairs.map(\.found) == [1, 3])
    #expect(matching.truePositives == 2)
    #expect(matching.falsePositives == 3 && matching.falseNegatives == 1)
    #expect(matching.f1 == 0.5)
    #expect(matching.meanErrorMS == 95 && matching.largestErrorMS == 150)
    let none = BeatMatching(found: [], reference: [], samplingHz: 100)
    #expect(none.f1 == nil && none.sensitivity == nil && none.precision == nil)
    let joined = BeatMatching(joining: [matching, none, matching])
    #expect(joined.truePositives == 4 && joined.falsePositives == 6 && joined.f1 == 0.5)
    #expect(joined.meanErrorMS == 95)
  }

  @Test func filtersHaveTheirButterworthGain() {
    // |H|² = 1/2 at the corner and, there and back, 1/2 of the amplitude.
    for kind in [SecondOrderFilter.Kind.lowPass, .highPass] {
      let filter = SecondOrderFilter(kind, hz: 10, samplingHz: 500)
      let wave = (0..<5000).map { sin(2 * .pi * 10 * Double($0) / 500) }
      let middle = filter.withoutShift(wave)[2000..<3000]
      let largest = middle.map { abs($0) }.max() ?? 0
      #expect(abs(largest - 0.5) < 0.005)
    }
  }
}
