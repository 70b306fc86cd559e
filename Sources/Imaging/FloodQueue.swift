/// Voxels waiting for the flood: the lowest first, of equal ones the oldest.
package struct FloodQueue {
  private struct Entry {
    /// Level in the upper half, age in the lower one.
    let key: UInt64
    let place: UInt32

    func precedes(_ other: Entry) -> Bool { (key, place) < (other.key, other.place) }
  }

  private var entries: [Entry] = []

  /// Creates an empty queue.
  package init() {}

  /// A height's bits as a whole number, in the order of the heights; −0 counts as 0.
  package static func level(_ height: Float) -> UInt32 {
    let bits = (height + 0).bitPattern
    return bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
  }

  /// Adds a voxel.
  /// - Parameters:
  ///   - level: Its height, by `level`.
  ///   - age: Its place among voxels of one height.
  ///   - place: The voxel.
  package mutating func insert(level: UInt32, age: UInt32, place: UInt32) {
    let entry = Entry(key: UInt64(level) << 32 | UInt64(age), place: place)
    entries.append(entry)
    var at = entries.count - 1
    while at > 0 {
      let parent = (at - 1) / 2
      guard entry.precedes(entries[parent]) else { break }
      entries[at] = entries[parent]
      at = parent
    }
    entries[at] = entry
  }

  /// Takes the first voxel out; nil when there is none.
  package mutating func removeFirst() -> (level: UInt32, place: UInt32)? {
    guard let first = entries.first, let last = entries.popLast() else { return nil }
    let found = (level: UInt32(first.key >> 32), place: first.place)
    guard !entries.isEmpty else { return found }
    var at = 0
    while true {
      var child = 2 * at + 1
      guard child < entries.count else { break }
      if child + 1 < entries.count, entries[child + 1].precedes(entries[child]) { child += 1 }
      guard entries[child].precedes(last) else { break }
      entries[at] = entries[child]
      at = child
    }
    entries[at] = last
    return found
  }
}
