import Foundation
import Support

/// Slow changes of brightness across a scan taken away: N4.
///
/// Tustison et al., 2010, "N4ITK: improved N3 bias correction". The logarithm of the image is the sum of
/// that of the tissues and of a smooth field. Sharpening the histogram (Sled et al., 1998, "A
/// nonparametric method for automatic correction of intensity nonuniformity in MRI data") tells what the
/// tissues' values should be; what is left over is fitted by cubic B-splines on a lattice that doubles
/// its density from level to level. Only voxels above Otsu's threshold times `mask` count, every
/// `shrink`-th along each axis; the field is evaluated for all voxels. With the same mask and grid it
/// follows ITK's filter. Values of 0 and below stay.
package struct BiasCorrection: VolumeFilter {
  package static let name = "n4"
  package static let removesNoise = false
  package static let paper = "Tustison et al. 2010, N4ITK: improved N3 bias correction"
  package static let parameters = [
    FilterParameter(
      "shrink",
      0,
      0...8,
      isWhole: true,
      "every how manyth voxel; 0: about 3 mm apart"
    ),
    FilterParameter("levels", 4, 1...6, isWhole: true, "densities of the lattice"),
    FilterParameter("iterations", 50, 1...500, isWhole: true, "most steps for each"),
    FilterParameter("tolerance", 0.001, 0...1, "change of the field at which a level ends"),
    FilterParameter("fwhm", 0.15, 0.01...1, "width of the kernel that the histogram is freed of"),
    FilterParameter("mask", 0.5, 0...10, "share of Otsu's threshold below which nothing counts"),
  ]

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  /// Fewer voxels than this say nothing about a field.
  private static let fewestVoxels = 64

  package func filtered(_ image: FilterImage) -> [Float] {
    let field = logField(image)
    var result = image.values
    result.change(pieces: (field.count + 4095) / 4096) { pieces, target in
      for i in pieces.lowerBound * 4096..<min(field.count, pieces.upperBound * 4096)
      where target[i] > 0 { target[i] /= expf(field[i]) }
    }
    return result
  }

  /// The logarithm of the field at every voxel; 0 when too little of the image counts.
  func logField(_ image: FilterImage) -> [Float] {
    let none = [Float](repeating: 0, count: image.values.count)
    guard let otsu = OtsuThreshold.of(Self.sample(image.values)) else { return none }
    let threshold = max(otsu * Float(values["mask"]), 0)
    return logField(image) { $0 > threshold } ?? none
  }

  private static func sample(_ values: [Float]) -> [Float] {
    let step = max(1, values.count / 500_000) | 1
    return stride(from: 0, to: values.count, by: step).map { values[$0] }
  }

  private func logField(_ image: FilterImage, _ counts: (Float) -> Bool) -> [Float]? {
    let size = image.size
    var steps = SIMD3<Int>.one
    for axis in 0..<3 {
      let told = values.whole("shrink")
      let wanted = told > 0 ? told : max(1, Int(min(64, (3 / image.spacing[axis]).rounded())))
      // At least eight samples along an axis, if it has them.
      steps[axis] = max(1, min(wanted, size[axis] / 8))
    }
    var (places, logs) = ([SIMD3<Int>](), [Float]())
    for z in stride(from: steps.z / 2, to: size.z, by: steps.z) {
      for y in stride(from: steps.y / 2, to: size.y, by: steps.y) {
        for x in stride(from: steps.x / 2, to: size.x, by: steps.x) {
          let value = image.values[(z * size.y + y) * size.x + x]
          guard value > 0, counts(value) else { continue }
          places.append(SIMD3(x, y, z))
          logs.append(logf(value))
        }
      }
    }
    guard logs.count >= Self.fewestVoxels else { return nil }
    let sharpening = HistogramSharpening(fwhm: values["fwhm"])
    var field: SplineLattice?
    var bias = [Float](repeating: 0, count: logs.count)
    for _ in 0..<values.whole("levels") {
      var lattice = field?.refined() ?? SplineLattice(size: size)
      let basis = lattice.basis(at: places)
      for _ in 0..<values.whole("iterations") {
        let flat = zip(logs, bias).map { $0 - $1 }
        let sharp = sharpening.apply(flat)
        lattice.add(basis.fitted(zip(flat, sharp).map { $0 - $1 }, lattice: lattice))
        let new = basis.evaluated(lattice)
        let change = Self.variation(bias, new)
        bias = new
        if change < values["tolerance"] { break }
      }
      field = lattice
    }
    return field?.values(size: size)
  }

  /// The coefficient of variation of the ratio of two fields.
  private static func variation(_ old: [Float], _ new: [Float]) -> Double {
    var (sum, squares) = (0.0, 0.0)
    for i in old.indices {
      let ratio = exp(Double(old[i] - new[i]))
      sum += ratio
      squares += ratio * ratio
    }
    let n = Double(old.count)
    let mean = sum / n
    return max(squares / n - mean * mean, 0).squareRoot() / mean
  }
}
