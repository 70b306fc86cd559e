import Support

/// Sums of label maps on an atlas's grid.
struct AtlasSums {
  private let grid: AtlasGrid
  private var weights: [SIMD32<Float>]
  private var sides: [Float]
  private let classCount: Int

  init(grid: AtlasGrid, classCount: Int) {
    self.grid = grid
    self.classCount = classCount
    weights = [SIMD32<Float>](repeating: .zero, count: grid.count)
    sides = [Float](repeating: 0, count: grid.count)
  }

  /// Adds a map: each voxel is spread over the eight points about its place in the atlas.
  /// - Parameters:
  ///   - entries: The map.
  ///   - fine: Its grid, over the same box.
  ///   - field: Displacements on the atlas's grid, from the map to the atlas; nil for none.
  ///   - classOf: Each entry's class, 255 for none.
  ///   - sideOf: Each entry's side.
  mutating func add(
    _ entries: [UInt8],
    _ fine: AtlasGrid,
    field: AtlasExpectation.Field?,
    classOf: [UInt8],
    sideOf: [Float]
  ) {
    let steps = GridPlace.steps(grid.size)
    let scale = Float(fine.step / grid.step)
    let perMM = Float(1 / grid.step)
    let size = grid.size
    let limit = SIMD3<Float>(Float(size.x - 1), Float(size.y - 1), Float(size.z - 1))
    var index = 0
    for z in 0..<fine.size.z {
      for y in 0..<fine.size.y {
        for x in 0..<fine.size.x {
          let entry = Int(entries[index])
          index += 1
          guard classOf[entry] != 255 else { continue }
          var place: SIMD3<Float> = SIMD3<Float>(Float(x), Float(y), Float(z)) * scale
          if let field {
            let from = GridPlace(place, size: size)
            let weights = from.weights
            var moved = SIMD3<Float>.zero
            for corner in 0..<8 {
              let point = from.base + steps[corner]
              let own = SIMD3<Float>(field.x[point], field.y[point], field.z[point])
              moved += weights[corner] * own
            }
            place += moved * perMM
          }
          guard place.min() >= 0, place.x <= limit.x, place.y <= limit.y, place.z <= limit.z
          else { continue }
          let to = GridPlace(place, size: size)
          let shares = to.weights
          for corner in 0..<8 {
            weights[to.base + steps[corner]][Int(classOf[entry])] += shares[corner]
            sides[to.base + steps[corner]] += shares[corner] * sideOf[entry]
          }
        }
      }
    }
  }

  /// The atlas: smoothed, made symmetric, scaled to sums of 1.
  func atlas(
    _ classes: [AtlasClass],
    blur: Double,
    centroids: [SIMD3<Double>?]
  ) -> ProbabilisticAtlas {
    var result = [SIMD32<Float>](repeating: .zero, count: grid.count)
    let maps = PlaneResults<[Float]>(count: classCount + 1)
    let (weights, sides, grid) = (weights, sides, grid)
    let count = classCount
    Parallelism.forEach(count + 1) { index in
      let values = index < count ? weights.map { $0[index] } : sides
      maps.set(index, grid.smoothed(values, deviation: blur))
    }
    let smooth = maps.values
    var lateral = [Float](repeating: 0, count: grid.count)
    for row in 0..<grid.size.y * grid.size.z {
      for x in 0..<grid.size.x {
        let place = row * grid.size.x + x
        let mirror = row * grid.size.x + grid.size.x - 1 - x
        for index in classes.indices {
          result[place][index] = smooth[index][place] + smooth[index][mirror]
        }
        lateral[place] = smooth[count][place] - smooth[count][mirror]
      }
    }
    // Where no map reaches there is what holds nothing of the brain, most often background.
    let outside = classes.firstIndex { $0.left == 0 && $0.right == 0 } ?? 0
    for place in result.indices {
      result[place][outside] += 1e-3
      lateral[place] /= max(result[place].total, 1e-6)
      result[place] /= result[place].total
    }
    return ProbabilisticAtlas(
      grid: grid,
      classes: classes,
      probabilities: result,
      sides: lateral,
      centroids: centroids
    )
  }
}
