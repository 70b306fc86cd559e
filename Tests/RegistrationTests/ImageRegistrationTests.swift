import Foundation
import Imaging
import Registration
import Support
import TestSupport
import Testing

/// Recovery of known transforms, and refusals.
@Suite struct ImageRegistrationTests {
  /// The moving image shows at y what the fixed one shows at x, where y = map(x); made by the inverse.
  private func pair(
    contrast: (Double) -> Double = { $0 },
    inverse: (SIMD3<Double>) -> SIMD3<Double>
  ) throws -> (fixed: Volume<Float>, moving: Volume<Float>) {
    let fixed = MadeUpImages.image(try MadeUpImages.geometry())
    let moving = MadeUpImages.image(
      try MadeUpImages.geometry(
        [64, 62, 56],
        spacing: [1.9, 1.8, 2],
        center: [3, 2, 1],
        turn: 0.15
      ),
      map: inverse,
      contrast: contrast
    )
    return (fixed, moving)
  }

  private let rigid = RigidTransform(
    center: .zero,
    rotation: [0.12, -0.08, 0.15],
    translation: [4, -3, 2.5]
  )

  /// The inverse: x = Mᵀ (y − t).
  private func inverse(_ point: SIMD3<Double>) -> SIMD3<Double> {
    rigid.matrix.transposed * (point - rigid.translation)
  }

  @Test(arguments: SimilarityMeasure.allCases)
  func rigidMotionIsRecovered(_ measure: SimilarityMeasure) throws {
    let (fixed, moving) = try pair(inverse: inverse)
    let result = try ImageRegistration(
      settings: RegistrationSettings(kind: .rigid, measure: measure)
    )
    .register(moving, to: fixed)
    let gap = MadeUpImages.distances(result.transform, rigid.position(of:))
    // A tenth of a voxel.
    #expect(gap.largest < 0.2, "\(gap) mm")
    #expect(result.folding.foldedShare == 0)
  }

  @Test func rigidMotionIsRecoveredAcrossContrasts() throws {
    let (fixed, moving) = try pair(contrast: { 200 - 1.5 * $0 }, inverse: inverse)
    let result = try ImageRegistration(settings: RegistrationSettings(kind: .rigid))
      .register(moving, to: fixed)
    let gap = MadeUpImages.distances(result.transform, rigid.position(of:))
    #expect(gap.largest < 0.2, "\(gap) mm")
  }

  @Test func largeMotionIsFoundByCentresOfMass() throws {
    let far = SIMD3(140.0, -90, 60)
    let fixed = MadeUpImages.image(try MadeUpImages.geometry())
    let moving = MadeUpImages.image(
      try MadeUpImages.geometry([40, 36, 32], center: far),
      map: { $0 - far }
    )
    let result = try ImageRegistration(settings: RegistrationSettings(kind: .rigid))
      .register(moving, to: fixed)
    #expect(MadeUpImages.distances(result.transform) { $0 + far }.largest < 0.2)
    var settings = RegistrationSettings(kind: .rigid)
    settings.start = .header
    #expect(throws: RegistrationError.noOverlap(share: 0)) {
      try ImageRegistration(settings: settings).register(moving, to: fixed)
    }
  }

  @Test(arguments: [false, true])
  func affineMotionIsRecovered(_ isInverted: Bool) throws {
    // x = N y, so that y = N⁻¹ x; the inverse by hand of an upper triangular matrix.
    let (a, b, c) = (1.1, 0.92, 1.05)
    let shear = 0.1
    let inverse: (SIMD3<Double>) -> SIMD3<Double> = { p in
      [(p.x - shear * p.y / b) / a, p.y / b, p.z / c]
    }
    let (fixed, moving) = try pair(
      contrast: { isInverted ? 150 - $0 : $0 },
      inverse: inverse
    )
    let result = try ImageRegistration(settings: RegistrationSettings(kind: .affine))
      .register(moving, to: fixed)
    let gap = MadeUpImages.distances(result.transform) { p in
      [a * p.x + shear * p.y, b * p.y, c * p.z]
    }
    // A quarter of a voxel at the body's surface, where the lever is longest.
    #expect(gap.largest < 0.5, "\(gap) mm")
    #expect(abs(result.folding.smallestDeterminant - a * b * c) < 0.05)
  }

  /// A smooth deformation of up to 3 mm; it is the map from the fixed image, so that the *fixed* image
  /// is made by it: fixed(x) = value(map(x)), moving = value.
  private func deformed(_ p: SIMD3<Double>) -> SIMD3<Double> {
    p + SIMD3(3 * sin(p.y / 12), 2.5 * cos(p.z / 10 + 0.5), -2.5 * sin(p.x / 14 + 0.3))
  }

  @Test(arguments: [false, true])
  func deformationsAreRecovered(_ isInverted: Bool) throws {
    let fixed = MadeUpImages.image(try MadeUpImages.geometry(), map: deformed)
    let moving = MadeUpImages.image(
      try MadeUpImages.geometry([64, 60, 56]),
      contrast: { isInverted ? 150 - $0 : $0 }
    )
    var settings = RegistrationSettings(kind: .bspline)
    settings.controlSpacingMM = 12
    // Samples that leave the moving image change the information; the body's are inside.
    let mask = LabelMap(
      geometry: fixed.geometry,
      labels: MadeUpImages.image(fixed.geometry, map: deformed).voxels.map { $0 > 2 ? 1 : 0 },
      table: []
    )
    let result = try ImageRegistration(settings: settings)
      .register(moving, to: fixed, mask: mask)
    let before = MadeUpImages.distances(RigidTransform(center: .zero), deformed)
    let after = MadeUpImages.distances(result.transform, deformed)
    #expect(before.mean > 2)
    // Where values hardly change along a surface, nothing tells the place along it: 14 % are left.
    #expect(after.mean < 0.25 * before.mean, "\(before) mm before, \(after) mm after")
    #expect(result.folding.foldedShare == 0)
    let last = try #require(result.steps.last)
    #expect(last.stage == "bspline" && last.after > last.before)
    #expect(zip(last.costs, last.costs.dropFirst()).allSatisfy { $0 >= $1 })
  }

  @Test func theNumberOfThreadsChangesNoBit() throws {
    let fixed = MadeUpImages.image(
      try MadeUpImages.geometry([24, 22, 20], spacing: [3, 3, 3]),
      map: deformed
    )
    let moving = MadeUpImages.image(try MadeUpImages.geometry([26, 24, 22], spacing: [3, 3, 3]))
    var settings = RegistrationSettings(kind: .bspline)
    settings.controlSpacingMM = 15
    settings.linearSamples = 5000
    settings.splineIterations = 10
    let results = try [1, 2, 5].map { threads in
      try Parallelism.$threadCount.withValue(threads) {
        let result = try ImageRegistration(settings: settings).register(moving, to: fixed)
        let image = moving.moved(through: result.transform).voxels.map(\.bitPattern)
        return (try result.transform.json(), result.folding, image)
      }
    }
    for result in results.dropFirst() {
      #expect(result.0 == results[0].0)
      #expect(result.1 == results[0].1)
      #expect(result.2 == results[0].2)
    }
    settings.seed = 9
    let other = try ImageRegistration(settings: settings).register(moving, to: fixed)
    #expect(try other.transform.json() != results[0].0)
  }

  @Test func anImageIsLaidOverItself() throws {
    let image = MadeUpImages.image(try MadeUpImages.geometry())
    let result = try ImageRegistration(settings: RegistrationSettings(kind: .affine))
      .register(image, to: image)
    #expect(MadeUpImages.distances(result.transform) { $0 }.largest < 0.1)
  }

  @Test func onlyTheMaskCounts() throws {
    // Outside the mask the moving image shows something else.
    let (fixed, clean) = try pair(inverse: inverse)
    let moving = Volume(
      geometry: clean.geometry,
      voxels: clean.voxels.enumerated().map { place, value in
        place / (64 * 62) < 16 ? Float(place % 97) : value
      }
    )
    let mask = LabelMap(
      geometry: fixed.geometry,
      labels: (0..<fixed.voxels.count).map { $0 / (40 * 36) < 14 ? 0 : 1 },
      table: []
    )
    let result = try ImageRegistration(settings: RegistrationSettings(kind: .rigid))
      .register(moving, to: fixed, mask: mask)
    #expect(MadeUpImages.distances(result.transform, rigid.position(of:)).largest < 0.4)
    let empty = LabelMap(
      geometry: fixed.geometry,
      labels: [UInt16](repeating: 0, count: fixed.voxels.count),
      table: []
    )
    #expect(throws: RegistrationError.emptyMask) {
      try ImageRegistration(settings: RegistrationSettings()).register(
        moving,
        to: fixed,
        mask: empty
      )
    }
  }

  @Test func unfitImagesAreRefused() throws {
    let geometry = try MadeUpImages.geometry()
    let image = MadeUpImages.image(geometry)
    let registration = ImageRegistration(settings: RegistrationSettings())
    let flat = image.map { _ in Float(3) }
    #expect(throws: RegistrationError.constantImage(image: "moving")) {
      try registration.register(flat, to: image)
    }
    #expect(throws: RegistrationError.constantImage(image: "fixed")) {
      try registration.register(image, to: flat)
    }
    var broken = image
    broken.voxels[5] = .nan
    broken.voxels[6] = .infinity
    #expect(throws: RegistrationError.notFinite(image: "moving", count: 2)) {
      try registration.register(broken, to: image)
    }
    let slice = MadeUpImages.image(try MadeUpImages.geometry([40, 40, 1]))
    #expect(throws: RegistrationError.tooThin(image: "fixed", axis: 2, voxels: 1)) {
      try registration.register(image, to: slice)
    }
    var settings = RegistrationSettings()
    settings.controlSpacingMM = -1
    #expect(throws: RegistrationError.self) {
      try ImageRegistration(settings: settings).register(image, to: image)
    }
  }

  @Test func aThinSlabIsNotMadeThinnerThanItsInterpolationNeeds() throws {
    // At the fixed image's 5 mm the slab of 5 mm would be one slice.
    let fixed = MadeUpImages.image(try MadeUpImages.geometry([16, 16, 16], spacing: [5, 5, 5]))
    let slab = MadeUpImages.image(try MadeUpImages.geometry([40, 36, 5], spacing: [2, 2, 1]))
    do {
      let result = try ImageRegistration(settings: RegistrationSettings(kind: .rigid))
        .register(slab, to: fixed)
      #expect(result.steps.allSatisfy { $0.after.isFinite })
    } catch RegistrationError.noOverlap(let share) {
      #expect(share < 0.5)
    }
  }

  @Test func imagesThatShareNothingAreRefused() throws {
    var random = RandomStream(seed: 11)
    let geometry = try MadeUpImages.geometry()
    let noise = Volume(
      geometry: geometry,
      voxels: (0..<geometry.voxelCount).map { _ in Float(random.uniform()) }
    )
    let image = MadeUpImages.image(geometry)
    for pair in [(noise, image), (image, noise)] {
      do {
        _ = try ImageRegistration(settings: RegistrationSettings(kind: .rigid))
          .register(pair.0, to: pair.1)
        Issue.record("noise was aligned")
      } catch RegistrationError.nothingInCommon(let information, let floor) {
        #expect(information < floor)
      }
    }
  }

  @Test(arguments: [SimilarityMeasure.meanSquares, .crossCorrelation])
  func invertedContrastIsRefusedByMeasuresOfOneContrast(_ measure: SimilarityMeasure) throws {
    let (fixed, moving) = try pair(contrast: { 150 - $0 }, inverse: inverse)
    do {
      _ = try ImageRegistration(settings: RegistrationSettings(kind: .affine, measure: measure))
        .register(moving, to: fixed)
      Issue.record("images of opposite contrast were aligned")
    } catch RegistrationError.differentContrast(let name, let correlation) {
      #expect(name == measure.name)
      #expect(correlation < 0.5)
    } catch RegistrationError.noOverlap {
      // The search may also leave the moving image.
    }
  }

  @Test func aRaisedFlagStopsTheWork() throws {
    let flag = Interruption()
    flag.raise()
    let image = MadeUpImages.image(try MadeUpImages.geometry())
    #expect(throws: SupportError.interrupted) {
      try ImageRegistration(settings: RegistrationSettings(), interruption: flag)
        .register(image, to: image)
    }
  }

  @Test func labelsFollowAKnownShift() throws {
    let geometry = try MadeUpImages.geometry([12, 10, 8], spacing: [1, 1, 1])
    var labels = [UInt16](repeating: 0, count: geometry.voxelCount)
    for z in 2..<5 { for y in 3..<7 { for x in 4..<9 { labels[geometry.offset(x, y, z)] = 7 } } }
    let map = LabelMap(geometry: geometry, labels: labels, table: [])
    let shift = AffineTransform(center: .zero, translation: [2, -1, 1])
    let transform = CompositeTransform([.affine(shift)], geometry: geometry)
    for interpolation in LabelInterpolation.allCases {
      let moved = map.moved(through: transform, interpolation: interpolation)
      // The target's voxel (x, y, z) shows the source's (x + 2, y − 1, z + 1).
      var expected = [UInt16](repeating: 0, count: geometry.voxelCount)
      for z in 1..<4 {
        for y in 4..<8 { for x in 2..<7 { expected[geometry.offset(x, y, z)] = 7 } }
      }
      #expect(moved.labels == expected)
    }
    // A third of a voxel: linear masks give the nearest label along one axis.
    let third = CompositeTransform(
      [.affine(AffineTransform(center: .zero, translation: [0.3, 0, 0]))],
      geometry: geometry
    )
    #expect(map.moved(through: third, interpolation: .linear).labels == labels)
    #expect(map.moved(through: third, interpolation: .nearest).labels == labels)
  }
}
