import Imaging

/// A composite transform made ready for millions of points.
struct CompiledTransform: Sendable {
  enum Stage: Sendable {
    case linear(FastLinear, determinant: Double)
    case spline(Spline)
  }

  struct Spline: Sendable {
    let toGrid: FastLinear
    let axes: FastLinear
    let spacing: SIMD3<Double>
    let handedness: Double
    let size: SIMD3<Int>
    let coefficients: [SIMD4<Float>]
  }

  private let stages: [Stage]

  init(_ transform: CompositeTransform) {
    stages = transform.stages.map { stage in
      switch stage {
      case .rigid(let transform): .linear(FastLinear(transform), determinant: 1)
      case .affine(let transform):
        .linear(FastLinear(transform), determinant: transform.matrix.determinant)
      case .bspline(let transform): .spline(Self.spline(transform))
      }
    }
  }

  private static func spline(_ transform: BSplineTransform) -> Spline {
    Spline(
      toGrid: FastLinear(toGridOf: transform),
      axes: FastLinear(transform.direction, offset: .zero),
      spacing: transform.spacing,
      handedness: transform.direction.determinant,
      size: transform.size,
      coefficients: transform.coefficients
    )
  }

  /// Where a point of the fixed image lies in the moving one.
  func position(of point: SIMD3<Double>) -> SIMD3<Double> {
    var result = point
    for stage in stages {
      switch stage {
      case .linear(let map, _): result = map(result)
      case .spline(let spline): result += spline.displacement(at: result)
      }
    }
    return result
  }

  /// The determinant of the Jacobian at a point.
  func determinant(at point: SIMD3<Double>) -> Double {
    var place = point
    var result = 1.0
    for stage in stages {
      switch stage {
      case .linear(let map, let determinant):
        result *= determinant
        place = map(place)
      case .spline(let spline):
        result *= spline.determinant(at: place)
        place += spline.displacement(at: place)
      }
    }
    return result
  }
}

extension CompiledTransform.Spline {
  func displacement(at point: SIMD3<Double>) -> SIMD3<Double> {
    let site = BSplineTransform.Site(toGrid(point), size)
    return coefficients.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return .zero }
      let sum = BSplineTransform.displacement(base, site, size)
      return SIMD3(Double(sum.x), Double(sum.y), Double(sum.z))
    }
  }

  /// det (1 + D Qᵀ) = det (Q + D) / det Q, D being the derivatives along the grid's axes Q.
  func determinant(at point: SIMD3<Double>) -> Double {
    let site = BSplineTransform.Site(toGrid(point), size)
    let weights = site.weights
    let slopes = site.slopes
    var along = (SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero)
    coefficients.withUnsafeBufferPointer { values in
      for c in 0..<4 {
        for b in 0..<4 {
          let row = site.base + size.x * (b + size.y * c)
          let (v0, v1, v2, v3) = (values[row], values[row + 1], values[row + 2], values[row + 3])
          var line: SIMD4<Float> = v0 * weights.x[0]
          line += v1 * weights.x[1]
          line += v2 * weights.x[2]
          line += v3 * weights.x[3]
          var slope: SIMD4<Float> = v0 * slopes.x[0]
          slope += v1 * slopes.x[1]
          slope += v2 * slopes.x[2]
          slope += v3 * slopes.x[3]
          along.0 += slope * (weights.y[b] * weights.z[c])
          along.1 += line * (slopes.y[b] * weights.z[c])
          along.2 += line * (weights.y[b] * slopes.z[c])
        }
      }
    }
    func column(_ axis: SIMD3<Double>, _ slope: SIMD4<Float>, _ spacing: Double) -> SIMD3<Double> {
      axis + SIMD3(Double(slope.x), Double(slope.y), Double(slope.z)) / spacing
    }
    let first = column(axes.c0, along.0, spacing.x)
    let second = column(axes.c1, along.1, spacing.y)
    let third = column(axes.c2, along.2, spacing.z)
    return dot(first, cross(second, third)) / handedness
  }
}
