import Imaging

/// Images of one place and time: a volume, or one point of a 4-D volume.
struct DICOMPass: Sendable {
  /// The frames; sorted along the normal when they have planes.
  var frames: [DICOMFrame]
  /// What tells them from other images at the same places.
  var path: [Step] = []

  /// One fact that all frames share.
  struct Step: Hashable, Sendable {
    var discriminator: DICOMDiscriminator
    /// The fact, or nil where frames of the pass have none.
    var fact: DICOMFact?
    /// The rank among images of each place, from 1, where the facts differ from slice to slice.
    var rank: Int?

    var words: String {
      rank.map { "number \($0) by \(discriminator.name)" } ?? discriminator.words(fact)
    }
  }
}

/// Sorts frames of a series into classes of one geometry and kind, and those into passes.
enum DICOMGrouping {
  /// Directions may differ by this in a cosine within a volume, 0.06 degrees.
  static let orientationTolerance = 1e-3
  /// Pixel spacings may differ by this fraction within a volume.
  static let spacingTolerance = 1e-3
  /// At most so many facts together tell images of one place apart.
  static let maximumSteps = 4

  // MARK: - Classes

  /// Frames whose planes are parallel and of one size, spacing, kind and frame of reference.
  static func classes(_ frames: [DICOMFrame]) -> [[DICOMFrame]] {
    var classes: [[DICOMFrame]] = []
    var last = 0
    for frame in frames {
      // Neighbours in a folder mostly belong together.
      if classes.indices.contains(last), difference(classes[last][0], frame).isEmpty {
        classes[last].append(frame)
      } else if let index = classes.firstIndex(where: { difference($0[0], frame).isEmpty }) {
        classes[index].append(frame)
        last = index
      } else {
        last = classes.count
        classes.append([frame])
      }
    }
    return classes
  }

  /// In what two frames differ such that they cannot share a volume.
  static func difference(_ a: DICOMFrame, _ b: DICOMFrame) -> [String] {
    var words: [String] = []
    switch (a.plane, b.plane) {
    case (nil, nil): break
    case (let a?, let b?):
      let turn = max(difference(a.row, b.row), difference(a.column, b.column))
      if turn > orientationTolerance { words.append("orientation") }
    default: words.append("orientation")
    }
    if a.size != b.size { words.append("size") }
    switch (a.pixelSpacing, b.pixelSpacing) {
    case (nil, nil): break
    case (let a?, let b?):
      let gap = max(abs(a.x - b.x) / a.x, abs(a.y - b.y) / a.y)
      if gap > spacingTolerance { words.append("pixel spacing") }
    default: words.append("pixel spacing")
    }
    if a.kind != b.kind { words.append("kind") }
    if let a = a.instance.frameOfReferenceUID, let b = b.instance.frameOfReferenceUID, a != b {
      words.append("frame of reference")
    }
    return words
  }

  private static func difference(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double {
    let gap = a - b
    return max(abs(gap.x), abs(gap.y), abs(gap.z))
  }

  /// In what the classes differ, with their sizes, or nil for one class.
  static func mixture(_ classes: [[DICOMFrame]]) -> String? {
    guard classes.count > 1 else { return nil }
    let found = Set(classes.dropFirst().flatMap { difference(classes[0][0], $0[0]) })
    let words = ["orientation", "size", "pixel spacing", "kind", "frame of reference"]
      .filter(found.contains)
    let counts = classes.map { "\($0.count)" }.prefix(5).joined(separator: " + ")
    return "\(words.joined(separator: " and ")) (\(counts)\(classes.count > 5 ? " + ..." : ""))"
  }

  // MARK: - Passes

  /// The passes of a class: one, or as many as facts tell apart.
  ///
  /// Frames at one place that nothing tells apart stay in one pass, which `DICOMStack` refuses.
  static func passes(_ frames: [DICOMFrame]) -> [DICOMPass] {
    guard let normal = frames[0].plane?.direction.columns[2] else { return flat(frames) }
    let sorted = ordered(frames, along: normal)
    let table = Places(sorted, normal: normal)
    guard table.largest > 1 else { return [DICOMPass(frames: sorted)] }
    let all = DICOMDiscriminator.allCases[...]
    return split(sorted, all, depth: 0, normal: normal)
      ?? ranked(sorted, table: table, normal: normal)
      ?? [DICOMPass(frames: sorted)]
  }

  /// Frames without a place: those of one file follow each other, pictures of files stand alone.
  private static func flat(_ frames: [DICOMFrame]) -> [DICOMPass] {
    let isAlone = frames.allSatisfy { $0.instance.isPicture || $0.facts[.frameNumber] != nil }
    guard isAlone, frames.count > 1 else { return [DICOMPass(frames: frames)] }
    return frames.map { frame in
      let fact = frame.facts[.frameNumber]
      let step = DICOMPass.Step(discriminator: .frameNumber, fact: fact)
      return DICOMPass(frames: [frame], path: fact == nil ? [] : [step])
    }
  }

  /// Sorts by position along the normal; by name where that is equal.
  static func ordered(_ frames: [DICOMFrame], along normal: SIMD3<Double>) -> [DICOMFrame] {
    frames.map { ($0.depth(along: normal) ?? 0, $0) }
      .sorted { $0.0 == $1.0 ? DICOMFrame.precedes($0.1, $1.1) : $0.0 < $1.0 }
      .map(\.1)
  }

  /// How sorted frames fall onto places.
  private struct Places {
    /// The place of each frame, from 0.
    var place: [Int] = []
    /// The number of places.
    var count = 0
    /// The most and the fewest frames at one place.
    var largest = 0
    var fewest = Int.max

    init(_ frames: [DICOMFrame], normal: SIMD3<Double>) {
      var previous = 0.0
      var here = 0
      for (index, frame) in frames.enumerated() {
        let depth = frame.depth(along: normal) ?? 0
        if index > 0, depth - previous < DICOMStack.samePlaceMM {
          here += 1
        } else {
          if index > 0 { fewest = min(fewest, here) }
          count += 1
          here = 1
        }
        largest = max(largest, here)
        place.append(count - 1)
        previous = depth
      }
      fewest = min(fewest, here)
    }
  }

  /// Splits frames by one fact, or by several one after the other; nil when that leaves different
  /// frames at one place.
  private static func split(
    _ frames: [DICOMFrame],
    _ discriminators: ArraySlice<DICOMDiscriminator>,
    depth: Int,
    normal: SIMD3<Double>
  ) -> [DICOMPass]? {
    let whole = Places(frames, normal: normal)
    guard whole.largest > 1 else { return [DICOMPass(frames: frames)] }
    guard depth < maximumSteps else { return nil }
    var unbalanced: [DICOMPass]?
    for (place, discriminator) in zip(discriminators.indices, discriminators) {
      guard let groups = groups(frames, discriminator) else { continue }
      let tables = groups.map { Places($0.frames, normal: normal) }
      let isBalanced = tables.allSatisfy { $0.count == whole.count }
      let isClean = tables.allSatisfy { $0.largest == 1 }
      if isClean, isBalanced { return groups }
      if isClean, unbalanced == nil, groups.count < whole.count,
        !discriminator.mayBeRanked
          || discriminator == .acquisitionNumber
      {
        unbalanced = groups
      }
      guard isBalanced else { continue }
      var passes: [DICOMPass] = []
      let rest = discriminators[(place + 1)...]
      for (group, table) in zip(groups, tables) {
        guard
          let inner = split(group.frames, rest, depth: depth + 1, normal: normal)
            ?? ranked(group.frames, table: table, normal: normal)
        else {
          passes = []
          break
        }
        passes += inner.map { DICOMPass(frames: $0.frames, path: group.path + $0.path) }
      }
      if !passes.isEmpty { return passes }
    }
    return unbalanced
  }

  /// Frames by the value of one fact, in the order of the values; nil when it does not divide them.
  private static func groups(
    _ frames: [DICOMFrame],
    _ discriminator: DICOMDiscriminator
  ) -> [DICOMPass]? {
    let byFact = Dictionary(grouping: frames) { $0.facts[discriminator] }
    guard byFact.count > 1, discriminator.allowsNone || byFact[nil] == nil else { return nil }
    return byFact.sorted { a, b in
      guard let left = a.key else { return b.key != nil }
      guard let right = b.key else { return false }
      return left < right
    }.map { fact, frames in
      DICOMPass(
        frames: frames,
        path: [DICOMPass.Step(discriminator: discriminator, fact: fact)]
      )
    }
  }

  /// Frames by the order in time of those at each place; nil when places have unequal numbers of
  /// frames or equal times.
  private static func ranked(
    _ frames: [DICOMFrame],
    table: Places,
    normal: SIMD3<Double>
  ) -> [DICOMPass]? {
    guard table.largest > 1 else { return [DICOMPass(frames: frames)] }
    guard table.largest == table.fewest else { return nil }
    search: for discriminator in DICOMDiscriminator.allCases where discriminator.mayBeRanked {
      var passes = [[DICOMFrame]](repeating: [], count: table.largest)
      for start in stride(from: 0, to: frames.count, by: table.largest) {
        let here = frames[start..<start + table.largest]
        let facts = here.compactMap { $0.facts[discriminator] }
        guard facts.count == here.count, Set(facts).count == facts.count else { continue search }
        let sorted = zip(facts, here).sorted { $0.0 < $1.0 }
        for (rank, entry) in sorted.enumerated() { passes[rank].append(entry.1) }
      }
      return passes.enumerated().map { rank, frames in
        let step = DICOMPass.Step(discriminator: discriminator, fact: nil, rank: rank + 1)
        return DICOMPass(frames: frames, path: [step])
      }
    }
    return nil
  }
}
