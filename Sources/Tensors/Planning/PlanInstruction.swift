/// The lazily applied normalisation of a channel block: leaky(factor · x + addition).
struct PlanAffine: Sendable {
  var factor: PlanPlace
  var addition: PlanPlace
  var slope: Float
}

/// Where a value of a plan lies, channel block by channel block.
struct PlanValue: Sendable {
  let shape: [Int]
  /// Channels of a block; 1 for a plain value.
  let lanes: Int
  /// `[N][blocks]`, row-major.
  var blocks: [PlanPlace]
  /// The normalisation that readers apply, for each block; nil where the stored numbers count.
  var affines: [PlanAffine?]

  var blocksPerSample: Int { blocks.count / max(1, shape[0]) }
  /// Depth, height and width; a missing depth is 1.
  var size: [Int] { PlanValue.threeDimensional(Array(shape.dropFirst(2)), filler: 1) }
  var cells: Int { shape.dropFirst(2).reduce(1, *) }
  var isNormalized: Bool { affines.contains { $0 != nil } }
  /// All buffers that hold the value or its normalisation.
  var buffers: Set<Int> {
    var found = Set(blocks.map(\.buffer))
    for case let affine? in affines {
      found.insert(affine.factor.buffer)
      found.insert(affine.addition.buffer)
    }
    return found
  }

  /// Numbers of spatial axes with those of missing leading axes filled in.
  static func threeDimensional(_ values: [Int], filler: Int) -> [Int] {
    [Int](repeating: filler, count: max(0, 3 - values.count)) + values
  }
}

/// One thing that a plan does each time it runs.
struct PlanInstruction: Sendable {
  /// The operation, and the kernel that computes it, for profiles.
  let name: String
  /// The shape that it makes, for profiles.
  let shape: [Int]
  /// Multiplications and additions of the definition; a kernel may need fewer.
  let operations: Double
  /// Floats of scratch memory that each thread needs.
  let workspaceCount: Int
  let run: @Sendable (borrowing PlanMemory) -> Void
}
