import Support

/// The image of least total variation near the given one.
///
/// Minimises ½‖u − f‖² + weight · TV(u), the model of Rudin, Osher and Fatemi, by the projection of
/// Chambolle, 2004, "An algorithm for total variation minimization and applications", with forward
/// differences in voxels and the step 1 / (2 · axes). It ends when the energy of a step changes by less
/// than `tolerance` times the first, as in scikit-image, whose `weight` is the same number.
package struct TotalVariation: VolumeFilter {
  package static let name = "tv"
  package static let removesNoise = true
  package static let paper =
    "Chambolle 2004, An algorithm for total variation minimization and applications"
  package static let parameters = [
    FilterParameter("weight", 0, 0...1e9, "strength, in the image's unit; 0: 0.8 times the noise"),
    FilterParameter.sigma,
    FilterParameter("tolerance", 2e-4, 0...1, "change of the energy at which it ends"),
    FilterParameter("iterations", 200, 1...10_000, isWhole: true, "most steps"),
    .dimensions,
  ]

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package func filtered(_ image: FilterImage) -> [Float] {
    let axes = image.axes(values)
    let told = Float(values["weight"])
    let weight = told > 0 ? told : 0.8 * image.noise(values)
    guard weight > 0 else { return image.values }
    let size = image.size
    // The dual field, one component after the other.
    var field = [Float](repeating: 0, count: axes * image.values.count)
    var result = image.values
    var first = 0.0
    var last = 0.0
    for iteration in 0..<values.whole("iterations") {
      if iteration > 0 { result = Self.diverged(image.values, field, axes, size) }
      let energies = Self.step(&field, result, image.values, axes, size, weight)
      let energy = energies.reduce(0, +) / Double(image.values.count)
      if iteration == 0 {
        first = energy
      } else if abs(last - energy) < values["tolerance"] * first {
        break
      }
      last = energy
    }
    return result
  }

  /// The image plus the field's divergence.
  private static func diverged(
    _ image: [Float],
    _ field: [Float],
    _ axes: Int,
    _ size: SIMD3<Int>
  ) -> [Float] {
    let strides = [1, size.x, size.x * size.y]
    return .filled(count: image.count, pieces: size.y * size.z) { rows, target in
      for row in rows {
        let start = row * size.x
        let to = target + start
        for x in 0..<size.x { to[x] = image[start + x] }
        let place = SIMD3(0, row % size.y, row / size.y)
        field.withUnsafeBufferPointer { field in
          for axis in 0..<axes {
            let p = UnsafeBufferPointer(rebasing: field[(axis * image.count)...])
            for x in 0..<size.x { to[x] -= p[start + x] }
            if axis == 0 {
              for x in 1..<max(1, size.x) { to[x] += p[start + x - 1] }
            } else if place[axis] > 0 {
              let before = start - strides[axis]
              for x in 0..<size.x { to[x] += p[before + x] }
            }
          }
        }
      }
    }
  }

  /// One step of the field; returns the energy of each row.
  private static func step(
    _ field: inout [Float],
    _ current: [Float],
    _ image: [Float],
    _ axes: Int,
    _ size: SIMD3<Int>,
    _ weight: Float
  ) -> [Double] {
    let tau = 1 / Float(2 * axes)
    let factor = tau / weight
    var energies = [Double](repeating: 0, count: size.y * size.z)
    field.withUnsafeMutableBufferPointer { field in
      guard let field = field.baseAddress else { return }
      let fields = SharedPointer(field)
      energies.withUnsafeMutableBufferPointer { room in
        guard let base = room.baseAddress else { return }
        let results = SharedPointer(base)
        Parallelism.forEachRange(size.y * size.z) { rows in
          var (gradients, norms) = (
            [Float](repeating: 0, count: 3 * size.x), [Float](repeating: 0, count: size.x)
          )
          current.withUnsafeBufferPointer { u in
            for row in rows {
              let start = row * size.x
              let place = SIMD3(0, row % size.y, row / size.y)
              for x in 0..<size.x { norms[x] = 0 }
              for axis in 0..<axes {
                let g = axis * size.x
                let stride = axis == 0 ? 1 : axis == 1 ? size.x : size.x * size.y
                let count = axis == 0 ? size.x - 1 : place[axis] + 1 < size[axis] ? size.x : 0
                for x in 0..<count {
                  gradients[g + x] = u[start + x + stride] - u[start + x]
                }
                for x in count..<size.x { gradients[g + x] = 0 }
                for x in 0..<size.x { norms[x] += gradients[g + x] * gradients[g + x] }
              }
              var energy = 0.0
              for x in 0..<size.x {
                let norm = norms[x].squareRoot()
                let distance = u[start + x] - image[start + x]
                energy += Double(distance * distance + weight * norm)
                norms[x] = 1 / (1 + factor * norm)
              }
              for axis in 0..<axes {
                let p = fields.pointer + axis * image.count + start
                let g = axis * size.x
                for x in 0..<size.x { p[x] = (p[x] - tau * gradients[g + x]) * norms[x] }
              }
              results.pointer[row] = energy
            }
          }
        }
      }
    }
    return energies
  }
}
