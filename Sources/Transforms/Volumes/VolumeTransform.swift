import Foundation

/// A change of a patch and its labels with all its numbers fixed.
///
/// Geometry first, in one interpolation, then the intensities of each channel. Images are interpolated
/// trilinearly, as batchgeneratorsv2 does for nnU-Net v2 (the cubic splines of its first version cost
/// eight times the reads and overshoot at edges). A label is the one with the largest trilinear weight
/// among the eight neighbours; a tie is the nearest one's. That is nnU-Net's interpolation of each
/// label by itself. Mirroring comes last in the geometry; in nnU-Net it is the last of all changes,
/// which differs in how noise and lost voxels fall, but not in their distribution.
///
/// The transform is a value for files: decoded again, it gives the same bytes.
public struct VolumeTransform: Codable, Sendable, Equatable {
  /// Angles, radians, by which the grid of samples is turned about z first, then y, then x.
  public var rotation: SIMD3<Double> = [0, 0, 0]
  /// Voxels of the source per voxel of the result along x, y and z; above 1 objects shrink.
  public var scaling: SIMD3<Double> = [1, 1, 1]
  /// Largest elastic displacement along x, y and z, voxels; 0 for none.
  public var deformation: SIMD3<Double> = [0, 0, 0]
  /// Distance of the deformation's control points, voxels.
  public var deformationSpacing = 16.0
  /// Seed of the control points' displacements.
  public var deformationSeed: UInt64 = 0
  /// The changes of each channel; channels beyond them are changed as the last.
  public var intensities: [IntensityChange] = []
  /// Axes along which the result runs backwards: 0 for x, 1 for y, 2 for z.
  public var mirroredAxes: [Int] = []
  /// Pairs of classes that are exchanged.
  public var swaps: [[Int]] = []

  /// Creates the identity.
  public init() {}

  /// How far beyond the patch the transform looks, voxels on either side along x, y and z.
  ///
  /// A source that holds the patch and this margin lets the transform see no border.
  /// - Parameter patchSize: Voxels of the patch along x, y and z.
  /// - Returns: At least 0 along each axis.
  public func margin(patchSize: SIMD3<Int>) -> SIMD3<Int> {
    let half = (SIMD3<Double>(patchSize) - 1) / 2
    let reach = half + deformation
    var margin = SIMD3<Int>()
    for (axis, row) in samplingRows.enumerated() {
      let extent = abs(row.x) * reach.x + abs(row.y) * reach.y + abs(row.z) * reach.z
      // A sample that rounding puts beyond a voxel by 1e-9 weighs the next one by as much.
      margin[axis] = max(0, Int((extent - half[axis] - 1e-9).rounded(.up)))
    }
    return margin
  }

  /// Applies the transform; the work is done by the calling thread alone.
  ///
  /// The transform turns, scales and deforms about the patch's centre. Outside the source, images
  /// are 0, the mean of normalised images, as in nnU-Net. In contrast to nnU-Net, which cuts a
  /// somewhat larger patch first, the source is seen as far as it goes.
  /// - Parameters:
  ///   - source: The whole prepared case, or a part that holds the patch and its `margin(patchSize:)`.
  ///   - origin: The source's voxel under the result's first voxel before anything moves; may be negative.
  ///   - patchSize: Voxels of the result along x, y and z.
  ///   - outsideClass: The class of voxels outside the source: background or a label to ignore.
  /// - Returns: The changed patch; without any change, a copy of the source's voxels.
  /// - Precondition: Axes are 0, 1 or 2 and swaps are pairs of classes (`VolumeAugmentation.validate()`).
  public func apply(
    to source: VolumePatch,
    origin: SIMD3<Int>,
    patchSize: SIMD3<Int>,
    outsideClass: UInt16 = 0
  ) -> VolumePatch {
    let interpolation = PatchInterpolation(
      source: source,
      origin: origin,
      size: patchSize,
      outsideClass: outsideClass,
      mirrors: mirrors
    )
    var result =
      movesVoxels
      ? interpolation.interpolated(
        rows: samplingRows,
        field: ElasticField(
          magnitude: deformation,
          spacing: deformationSpacing,
          seed: deformationSeed,
          size: patchSize
        )
      )
      : interpolation.copied()
    changeIntensities(of: &result)
    exchangeClasses(of: &result.classes)
    return result
  }

  private var movesVoxels: Bool {
    rotation != [0, 0, 0] || scaling != [1, 1, 1] || deformation != [0, 0, 0]
  }

  private var mirrors: [Bool] {
    var mirrors = [false, false, false]
    for axis in mirroredAxes { mirrors[axis].toggle() }
    return mirrors
  }

  /// The rows of Rx · Ry · Rz · S, which takes offsets from the patch's centre to those in the source.
  private var samplingRows: [SIMD3<Double>] {
    let (ca, sa) = (cos(rotation.x), sin(rotation.x))
    let (cb, sb) = (cos(rotation.y), sin(rotation.y))
    let (cc, sc) = (cos(rotation.z), sin(rotation.z))
    return [
      SIMD3(cb * cc, -cb * sc, sb) * scaling,
      SIMD3(ca * sc + sa * sb * cc, ca * cc - sa * sb * sc, -sa * cb) * scaling,
      SIMD3(sa * sc - ca * sb * cc, sa * cc + ca * sb * sc, ca * cb) * scaling,
    ]
  }

  private func changeIntensities(of patch: inout VolumePatch) {
    guard let last = intensities.last else { return }
    let (size, channels) = (patch.size, patch.channels)
    let voxels = size.x * size.y * size.z
    patch.values.withUnsafeMutableBufferPointer { values in
      for channel in 0..<channels {
        var change = channel < intensities.count ? intensities[channel] : last
        // Channels that share a change do not share the noise.
        if channel >= intensities.count { change.noiseSeed ^= UInt64(channel) << 32 }
        change.apply(
          to: UnsafeMutableBufferPointer(
            rebasing: values[channel * voxels..<(channel + 1) * voxels]
          ),
          size: size
        )
      }
    }
  }

  private func exchangeClasses(of classes: inout [UInt16]) {
    guard !swaps.isEmpty else { return }
    var table = Array(0...UInt16.max)
    for pair in swaps {
      precondition(pair.count == 2, "the swap \(pair) is not a pair")
      table.swapAt(pair[0], pair[1])
    }
    for i in classes.indices { classes[i] = table[Int(classes[i])] }
  }
}
