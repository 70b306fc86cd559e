/// Diffusion that stops at edges.
///
/// Perona and Malik, 1990, "Scale-space and edge detection using anisotropic diffusion": in each step a
/// voxel gains step · Σ c(d) d over its neighbours along the axes, d the difference divided by the
/// spacing, c(d) = exp(−(d / kappa)²). Distances are in units of the smallest spacing. The step is
/// given as a share of the largest stable one, 1 / Σ 2 / spacing².
package struct AnisotropicDiffusion: VolumeFilter {
  package static let name = "diffusion"
  package static let removesNoise = true
  package static let paper =
    "Perona and Malik 1990, Scale-space and edge detection using anisotropic diffusion"
  package static let parameters = [
    FilterParameter("kappa", 0, 0...1e9, "difference at which edges begin; 0: 2.5 times the noise"),
    FilterParameter.sigma,
    FilterParameter("iterations", 4, 1...1000, isWhole: true, "steps"),
    FilterParameter("step", 0.8, 0.01...1, "share of the largest stable step"),
    .dimensions,
  ]

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package func filtered(_ image: FilterImage) -> [Float] {
    let axes = image.axes(values)
    let told = Float(values["kappa"])
    let kappa = told > 0 ? told : 2.5 * image.noise(values)
    guard kappa > 0 else { return image.values }
    let used = (0..<axes).filter { image.size[$0] > 1 }
    let finest = used.map { image.spacing[$0] }.min() ?? 1
    let inverse = used.map { Float(finest / image.spacing[$0]) }
    let largest = 1 / inverse.reduce(0) { $0 + 2 * $1 * $1 }
    let step = Float(values["step"]) * largest
    let (size, falloff) = (image.size, 1 / (kappa * kappa))
    let strides = [1, size.x, size.x * size.y]
    var current = image.values
    for _ in 0..<values.whole("iterations") {
      let u = current
      current = .filled(count: u.count, pieces: size.y * size.z) { rows, target in
        var flow = [Float](repeating: 0, count: size.x + 1)
        u.withUnsafeBufferPointer { u in
          for row in rows {
            let start = row * size.x
            let to = target + start
            for x in 0..<size.x { to[x] = u[start + x] }
            let place = SIMD3(0, row % size.y, row / size.y)
            for (axis, scale) in zip(used, inverse) {
              let factor = step * scale
              for side in axis == 0 ? [1] : [-1, 1] {
                let neighbour = place[axis] + side
                guard axis == 0 || (neighbour >= 0 && neighbour < size[axis]) else { continue }
                let other = start + side * strides[axis]
                let count = axis == 0 ? size.x - 1 : size.x
                for x in 0..<count {
                  let d = (u[other + x] - u[start + x]) * scale
                  flow[x] = factor * d * exponentialDecay(d * d * falloff)
                }
                for x in 0..<count { to[x] += flow[x] }
                if axis == 0 {
                  for x in 0..<count { to[x + 1] -= flow[x] }
                }
              }
            }
          }
        }
      }
    }
    return current
  }
}
