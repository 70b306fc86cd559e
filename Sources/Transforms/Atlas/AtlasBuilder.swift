import Foundation
import Support

/// Makes an atlas of label maps.
///
/// Maps are laid over each other by affine maps between the middles of their structures. Then each is
/// deformed onto the atlas so far, as images are in ``AtlasFitter``, and the atlas is made anew of the
/// deformed maps, which sharpens it.
package struct AtlasBuilder: Sendable {
  /// How an atlas is made; a value for plans.
  package struct Settings: Sendable, Equatable, Codable {
    /// Distance of the atlas's points, mm.
    package var stepMM = 2.0
    /// What is left about the brain, mm.
    package var marginMM = 20.0
    /// Smoothing of the first atlas, mm.
    package var firstBlurMM = 1.2
    /// Smoothing of the later ones, mm.
    package var blurMM = 0.7
    /// Times that maps are deformed onto the atlas.
    package var rounds = 1
    /// Classes of a smaller mean volume are joined to others or left out, mm³.
    package var leastVolumeMM3 = 4000.0

    package init() {}
  }

  private let table: SynthesisTable
  private let settings: Settings

  package init(table: SynthesisTable, settings: Settings = Settings()) {
    self.table = table
    self.settings = settings
  }

  /// Number of an entry that has no class.
  private static let none: UInt8 = 255
  /// T1 means between which tissues are kin: fluids, grey matter, and what lies between.
  private static let kinBounds = [70.0, 110, 120, 133]
  /// Iterations at the double step, then at the atlas's own, in the first round; and in later ones.
  private static let (coarseIterations, fineIterations, laterIterations) = (10, 8, 6)
  /// Likelihood of a label under another class; 1 more under its own.
  private static let mislabelling: Float = 0.02

  /// Makes an atlas.
  /// - Parameters:
  ///   - maps: The maps; at least one with a structure.
  ///   - interruption: Looked at between maps.
  ///   - report: Told about each finished map; their number is ``stepCount(maps:)``.
  /// - Returns: The atlas.
  /// - Throws: What `interruption` throws.
  package func atlas(
    of maps: [SynthesisMap],
    interruption: Interruption,
    report: (Int) -> Void = { _ in }
  ) throws -> ProbabilisticAtlas {
    precondition(!maps.isEmpty, "no label map")
    let (classes, classOf) = self.classes(of: maps)
    let middles = maps.map { self.middles(of: $0) }
    let mean = meanMiddles(middles)
    let placements = middles.map { self.placement($0, to: mean) }
    let grid = try self.grid(of: maps, placements)
    var done = 0
    // Half the step samples the maps finely enough for the trilinear spreading.
    let fine = grid.with(step: settings.stepMM / 2)
    let aligned = try zip(maps, placements).map { map, placement in
      try interruption.check()
      done += 1
      defer { report(done) }
      return self.entries(of: map, placement: placement, on: fine)
    }
    var sums = AtlasSums(grid: grid, classCount: classes.count)
    for entries in aligned {
      sums.add(entries, fine, field: nil, classOf: classOf, sideOf: sideOf)
    }
    let centroids = mean
    var atlas = sums.atlas(classes, blur: settings.firstBlurMM, centroids: centroids)
    var fields = [AtlasExpectation.Field?](repeating: nil, count: maps.count)
    for _ in 0..<settings.rounds {
      sums = AtlasSums(grid: grid, classCount: classes.count)
      for (index, entries) in aligned.enumerated() {
        try interruption.check()
        let field = deformed(atlas, onto: entries, fine, classOf, from: fields[index])
        sums.add(entries, fine, field: field, classOf: classOf, sideOf: sideOf)
        fields[index] = field
        done += 1
        report(done)
      }
      atlas = sums.atlas(classes, blur: settings.blurMM, centroids: centroids)
    }
    return atlas
  }

  /// How often ``atlas(of:interruption:report:)`` reports.
  package func stepCount(maps: Int) -> Int { maps * (1 + settings.rounds) }

  // MARK: Classes

  /// The classes, and each entry's.
  private func classes(of maps: [SynthesisMap]) -> ([AtlasClass], [UInt8]) {
    let entries = table.entries
    let mirrors = table.mirrors
    var volumes = [Double](repeating: 0, count: entries.count)
    for map in maps {
      var counts = [Int](repeating: 0, count: entries.count)
      for entry in map.entries { counts[Int(entry)] += 1 }
      let volume = map.spacing.x * map.spacing.y * map.spacing.z / Double(maps.count)
      for index in counts.indices { volumes[index] += Double(counts[index]) * volume }
    }
    struct Key: Hashable {
      let output: Int
      let intensity: Int
    }
    var order: [Key] = []
    var members: [Key: [Int]] = [:]
    for (index, entry) in entries.enumerated() {
      let mirror = entries[mirrors[index]]
      let key = Key(
        output: min(entry.output, mirror.output),
        intensity: min(entry.intensity, mirror.intensity)
      )
      if members[key] == nil { order.append(key) }
      members[key, default: []].append(index)
    }
    func volume(_ key: Key) -> Double {
      var sum = 0.0
      for member in members[key] ?? [] { sum += volumes[member] }
      return sum
    }
    // A structure's largest class stays whatever its size.
    var largest: [Int: Key] = [:]
    for key in order where key.output > 0 {
      if largest[key.output].map({ volume(key) > volume($0) }) ?? true { largest[key.output] = key }
    }
    func isMain(_ key: Key) -> Bool {
      largest[key.output] == key || (members[key] ?? []).contains(table.background)
    }
    var kept = order.filter { isMain($0) || volume($0) >= settings.leastVolumeMM3 }
    while kept.count > ProbabilisticAtlas.classLimit,
      let least = kept.filter({ !isMain($0) }).min(by: { volume($0) < volume($1) })
    {
      kept.removeAll { $0 == least }
    }
    kept = Array(kept.prefix(ProbabilisticAtlas.classLimit))
    var classOf = [UInt8](repeating: Self.none, count: entries.count)
    for key in order {
      let place =
        kept.firstIndex(of: key)
        ?? largest[key.output].flatMap { kept.firstIndex(of: $0) }
      guard let place else { continue }
      for member in members[key] ?? [] { classOf[member] = UInt8(place) }
    }
    let classes = kept.map { key -> AtlasClass in
      let all = members[key] ?? []
      let first = all.first ?? 0
      let (own, other) = (entries[first], entries[mirrors[first]])
      let location = own.location
      let isInside = own.output > 0
      return AtlasClass(
        left: min(own.output, other.output),
        right: max(own.output, other.output),
        isBrain: isInside && location == .brain,
        isRemovable: location != .brain,
        kin: isInside
          ? own.t1Mean.map { mean in Self.kinBounds.firstIndex { mean < $0 } ?? 4 } : nil
      )
    }
    return (classes, classOf)
  }

  /// 1 for entries of the left, −1 for those of the right, 0 for others.
  private var sideOf: [Float] {
    zip(table.entries, table.mirrors).map { entry, mirror in
      let other = table.entries[mirror].output
      return entry.output == other ? 0 : entry.output < other ? 1 : -1
    }
  }

  // MARK: Placement

  /// The middle of each label of a map, mm from its first voxel, and the label's volume.
  private func middles(of map: SynthesisMap) -> [(middle: SIMD3<Double>, volume: Double)] {
    let outputs = table.entries.map(\.output)
    var sums = [SIMD3<Double>](repeating: .zero, count: table.classCount)
    var counts = [Double](repeating: 0, count: table.classCount)
    var index = 0
    for z in 0..<map.size.z {
      for y in 0..<map.size.y {
        for x in 0..<map.size.x {
          let output = outputs[Int(map.entries[index])]
          index += 1
          guard output > 0 else { continue }
          sums[output] += SIMD3(Double(x), Double(y), Double(z))
          counts[output] += 1
        }
      }
    }
    let voxel = map.spacing.x * map.spacing.y * map.spacing.z
    return (1..<table.classCount).map { label in
      (sums[label] / max(counts[label], 1) * map.spacing, counts[label] * voxel)
    }
  }

  /// Each label's place on the other side.
  private var mirroredLabels: [Int] {
    var result = Array(0..<table.classCount)
    for (entry, mirror) in zip(table.entries, table.mirrors) {
      result[entry.output] = table.entries[mirror].output
    }
    return result.dropFirst().map { $0 - 1 }
  }

  private func placement(
    _ own: [(middle: SIMD3<Double>, volume: Double)],
    to mean: [SIMD3<Double>?]
  ) -> AffineMap {
    let pairs = zip(own, mean).compactMap { own, mean in mean.map { (own, $0) } }
      .filter { $0.0.volume > 0 }
    return AffineMap.fit(
      pairs.map(\.0.middle),
      to: pairs.map(\.1),
      weights: pairs.map { $0.0.volume.squareRoot() }
    ) ?? .identity
  }

  /// The middles of an average head: symmetric, of mean size, about 0.
  private func meanMiddles(
    _ all: [[(middle: SIMD3<Double>, volume: Double)]]
  ) -> [SIMD3<Double>?] {
    let mirrored = mirroredLabels
    func average(_ maps: [AffineMap]) -> [SIMD3<Double>?] {
      mirrored.indices.map { label in
        let own = zip(all, maps).filter { $0.0[label].volume > 0 }
        guard !own.isEmpty else { return nil }
        var sum = SIMD3<Double>.zero
        for (labels, map) in own { sum += map(labels[label].middle) }
        return sum / Double(own.count)
      }
    }
    func centred(_ middles: [SIMD3<Double>?]) -> [SIMD3<Double>?] {
      let symmetric = middles.indices.map { label -> SIMD3<Double>? in
        guard let own = middles[label] else { return nil }
        guard let other = middles[mirrored[label]] else { return own }
        return (own + other * SIMD3<Double>(-1, 1, 1)) / 2
      }
      let known = symmetric.compactMap { $0 }
      let middle = known.reduce(.zero, +) / Double(max(known.count, 1))
      let shift: SIMD3<Double> = middle * SIMD3<Double>(0, 1, 1)
      return symmetric.map { (point: SIMD3<Double>?) in point.map { $0 - shift } }
    }
    // Shifts alone at first: the middle of each map's labels goes to 0.
    var maps = all.map { own in
      let known = own.filter { $0.volume > 0 }.map(\.middle)
      return AffineMap(
        scale: .one,
        shift: -(known.reduce(.zero, +) / Double(max(known.count, 1)))
      )
    }
    var mean = centred(average(maps))
    for _ in 0..<5 {
      maps = all.map { placement($0, to: mean) }
      var growth = 0.0
      for map in maps { growth += log(max(map.determinant, 1e-6)) / Double(maps.count) }
      let scale = exp(-growth / 3)
      mean = centred(average(maps).map { (point: SIMD3<Double>?) in point.map { $0 * scale } })
    }
    return mean
  }

  /// A box about all brains, symmetric from left to right.
  private func grid(
    of maps: [SynthesisMap],
    _ placements: [AffineMap]
  ) throws -> AtlasGrid {
    var low = SIMD3<Double>(repeating: .infinity)
    var high = -low
    for (map, placement) in zip(maps, placements) {
      let (lower, upper) = map.boxMM
      for corner in 0..<8 {
        let point = placement(
          AtlasGrid.corner(corner, lower, upper)
        )
        low = pointwiseMin(low, point)
        high = pointwiseMax(high, point)
      }
    }
    let half = max(-low.x, high.x) + settings.marginMM
    low = [-half, low.y - settings.marginMM, low.z - settings.marginMM]
    high = [half, high.y + settings.marginMM, high.z + settings.marginMM]
    let step = settings.stepMM
    let extent = (high - low) / step
    let points = extent.x * extent.y * extent.z
    guard points < Double(ProbabilisticAtlas.pointLimit) else {
      throw TransformsError.atlasTooLarge(extentMM: (high - low).max())
    }
    var size = SIMD3<Int>.one
    for axis in 0..<3 { size[axis] = Int(extent[axis].rounded(.up)) + 1 }
    // An even number of steps from left to right, centred on 0.
    size.x |= 1
    low.x = -Double(size.x - 1) / 2 * step
    return AtlasGrid(size: size, step: step, origin: low)
  }

  /// The entries of a map at the points of a grid; background where the map ends.
  private func entries(
    of map: SynthesisMap,
    placement: AffineMap,
    on grid: AtlasGrid
  ) -> [UInt8] {
    let toIndex = AffineMap(scale: .one / map.spacing, shift: .zero)
      .after(placement.inverse).after(grid.positions)
    let background = UInt8(table.background)
    var result = [UInt8](repeating: background, count: grid.count)
    result.withUnsafeMutableBufferPointer { result in
      // Each plane is written by one thread.
      nonisolated(unsafe) let result = result
      Parallelism.forEach(grid.size.z) { z in
        var index = z * grid.size.x * grid.size.y
        for y in 0..<grid.size.y {
          for x in 0..<grid.size.x {
            let point = toIndex([Double(x), Double(y), Double(z)])
            let (i, j, k) = (
              Int(point.x.rounded()), Int(point.y.rounded()), Int(point.z.rounded())
            )
            if i >= 0, j >= 0, k >= 0, i < map.size.x, j < map.size.y, k < map.size.z {
              result[index] = map.entries[i + map.size.x * (j + map.size.y * k)]
            }
            index += 1
          }
        }
      }
    }
    return result
  }

  // MARK: Deformation

  /// Deforms the atlas onto a map.
  private func deformed(
    _ atlas: ProbabilisticAtlas,
    onto entries: [UInt8],
    _ fine: AtlasGrid,
    _ classOf: [UInt8],
    from start: AtlasExpectation.Field?
  ) -> AtlasExpectation.Field {
    var table = [SIMD32<Float>](repeating: .zero, count: AtlasExpectation.levelCount)
    for index in 0..<ProbabilisticAtlas.classLimit {
      table[index] = SIMD32(repeating: Self.mislabelling)
      table[index][index] += 1
    }
    func levels(_ grid: AtlasGrid, every: Int) -> [UInt8] {
      var result: [UInt8] = []
      result.reserveCapacity(grid.count)
      for z in 0..<grid.size.z {
        for y in 0..<grid.size.y {
          for x in 0..<grid.size.x {
            let i: Int = min(x * every, fine.size.x - 1)
            let j: Int = min(y * every, fine.size.y - 1)
            let k: Int = min(z * every, fine.size.z - 1)
            let place = i + fine.size.x * (j + fine.size.y * k)
            // 255 is the number of both what has no class and what is unknown.
            result.append(classOf[Int(entries[place])])
          }
        }
      }
      return result
    }
    let coarse = atlas.grid.with(step: 2 * atlas.grid.step)
    var stages = [(grid: atlas.grid, every: 2, iterations: Self.laterIterations)]
    if start == nil {
      stages = [
        (coarse, 4, Self.coarseIterations), (atlas.grid, 2, Self.fineIterations),
      ]
    }
    var (field, last) = (start, atlas.grid)
    for stage in stages {
      let image = levels(stage.grid, every: stage.every)
      var current = AtlasExpectation.Field(zeros: stage.grid.count)
      if let field {
        current.x = last.linear(field.x, to: stage.grid)
        current.y = last.linear(field.y, to: stage.grid)
        current.z = last.linear(field.z, to: stage.grid)
      }
      for _ in 0..<stage.iterations {
        let expectation = AtlasExpectation(
          atlas,
          grid: stage.grid,
          levels: image,
          displacement: current,
          table: table
        )
        AtlasRegistration.step(&current, forces: expectation.forces, grid: stage.grid)
      }
      (field, last) = (current, stage.grid)
    }
    return field ?? AtlasExpectation.Field(zeros: atlas.grid.count)
  }
}
