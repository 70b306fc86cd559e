import Imaging
import Support

/// The surface elements of two masks, with their areas and distances to the other surface.
///
/// An element lies at a voxel corner with voxels of both kinds around it; distances run between
/// such corners. Areas are those of `SurfelAreas`; of a 2-D image the elements are pieces of the
/// contour, and areas are lengths. As in DeepMind's surface-distance (Nikolov et al. 2018, "Deep
/// learning to achieve clinically applicable segmentation of head and neck anatomy for
/// radiotherapy").
package struct SurfelDistances: Sendable {
  /// The elements of one surface.
  package struct Side: Sendable {
    /// From each element to the nearest of the other surface, mm, in the order of memory.
    package let distances: [Double]
    /// The elements' areas, mm²; lengths in mm of a 2-D image.
    package let areas: [Double]

    /// The area of all elements.
    package var total: Double { areas.reduce(0, +) }

    /// The area of the elements at most so far away.
    func within(_ toleranceMM: Double) -> Double {
      var sum = 0.0
      for (distance, area) in zip(distances, areas) where distance <= toleranceMM { sum += area }
      return sum
    }
  }

  /// The surface of the prediction.
  package let prediction: Side
  /// The surface of the reference.
  package let reference: Side

  /// Measures two masks; nil when one is empty.
  /// - Parameter masks: The masks; outside their box there is none.
  package init?(of masks: CroppedMasks) {
    func corners(_ mask: [UInt8]) -> MaskCorners {
      MaskCorners(mask, size: masks.size, isPlanar: masks.isPlanar)
    }
    let (predicted, referenced) = (corners(masks.prediction), corners(masks.reference))
    let (predictedSurface, referencedSurface) = (predicted.surface, referenced.surface)
    guard predictedSurface.contains(1), referencedSurface.contains(1) else { return nil }
    let areas =
      masks.isPlanar
      ? SurfelAreas.lengths(spacing: masks.spacing) : SurfelAreas(spacing: masks.spacing).areas
    func side(_ own: MaskCorners, _ surface: [UInt8], to other: [UInt8]) -> Side {
      let squared = DistanceTransform.squaredDistances(
        to: other,
        size: own.size,
        spacing: masks.spacing
      )
      let distances = SurfaceDistances.gather(squared, at: surface)
      var elements: [Double] = []
      elements.reserveCapacity(distances.count)
      for (code, mark) in zip(own.codes, surface) where mark != 0 {
        elements.append(areas[Int(code)])
      }
      return Side(distances: distances, areas: elements)
    }
    prediction = side(predicted, predictedSurface, to: referencedSurface)
    reference = side(referenced, referencedSurface, to: predictedSurface)
  }

  /// The share of both surfaces' area that lies within a tolerance of the other surface.
  /// - Parameter toleranceMM: The tolerance, mm; distances equal to it count.
  /// - Returns: Between 0 and 1.
  package func overlap(toleranceMM: Double) -> Double {
    let limit = toleranceMM + boundaryRounding
    return (prediction.within(limit) + reference.within(limit))
      / (prediction.total + reference.total)
  }
}
