internal import Support

/// Masks smoothed by lines or planes: the morphological counterpart of motion by curvature.
///
/// Márquez-Neila, Baumela and Álvarez 2014, section 3.4: SI takes the largest of the erosions and IS the
/// smallest of the dilations by segments of three voxels in all directions (2-D: four lines; 3-D: nine
/// planes); SI∘IS and IS∘SI alternate. Beyond the grid there is nothing, for both.
struct MorphologicalCurvature {
  private let image: ClassicalImage
  /// The voxels of each segment, as steps along the axes and in memory.
  private let segments: [[(step: SIMD3<Int>, offset: Int)]]

  init(_ image: ClassicalImage) {
    self.image = image
    let axes = image.axes
    var segments: [[SIMD3<Int>]] = []
    func unit(_ axis: Int, _ sign: Int = 1) -> SIMD3<Int> {
      SIMD3<Int>.zero.replacing(with: sign, where: SIMD3(0, 1, 2) .== axis)
    }
    if axes.count == 3 {
      for normal in 0..<3 {
        let others = (0..<3).filter { $0 != normal }
        let spans: [(SIMD3<Int>, SIMD3<Int>)] = [
          (unit(others[0]), unit(others[1])),
          (unit(others[0]) &+ unit(others[1]), unit(normal)),
          (unit(others[0]) &- unit(others[1]), unit(normal)),
        ]
        for (a, b) in spans {
          segments.append(
            (-1...1).flatMap { i in
              (-1...1).map { j in
                SIMD3(repeating: i) &* a &+ SIMD3(repeating: j) &* b
              }
            }
          )
        }
      }
    } else {
      let first = axes.first.map { unit($0) } ?? .zero
      let second = axes.count > 1 ? unit(axes[1]) : .zero
      for direction in [first, second, first &+ second, first &- second]
      where direction != .zero {
        segments.append((-1...1).map { SIMD3(repeating: $0) &* direction })
      }
    }
    self.segments = segments.map { steps in
      steps.map { ($0, ($0 &* image.strides).wrappedSum()) }
    }
  }

  /// Smooths a mask once.
  /// - Parameters:
  ///   - mask: 1 inside, 0 outside.
  ///   - dilatesFirst: Whether IS comes before SI, which alternates.
  /// - Returns: The smoothed mask.
  func smoothed(_ mask: [UInt8], dilatesFirst: Bool) -> [UInt8] {
    dilatesFirst ? erodedMost(dilatedLeast(mask)) : dilatedLeast(erodedMost(mask))
  }

  /// SI: whether some segment about a voxel lies inside.
  func erodedMost(_ mask: [UInt8]) -> [UInt8] { passed(mask, inner: 1) }

  /// IS: whether every segment about a voxel touches the inside.
  func dilatedLeast(_ mask: [UInt8]) -> [UInt8] { passed(mask, inner: 0) }

  /// SI looks for a segment of ones, IS for one of zeros, which then decide the voxel.
  private func passed(_ mask: [UInt8], inner: UInt8) -> [UInt8] {
    let size = image.size
    return [UInt8](unsafeUninitializedCapacity: mask.count) { room, initialized in
      if let base = room.baseAddress {
        // Every row is written by one thread.
        nonisolated(unsafe) let target = base
        Parallelism.forEachRange(size.y * size.z, minimumChunk: 16) { rows in
          for place in rows.lowerBound * size.x..<rows.upperBound * size.x {
            let at = image.position(place)
            let isInner = (0..<3).allSatisfy {
              size[$0] == 1 || (at[$0] > 0 && at[$0] < size[$0] - 1)
            }
            var found = false
            for segment in segments {
              var whole = true
              for (step, offset) in segment {
                if !isInner {
                  let next = at &+ step
                  guard (0..<3).allSatisfy({ next[$0] >= 0 && next[$0] < size[$0] }) else {
                    // There is nothing beyond the grid: a 0.
                    if inner == 1 { whole = false }
                    continue
                  }
                }
                if mask[place + offset] != inner {
                  whole = false
                  break
                }
              }
              if whole {
                found = true
                break
              }
            }
            target[place] = found ? inner : 1 - inner
          }
        }
      }
      initialized = mask.count
    }
  }
}
