import Foundation

extension LabelSynthesis {
  /// Makes one image and its classes.
  ///
  /// The result depends on the arguments alone. Outside the map is background. What is removed or
  /// left dark has class 0. Intensities are scaled by ``RobustScale``.
  /// - Parameters:
  ///   - map: The label map.
  ///   - parameters: The random numbers, as ``draw(from:using:)`` chooses them.
  /// - Returns: Intensities and classes of the patch, x fastest.
  /// - Precondition: The map was made with this table, and the parameters have its length.
  public func sample(
    _ map: SynthesisMap,
    _ parameters: SynthesisParameters
  ) -> (values: [Float], classes: [UInt16]) {
    let count = table.entries.count
    precondition(
      map.entryCount == count && parameters.means.count == count
        && parameters.deviations.count == count,
      "\(map.entryCount) entries of the map and \(parameters.means.count) means for \(count) entries"
    )
    var values = [Float](repeating: 0, count: patchSize.x * patchSize.y * patchSize.z)
    var entries = [UInt8](repeating: 0, count: values.count)
    warp(map, parameters, entries: &entries, gains: &values)
    remove(parameters, from: &entries)
    paint(parameters, entries: entries, gains: &values)
    applyGamma(parameters.gamma, to: &values)
    loseResolution(parameters, &values)
    var classes = classes(of: entries)
    darken(parameters, values: &values, classes: &classes)
    RobustScale.apply(to: &values)
    return (values, classes)
  }

  /// Reads the nearest entry of each voxel of the patch, and the bias field's gain.
  private func warp(
    _ map: SynthesisMap,
    _ parameters: SynthesisParameters,
    entries: inout [UInt8],
    gains: inout [Float]
  ) {
    var field = SmoothField(patchSize: patchSize, spacing: spacing)
    field.deform(
      deviation: parameters.deformation,
      nodeSpacingMM: settings.deformationSpacingMM,
      seed: parameters.deformationSeed,
      spacing: spacing
    )
    field.shade(
      deviation: parameters.bias,
      nodeSpacingMM: settings.biasSpacingMM,
      seed: parameters.biasSeed,
      spacing: spacing
    )
    // Place in the map, voxels: origin + x · columns[0] + y · columns[1] + z · columns[2] + the
    // field's displacement, which turns with the patch.
    let columns = mapColumns(parameters).map { $0 / map.spacing }
    for i in field.nodes.indices {
      let node = field.nodes[i]
      var moved = SIMD3<Double>.zero
      for axis in 0..<3 { moved += columns[axis] * (Double(node[axis]) / spacing[axis]) }
      field.nodes[i] = SIMD4(Float(moved.x), Float(moved.y), Float(moved.z), node.w)
    }
    let half = SIMD3<Double>(patchSize &- 1) / 2
    let origin =
      parameters.center / map.spacing - half.x * columns[0] - half.y * columns[1]
      - half.z * columns[2]
    let background = UInt8(truncatingIfNeeded: table.background)
    let sides = (parameters.mirrors ? table.mirrors : Array(table.entries.indices))
      .map { UInt8(truncatingIfNeeded: $0) }
    let nodeOfX = (0..<patchSize.x).map {
      min(Int(Double($0) / field.step.x), field.size.x - 2)
    }
    let shareOfX = (0..<patchSize.x).map { x in
      Float(Double(x) / field.step.x - Double(nodeOfX[x]))
    }
    let step = SIMD4<Float>(SIMD4(columns[0], 0))
    let (sizeX, sizeY, sizeZ) = (map.size.x, map.size.y, map.size.z)
    let limit = SIMD3<Float>(map.size)
    var row = [SIMD4<Float>](repeating: .zero, count: field.size.x)
    entries.withUnsafeMutableBufferPointer { entries in
      gains.withUnsafeMutableBufferPointer { gains in
        map.entries.withUnsafeBufferPointer { source in
          row.withUnsafeMutableBufferPointer { row in
            for z in 0..<patchSize.z {
              for y in 0..<patchSize.y {
                field.blend(y: y, z: z, into: row)
                let place = origin + Double(y) * columns[1] + Double(z) * columns[2]
                // Half a voxel on, so that cutting off the fraction rounds to the nearest.
                let base = SIMD4<Float>(SIMD4(place + 0.5, 0))
                let start = (z * patchSize.y + y) * patchSize.x
                for x in 0..<patchSize.x {
                  let node = row[nodeOfX[x]]
                  let shift = node + (row[nodeOfX[x] + 1] - node) * shareOfX[x]
                  let p = base + step * Float(x) + shift
                  let target = start + (parameters.mirrors ? patchSize.x - 1 - x : x)
                  gains[target] = p.w
                  guard p.x >= 0, p.y >= 0, p.z >= 0, p.x < limit.x, p.y < limit.y, p.z < limit.z
                  else {
                    entries[target] = background
                    continue
                  }
                  // Rounding to single precision may reach the size itself.
                  let (i, j, k) = (
                    min(Int(p.x), sizeX - 1), min(Int(p.y), sizeY - 1), min(Int(p.z), sizeZ - 1)
                  )
                  entries[target] = sides[Int(source[(k * sizeY + j) * sizeX + i])]
                }
              }
            }
          }
        }
      }
    }
  }

  /// How far the map's place moves, mm, for one voxel along each axis of the patch.
  private func mapColumns(_ parameters: SynthesisParameters) -> [SIMD3<Double>] {
    let (sx, cx) = (sin(parameters.rotation.x), cos(parameters.rotation.x))
    let (sy, cy) = (sin(parameters.rotation.y), cos(parameters.rotation.y))
    let (sz, cz) = (sin(parameters.rotation.z), cos(parameters.rotation.z))
    return (0..<3).map { axis in
      var v = SIMD3<Double>.zero
      v[axis] = spacing[axis] / parameters.scale[axis]
      v.x += parameters.shear.x * v.y + parameters.shear.y * v.z
      v.y += parameters.shear.z * v.z
      v = [v.x, cx * v.y - sx * v.z, sx * v.y + cx * v.z]
      v = [cy * v.x + sy * v.z, v.y, cy * v.z - sy * v.x]
      return [cz * v.x - sz * v.y, sz * v.x + cz * v.y, v.z]
    }
  }

  /// Strips and trims: turns voxels outside the brain to background.
  private func remove(_ parameters: SynthesisParameters, from entries: inout [UInt8]) {
    let background = UInt8(truncatingIfNeeded: table.background)
    let locations = table.entries.map(\.location)
    if parameters.strips {
      let stays = locations.map { location -> UInt8 in
        location == .brain || location == .fluid && !parameters.stripsFluid ? 1 : 0
      }
      var mask = entries.map { stays[Int($0)] }
      for _ in 0..<parameters.rim { mask = dilated(mask) }
      for i in entries.indices where mask[i] == 0 { entries[i] = background }
    }
    guard !parameters.cuts.isEmpty else { return }
    let isHead = locations.map { $0 == .head }
    let half = SIMD3<Double>(patchSize &- 1) / 2
    for cut in parameters.cuts {
      let normal = SIMD3<Double>(cut.x, cut.y, cut.z) * spacing
      let inX = (0..<patchSize.x).map { x in
        normal.x * (Double(parameters.mirrors ? patchSize.x - 1 - x : x) - half.x)
      }
      var index = 0
      for z in 0..<patchSize.z {
        for y in 0..<patchSize.y {
          let rest = normal.y * (Double(y) - half.y) + normal.z * (Double(z) - half.z) - cut.w
          for x in 0..<patchSize.x {
            if inX[x] + rest > 0, isHead[Int(entries[index])] { entries[index] = background }
            index += 1
          }
        }
      }
    }
  }

  /// The mask and its neighbours along the three axes.
  private func dilated(_ mask: [UInt8]) -> [UInt8] {
    var result = mask
    let (nx, ny, nz) = (patchSize.x, patchSize.y, patchSize.z)
    mask.withUnsafeBufferPointer { mask in
      result.withUnsafeMutableBufferPointer { result in
        for z in 0..<nz {
          for y in 0..<ny {
            let start = (z * ny + y) * nx
            func add(_ other: Int) {
              for x in 0..<nx { result[start + x] |= mask[other + x] }
            }
            if y > 0 { add(start - nx) }
            if y + 1 < ny { add(start + nx) }
            if z > 0 { add(start - nx * ny) }
            if z + 1 < nz { add(start + nx * ny) }
            for x in 1..<max(nx, 1) {
              result[start + x] |= mask[start + x - 1]
              result[start + x - 1] |= mask[start + x]
            }
          }
        }
      }
    }
    return result
  }

  /// Draws intensities of the groups, at least 0, times the gains.
  private func paint(
    _ parameters: SynthesisParameters,
    entries: [UInt8],
    gains: inout [Float]
  ) {
    var noise = NoiseStream(seed: parameters.intensitySeed)
    let groups = zip(parameters.means, parameters.deviations).map { SIMD2($0, $1) }
    entries.withUnsafeBufferPointer { entries in
      gains.withUnsafeMutableBufferPointer { gains in
        groups.withUnsafeBufferPointer { groups in
          for i in 0..<gains.count {
            let group = groups[Int(entries[i])]
            gains[i] *= max(0, group.x + group.y * noise.next())
          }
        }
      }
    }
  }

  /// Raises intensities, as a share of the largest, to a power; by a table of 1024 steps.
  private func applyGamma(_ gamma: Double, to values: inout [Float]) {
    guard gamma != 1, let largest = values.max(), largest > 0 else { return }
    let steps = 1024
    let powers = (0...steps + 1).map { largest * powf(Float($0) / Float(steps), Float(gamma)) }
    let scale = Float(steps) / largest
    values.withUnsafeMutableBufferPointer { values in
      powers.withUnsafeBufferPointer { powers in
        for i in 0..<values.count {
          let place = values[i] * scale
          let step = min(Int(place), steps)
          let low = powers[step]
          values[i] = low + (powers[step + 1] - low) * (place - Float(step))
        }
      }
    }
  }

  /// Blurs and samples coarsely, adds noise, and interpolates linearly back to the patch.
  private func loseResolution(_ parameters: SynthesisParameters, _ values: inout [Float]) {
    let count = values.count
    var down: [(axis: Int, pass: BandedPass)] = []
    var up: [(axis: Int, pass: BandedPass)] = []
    // Along x last, when there is least left: that pass is the slowest.
    for axis in [2, 1, 0] {
      let inputs = patchSize[axis]
      var places = (0..<inputs).map { Double($0) }
      let ratio = parameters.acquiredSpacing[axis] / spacing[axis]
      if ratio > 1 {
        let first = (parameters.phase[axis] - 1) * ratio
        let coarse = Int(((Double(inputs - 1) - first) / ratio).rounded(.up)) + 1
        up.insert(
          (axis, .linear(inputs: coarse, places: places.map { ($0 - first) / ratio })),
          at: 0
        )
        places = (0..<coarse).map { first + Double($0) * ratio }
      } else if parameters.blur[axis] <= 0 {
        continue
      }
      let deviation = max(parameters.blur[axis], 1e-3)
      down.append((axis, .gaussian(inputs: inputs, places: places, deviation: deviation)))
    }
    // Coarse images may exceed the patch by two voxels an axis.
    let room = (patchSize.x + 2) * (patchSize.y + 2) * (patchSize.z + 2)
    var (source, target) = (values, [Float](repeating: 0, count: room))
    source.append(contentsOf: repeatElement(0, count: room - count))
    var size = patchSize
    func apply(_ axis: Int, _ pass: BandedPass) {
      let from = size
      target.withUnsafeMutableBufferPointer { target in
        source.withUnsafeBufferPointer { source in
          if let input = source.baseAddress, let output = target.baseAddress {
            size = pass.apply(input, size: from, axis: axis, into: output)
          }
        }
      }
      swap(&source, &target)
    }
    for (axis, pass) in down { apply(axis, pass) }
    if parameters.noise > 0 {
      var noise = NoiseStream(seed: parameters.noiseSeed)
      let deviation = Float(parameters.noise)
      source.withUnsafeMutableBufferPointer { source in
        for i in 0..<size.x * size.y * size.z {
          source[i] = max(0, source[i] + deviation * noise.next())
        }
      }
    }
    for (axis, pass) in up { apply(axis, pass) }
    source.removeLast(room - count)
    values = source
  }

  private func classes(of entries: [UInt8]) -> [UInt16] {
    let outputs = table.entries.map { UInt16(clamping: $0.output) }
    return entries.map { outputs[Int($0)] }
  }

  /// Ends the field of view within the patch.
  private func darken(
    _ parameters: SynthesisParameters,
    values: inout [Float],
    classes: inout [UInt16]
  ) {
    guard parameters.darkLower.max() > 0 || parameters.darkUpper.max() > 0 else { return }
    let extent = SIMD3<Double>(patchSize)
    let low = (parameters.darkLower * extent).rounded(.toNearestOrAwayFromZero)
    let high = extent - (parameters.darkUpper * extent).rounded(.toNearestOrAwayFromZero)
    var index = 0
    for z in 0..<patchSize.z {
      for y in 0..<patchSize.y {
        for x in 0..<patchSize.x {
          let place = SIMD3<Double>(Double(x), Double(y), Double(z))
          if any(place .< low) || any(place .>= high) {
            values[index] = 0
            classes[index] = 0
          }
          index += 1
        }
      }
    }
  }
}

extension SmoothField {
  /// Interpolates the nodes of one row of the patch's voxels.
  @inline(__always)
  fileprivate func blend(
    y: Int,
    z: Int,
    into row: UnsafeMutableBufferPointer<SIMD4<Float>>
  ) {
    let (placeY, placeZ) = (Double(y) / step.y, Double(z) / step.z)
    let j = min(Int(placeY), size.y - 2)
    let k = min(Int(placeZ), size.z - 2)
    let (fy, fz) = (Float(placeY - Double(j)), Float(placeZ - Double(k)))
    nodes.withUnsafeBufferPointer { nodes in
      let start = (k * size.y + j) * size.x
      for i in 0..<size.x {
        let (a, b) = (nodes[start + i], nodes[start + i + size.x])
        let other = start + i + size.x * size.y
        let (c, d) = (nodes[other], nodes[other + size.x])
        let near = a + (b - a) * fy
        let far = c + (d - c) * fy
        row[i] = near + (far - near) * fz
      }
    }
  }
}
