import CKernels
import Support

/// The voxel corners of a mask: which of the eight voxels around each are within.
///
/// Corner (x, y, z) of the `size` (one more than the mask's on every axis) lies half a voxel before
/// the centre of voxel (x, y, z). Bit 7 - (4 i + 2 j + k) of its code is voxel (x - 1 + k, y - 1 +
/// j, z - 1 + i). Of a 2-D image the four pixels around each corner count: bit 3 - (2 j + k).
package struct MaskCorners: Sendable {
  /// Corners along each axis.
  package let size: SIMD3<Int>
  /// One code for each corner, x fastest.
  package let codes: [UInt8]
  /// The code of a corner that lies within the mask.
  package let full: UInt8

  /// Codes of every corner.
  /// - Parameters:
  ///   - mask: One byte for each voxel, x fastest: 1 within, 0 outside.
  ///   - size: The grid's voxels along each axis.
  ///   - isPlanar: Whether the mask is a 2-D image.
  package init(_ mask: [UInt8], size: SIMD3<Int>, isPlanar: Bool) {
    precondition(mask.count == size.x * size.y * size.z, "\(mask.count) values for \(size)")
    let corners = isPlanar ? SIMD3(size.x + 1, size.y + 1, 1) : size &+ 1
    self.size = corners
    full = isPlanar ? 15 : 255
    let count = corners.x * corners.y * corners.z
    codes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      nonisolated(unsafe) let codes = buffer.baseAddress
      mask.withUnsafeBufferPointer { mask in
        nonisolated(unsafe) let mask = mask.baseAddress
        let (width, height, depth) = (Int64(size.x), Int64(size.y), Int64(size.z))
        if isPlanar {
          ck_mask_corners_planar(mask, width, height, codes)
        } else {
          let plane = corners.x * corners.y
          Parallelism.forEachRange(corners.z, minimumChunk: (1 << 16) / plane + 1) { range in
            let (first, last) = (Int64(range.lowerBound), Int64(range.upperBound))
            ck_mask_corners(mask, width, height, depth, first, last, codes)
          }
        }
      }
      initializedCount = count
    }
  }

  /// 1 for the corners that the surface passes by, those with voxels of both kinds around; else 0.
  package var surface: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: codes.count) { buffer, initializedCount in
      ck_mask_mixed(codes, Int64(codes.count), full, buffer.baseAddress)
      initializedCount = codes.count
    }
  }
}
