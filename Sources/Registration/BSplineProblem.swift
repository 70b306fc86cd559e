import Imaging
import Support

/// The cost of a free-form deformation of samples, with its derivatives.
///
/// The linear transform after it stays as it is.
struct BSplineProblem: Sendable {
  /// The control grid; its coefficients are the start.
  let grid: BSplineTransform
  let samples: SampleSet
  let moving: MovingImage
  let cost: any SimilarityCost
  /// What the bending energy is multiplied by, mm².
  let bendingWeight: Double
  let leastOverlap: Double

  private let sites: [BSplineTransform.Site]
  /// Where each sample lies in the moving image without deformation, in indices.
  private let undeformed: [SIMD3<Double>]
  /// From displacements in mm to indices of the moving image.
  private let toIndex: FastLinear
  private let energy: BendingEnergy

  /// Prepares samples: they are put into the order of the control grid's cells, so that parts of
  /// them touch parts of the grid.
  init(
    grid: BSplineTransform,
    linear: some LinearTransform,
    samples: SampleSet,
    moving: MovingImage,
    cost: any SimilarityCost,
    bendingWeight: Double,
    leastOverlap: Double
  ) {
    let toGrid = FastLinear(toGridOf: grid)
    let sites = samples.points.map { BSplineTransform.Site(toGrid($0), grid.size) }
    // The index decides between samples of one cell, so that there is one order.
    let order = sites.indices.sorted { (sites[$0].base, $0) < (sites[$1].base, $1) }
    let map = moving.toIndex.after(FastLinear(linear))
    self.grid = grid
    self.samples = samples.ordered(by: order)
    self.sites = order.map { sites[$0] }
    undeformed = self.samples.points.map { map($0) }
    toIndex = map
    self.moving = moving
    self.cost = cost
    self.bendingWeight = bendingWeight
    self.leastOverlap = leastOverlap
    energy = BendingEnergy(size: grid.size, spacing: grid.spacing)
  }

  /// Three numbers for each control point, mm.
  static func parameters(of grid: BSplineTransform) -> [Double] {
    grid.coefficients.flatMap { [Double($0.x), Double($0.y), Double($0.z)] }
  }

  /// The grid with other displacements.
  func grid(_ parameters: [Double]) -> BSplineTransform {
    var result = grid
    result.coefficients = Self.coefficients(parameters)
    return result
  }

  private static func coefficients(_ parameters: [Double]) -> [SIMD4<Float>] {
    (0..<parameters.count / 3).map { (point: Int) -> SIMD4<Float> in
      let at = 3 * point
      let value = SIMD3<Double>(parameters[at], parameters[at + 1], parameters[at + 2])
      return SIMD4<Float>(SIMD3<Float>(value), 0)
    }
  }

  /// The moving image's values at the samples; not a number outside it.
  func values(_ parameters: [Double]) -> [Float] { sampled(parameters).values }

  /// The cost and its derivatives by the displacements; nil where it is undefined.
  func evaluate(_ parameters: [Double]) -> LBFGS.Evaluation? {
    let (values, gradients) = sampled(parameters)
    let inside = values.reduce(0) { $0 + ($1.isNaN ? 0 : 1) }
    guard inside > 0, Double(inside) >= leastOverlap * Double(values.count) else { return nil }
    var slopes: [Float]? = []
    let cost = cost.cost(fixed: samples.values, moving: values, slopes: &slopes)
    guard let cost, let slopes else { return nil }
    var gradient = [Double](repeating: 0, count: parameters.count)
    for part in pulls(slopes, gradients) {
      for (place, pull) in part.values.enumerated() {
        let at = 3 * (part.first + place)
        gradient[at] += Double(pull.x)
        gradient[at + 1] += Double(pull.y)
        gradient[at + 2] += Double(pull.z)
      }
    }
    var roughness = 0.0
    if bendingWeight > 0 {
      roughness = energy.add(parameters, weight: bendingWeight, to: &gradient)
    }
    return (cost + roughness, gradient)
  }

  private func sampled(
    _ parameters: [Double]
  ) -> (values: [Float], gradients: [SIMD3<Float>]) {
    let coefficients = Self.coefficients(parameters)
    let size = grid.size
    return coefficients.withUnsafeBufferPointer { coefficients in
      guard let base = coefficients.baseAddress else { return ([], []) }
      let shared = SharedPointer(reading: base)
      return moving.sampled(count: sites.count) { place in
        let shift = BSplineTransform.displacement(shared.pointer, sites[place], size)
        return undeformed[place]
          + toIndex.turned(SIMD3(Double(shift.x), Double(shift.y), Double(shift.z)))
      }
    }
  }

  /// Derivatives by the coefficients of a part of the grid.
  private struct Part: Sendable {
    let first: Int
    let values: [SIMD4<Float>]
  }

  /// The derivatives of each piece of the samples, to be added up in their order.
  private func pulls(_ slopes: [Float], _ gradients: [SIMD3<Float>]) -> [Part] {
    let size = grid.size
    let reach = 3 + size.x * (3 + size.y * 3) + 1
    let (a0, a1, a2) = (
      SIMD3<Float>(toIndex.c0), SIMD3<Float>(toIndex.c1), SIMD3<Float>(toIndex.c2)
    )
    return Pieces(count: sites.count, limit: 32, fewest: 1024).map { range in
      guard let first = range.first, let last = range.last else {
        return Part(first: 0, values: [])
      }
      let start = sites[first].base
      let count = sites[last].base - start + reach
      let values = [SIMD4<Float>](unsafeUninitializedCapacity: count) { output, initializedCount in
        output.initialize(repeating: .zero)
        initializedCount = count
        guard let base = output.baseAddress else { return }
        for index in range where slopes[index] != 0 {
          let site = sites[index]
          let slope = gradients[index] * slopes[index]
          let pull = SIMD4<Float>((a0 * slope).sum(), (a1 * slope).sum(), (a2 * slope).sum(), 0)
          let weights = site.weights
          for c in 0..<4 {
            for b in 0..<4 {
              let row = base + (site.base - start + size.x * (b + size.y * c))
              let line: SIMD4<Float> = pull * (weights.y[b] * weights.z[c])
              row[0] += line * weights.x[0]
              row[1] += line * weights.x[1]
              row[2] += line * weights.x[2]
              row[3] += line * weights.x[3]
            }
          }
        }
      }
      return Part(first: start, values: values)
    }
  }
}

extension BSplineProblem {
  /// The cost without the bending energy; nil where it is undefined.
  func similarityCost(_ parameters: [Double]) -> Double? {
    var none: [Float]?
    return cost.cost(fixed: samples.values, moving: values(parameters), slopes: &none)
  }
}
