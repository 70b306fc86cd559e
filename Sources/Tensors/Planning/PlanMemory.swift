/// Where a channel block of a value lies: floats from the start of a buffer.
struct PlanPlace: Sendable, Hashable {
  var buffer: Int
  var offset: Int
}

/// The buffers of a plan, and where each lies in the one arena that they share.
struct PlanBuffers: Sendable {
  struct Buffer: Sendable {
    let count: Int
    /// First and last instruction that touches the buffer.
    var first = Int.max
    var last = -1
    /// Whether the buffer lies outside the arena: the input, the output.
    let isExternal: Bool
    /// Floats from the arena's start.
    var offset = 0
  }

  /// Buffers start at multiples of 64 floats: four cache lines.
  private static let alignment = 64

  private(set) var all: [Buffer] = []
  /// Floats of the arena.
  private(set) var arenaCount = 0

  mutating func add(count: Int, isExternal: Bool = false) -> Int {
    all.append(Buffer(count: count, isExternal: isExternal))
    return all.count - 1
  }

  mutating func touch(_ buffer: Int, at instruction: Int) {
    all[buffer].first = min(all[buffer].first, instruction)
    all[buffer].last = max(all[buffer].last, instruction)
  }

  /// Gives every buffer a place where no buffer that lives at the same time lies.
  ///
  /// Largest first, each at the lowest place that is free for its whole life (greedy by size; Pisarchyk
  /// and Lee 2020, section 5.2).
  mutating func assign() {
    var placed: [Int] = []
    let order = all.indices.filter { !all[$0].isExternal && all[$0].last >= 0 }
      .sorted { (all[$1].count, $0) < (all[$0].count, $1) }
    for index in order {
      let size = (all[index].count + Self.alignment - 1) / Self.alignment * Self.alignment
      let neighbours = placed.filter {
        all[$0].first <= all[index].last && all[index].first <= all[$0].last
      }.sorted { all[$0].offset < all[$1].offset }
      var offset = 0
      for other in neighbours {
        if offset + size <= all[other].offset { break }
        let end = all[other].offset + all[other].count
        offset = max(offset, (end + Self.alignment - 1) / Self.alignment * Self.alignment)
      }
      all[index].offset = offset
      arenaCount = max(arenaCount, offset + size)
      placed.append(index)
    }
  }
}

/// The memory of one run.
struct PlanMemory {
  let arena: UnsafeMutablePointer<Float>
  /// Scratch memory, `workspaceCount` floats for each thread.
  let workspace: UnsafeMutablePointer<Float>
  let workspaceCount: Int
  let offsets: [Int]
  /// Pointers of the buffers outside the arena.
  let external: [Int: UnsafeMutablePointer<Float>]

  func pointer(_ place: PlanPlace) -> UnsafeMutablePointer<Float> {
    (external[place.buffer] ?? arena + offsets[place.buffer]) + place.offset
  }

  func rawPointers(_ places: [PlanPlace]) -> [UnsafeRawPointer?] {
    places.map { UnsafeRawPointer(pointer($0)) }
  }

  func pointers(_ places: [PlanPlace]) -> [UnsafeMutablePointer<Float>?] {
    places.map { pointer($0) }
  }

  func workspace(of worker: Int) -> UnsafeMutablePointer<Float> {
    workspace + worker * workspaceCount
  }
}
