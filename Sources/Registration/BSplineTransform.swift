import Imaging

/// A free-form deformation: displacements on a control grid, joined by cubic B-splines.
///
/// x ↦ x + Σ φ_lmn β³(u − l) β³(v − m) β³(w − n), with (u, v, w) the point in units of the control
/// grid (Rueckert et al., 1999, "Nonrigid registration using free-form deformations: application to
/// breast MR images", eq. 3). Beyond the domain, which is the fixed image, the displacement of the
/// nearest point of its border holds.
public struct BSplineTransform: SpatialTransform, Equatable {
  /// Position of the first control point, LPS mm: one spacing before the domain's corner.
  public let origin: SIMD3<Double>
  /// Distance of control points, mm.
  public let spacing: SIMD3<Double>
  /// The grid's axes, those of the fixed image.
  public let direction: Matrix3
  /// Control points along each axis, at least 4.
  public let size: SIMD3<Int>
  /// φ: displacements in LPS mm, x fastest; the fourth component is 0.
  public package(set) var coefficients: [SIMD4<Float>]

  /// Creates a grid of no displacement over an image.
  /// - Parameters:
  ///   - geometry: The fixed image.
  ///   - spacing: Distance of control points along each axis, mm.
  /// - Throws: `RegistrationError.invalidSetting` when the spacing is not positive, or so small that
  ///   there would be more than 2^24 control points.
  public init(over geometry: ImageGeometry, spacing: SIMD3<Double>) throws(RegistrationError) {
    var size = SIMD3<Int>(repeating: 0)
    var total = 1.0
    for axis in 0..<3 {
      guard spacing[axis].isFinite, spacing[axis] > 0 else {
        throw .invalidSetting(
          name: "control spacing",
          reason: "\(spacing[axis]) mm is not positive"
        )
      }
      // Rounding must not decide whether a cell is there. In mm, so that half the spacing never has more
      // than twice the cells.
      let extent = Double(geometry.size[axis]) * geometry.spacing[axis] - 1e-6
      let cells = (extent / spacing[axis]).rounded(.up)
      total *= cells + 3
      guard total <= Double(Self.mostControlPoints) else {
        throw .invalidSetting(
          name: "control spacing",
          reason: "\(spacing[axis]) mm gives more than \(Self.mostControlPoints) control points"
        )
      }
      size[axis] = Int(max(cells, 1)) + 3
    }
    self.size = size
    self.spacing = spacing
    direction = geometry.direction
    let corner = geometry.position(ofIndex: [-0.5, -0.5, -0.5])
    origin = corner - geometry.direction * spacing
    coefficients = [SIMD4<Float>](repeating: .zero, count: size.x * size.y * size.z)
  }

  init(
    origin: SIMD3<Double>,
    spacing: SIMD3<Double>,
    direction: Matrix3,
    size: SIMD3<Int>,
    coefficients: [SIMD4<Float>]
  ) {
    precondition(coefficients.count == size.x * size.y * size.z, "a grid with holes")
    self.origin = origin
    self.spacing = spacing
    self.direction = direction
    self.size = size
    self.coefficients = coefficients
  }

  /// More control points are a mistake: they would be finer than the voxels of any scan.
  static let mostControlPoints = 1 << 24

  /// Where a point of the fixed image goes.
  /// - Parameter point: LPS mm.
  /// - Returns: LPS mm.
  public func position(of point: SIMD3<Double>) -> SIMD3<Double> {
    let site = Site(gridPosition(of: point), size)
    let sum = coefficients.withUnsafeBufferPointer { values in
      values.baseAddress.map { Self.displacement($0, site, size) } ?? .zero
    }
    return point + SIMD3<Double>(Double(sum.x), Double(sum.y), Double(sum.z))
  }

  /// The derivative: the identity plus that of the displacement.
  /// - Parameter point: LPS mm; beyond the domain the derivative at its border is given.
  /// - Returns: Column a is the derivative along axis a.
  public func jacobian(at point: SIMD3<Double>) -> Matrix3 {
    let site = Site(gridPosition(of: point), size)
    let weights = site.weights
    let slopes = site.slopes
    // Derivatives of the displacement along the grid's axes, per cell.
    var along = [SIMD4<Float>](repeating: .zero, count: 3)
    for c in 0..<4 {
      for b in 0..<4 {
        for a in 0..<4 {
          let value = coefficients[site.base + a + size.x * (b + size.y * c)]
          let (x, y, z) = (weights.x[a], weights.y[b], weights.z[c])
          along[0] += value * (slopes.x[a] * y * z)
          along[1] += value * (x * slopes.y[b] * z)
          along[2] += value * (x * y * slopes.z[c])
        }
      }
    }
    let perMM = (0..<3).map { axis in
      SIMD3<Double>(Double(along[axis].x), Double(along[axis].y), Double(along[axis].z))
        / spacing[axis]
    }
    let turned = Matrix3(perMM[0], perMM[1], perMM[2]) * direction.transposed
    return Matrix3(
      turned.columns[0] + SIMD3(1, 0, 0),
      turned.columns[1] + SIMD3(0, 1, 0),
      turned.columns[2] + SIMD3(0, 0, 1)
    )
  }

  /// The point in units of the control grid; control point (l, m, n) is at (l, m, n).
  @inline(__always)
  func gridPosition(of point: SIMD3<Double>) -> SIMD3<Double> {
    (direction.transposed * (point - origin)) / spacing
  }

  /// The same deformation on a grid of half the spacing (the two-scale relation of cubic B-splines).
  /// - Parameter geometry: The fixed image.
  /// - Returns: The finer grid over the same image.
  /// - Throws: `RegistrationError.invalidSetting` for more than 2^24 control points.
  package func refined(over geometry: ImageGeometry) throws(RegistrationError) -> BSplineTransform {
    var fine = try BSplineTransform(over: geometry, spacing: spacing / 2)
    var values = coefficients
    var size = self.size
    for axis in 0..<3 {
      values = Self.halved(values, size, axis: axis, count: fine.size[axis])
      size[axis] = fine.size[axis]
    }
    fine.coefficients = values
    return fine
  }

  /// New point j lies at (j + 1) / 2 of the old ones: half a spacing after the old first.
  private static func halved(
    _ values: [SIMD4<Float>],
    _ size: SIMD3<Int>,
    axis: Int,
    count: Int
  ) -> [SIMD4<Float>] {
    let stride = [1, size.x, size.x * size.y][axis]
    var newSize = size
    newSize[axis] = count
    var result: [SIMD4<Float>] = []
    result.reserveCapacity(newSize.x * newSize.y * newSize.z)
    for z in 0..<newSize.z {
      for y in 0..<newSize.y {
        for x in 0..<newSize.x {
          var index = SIMD3(x, y, z)
          let j = index[axis] + 1
          index[axis] = j / 2
          let place = index.x + size.x * (index.y + size.y * index.z)
          if j % 2 == 1 {
            result.append((values[place] + values[place + stride]) * 0.5)
          } else {
            let sum = values[place - stride] + values[place] * 6 + values[place + stride]
            result.append(sum * 0.125)
          }
        }
      }
    }
    return result
  }
}

extension BSplineTransform {
  /// The cell of a point and its place within: which 64 control points count, and how much.
  struct Site: Sendable {
    /// Offset of the first of the 64 control points.
    let base: Int
    /// The place within the cell, 0 to 1 along each axis.
    let place: SIMD3<Float>

    /// Finds the cell; points beyond the domain are moved to its border.
    /// - Parameters:
    ///   - position: In units of the control grid.
    ///   - size: The control grid.
    @inline(__always)
    init(_ position: SIMD3<Double>, _ size: SIMD3<Int>) {
      var cell = SIMD3<Int>()
      var place = SIMD3<Float>()
      for axis in 0..<3 {
        let last = Double(size[axis] - 2)
        let clamped = max(1, min(position[axis], last))
        let index = min(Int(clamped), size[axis] - 3)
        cell[axis] = index - 1
        place[axis] = Float(clamped - Double(index))
      }
      base = cell.x + size.x * (cell.y + size.y * cell.z)
      self.place = place
    }

    /// The B-spline's values at the four control points of each axis.
    @inline(__always)
    var weights: (x: SIMD4<Float>, y: SIMD4<Float>, z: SIMD4<Float>) {
      (Self.weights(place.x), Self.weights(place.y), Self.weights(place.z))
    }

    /// Its derivatives by the place.
    @inline(__always)
    var slopes: (x: SIMD4<Float>, y: SIMD4<Float>, z: SIMD4<Float>) {
      (Self.slopes(place.x), Self.slopes(place.y), Self.slopes(place.z))
    }

    @inline(__always)
    private static func weights(_ t: Float) -> SIMD4<Float> {
      let u = 1 - t
      let sixth: Float = 1 / 6
      return SIMD4(
        u * u * u * sixth,
        ((3 * t - 6) * t * t + 4) * sixth,
        ((3 * u - 6) * u * u + 4) * sixth,
        t * t * t * sixth
      )
    }

    @inline(__always)
    private static func slopes(_ t: Float) -> SIMD4<Float> {
      let u = 1 - t
      return SIMD4(
        -0.5 * u * u,
        (1.5 * t - 2) * t,
        (2 - 1.5 * u) * u,
        0.5 * t * t
      )
    }
  }

  /// The displacement at a site, mm.
  @inline(__always)
  static func displacement(
    _ coefficients: UnsafePointer<SIMD4<Float>>,
    _ site: Site,
    _ size: SIMD3<Int>
  ) -> SIMD4<Float> {
    let weights = site.weights
    var sum = SIMD4<Float>.zero
    for c in 0..<4 {
      for b in 0..<4 {
        let row = coefficients + site.base + size.x * (b + size.y * c)
        var line: SIMD4<Float> = row[0] * weights.x[0]
        line += row[1] * weights.x[1]
        line += row[2] * weights.x[2]
        line += row[3] * weights.x[3]
        sum += line * (weights.y[b] * weights.z[c])
      }
    }
    return sum
  }
}
