import Foundation
import Recognition
import Stylization
import Testing

@Suite struct ColourTests {
  /// Published values of the primaries in CIE L*a*b*, D65 (Lindbloom's calculator).
  @Test(arguments: [
    ([255, 0, 0], [53.2408, 80.0925, 67.2032]), ([0, 255, 0], [87.7347, -86.1827, 83.1793]),
    ([0, 0, 255], [32.2970, 79.1875, -107.8602]), ([255, 255, 255], [100, 0, 0]),
  ])
  func primariesHaveTheirPublishedValues(_ rgb: [UInt8], _ wanted: [Float]) {
    let lab = CIELab.lab(red: rgb[0], green: rgb[1], blue: rgb[2])
    for axis in 0..<3 { #expect(abs(lab[axis] - wanted[axis]) < 0.02) }
    let back = CIELab.rgb(lab)
    for axis in 0..<3 { #expect(abs(back[axis] - Float(rgb[axis])) < 0.5) }
  }

  @Test func sharesOfClassesSumToOneAndMeanTheColour() {
    let bins = ColourBins()
    #expect((50...110).contains(bins.centres.count))
    for (a, b) in [(0, 0), (13, -7), (60, 45), (-128, 127)] as [(Float, Float)] {
      let shares = bins.shares(a: a, b: b)
      #expect(abs(shares.reduce(0) { $0 + $1.share } - 1) < 1e-5)
    }
    let mean = bins.shares(a: 10, b: 0).reduce(Float(0)) { $0 + $1.share * bins.centres[$1.bin].x }
    #expect(abs(mean - 10) < 3)
  }

  @Test func rareClassesWeighMore() {
    let weights = ColourBins.weights(shares: [0.9, 0.1, 0], mixing: 0.5)
    #expect(weights[0] < weights[1] && weights[1] < weights[2])
    #expect(abs(0.9 * weights[0] + 0.1 * weights[1] - 1) < 1e-5)
    #expect(ColourBins.weights(shares: [0.9, 0.1], mixing: 1).allSatisfy { abs($0 - 1) < 1e-6 })
  }

  @Test func measuresAreThoseOfTheirDefinitions() {
    let truth = drawing(40, 32, stripes: 4)
    let same = ColourMeasurement(truth, truth: truth)
    #expect(same.psnr == 100 && same.deltaE == 0 && same.colourfulness > 30)
    let grey = truth.with(channels: 1).with(channels: 3)
    #expect(ColourMeasurement.colourfulness(grey) == 0)
    // One colour everywhere: no spread, so 0.3 times the mean's length.
    let red = ImagePlanes(
      height: 32,
      width: 32,
      values: [Float](repeating: 255, count: 1024) + [Float](repeating: 0, count: 2048)
    )
    let wanted = 0.3 * (255.0 * 255 + 127.5 * 127.5).squareRoot()
    #expect(abs(ColourMeasurement.colourfulness(red) - wanted) < 1e-6)
    #expect(!grey.isColourful && red.isColourful)
  }
}
