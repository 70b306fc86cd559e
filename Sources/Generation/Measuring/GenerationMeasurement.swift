import Foundation
import Layers
import Networks
import Recognition
import Support
import Tensors

/// How made images compare with real ones.
public struct GenerationMeasurement: Codable, Sendable, Equatable {
  /// On which features distances were taken.
  public let features: String
  /// Their number.
  public let dimensions: Int
  /// Real images.
  public let real: Int
  /// Made images.
  public let made: Int
  /// How many neighbours.
  public let neighbours: Int
  /// Share of made images within real ones' reach (Kynkäänniemi 2019, equation 2).
  public let precision: Double
  /// Share of real images within made ones' reach.
  public let recall: Double
  /// Real reaches that hold a made image, over neighbours (Naeem 2020, equation 4).
  public let density: Double
  /// Share of real images whose reach holds a made one (Naeem 2020, equation 5).
  public let coverage: Double
  /// The squared Fréchet distance of normal distributions (Heusel 2017), on these features.
  public let frechet: Double
  /// Made images by the class that the classifier sees, if there is one.
  public let classCounts: [String: Int]?
  /// Classes that none of the made images shows.
  public let missing: [String]?
  /// Share of made images in which the classifier sees the class that was asked for.
  public let agreement: Double?
  /// The mean distance of made images to the nearest training image.
  public let nearestTraining: Double
  /// The same for real images that were not trained on, or nil without.
  public let nearestTrainingOfHeldOut: Double?
}

/// Measures made images by features of Lamina's own.
public struct GenerationEvaluator: Sendable {
  /// Features without a classifier: images on so many rows and columns.
  private static let grid = 8
  /// Features beyond these are projected at random.
  private static let most = 128

  private let recognizer: ImageRecognizer?
  private let size: [Int]

  /// Creates an evaluator.
  /// - Parameters:
  ///   - recognizer: The classifier whose features count; nil for reduced pixels.
  ///   - size: Rows, columns, channels of the images.
  public init(recognizer: ImageRecognizer?, size: [Int]) {
    (self.recognizer, self.size) = (recognizer, size)
  }

  /// What the features are.
  public var name: String {
    recognizer.map { "the features of \($0.name)" }
      ?? "pixels reduced to \(Self.grid) x \(Self.grid)"
  }

  /// Features and most probable class of each image.
  package func features(
    _ images: [[Float]],
    interruption: Interruption
  ) throws -> (rows: [[Float]], classes: [Int]) {
    var rows: [[Float]] = []
    var classes: [Int] = []
    func planes(_ image: [Float]) -> ImagePlanes {
      ImagePlanes(
        height: size[0],
        width: size[1],
        values: image.map { (min(max($0, -1), 1) + 1) * 127.5 }
      )
    }
    guard let recognizer, let network = recognizer.network as? any VectorNetwork else {
      rows = images.map { image in
        planes(image).resized(toHeight: Self.grid, width: Self.grid).values.map { $0 / 127.5 - 1 }
      }
      return (rows, [])
    }
    let plan = recognizer.plan
    for start in stride(from: 0, to: images.count, by: 64) {
      try interruption.check()
      let part = images[start..<min(images.count, start + 64)]
      let input = Tensor(
        part.flatMap { plan.fitted(planes($0)).values },
        shape: [part.count, plan.channels, plan.height, plan.width]
      )
      let found = network.features(input, in: .inference)
      let scores = network.scores(of: network.embedding(of: found, in: .inference), in: .inference)
      let pooled = found.rank > 2 ? found.mean(axes: Array(2..<found.rank)) : found
      rows += ImageSheet.split(pooled)
      classes += ImageSheet.split(scores).map { row in
        row.indices.max { row[$0] < row[$1] } ?? 0
      }
    }
    return (projected(rows), classes)
  }

  private func projected(_ rows: [[Float]]) -> [[Float]] {
    guard let width = rows.first?.count, width > Self.most else { return rows }
    var random = RandomStream(seed: 1).split(0x7072_6F6A)
    let scale = 1 / Double(Self.most).squareRoot()
    let map = Tensor(
      (0..<Self.most * width).map { _ in Float(random.normal() * scale) },
      shape: [Self.most, width]
    )
    return ImageSheet.split(
      linear(Tensor(rows.flatMap(\.self), shape: [rows.count, width]), weight: map)
    )
  }

  /// Measures.
  /// - Parameters:
  ///   - made: Made images, −1 to 1.
  ///   - labels: The class that each was asked for, by the model's names.
  ///   - names: The model's classes.
  ///   - real: Real images to compare with.
  ///   - training: Those that were trained on, to see memorising.
  ///   - neighbours: How many.
  ///   - interruption: Looked at between pieces of work.
  /// - Returns: The numbers, and of each made image the nearest training image.
  /// - Throws: `GenerationError.unfit` for too few images; `SupportError.interrupted`.
  public func measure(
    made: [[Float]],
    labels: [Int]?,
    names: [String],
    real: GenerationPictures,
    training: GenerationPictures,
    neighbours: Int = 5,
    interruption: Interruption
  ) throws -> (measurement: GenerationMeasurement, nearest: [Int]) {
    guard made.count > neighbours, real.values.count > neighbours else {
      throw GenerationError.unfit(
        reason:
          "\(made.count) made and \(real.values.count) real images have no \(neighbours) neighbours"
      )
    }
    let (fake, classes) = try features(made, interruption: interruption)
    let own = try features(real.values, interruption: interruption).rows
    let learnt = try features(training.values, interruption: interruption).rows
    let (ownRows, fakeRows) = (DistanceRows(own), DistanceRows(fake))
    let reach = try ownRows.reaches(neighbours, interruption: interruption)
    let fakeReach = try fakeRows.reaches(neighbours, interruption: interruption)
    var (hits, sum) = (0, 0)
    var covered = [Bool](repeating: false, count: own.count)
    var recalled = covered
    try fakeRows.forEach(to: ownRows, interruption: interruption) { i, distances in
      var holders = 0
      for (j, distance) in distances.enumerated() {
        if distance <= reach[j] {
          holders += 1
          covered[j] = true
        }
        if distance <= fakeReach[i] { recalled[j] = true }
      }
      sum += holders
      if holders > 0 { hits += 1 }
    }
    let learntRows = DistanceRows(learnt)
    let nearest = try fakeRows.nearest(in: learntRows, interruption: interruption)
    func mean(_ values: [Float]) -> Double {
      values.reduce(0) { $0 + Double($1).squareRoot() } / Double(max(1, values.count))
    }
    func share(_ flags: [Bool]) -> Double {
      Double(flags.filter(\.self).count) / Double(flags.count)
    }
    let isHeldOut = try real.hash != training.hash
    let heldOut =
      isHeldOut ? try ownRows.nearest(in: learntRows, interruption: interruption) : nil
    let classNames = recognizer?.classNames
    let counts = classNames.map { all in
      Dictionary(
        all.enumerated().map { index, name in (name, classes.filter { $0 == index }.count) },
        uniquingKeysWith: +
      )
    }
    var agreement: Double?
    if let classNames, let labels {
      let agreed = zip(classes, labels).filter { classNames[$0] == names[$1] }.count
      agreement = Double(agreed) / Double(labels.count)
    }
    let measurement = GenerationMeasurement(
      features: name,
      dimensions: fake[0].count,
      real: own.count,
      made: fake.count,
      neighbours: neighbours,
      precision: Double(hits) / Double(fake.count),
      recall: share(recalled),
      density: Double(sum) / Double(neighbours * fake.count),
      coverage: share(covered),
      frechet: NormalSummary(own).distance(to: NormalSummary(fake)),
      classCounts: counts,
      missing: counts.map { all in all.filter { $0.value == 0 }.keys.sorted() },
      agreement: agreement,
      nearestTraining: mean(nearest.map(\.distance)),
      nearestTrainingOfHeldOut: heldOut.map { mean($0.map(\.distance)) }
    )
    return (measurement, nearest.map(\.place))
  }
}

/// Mean and covariance of vectors.
struct NormalSummary {
  private let mean: [Double]
  private let covariance: [[Double]]

  init(_ rows: [[Float]]) {
    let (count, width) = (Double(rows.count), rows.first?.count ?? 0)
    let mean = (0..<width).map { at in rows.reduce(0) { $0 + Double($1[at]) } / count }
    var sums = [[Double]](repeating: [Double](repeating: 0, count: width), count: width)
    for row in rows {
      let centred = zip(row, mean).map { Double($0) - $1 }
      for i in 0..<width { for j in 0...i { sums[i][j] += centred[i] * centred[j] } }
    }
    for i in 0..<width {
      for j in 0...i {
        sums[i][j] /= max(1, count - 1)
        sums[j][i] = sums[i][j]
      }
    }
    (self.mean, covariance) = (mean, sums)
  }

  /// ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (√Σ₁ Σ₂ √Σ₁)^½), Dowson and Landau 1982.
  func distance(to other: NormalSummary) -> Double {
    let width = mean.count
    let shift = zip(mean, other.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let (values, vectors) = Self.eigen(covariance)
    // √Σ₁ = V √λ Vᵀ; the outer V turns nothing that the trace sees.
    var turned = [[Double]](repeating: [Double](repeating: 0, count: width), count: width)
    for i in 0..<width {
      let row = (0..<width).map { k in
        (0..<width).reduce(0) { $0 + vectors[$1][i] * other.covariance[$1][k] }
      }
      for j in 0..<width {
        let product = (0..<width).reduce(0) { $0 + row[$1] * vectors[$1][j] }
        turned[i][j] = product * max(0, values[i]).squareRoot() * max(0, values[j]).squareRoot()
      }
    }
    let cross = Self.eigen(turned).values.reduce(0) { $0 + max(0, $1).squareRoot() }
    let traces = (0..<width).reduce(0) { $0 + covariance[$1][$1] + other.covariance[$1][$1] }
    return max(0, shift + traces - 2 * cross)
  }

  /// Eigenvalues and eigenvectors (in columns) of a symmetric matrix by Jacobi's rotations.
  static func eigen(_ matrix: [[Double]]) -> (values: [Double], vectors: [[Double]]) {
    let n = matrix.count
    var a = matrix
    var v = (0..<n).map { i in (0..<n).map { $0 == i ? 1.0 : 0 } }
    let scale = a.reduce(0) { $0 + $1.reduce(0) { $0 + $1 * $1 } }
    for _ in 0..<30 {
      var off = 0.0
      for p in 0..<n { for q in 0..<p { off += a[p][q] * a[p][q] } }
      if off <= 1e-20 * scale { break }
      for p in 0..<n {
        for q in p + 1..<max(p + 1, n) where a[p][q] != 0 {
          let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
          let t = (theta < 0 ? -1.0 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
          let c = 1 / (t * t + 1).squareRoot()
          let s = t * c
          for k in 0..<n {
            let (x, y) = (a[k][p], a[k][q])
            (a[k][p], a[k][q]) = (c * x - s * y, s * x + c * y)
          }
          for k in 0..<n {
            let (x, y) = (a[p][k], a[q][k])
            (a[p][k], a[q][k]) = (c * x - s * y, s * x + c * y)
          }
          for k in 0..<n {
            let (x, y) = (v[k][p], v[k][q])
            (v[k][p], v[k][q]) = (c * x - s * y, s * x + c * y)
          }
        }
      }
    }
    return ((0..<n).map { a[$0][$0] }, v)
  }
}
