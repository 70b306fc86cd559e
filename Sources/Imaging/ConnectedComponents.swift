import CKernels
import Support

/// Which voxels count as neighbours.
public enum Connectivity: Int, Sendable, CaseIterable, Codable {
  /// Voxels that share a face.
  case six = 6
  /// Voxels that share a face or an edge.
  case eighteen = 18
  /// Voxels that share a face, an edge or a corner.
  case twentySix = 26
}

/// The connected parts of a mask.
///
/// Rows are cut into runs of equal labels; a run joins those of earlier rows that it touches, by
/// union and find (Rosenfeld and Pfaltz 1966, "Sequential operations in digital picture
/// processing"; the trees are kept flat by path halving), in time linear in the voxels. Slabs of
/// slices are searched side by side and joined. Components are numbered from 1 in the order of
/// their first voxels in memory, so that the numbering does not depend on how it was found.
public struct ConnectedComponents: Sendable, Equatable {
  /// The component of each voxel, x fastest; 0 outside the mask.
  public let numbers: [UInt32]
  /// The voxels of each component; `sizes[n - 1]` belongs to component n.
  public let sizes: [Int]

  /// The number of components.
  public var count: Int { sizes.count }

  /// The largest component, the first of equally large ones, or nil when the mask is empty.
  public var largest: UInt32? {
    var best: Int?
    for (index, size) in sizes.enumerated() where best.map({ size > sizes[$0] }) ?? true {
      best = index
    }
    return best.map { UInt32($0 + 1) }
  }

  /// Finds the components of the true voxels.
  /// - Parameters:
  ///   - mask: One value for each voxel, x fastest.
  ///   - size: The grid's voxels along each axis.
  ///   - connectivity: Which voxels are neighbours.
  /// - Precondition: As many values as voxels.
  public init(mask: [Bool], size: SIMD3<Int>, connectivity: Connectivity) {
    // A Bool is a byte of 0 or 1.
    self = mask.withUnsafeBytes {
      Self(RunLabels(kind: Int32(CK_RUNS_BYTES), bytes: $0, width: 1), size, connectivity)
    }
  }

  /// Finds the components of the bytes other than 0.
  /// - Parameters:
  ///   - bytes: One value for each voxel, x fastest.
  ///   - size: The grid's voxels along each axis.
  ///   - connectivity: Which voxels are neighbours.
  /// - Precondition: As many values as voxels.
  public init(bytes: [UInt8], size: SIMD3<Int>, connectivity: Connectivity) {
    self = bytes.withUnsafeBytes {
      Self(RunLabels(kind: Int32(CK_RUNS_BYTES), bytes: $0, width: 1), size, connectivity)
    }
  }

  /// Finds the components of the voxels other than 0, whatever their values.
  /// - Parameters:
  ///   - mask: One value for each voxel, x fastest.
  ///   - size: The grid's voxels along each axis.
  ///   - connectivity: Which voxels are neighbours.
  /// - Precondition: As many values as voxels.
  public init(mask: [UInt16], size: SIMD3<Int>, connectivity: Connectivity) {
    self = mask.withUnsafeBytes {
      Self(RunLabels(kind: Int32(CK_RUNS_MASK), bytes: $0, width: 2), size, connectivity)
    }
  }

  /// Finds the components of equal labels: neighbours of different labels are not connected.
  /// - Parameters:
  ///   - labels: One label for each voxel, x fastest; 0 is background.
  ///   - size: The grid's voxels along each axis.
  ///   - connectivity: Which voxels are neighbours.
  /// - Precondition: As many labels as voxels, fewer than 2^32.
  public init(labels: [UInt16], size: SIMD3<Int>, connectivity: Connectivity) {
    self = labels.withUnsafeBytes {
      Self(RunLabels(kind: Int32(CK_RUNS_LABELS), bytes: $0, width: 2), size, connectivity)
    }
  }

  private init(_ labels: RunLabels, _ size: SIMD3<Int>, _ connectivity: Connectivity) {
    let count = size.x * size.y * size.z
    precondition(labels.count == count, "\(labels.count) labels for a grid of \(size)")
    precondition(count < Int(UInt32.max), "\(count) voxels are too many")
    let rows = size.y * size.z
    let starts = Self.starts(labels, length: size.x, rows: rows)
    let total = Int(starts.pointer[rows])
    let runs = AlignedBuffer<ck_run>(uninitializedCount: total)
    let parents = AlignedBuffer<UInt32>(uninitializedCount: total)
    // Slabs of whole slices, one for each thread; their number does not change the result.
    let slabs = max(1, min(Parallelism.threadCount, size.z, count / Self.slabVoxels))
    @Sendable func firstRow(_ slab: Int) -> Int { size.z * slab / slabs * size.y }
    Parallelism.forEach(slabs) { slab in
      let (first, last) = (firstRow(slab), firstRow(slab + 1))
      let begin = Int(starts.pointer[first])
      ck_find_runs(
        labels.row(first, length: size.x),
        labels.kind,
        Int64(size.x),
        Int64(last - first),
        runs.pointer + begin
      )
      for run in begin..<Int(starts.pointer[last]) { parents.pointer[run] = UInt32(run) }
      ck_join_runs(
        runs.pointer,
        starts.pointer,
        parents.pointer,
        Int64(size.y),
        Int64(first),
        Int64(last),
        Int64(first),
        Int64(last),
        Int32(connectivity.rawValue)
      )
    }
    for slab in 1..<max(slabs, 1) {
      // The first slice of a slab with the last of the one before.
      let first = firstRow(slab)
      ck_join_runs(
        runs.pointer,
        starts.pointer,
        parents.pointer,
        Int64(size.y),
        Int64(first),
        Int64(first + size.y),
        Int64(first - size.y),
        Int64(first),
        Int32(connectivity.rawValue)
      )
    }
    let counted = AlignedBuffer<Int64>(uninitializedCount: total)
    let found = Int(
      ck_number_runs(runs.pointer, parents.pointer, Int64(total), counted.pointer)
    )
    sizes = counted.elements.prefix(found).map(Int.init)
    numbers = [UInt32](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      LargePages.advise(UnsafeMutableRawBufferPointer(buffer))
      if let base = buffer.baseAddress {
        // Every range of rows writes to its own voxels.
        nonisolated(unsafe) let output = base
        Parallelism.forEachRange(rows, minimumChunk: Self.slabVoxels / size.x + 1) { range in
          ck_write_runs(
            runs.pointer,
            starts.pointer + range.lowerBound,
            parents.pointer,
            Int64(size.x),
            Int64(range.count),
            output + range.lowerBound * size.x
          )
        }
      }
      initializedCount = count
    }
  }

  /// Voxels that are worth a thread.
  private static let slabVoxels = 1 << 17

  /// Where each row's runs begin among all, and their number as a last entry.
  private static func starts(_ labels: RunLabels, length: Int, rows: Int) -> AlignedBuffer<Int64> {
    let starts = AlignedBuffer<Int64>(uninitializedCount: rows + 1)
    Parallelism.forEachRange(rows, minimumChunk: slabVoxels / length + 1) { range in
      ck_count_runs(
        labels.row(range.lowerBound, length: length),
        labels.kind,
        Int64(length),
        Int64(range.count),
        starts.pointer + range.lowerBound + 1
      )
    }
    starts.pointer[0] = 0
    for row in 0..<rows { starts.pointer[row + 1] += starts.pointer[row] }
    return starts
  }
}

/// Labels in memory, and how the kernels read them.
private struct RunLabels: @unchecked Sendable {
  // Sendable invariant: the bytes are only read, while the caller keeps them alive.
  let kind: Int32
  let bytes: UnsafeRawBufferPointer
  /// Bytes of a label.
  let width: Int

  var count: Int { bytes.count / width }

  func row(_ row: Int, length: Int) -> UnsafeRawPointer? {
    bytes.baseAddress.map { $0 + row * length * width }
  }
}

extension LabelMap {
  /// The label map with only the largest connected part of each of some labels.
  /// - Parameters:
  ///   - ids: The labels that are looked at, one by one; nil means every label.
  ///   - connectivity: Which voxels are neighbours.
  /// - Returns: The label map, all smaller parts background; of equally large ones the first in
  ///   memory stays.
  public func keepingLargestComponent(
    ofEach ids: Set<Int>? = nil,
    connectivity: Connectivity = .twentySix
  ) -> LabelMap {
    let looked = ids.map { ids in labels.map { ids.contains(Int($0)) ? $0 : 0 } } ?? labels
    let components = ConnectedComponents(
      labels: looked,
      size: geometry.size,
      connectivity: connectivity
    )
    var labelOf = [UInt16](repeating: 0, count: components.count)
    for (place, number) in components.numbers.enumerated() where number > 0 {
      labelOf[Int(number) - 1] = looked[place]
    }
    var best: [UInt16: Int] = [:]
    for (index, label) in labelOf.enumerated() {
      if let previous = best[label], components.sizes[previous] >= components.sizes[index] {
        continue
      }
      best[label] = index
    }
    return keeping(components) { best[labelOf[$0]] == $0 }
  }

  /// The label map with only the largest connected part of some labels taken together.
  /// - Parameters:
  ///   - ids: The labels that form one foreground; nil means every label.
  ///   - connectivity: Which voxels are neighbours.
  /// - Returns: The label map, all smaller parts background; labels not named stay as they are.
  public func keepingLargestComponent(
    ofAll ids: Set<Int>?,
    connectivity: Connectivity = .twentySix
  ) -> LabelMap {
    let mask = labels.map { $0 != 0 && (ids?.contains(Int($0)) ?? true) }
    let components = ConnectedComponents(
      mask: mask,
      size: geometry.size,
      connectivity: connectivity
    )
    let largest = components.largest
    return keeping(components) { UInt32($0 + 1) == largest }
  }

  private func keeping(
    _ components: ConnectedComponents,
    _ isKept: (Int) -> Bool
  ) -> LabelMap {
    let kept = [true] + (0..<components.count).map(isKept)
    var result = self
    result.labels = zip(labels, components.numbers).map { kept[Int($1)] ? $0 : 0 }
    return result
  }
}
