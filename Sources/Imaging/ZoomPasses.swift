import CKernels
import Support

/// The passes over memory of a resampling whose slices lie across z.
///
/// Each slice is resampled along y and x while it is in the cache and goes to a volume that is as
/// large as that; the pass along z goes over columns of it.
struct ZoomPasses: Sendable {
  let plan: ZoomResampling

  /// Where the values come from.
  enum Source {
    case memory(UnsafePointer<Float>)
    case slices(@Sendable (Int, UnsafeMutableBufferPointer<Float>) -> Void)
  }

  private var size: SIMD3<Int> { plan.size }
  private var newSize: SIMD3<Int> { plan.newSize }
  private var plane: Int { newSize.x * newSize.y }

  /// Columns of the pass along z that one thread takes at a time.
  private static let columns = 32

  func run(_ source: Source) -> [Float] {
    let count = plane * newSize.z
    return [Float](unsafeUninitializedCapacity: count) { result, initialized in
      if let result = result.baseAddress {
        switch plan.axes {
        case .together: together(source, result)
        case .apart(_, .nearest): sliceBySlice(source, result)
        case .apart: apart(source, result)
        }
      }
      initialized = count
    }
  }

  // MARK: - Ways

  private func together(_ source: Source, _ result: UnsafeMutablePointer<Float>) {
    let isCut = plan.order == .cubic
    if plan.maps[2].isIdentity {
      // Each slice is written by one thread; below likewise.
      nonisolated(unsafe) let result = result
      let range = inSlices(source, isCut: false) { result + $0 * plane }
      if isCut { cut(result, plane * newSize.z, to: range) }
      return
    }
    let between = AlignedBuffer<Float>(uninitializedCount: plane * size.z)
    nonisolated(unsafe) let target = between.pointer
    let range = inSlices(source, isCut: false) { target + $0 * plane }
    alongZ(between.pointer, result, isCut ? range : .everything)
  }

  /// Slices by themselves and the nearest of them along z: a slice is computed where it is first
  /// wanted and copied to where it is wanted again.
  private func sliceBySlice(_ source: Source, _ result: UnsafeMutablePointer<Float>) {
    let sources = plan.maps[2].nearestSources
    var wanted = [Range<Int>](repeating: 0..<0, count: size.z)
    // Sources rise with the output.
    for (z, slice) in sources.enumerated() {
      wanted[slice] = wanted[slice].isEmpty ? z..<z + 1 : wanted[slice].lowerBound..<z + 1
    }
    nonisolated(unsafe) let result = result
    let (places, plane) = (wanted, plane)
    _ = inSlices(source, isCut: plan.order == .cubic) { slice in
      places[slice].isEmpty ? nil : result + places[slice].lowerBound * plane
    } then: { slice in
      for z in places[slice].dropFirst() {
        (result + z * plane).update(from: result + places[slice].lowerBound * plane, count: plane)
      }
    }
  }

  private func apart(_ source: Source, _ result: UnsafeMutablePointer<Float>) {
    let isCut = plan.order == .cubic
    if plan.maps[2].isIdentity {
      nonisolated(unsafe) let result = result
      _ = inSlices(source, isCut: isCut) { result + $0 * plane }
      return
    }
    let between = AlignedBuffer<Float>(uninitializedCount: plane * size.z)
    nonisolated(unsafe) let target = between.pointer
    _ = inSlices(source, isCut: isCut) { target + $0 * plane }
    alongZ(between.pointer, result, .everything)
  }

  // MARK: - Passes

  private struct ValueRange {
    var low = Float.infinity
    var high = -Float.infinity
    static let everything = ValueRange(low: -.infinity, high: .infinity)
  }

  /// Resamples slices along y and x.
  /// - Parameters:
  ///   - source: The values.
  ///   - isCut: Whether a slice's results are cut to the slice's range.
  ///   - target: Where a slice's results go; nil for those that are not needed.
  ///   - then: Called with each slice that is done.
  /// - Returns: The range of all values that were read.
  private func inSlices(
    _ source: Source,
    isCut: Bool,
    target: @Sendable (Int) -> UnsafeMutablePointer<Float>?,
    then: @Sendable (Int) -> Void = { _ in }
  ) -> ValueRange {
    var ranges = [ValueRange](repeating: ValueRange(), count: size.z)
    let mapX = plan.maps[0]
    let mapY = plan.maps[1]
    ranges.withUnsafeMutableBufferPointer { ranges in
      // Sendable: sources are only read; each slice's range and results are written by one thread.
      nonisolated(unsafe) let ranges = ranges
      nonisolated(unsafe) let source = source
      mapX.withKernelAxis { axisX in
        mapY.withKernelAxis { axisY in
          nonisolated(unsafe) let (axisX, axisY) = (axisX, axisY)
          Parallelism.forEachRange(size.z) { slices in
            let count = size.x * size.y
            var given: AlignedBuffer<Float>?
            if case .slices = source { given = AlignedBuffer(uninitializedCount: count) }
            let turned = AlignedBuffer<Float>(uninitializedCount: size.x * newSize.y)
            let scratch = AlignedBuffer<Double>(
              uninitializedCount: Int(max(ck_zoom_scratch(axisX), ck_zoom_scratch(axisY)))
            )
            for z in slices {
              guard let target = target(z) else { continue }
              let values: UnsafePointer<Float>
              switch source {
              case .memory(let all): values = all + z * count
              case .slices(let write):
                guard let given else { continue }
                write(z, given.mutableElements)
                values = UnsafePointer(given.pointer)
              }
              var range = ValueRange()
              ck_range(values, Int64(count), &range.low, &range.high)
              ranges[z] = range
              let limits = isCut ? range : .everything
              slice(values, target, axisX, axisY, limits, turned.pointer, scratch.pointer)
              then(z)
            }
          }
        }
      }
    }
    return ranges.reduce(into: ValueRange()) {
      $0 = ValueRange(low: min($0.low, $1.low), high: max($0.high, $1.high))
    }
  }

  private func slice(
    _ values: UnsafePointer<Float>,
    _ target: UnsafeMutablePointer<Float>,
    _ axisX: UnsafePointer<ck_zoom_axis>,
    _ axisY: UnsafePointer<ck_zoom_axis>,
    _ limits: ValueRange,
    _ turned: UnsafeMutablePointer<Float>,
    _ scratch: UnsafeMutablePointer<Double>
  ) {
    let width = Int64(size.x)
    let isLast = plan.maps[0].isIdentity
    if plan.maps[1].isIdentity && isLast {
      target.update(from: values, count: plane)
      return
    }
    var rows = values
    if !plan.maps[1].isIdentity {
      // Without a pass along x this one is the last.
      let (low, high) = isLast ? (limits.low, limits.high) : (-.infinity, .infinity)
      let place = isLast ? target : turned
      ck_zoom_columns(values, width, place, width, width, axisY, low, high, scratch)
      rows = UnsafePointer(place)
    }
    if !isLast {
      ck_zoom_rows(rows, target, Int64(newSize.y), axisX, limits.low, limits.high, scratch)
    }
  }

  private func alongZ(
    _ between: UnsafePointer<Float>,
    _ result: UnsafeMutablePointer<Float>,
    _ limits: ValueRange
  ) {
    // Each block of columns is written by one thread.
    nonisolated(unsafe) let (between, result) = (between, result)
    let stride = Int64(plane)
    let blocks = (plane + Self.columns - 1) / Self.columns
    plan.maps[2].withKernelAxis { axis in
      nonisolated(unsafe) let axis = axis
      Parallelism.forEachRange(blocks) { range in
        let scratch = AlignedBuffer<Double>(uninitializedCount: Int(ck_zoom_scratch(axis)))
        let start = range.lowerBound * Self.columns
        let columns = Int64(min(range.upperBound * Self.columns, plane) - start)
        ck_zoom_columns(
          between + start,
          stride,
          result + start,
          stride,
          columns,
          axis,
          limits.low,
          limits.high,
          scratch.pointer
        )
      }
    }
  }

  private func cut(_ values: UnsafeMutablePointer<Float>, _ count: Int, to range: ValueRange) {
    nonisolated(unsafe) let values = values
    Parallelism.forEachRange(count, minimumChunk: 1 << 20) { part in
      for index in part { values[index] = min(max(values[index], range.low), range.high) }
    }
  }
}
