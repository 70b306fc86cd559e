/// A permutation and flipping of a grid's axes.
package struct GridReordering: Equatable, Sendable {
  /// The old axis that becomes each new axis.
  package let sources: [Int]
  /// Whether each new axis runs against its old one.
  package let flips: [Bool]

  package init(sources: [Int], flips: [Bool]) {
    precondition(
      sources.sorted() == [0, 1, 2] && flips.count == 3,
      "\(sources) is not a permutation"
    )
    self.sources = sources
    self.flips = flips
  }

  /// The reordering that turns one orientation into another.
  package init(from old: Orientation, to new: Orientation) {
    var sources: [Int] = []
    var flips: [Bool] = []
    for code in new.axes {
      let source = old.axes.firstIndex { $0.patientAxis == code.patientAxis } ?? 0
      sources.append(source)
      flips.append(old.axes[source] != code)
    }
    self.init(sources: sources, flips: flips)
  }

  /// Values of neighbouring rows that are copied together; a cache line of 4-byte values.
  private static let block = 16

  /// The reordering that undoes this one.
  package var inverse: GridReordering {
    var sources = [0, 0, 0]
    var flips = [false, false, false]
    for axis in 0..<3 {
      sources[self.sources[axis]] = axis
      flips[self.sources[axis]] = self.flips[axis]
    }
    return GridReordering(sources: sources, flips: flips)
  }

  package var isIdentity: Bool { sources == [0, 1, 2] && flips == [false, false, false] }

  package func applied(to size: SIMD3<Int>) -> SIMD3<Int> {
    [size[sources[0]], size[sources[1]], size[sources[2]]]
  }

  /// Reorders values; on raw memory, so that one compiled copy per width serves every type.
  package func applied<Scalar: BitwiseCopyable>(to values: [Scalar], size: SIMD3<Int>) -> [Scalar] {
    guard !isIdentity else { return values }
    return [Scalar](unsafeUninitializedCapacity: values.count) { output, initializedCount in
      values.withUnsafeBytes { input in
        let target = UnsafeMutableRawBufferPointer(output)
        switch MemoryLayout<Scalar>.stride {
        case 1: copy(input, target, UInt8.self, size)
        case 2: copy(input, target, UInt16.self, size)
        case 4: copy(input, target, UInt32.self, size)
        case 8: copy(input, target, UInt64.self, size)
        default: copyGeneric(input, target, MemoryLayout<Scalar>.stride, size)
        }
      }
      initializedCount = values.count
    }
  }

  /// Where the first new voxel lies in the old memory, and the old steps along the new axes.
  private func layout(_ size: SIMD3<Int>) -> (start: Int, steps: SIMD3<Int>) {
    let strides = [1, size.x, size.x * size.y]
    var start = 0
    var steps = SIMD3<Int>()
    for axis in 0..<3 {
      let stride = strides[sources[axis]]
      steps[axis] = flips[axis] ? -stride : stride
      if flips[axis] { start += (size[sources[axis]] - 1) * stride }
    }
    return (start, steps)
  }

  @inline(__always)
  private func copy<Word: BitwiseCopyable>(
    _ input: UnsafeRawBufferPointer,
    _ output: UnsafeMutableRawBufferPointer,
    _ word: Word.Type,
    _ size: SIMD3<Int>
  ) {
    guard let source = input.baseAddress, let target = output.baseAddress else { return }
    let width = MemoryLayout<Word>.size
    let (start, steps) = layout(size)
    let newSize = applied(to: size)
    // Where x does not run along the old memory, the axis that does (y or z) is walked in blocks, so
    // that each cache line that is fetched serves a whole block.
    let blocked = abs(steps.x) == 1 ? 0 : (abs(steps.y) == 1 ? 1 : 2)
    let yBlock = blocked == 1 ? Self.block : 1
    let zBlock = blocked == 2 ? Self.block : 1
    for z in stride(from: 0, to: newSize.z, by: zBlock) {
      let zEnd = min(z + zBlock, newSize.z)
      for y in stride(from: 0, to: newSize.y, by: yBlock) {
        let yEnd = min(y + yBlock, newSize.y)
        let from = start + z * steps.z + y * steps.y
        let place = newSize.x * (y + newSize.y * z)
        let count = blocked == 1 ? yEnd - y : zEnd - z
        let inStep = blocked == 1 ? steps.y : steps.z
        let outStep = blocked == 1 ? newSize.x : newSize.x * newSize.y
        for x in 0..<newSize.x {
          for k in 0..<count {
            let value = source.loadUnaligned(
              fromByteOffset: (from + x * steps.x + k * inStep) * width,
              as: word
            )
            target.storeBytes(of: value, toByteOffset: (place + x + k * outStep) * width, as: word)
          }
        }
      }
    }
  }

  private func copyGeneric(
    _ input: UnsafeRawBufferPointer,
    _ output: UnsafeMutableRawBufferPointer,
    _ width: Int,
    _ size: SIMD3<Int>
  ) {
    guard let source = input.baseAddress, let target = output.baseAddress else { return }
    let (start, steps) = layout(size)
    let newSize = applied(to: size)
    var place = 0
    for z in 0..<newSize.z {
      for y in 0..<newSize.y {
        for x in 0..<newSize.x {
          let from = start + z * steps.z + y * steps.y + x * steps.x
          (target + place * width).copyMemory(from: source + from * width, byteCount: width)
          place += 1
        }
      }
    }
  }
}

extension ImageGeometry {
  /// Creates a geometry of parts that come from a valid one.
  init(
    trustedSize size: SIMD3<Int>,
    spacing: SIMD3<Double>,
    origin: SIMD3<Double>,
    direction: Matrix3,
    isPlanar: Bool
  ) {
    self.size = size
    self.spacing = spacing
    self.origin = origin
    self.direction = direction
    self.isPlanar = isPlanar
  }

  package func reordered(by reordering: GridReordering) -> ImageGeometry {
    var first = SIMD3<Double>(repeating: 0)
    var columns: [SIMD3<Double>] = []
    var newSpacing = SIMD3<Double>()
    for axis in 0..<3 {
      let source = reordering.sources[axis]
      columns.append(
        reordering.flips[axis] ? -direction.columns[source] : direction.columns[source]
      )
      newSpacing[axis] = spacing[source]
      if reordering.flips[axis] { first[source] = Double(size[source] - 1) }
    }
    return ImageGeometry(
      trustedSize: reordering.applied(to: size),
      spacing: newSpacing,
      origin: position(ofIndex: first),
      direction: Matrix3(columns[0], columns[1], columns[2]),
      isPlanar: isPlanar && reordering.sources[2] == 2
    )
  }

  /// The same grid with its axes permuted and flipped to run nearest to the wanted sides.
  ///
  /// Every voxel keeps its position. A 2-D image whose slice axis moves becomes a volume of one
  /// column or row with the conventional spacing of 1 mm across.
  /// - Parameter orientation: The wanted orientation.
  /// - Returns: The reordered grid; its `orientation` is the wanted one.
  public func reoriented(to orientation: Orientation) -> ImageGeometry {
    reordered(by: GridReordering(from: self.orientation, to: orientation))
  }
}

extension Volume {
  /// The same image with its axes permuted and flipped; no value and no position changes.
  /// - Parameter orientation: The wanted orientation; an oblique grid is brought nearest to it.
  /// - Returns: The reordered volume.
  public func reoriented(to orientation: Orientation) -> Volume {
    let reordering = GridReordering(from: geometry.orientation, to: orientation)
    return Volume(
      geometry: geometry.reordered(by: reordering),
      voxels: reordering.applied(to: voxels, size: geometry.size)
    )
  }
}

extension LabelMap {
  /// The same labels with the grid's axes permuted and flipped; no label and no position changes.
  /// - Parameter orientation: The wanted orientation; an oblique grid is brought nearest to it.
  /// - Returns: The reordered label map.
  public func reoriented(to orientation: Orientation) -> LabelMap {
    let reordering = GridReordering(from: geometry.orientation, to: orientation)
    return LabelMap(
      geometry: geometry.reordered(by: reordering),
      labels: reordering.applied(to: labels, size: geometry.size),
      table: table
    )
  }
}
