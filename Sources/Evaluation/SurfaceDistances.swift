import CKernels
import Imaging
import Support

/// The distances between the border voxels of two masks that are not empty, mm.
///
/// A border voxel has a face neighbour outside the mask, or lies at the edge of the grid: the mask
/// less its erosion, as MONAI, MedPy and Metrics Reloaded have it. Of a 2-D image only the four
/// neighbours in the image count. Distances run between voxel centres.
package struct SurfaceDistances: Sendable {
  /// From each border voxel of the prediction to the nearest of the reference, rising.
  package let toReference: [Double]
  /// From each border voxel of the reference to the nearest of the prediction, rising.
  package let toPrediction: [Double]
  private let bands: Bands

  /// Measures two masks; nil when one is empty.
  /// - Parameter masks: The masks; outside their box there is none.
  package init?(of masks: CroppedMasks) {
    let (size, spacing) = (masks.size, masks.spacing)
    let predictionBorder = Self.border(
      of: masks.prediction,
      size: size,
      isPlanar: masks.isPlanar
    )
    let referenceBorder = Self.border(
      of: masks.reference,
      size: size,
      isPlanar: masks.isPlanar
    )
    guard predictionBorder.contains(1), referenceBorder.contains(1) else { return nil }
    let fromReference = DistanceTransform.squaredDistances(
      to: referenceBorder,
      size: size,
      spacing: spacing
    )
    let fromPrediction = DistanceTransform.squaredDistances(
      to: predictionBorder,
      size: size,
      spacing: spacing
    )
    toReference = Self.gather(fromReference, at: predictionBorder).sorted()
    toPrediction = Self.gather(fromPrediction, at: referenceBorder).sorted()
    bands = Bands(masks: masks, fromReference: fromReference, fromPrediction: fromPrediction)
  }

  /// The intersection over union of the two masks' inner bands, the voxels within a distance of
  /// their own border.
  /// - Parameter distanceMM: The band's depth, mm; border voxels have depth 0.
  /// - Returns: Between 0 and 1.
  package func bandOverlap(distanceMM: Double) -> Double {
    bands.overlap(distanceMM: distanceMM)
  }

  /// 1 for the voxels of a mask that have a face neighbour outside it, else 0.
  ///
  /// Outside the box there is no mask, so voxels at the box's faces are border.
  private static func border(
    of mask: [UInt8],
    size: SIMD3<Int>,
    isPlanar: Bool
  ) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: mask.count) { buffer, initializedCount in
      nonisolated(unsafe) let border = buffer.baseAddress
      mask.withUnsafeBufferPointer { mask in
        nonisolated(unsafe) let mask = mask.baseAddress
        let (width, height, depth) = (Int64(size.x), Int64(size.y), Int64(size.z))
        Parallelism.forEachRange(
          size.z,
          minimumChunk: (1 << 16) / (size.x * size.y) + 1
        ) { slices in
          let (first, last) = (Int64(slices.lowerBound), Int64(slices.upperBound))
          let planar: Int32 = isPlanar ? 1 : 0
          ck_mask_border(mask, width, height, depth, planar, first, last, border)
        }
      }
      initializedCount = mask.count
    }
  }

  /// The roots of the squared distances at the marked voxels, in their order in memory.
  static func gather(_ squared: AlignedBuffer<Float>, at marks: [UInt8]) -> [Double] {
    let count = marks.reduce(0) { $0 + Int($1) }
    return [Double](unsafeUninitializedCapacity: count) { roots, initializedCount in
      initializedCount = Int(
        ck_distance_gather(marks, squared.pointer, Int64(marks.count), roots.baseAddress)
      )
    }
  }

  /// What boundary IoU is counted from.
  private struct Bands: Sendable {
    let masks: CroppedMasks
    let fromReference: AlignedBuffer<Float>
    let fromPrediction: AlignedBuffer<Float>

    func overlap(distanceMM: Double) -> Double {
      let limit = distanceMM + boundaryRounding
      let squared = Float(limit * limit)
      var (both, either) = (0, 0)
      for at in masks.prediction.indices {
        let predicted = masks.prediction[at] != 0 && fromPrediction.pointer[at] <= squared
        let referenced = masks.reference[at] != 0 && fromReference.pointer[at] <= squared
        if predicted || referenced { either += 1 }
        if predicted && referenced { both += 1 }
      }
      return Double(both) / Double(either)
    }
  }
}

/// Rounding of distances, mm; voxels of 1 mm must count as within 1 mm.
let boundaryRounding = 1e-6

/// The value below which a share of sorted values lies, with linear interpolation (type 7 of
/// Hyndman and Fan 1996, numpy's default).
/// - Parameters:
///   - share: Between 0 and 1.
///   - sorted: Rising values, at least one.
/// - Returns: The percentile.
package func percentile(_ share: Double, of sorted: [Double]) -> Double {
  precondition(!sorted.isEmpty, "the percentile of no value")
  let position = share * Double(sorted.count - 1)
  let low = min(Int(position), sorted.count - 1)
  let high = min(low + 1, sorted.count - 1)
  return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
}
