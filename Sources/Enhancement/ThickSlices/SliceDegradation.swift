import Foundation
import Imaging
import Transforms

/// What thick slices leave of a sharp line: it is averaged over slices and interpolated between them.
///
/// The interpolation is the one by which thick slices come to the finer grid, so that a network that
/// learned to undo it within slices can undo it across them. Both steps are linear, and so one matrix;
/// where slices are no whole number of voxels apart there is one for each of several places that cells
/// have among slices.
package struct SliceDegradation: Sendable {
  /// Voxels of a window that comes out.
  package let length: Int
  /// Voxels on each side that are read beyond it.
  package let margin: Int
  /// One matrix for each place of cells among slices: `[inputs][outputs]`.
  private let matrices: [[Float]]

  /// A spline's coefficients fall by 0.27 from slice to slice: after so many nothing is left.
  private static let marginSlices = 8.0
  private static let mostPlaces = 16

  /// How many places cells have among slices.
  package var placeCount: Int { matrices.count }

  /// Prepares windows of whole cells.
  /// - Parameters:
  ///   - lattice: Slices and the finer grid.
  ///   - cells: Cells of a window.
  /// - Throws: `ImagingError` never: the grids are sound.
  package init(_ lattice: SliceLattice, cells: Int) throws(ImagingError) {
    length = cells * lattice.fold
    margin = Int((Self.marginSlices * lattice.ratio).rounded(.up))
    // With a whole ratio all cells lie alike.
    let isWhole = lattice.fineCount % lattice.count == 0
    let places = isWhole ? 1 : min(Self.mostPlaces, lattice.cellCount)
    var matrices: [[Float]] = []
    for place in 0..<places {
      let start = place * lattice.cellCount / places * lattice.fold
      matrices.append(
        try Self.matrix(lattice, from: start - margin, length: length, margin: margin)
      )
    }
    self.matrices = matrices
  }

  /// The matrix of a window: slices are columns of an image that is interpolated along its rows.
  private static func matrix(
    _ lattice: SliceLattice,
    from start: Int,
    length: Int,
    margin: Int
  ) throws(ImagingError) -> [Float] {
    let inputs = length + 2 * margin
    // Slices, also those that a lattice without ends would have, whose centres lie within.
    let first = Int(((Double(start) + 0.5) / lattice.ratio - 0.5).rounded(.up))
    let last = Int(((Double(start + inputs) - 0.5) / lattice.ratio - 0.5).rounded(.down))
    let centers = (first...last).map { lattice.center(of: $0) - Double(start) }
    var values = [Float](repeating: 0, count: centers.count * inputs)
    for (slice, center) in centers.enumerated() {
      let weights = (0..<inputs).map { lattice.weight(at: Double($0) - center) }
      let sum = weights.reduce(0, +)
      for (input, weight) in weights.enumerated() {
        values[slice + centers.count * input] = Float(weight / sum)
      }
    }
    func grid(_ count: Int, spacing: Double, origin: Double) throws(ImagingError) -> ImageGeometry {
      try ImageGeometry(
        size: [count, inputs, 1],
        spacing: [spacing, 1, 1],
        origin: [origin, 0, 0],
        direction: .identity
      )
    }
    let slices = Volume(
      geometry: try grid(centers.count, spacing: lattice.ratio, origin: centers[0]),
      voxels: values
    )
    let fine = try grid(length, spacing: 1, origin: Double(margin))
    return slices.resampled(to: fine, interpolation: .cubicBSpline).voxels
  }

  /// Degrades a line.
  /// - Parameters:
  ///   - line: `length + 2 margin` values.
  ///   - place: Which of the places of cells.
  /// - Returns: `length` values.
  package func degraded(_ line: [Float], place: Int) -> [Float] {
    precondition(line.count == length + 2 * margin, "\(line.count) values for a window")
    var result = [Float](repeating: 0, count: length)
    matrices[place].withUnsafeBufferPointer { matrix in
      result.withUnsafeMutableBufferPointer { result in
        for (input, value) in line.enumerated() {
          let row = input * length
          for output in 0..<length { result[output] += value * matrix[row + output] }
        }
      }
    }
    return result
  }
}

extension SliceLattice {
  /// A Gaussian's full width at half maximum in deviations.
  private static let widthsPerDeviation = 2 * (2 * log(2.0)).squareRoot()

  /// How much a voxel counts in a slice, before weights are scaled to a sum of 1.
  /// - Parameter distance: From the slice's centre, in voxels of the finer grid.
  /// - Returns: At least 0.
  package func weight(at distance: Double) -> Double {
    switch profile {
    case .box:
      // A slice thinner than a voxel between two of them has a share of both.
      let half = max(thickness, 1) / 2
      return max(0, min(distance + 0.5, half) - max(distance - 0.5, -half))
    case .gaussian:
      let deviation = max(thickness, 1) / Self.widthsPerDeviation
      let share = distance / deviation
      return exp(-0.5 * share * share)
    }
  }
}
