import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import Tensors
import Transforms

/// A scan as a segmentation's network sees it, and the way of maps back to the scan's grid.
struct NetworkView {
  /// What the network sees at once.
  struct Patch {
    /// `[1, C, H, W]` or with depth.
    let tensor: Tensor
    /// The patch's first cell on the network's grid, along x, y and z.
    let origin: SIMD3<Int>
    /// Its cells.
    let size: SIMD3<Int>
  }

  /// Whether the network sees blocks, not slices.
  let isSolid: Bool
  /// Voxels of the network's grid.
  private let size: SIMD3<Int>
  /// The patch's cells along x, y and z; 1 across slices.
  private let patchSize: SIMD3<Int>
  /// The segmentation on the network's grid, by the nearest voxel.
  private let labels: [UInt16]
  /// A slice's channels, or the block's values.
  private let stack: (_ slice: Int) -> SliceStack
  /// The scan's grid.
  private let geometry: ImageGeometry
  /// The place on the network's grid of a voxel of the scan.
  private let place: (SIMD3<Int>) -> SIMD3<Double>
  /// The voxel of the scan nearest to a place on the network's grid, not bounded.
  private let origin: (SIMD3<Double>) -> SIMD3<Double>
  /// The scan's axis that is the network's third.
  private let across: Int

  /// Views a scan by a plan of slices; with `object` every label but 0 counts as that one.
  init(
    _ scan: Volume<Float>,
    _ labels: LabelMap,
    _ plan: SegmentationPlan,
    object: Int?
  ) throws {
    let prepared = try PreparedVolume(scan, plan: plan)
    let grid = prepared.grid
    let geometry = scan.geometry
    self.geometry = geometry
    isSolid = false
    size = grid.size
    patchSize = SIMD3(plan.patchSize[1], plan.patchSize[0], 1)
    stack = { prepared.stack(at: $0, context: plan.contextSlices) }
    if plan.picture != nil {
      // Pictures have no place in a patient, and are never resampled.
      let reordering = GridReordering(from: geometry.orientation, to: plan.orientation)
      let back = reordering.inverse
      let old = geometry.size
      place = { reordering.moved($0, size: old) }
      let new = grid.size
      origin = { back.moved($0, size: new) }
      across = reordering.sources[2]
    } else {
      place = { grid.index(ofPosition: geometry.position(ofIndex: SIMD3<Double>($0))) }
      origin = { geometry.index(ofPosition: grid.position(ofIndex: $0)) }
      across = GridReordering(from: geometry.orientation, to: plan.orientation).sources[2]
    }
    self.labels = Self.labels(
      object.map { object in labels.labels.map { $0 > 0 ? UInt16(object) : 0 } } ?? labels.labels,
      geometry.size,
      onto: grid.size,
      origin
    )
  }

  /// Views a scan by a plan of nnU-Net.
  init(
    _ scan: Volume<Float>,
    _ labels: LabelMap,
    _ plan: NNUNetPlan,
    interruption: Interruption
  ) throws {
    let prepared = try NNUNetPreparation(
      ScanChannels([.float32(scan)]),
      plan: plan,
      interruption: interruption
    )
    geometry = scan.geometry
    isSolid = !plan.isPlanar
    let (size, values) = (prepared.size, prepared.channels)
    self.size = size
    let sides = Array(plan.patchSize.reversed())
    patchSize = SIMD3(sides[0], sides[1], sides.count > 2 ? sides[2] : 1)
    stack = { slice in
      let area = size.x * size.y
      return SliceStack(
        channels: values.count,
        height: size.y,
        width: size.x,
        values: values.flatMap { $0[slice * area..<(slice + 1) * area] }
      )
    }
    let (reordering, box) = (prepared.reordering, prepared.box)
    let (back, full, old) = (reordering.inverse, prepared.fullSize, scan.geometry.size)
    let scale = SIMD3<Double>(size) / SIMD3<Double>(box.size)
    place = { voxel in
      let turned = reordering.moved(voxel, size: old) - SIMD3<Double>(box.low)
      return (turned + 0.5) * scale - 0.5
    }
    origin = { place in
      let turned = (place + 0.5) / scale - 0.5 + SIMD3<Double>(box.low)
      return back.moved(turned, size: full)
    }
    across = reordering.sources[2]
    self.labels = Self.labels(labels.labels, scan.geometry.size, onto: size, origin)
  }

  /// The labels on the network's grid, each the nearest voxel's.
  private static func labels(
    _ labels: [UInt16],
    _ size: SIMD3<Int>,
    onto grid: SIMD3<Int>,
    _ origin: (SIMD3<Double>) -> SIMD3<Double>
  ) -> [UInt16] {
    var result = [UInt16](repeating: 0, count: grid.x * grid.y * grid.z)
    for z in 0..<grid.z {
      for y in 0..<grid.y {
        for x in 0..<grid.x {
          let at = origin(SIMD3(Double(x), Double(y), Double(z))).rounded(.toNearestOrEven)
          guard (0..<3).allSatisfy({ at[$0] >= 0 && at[$0] < Double(size[$0]) }) else { continue }
          let voxel = SIMD3<Int>(Int(at.x), Int(at.y), Int(at.z))
          result[x + grid.x * (y + grid.y * z)] =
            labels[voxel.x + size.x * (voxel.y + size.y * voxel.z)]
        }
      }
    }
    return result
  }

  // MARK: Patches

  /// The patch that shows a structure: in the slice with most of it, or about its middle; nil without it.
  func patch(around label: UInt16) -> Patch? {
    let area = size.x * size.y
    let counts = (0..<size.z).map { z in
      labels[z * area..<(z + 1) * area].reduce(0) { $0 + ($1 == label ? 1 : 0) }
    }
    guard let most = counts.max(), most > 0, let best = counts.firstIndex(of: most) else {
      return nil
    }
    let slices = isSolid ? 0..<size.z : best..<best + 1
    var (sum, count) = (SIMD3<Double>(), 0.0)
    for z in slices where counts[z] > 0 {
      for place in 0..<area where labels[z * area + place] == label {
        sum += SIMD3(Double(place % size.x), Double(place / size.x), Double(z))
        count += 1
      }
    }
    let middle = sum / count
    var origin = SIMD3<Int>()
    for axis in 0..<3 {
      let surplus = size[axis] - patchSize[axis]
      // What is smaller than the patch lies in its middle.
      origin[axis] =
        surplus <= 0
        ? -(-surplus / 2)
        : min(max(0, Int(middle[axis].rounded()) - patchSize[axis] / 2), surplus)
    }
    if !isSolid { origin.z = best }
    return Patch(tensor: tensor(at: origin), origin: origin, size: patchSize)
  }

  private func tensor(at origin: SIMD3<Int>) -> Tensor {
    let planes = (origin.z..<origin.z + patchSize.z).map { slice in
      (0..<size.z).contains(slice) ? stack(slice) : nil
    }
    let channels = planes.compactMap { $0?.channels }.first ?? 1
    var values: [Float] = []
    values.reserveCapacity(channels * patchSize.x * patchSize.y * patchSize.z)
    for channel in 0..<channels {
      for plane in planes {
        for y in origin.y..<origin.y + patchSize.y {
          for x in origin.x..<origin.x + patchSize.x {
            guard let plane, (0..<size.x).contains(x), (0..<size.y).contains(y) else {
              values.append(0)
              continue
            }
            values.append(plane.values[(channel * size.y + y) * size.x + x])
          }
        }
      }
    }
    let plane = [patchSize.y, patchSize.x]
    return Tensor(values, shape: [1, channels] + (isSolid ? [patchSize.z] + plane : plane))
  }

  // MARK: Back

  /// A patch's map on the scan's grid, and the slice of the scan to show.
  ///
  /// Values are interpolated linearly; outside the patch, and more than half a slice from an explained
  /// slice, they are 0.
  func spread(
    _ values: [Float],
    of patch: Patch
  ) -> (map: Volume<Float>, shown: (slice: Int, axis: Int)) {
    let scanSize = geometry.size
    var result = [Float](repeating: 0, count: geometry.voxelCount)
    let (p, first) = (patch.size, SIMD3<Double>(patch.origin))
    func value(_ x: Int, _ y: Int, _ z: Int) -> Float { values[x + p.x * (y + p.y * z)] }
    for z in 0..<scanSize.z {
      for y in 0..<scanSize.y {
        for x in 0..<scanSize.x {
          let at = place(SIMD3(x, y, z)) - first
          guard (0..<3).allSatisfy({ at[$0] >= -0.5 && at[$0] < Double(p[$0]) - 0.5 }) else {
            continue
          }
          var (low, share) = (SIMD3<Int>(), SIMD3<Float>())
          for axis in 0..<3 {
            let inside = min(max(at[axis], 0), Double(p[axis] - 1))
            low[axis] = Int(inside)
            share[axis] = Float(inside - Double(low[axis]))
          }
          var sum: Float = 0
          for corner in 0..<8 {
            var (weight, at) = (Float(1), low)
            for axis in 0..<3 {
              let isUpper = corner >> axis & 1 == 1
              weight *= isUpper ? share[axis] : 1 - share[axis]
              if isUpper { at[axis] = min(low[axis] + 1, p[axis] - 1) }
            }
            if weight > 0 { sum += weight * value(at.x, at.y, at.z) }
          }
          result[x + scanSize.x * (y + scanSize.y * z)] = sum
        }
      }
    }
    let middle = first + (SIMD3<Double>(p) - 1) / 2
    let place = origin(middle)[across].rounded()
    let slice = min(max(0, Int(place)), scanSize[across] - 1)
    return (Volume(geometry: geometry, voxels: result), (slice, across))
  }
}

extension GridReordering {
  /// Where a voxel of the old grid comes to lie on the new one.
  func moved(_ voxel: SIMD3<Int>, size: SIMD3<Int>) -> SIMD3<Double> {
    moved(SIMD3<Double>(voxel), size: size)
  }

  /// Where a place on the old grid comes to lie on the new one.
  /// - Parameters:
  ///   - place: A place in voxels.
  ///   - size: The old grid's voxels.
  /// - Returns: The place on the new grid.
  func moved(_ place: SIMD3<Double>, size: SIMD3<Int>) -> SIMD3<Double> {
    var result = SIMD3<Double>()
    for axis in 0..<3 {
      let source = sources[axis]
      result[axis] = flips[axis] ? Double(size[source] - 1) - place[source] : place[source]
    }
    return result
  }
}
