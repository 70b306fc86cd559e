import Enhancement
import Imaging
import Support
import TestSupport
import Testing
import Transforms

@Suite struct SliceDegradationTests {
  /// Values are at most 3; matrices are in single precision.
  private static let tolerance = Tolerance(absolute: 2e-5, relative: 0)

  private func line(_ count: Int, _ value: (Int) -> Float) -> [Float] { (0..<count).map(value) }

  @Test func aLineBecomesWhatThickSlicesAndTheirInterpolationLeave() throws {
    // 40 slices of 4 voxels; the window lies in the middle, far from the ends.
    let lattice = SliceLattice(count: 40, fineCount: 160, thickness: 4, profile: .box)
    let degradation = try SliceDegradation(lattice, cells: 8)
    var random = RandomStream(seed: 3)
    let geometry = try ImageGeometry(
      size: [1, 1, 160],
      spacing: .one,
      origin: .zero,
      direction: .identity
    )
    let sharp = Volume(
      geometry: geometry,
      voxels: line(160) { _ in Float(random.normal()) }
    )
    let (fine, coarse) = try GridReduction.pair(sharp, scale: [1, 1, 4])
    let expected = coarse.resampled(to: fine.geometry, interpolation: .cubicBSpline).voxels
    #expect(degradation.length == 32 && degradation.margin == 32 && degradation.placeCount == 1)
    let start = 64
    let window = Array(sharp.voxels[start - 32..<start + 64])
    expectClose(
      degradation.degraded(window, place: 0).map(Double.init),
      expected[start..<start + 32].map(Double.init),
      Self.tolerance
    )
  }

  @Test(arguments: [3.0, 2.0, 5.0]) func constantsAndRampsStay(thickness: Double) throws {
    // 2.5 voxels for a slice: cells lie among slices in two ways.
    for profile in SliceThickening.Profile.allCases {
      let lattice = SliceLattice(
        count: 20,
        fineCount: 50,
        thickness: thickness,
        profile: profile
      )
      let degradation = try SliceDegradation(lattice, cells: 6)
      #expect(degradation.placeCount > 1)
      let count = degradation.length + 2 * degradation.margin
      for place in 0..<degradation.placeCount {
        let constant = degradation.degraded(line(count) { _ in 2 }, place: place)
        expectClose(
          constant.map(Double.init),
          [Double](repeating: 2, count: degradation.length),
          Self.tolerance
        )
        let middle = Float(count) / 2
        let ramp = degradation.degraded(line(count) { (Float($0) - middle) / 20 }, place: place)
        // A slice between two voxels covers parts of both: its mean is the ramp's to a tenth of a voxel.
        for (voxel, value) in ramp.enumerated() {
          let expected = (Float(voxel + degradation.margin) - middle) / 20
          #expect(abs(value - expected) < 0.1 / 20, "place \(place), voxel \(voxel)")
        }
      }
    }
  }

  @Test func weightsHaveTheProfile() {
    let box = SliceLattice(count: 10, fineCount: 40, thickness: 4, profile: .box)
    #expect([-2.5, -2, -1.5, 0, 1.5, 2, 2.5].map(box.weight) == [0, 0.5, 1, 1, 1, 0.5, 0])
    let gaussian = SliceLattice(count: 10, fineCount: 40, thickness: 4, profile: .gaussian)
    // The full width at half maximum is the thickness.
    #expect(abs(gaussian.weight(at: 2) - 0.5) < 1e-12 && gaussian.weight(at: 0) == 1)
    #expect(box.center(of: 0) == 1.5 && box.center(of: 9) == 37.5)
  }
}
