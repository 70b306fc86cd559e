import Foundation
import Recognition

/// What is measured of colours that were made up.
public struct ColourMeasurement: Codable, Sendable {
  /// Colourfulness M (Hasler and Süsstrunk 2003), of 8-bit values.
  public var colourfulness: Double
  /// Peak signal-to-noise ratio of red, green and blue, dB; 100 for equal pictures.
  public var psnr: Double
  /// The mean CIE76 colour difference.
  public var deltaE: Double

  /// Measures a picture against the true one.
  /// - Parameters:
  ///   - found: The picture.
  ///   - truth: The true one, of the same size.
  package init(_ found: ImagePlanes, truth: ImagePlanes) {
    let (mine, wanted) = (found.bytes, truth.bytes)
    let squares = zip(mine, wanted).reduce(0.0) {
      let d = Double($1.0) - Double($1.1)
      return $0 + d * d
    }
    let error = squares / Double(mine.count)
    psnr = error > 0 ? min(100, 10 * log10(255 * 255 / error)) : 100
    colourfulness = Self.colourfulness(found)
    let (labs, others) = (found.lab.values, truth.lab.values)
    let area = found.width * found.height
    deltaE =
      (0..<area).reduce(0.0) { sum, pixel in
        let d = (0..<3).map { labs[$0 * area + pixel] - others[$0 * area + pixel] }
        return sum + Double((d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).squareRoot())
      } / Double(area)
  }

  private init(colourfulness: Double, psnr: Double, deltaE: Double) {
    (self.colourfulness, self.psnr, self.deltaE) = (colourfulness, psnr, deltaE)
  }

  /// M = σ + 0.3 μ of rg = R - G and yb = (R + G) / 2 - B.
  /// - Parameter picture: Of three planes.
  /// - Returns: 0 for grey, about 100 for very colourful photographs.
  package static func colourfulness(_ picture: ImagePlanes) -> Double {
    let (area, bytes) = (picture.width * picture.height, picture.bytes)
    var (sums, squares) = (SIMD2<Double>.zero, SIMD2<Double>.zero)
    for pixel in 0..<area {
      let rgb = (0..<3).map { Double(bytes[3 * pixel + $0]) }
      let v = SIMD2(rgb[0] - rgb[1], (rgb[0] + rgb[1]) / 2 - rgb[2])
      sums += v
      squares += v * v
    }
    let mean = sums / Double(area)
    let variance = squares / Double(area) - mean * mean
    return max(0, variance.sum()).squareRoot() + 0.3 * (mean * mean).sum().squareRoot()
  }

  /// The mean of several.
  /// - Parameter all: At least one.
  /// - Returns: The mean of each measure.
  static func mean(_ all: [ColourMeasurement]) -> ColourMeasurement {
    let count = Double(max(1, all.count))
    return ColourMeasurement(
      colourfulness: all.reduce(0) { $0 + $1.colourfulness } / count,
      psnr: all.reduce(0) { $0 + $1.psnr } / count,
      deltaE: all.reduce(0) { $0 + $1.deltaE } / count
    )
  }
}

/// A model's colours on photographs whose colours are known, and what two simple answers give.
public struct ColourEvaluation: Codable, Sendable {
  /// A photograph.
  public struct Case: Codable, Sendable {
    /// Its file's name.
    public let id: String
    /// The model's.
    public let model: ColourMeasurement
    /// No colours: a* and b* of 0.
    public let grey: ColourMeasurement
    /// The mean colour of the training everywhere.
    public let meanColour: ColourMeasurement
    /// Colourfulness of the photograph itself.
    public let trueColourfulness: Double
  }

  /// The photographs.
  public let cases: [Case]
  /// Means of the model's measures.
  public let model: ColourMeasurement
  /// Means of those of no colours.
  public let grey: ColourMeasurement
  /// Means of those of the mean colour.
  public let meanColour: ColourMeasurement
  /// The mean colourfulness of the photographs.
  public let trueColourfulness: Double

  init(_ cases: [Case]) {
    self.cases = cases
    model = .mean(cases.map(\.model))
    grey = .mean(cases.map(\.grey))
    meanColour = .mean(cases.map(\.meanColour))
    trueColourfulness =
      cases.reduce(0) { $0 + $1.trueColourfulness } / Double(max(1, cases.count))
  }

  /// The means by name, four digits.
  public var results: [String: Double] {
    var results = ["colourfulness, true": trueColourfulness]
    for (name, part) in [("model", model), ("grey", grey), ("mean colour", meanColour)] {
      results["colourfulness, \(name)"] = part.colourfulness
      results["PSNR dB, \(name)"] = part.psnr
      results["Delta E, \(name)"] = part.deltaE
    }
    return results.mapValues { ($0 * 1e4).rounded() / 1e4 }
  }
}
