import Foundation
import Imaging
import Registration
import Support
import TestSupport
import Testing

/// Free-form deformations: values, derivatives, refinement, folds.
@Suite struct BSplineTransformTests {
  /// A grid of random displacements over an oblique image.
  private func deformation(_ deviation: Double = 2) throws -> (BSplineTransform, ImageGeometry) {
    let geometry = try MadeUpImages.geometry([20, 18, 16], spacing: [2, 2.5, 3], turn: 0.3)
    var grid = try BSplineTransform(over: geometry, spacing: [11, 12, 13])
    var random = RandomStream(seed: 7)
    grid.coefficients = grid.coefficients.map { _ in
      SIMD4(
        Float(random.normal() * deviation),
        Float(random.normal() * deviation),
        Float(random.normal() * deviation),
        0
      )
    }
    return (grid, geometry)
  }

  private let points: [SIMD3<Double>] = [
    [0, 0, 0], [7.3, -4.1, 9.2], [-12.5, 3.3, -8.8], [12, 11, -20], [-9, -14, 21],
  ]

  @Test func equalCoefficientsShiftEveryPoint() throws {
    var (grid, _) = try deformation()
    grid.coefficients = grid.coefficients.map { _ in SIMD4(1, -2, 3, 0) }
    for point in points + [[500, 500, 500]] {
      let moved = grid.position(of: point) - point
      // Single-precision weights that sum to 1.
      expectClose([moved.x, moved.y, moved.z], [1, -2, 3], Tolerance(absolute: 2e-6, relative: 0))
    }
  }

  @Test func theJacobianIsTheDerivative() throws {
    let (grid, _) = try deformation()
    let step = 0.05
    for point in points {
      let jacobian = grid.jacobian(at: point)
      for axis in 0..<3 {
        var arm = SIMD3<Double>.zero
        arm[axis] = step
        let slope = (grid.position(of: point + arm) - grid.position(of: point - arm)) / (2 * step)
        // Displacements are in single precision: 1e-6 mm over 0.1 mm; third derivatives are below 0.02.
        expectClose(
          (0..<3).map { jacobian.columns[axis][$0] },
          (0..<3).map { slope[$0] },
          Tolerance(absolute: 2e-4, relative: 0)
        )
      }
    }
  }

  @Test func theFinerGridIsTheSameDeformation() throws {
    let (grid, geometry) = try deformation()
    let fine = try grid.refined(over: geometry)
    #expect(fine.spacing == grid.spacing / 2)
    var random = RandomStream(seed: 3)
    for _ in 0..<200 {
      let index = SIMD3(
        random.uniform(in: -0.5..<19.5),
        random.uniform(in: -0.5..<17.5),
        random.uniform(in: -0.5..<15.5)
      )
      let point = geometry.position(ofIndex: index)
      let gap = grid.position(of: point) - fine.position(of: point)
      #expect(dot(gap, gap).squareRoot() < 1e-5)
    }
  }

  @Test func foldsAreWhereTheDeterminantIsNotPositive() throws {
    let (gentle, geometry) = try deformation(0.5)
    let linear = AffineTransform(
      center: .zero,
      matrix: Matrix3([1.1, 0, 0], [0.1, 0.9, 0], [0, 0, 1]),
      translation: [1, 2, 3]
    )
    func check(_ grid: BSplineTransform) -> FoldCheck {
      let transform = CompositeTransform([.bspline(grid), .affine(linear)], geometry: geometry)
      let check = FoldCheck(transform, on: geometry)
      // The same by the transform's own Jacobian.
      var folded = 0
      var low = Double.infinity
      for z in 0..<geometry.size.z {
        for y in 0..<geometry.size.y {
          for x in 0..<geometry.size.x {
            let index = SIMD3(Double(x), Double(y), Double(z))
            let value = transform.jacobian(at: geometry.position(ofIndex: index)).determinant
            if value <= 0 { folded += 1 }
            low = min(low, value)
          }
        }
      }
      #expect(abs(check.foldedShare - Double(folded) / Double(geometry.voxelCount)) < 1e-3)
      #expect(abs(check.smallestDeterminant - low) < 1e-4 * (1 + abs(low)))
      return check
    }
    let still = check(gentle)
    #expect(still.foldedShare == 0)
    let (wild, _) = try deformation(12)
    let torn = check(wild)
    #expect(torn.foldedShare > 0.01)
    #expect(torn.smallestDeterminant < 0)
  }

  @Test func bendingEnergyIsThatOfTheSecondDerivatives() throws {
    let size = SIMD3(7, 6, 8)
    let spacing = SIMD3(3.0, 4.0, 5.0)
    let energy = BendingEnergy(size: size, spacing: spacing)
    func parameters(_ value: (SIMD3<Double>) -> SIMD3<Double>) -> [Double] {
      var result: [Double] = []
      for z in 0..<size.z {
        for y in 0..<size.y {
          for x in 0..<size.x {
            let v = value(SIMD3(Double(x), Double(y), Double(z)) * spacing)
            result += [v.x, v.y, v.z]
          }
        }
      }
      return result
    }
    var gradient = [Double](repeating: 0, count: size.x * size.y * size.z * 3)
    let affine = parameters { [0.1 * $0.x + 0.2 * $0.y, 1 - $0.z * 0.3, $0.x] }
    #expect(abs(energy.add(affine, weight: 1, to: &gradient)) < 1e-20)
    // Cubic B-splines keep quadratic polynomials up to a constant, so that coefficients 0.1 x² and
    // 0.2 y z have the second derivatives 0.2 and 0.2 (mixed ones count twice).
    gradient = gradient.map { _ in 0 }
    let curved = parameters { [0.1 * $0.x * $0.x, 0.2 * $0.y * $0.z, 0] }
    let value = energy.add(curved, weight: 2, to: &gradient)
    #expect(abs(value - 2 * (0.04 + 2 * 0.04)) < 1e-12)
    // The gradient by differences, in a random place.
    var random = RandomStream(seed: 1)
    let rough = parameters { _ in [random.normal(), random.normal(), random.normal()] }
    gradient = gradient.map { _ in 0 }
    _ = energy.add(rough, weight: 1, to: &gradient)
    for at in [0, 100, 333, 500, 701] {
      var values: [Double] = []
      for sign in [1.0, -1] {
        var moved = rough
        moved[at] += sign * 1e-4
        var unused = gradient
        values.append(energy.add(moved, weight: 1, to: &unused))
      }
      // The energy is quadratic: central differences are exact up to rounding.
      let slope = (values[0] - values[1]) / 2e-4
      #expect(abs(slope - gradient[at]) < 1e-8 * (1 + abs(slope)))
    }
  }

  @Test func storedTransformsAreReadBack() throws {
    let (grid, geometry) = try deformation()
    let rigid = RigidTransform(
      center: [1, 2, 3],
      rotation: [0.1, -0.2, 0.3],
      translation: [4, 5, 6]
    )
    let transform = CompositeTransform(
      [.bspline(grid), .affine(AffineTransform(rigid)), .rigid(rigid)],
      geometry: geometry
    )
    #expect(try CompositeTransform.read(transform.json()) == transform)
    for bad in ["", "{}", #"{"schema": "other"}"#] {
      #expect(throws: RegistrationError.self) { try CompositeTransform.read(Data(bad.utf8)) }
    }
    let text = String(decoding: try transform.json(), as: UTF8.self)
    let short = text.replacingOccurrences(of: #""coefficients":["#, with: #""coefficients":[1,"#)
    #expect(short != text)
    #expect(throws: RegistrationError.self) { try CompositeTransform.read(Data(short.utf8)) }
  }
}
