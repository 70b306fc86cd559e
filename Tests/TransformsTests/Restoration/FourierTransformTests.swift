import Foundation
import Support
import TestSupport
import Testing
import Transforms

@Suite struct FourierTransformTests {
  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 16, 30, 49, 64, 77, 97, 128, 180])
  func transformsAreSumsOfWaves(_ count: Int) {
    let width = 3
    var random = RandomStream(seed: UInt64(count))
    let real = (0..<count * width).map { _ in random.normal() }
    let imaginary = (0..<count * width).map { _ in random.normal() }
    let (re, im) = FourierTransform(count: count).transformed(real, imaginary, width: width)
    var (expectedReal, expectedImaginary) = ([Double](), [Double]())
    for k in 0..<count {
      for q in 0..<width {
        var (a, b) = (0.0, 0.0)
        for j in 0..<count {
          let angle = -2 * .pi * Double(j * k % count) / Double(count)
          let (u, v) = (real[j * width + q], imaginary[j * width + q])
          a += u * cos(angle) - v * sin(angle)
          b += u * sin(angle) + v * cos(angle)
        }
        expectedReal.append(a)
        expectedImaginary.append(b)
      }
    }
    let tolerance = Tolerance(absolute: 1e-11, relative: 1e-11)
    expectClose(re, expectedReal, tolerance)
    expectClose(im, expectedImaginary, tolerance)
    let back = FourierTransform(count: count).transformed(re, im, width: width, isInverse: true)
    expectClose(back.real, real, tolerance)
    expectClose(back.imaginary, imaginary, tolerance)
  }
}
