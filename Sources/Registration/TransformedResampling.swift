import Imaging
import Support

extension Volume where Scalar == Float {
  /// The image on a fixed image's grid, each voxel's value found through a transform.
  ///
  /// Up to half a voxel beyond this image's outer voxel centres the nearest edge value holds; farther
  /// out it is `outside`.
  /// - Parameters:
  ///   - transform: From points of the target's image to points of this one.
  ///   - target: The grid of the result; nil for the transform's own.
  ///   - outside: The value beyond the field of view.
  /// - Returns: The image on the target grid, linearly interpolated.
  public func moved(
    through transform: CompositeTransform,
    to target: ImageGeometry? = nil,
    outside: Float = 0
  ) -> Volume<Float> {
    let source = geometry.size
    let resampling = TransformedResampling(transform, from: geometry, to: target)
    let values = resampling.values(voxels, outside: outside) { voxels, index in
      let x = min(Int(index.x), max(source.x - 2, 0))
      let y = min(Int(index.y), max(source.y - 2, 0))
      let z = min(Int(index.z), max(source.z - 2, 0))
      let (u, v, w) = (index.x - Double(x), index.y - Double(y), index.z - Double(z))
      let right = x + 1 < source.x ? 1 : 0
      let below = y + 1 < source.y ? source.x : 0
      let next = z + 1 < source.z ? source.x * source.y : 0
      let place = x + source.x * (y + source.y * z)
      func line(_ start: Int) -> Double {
        Double(voxels[start]) * (1 - u) + Double(voxels[start + right]) * u
      }
      let near = line(place) * (1 - v) + line(place + below) * v
      let far = line(place + next) * (1 - v) + line(place + next + below) * v
      return Float(near * (1 - w) + far * w)
    }
    return Volume(geometry: resampling.target, voxels: values)
  }
}

/// How labels between voxels are found.
public enum LabelInterpolation: String, Sendable, CaseIterable, Codable {
  /// The label of the nearest voxel centre.
  case nearest
  /// The label whose linearly interpolated mask is largest; of equal ones the smallest number.
  case linear
}

extension LabelMap {
  /// The labels on a fixed image's grid, each voxel's label found through a transform.
  ///
  /// Beyond the field of view, half a voxel outside the outer voxel centres, is background.
  /// - Parameters:
  ///   - transform: From points of the target's image to points of this one.
  ///   - target: The grid of the result; nil for the transform's own.
  ///   - interpolation: How labels between voxels are found.
  /// - Returns: The label map on the target grid.
  public func moved(
    through transform: CompositeTransform,
    to target: ImageGeometry? = nil,
    interpolation: LabelInterpolation = .linear
  ) -> LabelMap {
    let source = geometry.size
    let resampling = TransformedResampling(transform, from: geometry, to: target)
    let values =
      switch interpolation {
      case .nearest:
        resampling.values(labels, outside: 0) { labels, index in
          let x = min(Int(index.x + 0.5), source.x - 1)
          let y = min(Int(index.y + 0.5), source.y - 1)
          let z = min(Int(index.z + 0.5), source.z - 1)
          return labels[x + source.x * (y + source.y * z)]
        }
      case .linear:
        resampling.values(labels, outside: 0) { labels, index in
          Self.heaviest(labels, source, index)
        }
      }
    return LabelMap(geometry: resampling.target, labels: values, table: table)
  }

  /// The label that has the largest sum of linear weights among the eight neighbours.
  @inline(__always)
  private static func heaviest(
    _ labels: UnsafePointer<UInt16>,
    _ size: SIMD3<Int>,
    _ index: SIMD3<Double>
  ) -> UInt16 {
    let x = min(Int(index.x), max(size.x - 2, 0))
    let y = min(Int(index.y), max(size.y - 2, 0))
    let z = min(Int(index.z), max(size.z - 2, 0))
    let right = x + 1 < size.x ? 1 : 0
    let below = y + 1 < size.y ? size.x : 0
    let next = z + 1 < size.z ? size.x * size.y : 0
    let corner = labels + (x + size.x * (y + size.y * z))
    let found = SIMD8(
      corner[0],
      corner[right],
      corner[below],
      corner[right + below],
      corner[next],
      corner[next + right],
      corner[next + below],
      corner[next + right + below]
    )
    let first = SIMD8(repeating: found[0])
    if found == first { return found[0] }
    let (u, v, w) = (index.x - Double(x), index.y - Double(y), index.z - Double(z))
    let flat = SIMD8((1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v, 0, 0, 0, 0)
    var weights = flat * (1 - w)
    for place in 0..<4 { weights[place + 4] = flat[place] * w }
    var best = (weight: -1.0, label: UInt16(0))
    for place in 0..<8 {
      var sum = 0.0
      for other in 0..<8 where found[other] == found[place] { sum += weights[other] }
      if sum > best.weight || (sum == best.weight && found[place] < best.label) {
        best = (sum, found[place])
      }
    }
    return best.label
  }
}

/// The loop over a target grid's voxels.
private struct TransformedResampling: Sendable {
  let transform: CompiledTransform
  let source: ImageGeometry
  let target: ImageGeometry

  init(_ transform: CompositeTransform, from source: ImageGeometry, to target: ImageGeometry?) {
    self.transform = CompiledTransform(transform)
    self.source = source
    self.target = target ?? transform.geometry
  }

  @inline(__always)
  func values<Value: BitwiseCopyable & Sendable>(
    _ voxels: [Value],
    outside: Value,
    _ sample: @Sendable (UnsafePointer<Value>, SIMD3<Double>) -> Value
  ) -> [Value] {
    let size = target.size
    let toPosition = FastLinear(indicesOf: target)
    let moving = FastLinear(toIndicesOf: source)
    let last = SIMD3<Double>(source.size) - 1
    // Positions within this of a voxel's outer face still count as inside; headers round.
    let reach = 0.5 + 1e-6
    return [Value](unsafeUninitializedCapacity: target.voxelCount) { output, initializedCount in
      voxels.withUnsafeBufferPointer { input in
        guard let first = input.baseAddress, let room = output.baseAddress else { return }
        let (from, to) = (SharedPointer(reading: first), SharedPointer(room))
        Parallelism.forEachRange(size.y * size.z, minimumChunk: 4) { rows in
          for row in rows {
            let result = to.pointer + row * size.x
            for x in 0..<size.x {
              let voxel = SIMD3(Double(x), Double(row % size.y), Double(row / size.y))
              let index = moving(transform.position(of: toPosition(voxel)))
              let isInside =
                index.x >= -reach && index.y >= -reach && index.z >= -reach
                && index.x <= last.x + reach && index.y <= last.y + reach
                && index.z <= last.z + reach
              guard isInside else {
                result[x] = outside
                continue
              }
              result[x] = sample(
                from.pointer,
                index.clamped(lowerBound: .zero, upperBound: last)
              )
            }
          }
        }
      }
      initializedCount = target.voxelCount
    }
  }
}
