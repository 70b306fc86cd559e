import Foundation
import Imaging

/// Ways of laying two images over each other before any search.
struct StartSearch {
  let fixed: Volume<Float>
  let moving: Volume<Float>
  let mask: LabelMap?

  /// The transforms of a start; several where axes may point either way.
  /// - Parameter start: Any but automatic.
  /// - Returns: Rigid transforms about the fixed image's centre.
  func candidates(_ start: RegistrationSettings.Start) -> [RigidTransform] {
    let center = Self.center(of: fixed.geometry)
    switch start {
    case .automatic, .header: return [RigidTransform(center: center)]
    case .center:
      return [
        RigidTransform(center: center, translation: Self.center(of: moving.geometry) - center)
      ]
    case .mass:
      let shift = Moments(moving, mask: nil).center - Moments(fixed, mask: mask).center
      return [RigidTransform(center: center, translation: shift)]
    case .moments:
      let still = Moments(fixed, mask: mask)
      let other = Moments(moving, mask: nil)
      let from = SymmetricEigen(still.covariance).vectors
      let to = SymmetricEigen(other.covariance).vectors
      // Axes have no sign; four choices are rotations.
      return [(1.0, 1.0), (1, -1), (-1, 1), (-1, -1)].map { first, second in
        var rotation =
          Matrix3(to.columns[0] * first, to.columns[1] * second, to.columns[2]) * from.transposed
        if rotation.determinant < 0 {
          rotation =
            Matrix3(to.columns[0] * first, to.columns[1] * second, -to.columns[2])
            * from.transposed
        }
        // The fixed centre of mass goes onto the moving one.
        let shift = other.center - center - rotation * (still.center - center)
        return RigidTransform(
          center: center,
          rotation: RigidTransform.angles(of: rotation),
          translation: shift
        )
      }
    }
  }

  /// The middle of a grid, LPS mm.
  static func center(of geometry: ImageGeometry) -> SIMD3<Double> {
    geometry.position(ofIndex: (SIMD3<Double>(geometry.size) - 1) / 2)
  }
}

/// Centre of mass and covariance of an image; the mass of a voxel is what it is above the least value.
struct Moments {
  let center: SIMD3<Double>
  let covariance: Matrix3

  init(_ volume: Volume<Float>, mask: LabelMap?) {
    let size = volume.geometry.size
    let low = Double(volume.voxels.min() ?? 0)
    let toPosition = FastLinear(indicesOf: volume.geometry)
    let origin = StartSearch.center(of: volume.geometry)
    var mass = 0.0
    var first = SIMD3<Double>.zero
    var squares = SIMD3<Double>.zero
    var mixed = SIMD3<Double>.zero
    var place = 0
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          defer { place += 1 }
          if let mask, mask.labels[place] == 0 { continue }
          let weight = Double(volume.voxels[place]) - low
          let arm = toPosition(SIMD3(Double(x), Double(y), Double(z))) - origin
          mass += weight
          first += arm * weight
          squares += arm * arm * weight
          mixed += SIMD3(arm.x * arm.y, arm.x * arm.z, arm.y * arm.z) * weight
        }
      }
    }
    let mean = mass > 0 ? first / mass : .zero
    center = origin + mean
    let scale = mass > 0 ? 1 / mass : 0
    let spread = squares * scale - mean * mean
    let xy = mixed.x * scale - mean.x * mean.y
    let xz = mixed.y * scale - mean.x * mean.z
    let yz = mixed.z * scale - mean.y * mean.z
    covariance = Matrix3([spread.x, xy, xz], [xy, spread.y, yz], [xz, yz, spread.z])
  }
}

/// Eigenvectors of a symmetric matrix by Jacobi's rotations (Golub and Van Loan, 2013, "Matrix
/// computations", 8.5).
struct SymmetricEigen {
  /// The unit eigenvectors as columns, by falling eigenvalue.
  let vectors: Matrix3

  init(_ matrix: Matrix3) {
    var a = (0..<3).map { row in (0..<3).map { matrix[row, $0] } }
    var v: [[Double]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    // Convergence is quadratic; a dozen sweeps are plenty for three rows.
    for _ in 0..<12 {
      for (p, q) in [(0, 1), (0, 2), (1, 2)] where a[p][q] != 0 {
        let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
        let t = (theta >= 0 ? 1 : -1) / (abs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        for k in 0..<3 {
          (a[k][p], a[k][q]) = (c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q])
        }
        for k in 0..<3 {
          (a[p][k], a[q][k]) = (c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k])
          (v[k][p], v[k][q]) = (c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q])
        }
      }
    }
    let order = [0, 1, 2].sorted { (a[$0][$0], $1) > (a[$1][$1], $0) }
    func column(_ index: Int) -> SIMD3<Double> { [v[0][index], v[1][index], v[2][index]] }
    vectors = Matrix3(column(order[0]), column(order[1]), column(order[2]))
  }
}
