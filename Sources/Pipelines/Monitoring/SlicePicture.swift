import Foundation
import Imaging
import ImagingIO
import Support

/// An axial slice of a held-out scan with its labels, small enough to be kept beside a model.
///
/// Rows run from anterior, columns from the patient's right. Labels are PNG files of 8 bits: 0 for
/// background, i for the i-th structure of the model.
public struct SlicePicture: Codable, Sendable, Equatable {
  /// What a network made of the slice.
  public struct Prediction: Codable, Sendable, Equatable {
    /// Steps taken before.
    public let step: Int
    /// The labels.
    public let labels: Data
  }

  /// The case's id.
  public let caseID: String
  /// The slice, from the feet on, 0 the first.
  public let slice: Int
  /// Slices of the scan.
  public let sliceCount: Int
  /// Distance of the picture's pixels along rows and columns, mm; of no meaning in a picture.
  public let spacingMM: [Double]
  /// Whether the scan is a picture, without sides of a patient; nil counts as false.
  public let isPicture: Bool?
  /// The scan, a PNG file of 8 bits; its darkest and brightest half percent are cut off.
  public let scan: Data
  /// The reference labels.
  public let reference: Data
  /// What networks made of it, by rising step.
  public private(set) var predictions: [Prediction] = []

  /// No more pixels than this along an axis; of larger slices every n-th pixel is taken.
  static let largestSide = 192
  /// No more predictions than this are kept.
  static let mostPredictions = 4

  /// Cuts a picture.
  /// - Parameters:
  ///   - scan: The scan.
  ///   - reference: Its labels.
  ///   - caseID: The case's id.
  ///   - classes: What numbers become.
  ///   - differing: A label map of the scan; the slice that differs most from the reference is
  ///     taken then, otherwise the one with most of the reference's labels.
  /// - Throws: `SupportError.libraryFailure`.
  init(
    scan: Volume<Float>,
    reference: LabelMap,
    caseID: String,
    classes: PicturedClasses,
    differing: LabelMap? = nil
  ) throws {
    let map = reference.reoriented(to: Self.orientation)
    let other = differing?.reoriented(to: Self.orientation)
    let geometry = map.geometry
    let plane = geometry.size.x * geometry.size.y
    let counts = (0..<geometry.size.z).map { slice in
      (slice * plane..<(slice + 1) * plane).count { place in
        other.map { map.labels[place] != $0.labels[place] } ?? (map.labels[place] != 0)
      }
    }
    let best = counts.max() ?? 0
    let slice = best > 0 ? counts.firstIndex(of: best) ?? 0 : geometry.size.z / 2
    let grid = SliceGrid(geometry)
    self.caseID = caseID
    self.slice = slice
    sliceCount = geometry.size.z
    isPicture = classes.arePictures
    spacingMM = [grid.spacing.x, grid.spacing.y]
    let values = grid.pick(scan.reoriented(to: Self.orientation).voxels, slice: slice)
    self.scan = try grid.png(Self.grey(values))
    self.reference = try grid.png(
      grid.pick(map.labels, slice: slice).map { classes[$0] }
    )
    if let differing { try add(differing, step: 0, classes: classes) }
  }

  /// Adds what a network made of the scan; of many, those are kept that spread most evenly.
  /// - Parameters:
  ///   - map: Labels on the scan's grid.
  ///   - step: Steps taken before.
  ///   - classes: What numbers become.
  /// - Throws: `SupportError.libraryFailure`.
  mutating func add(_ map: LabelMap, step: Int, classes: PicturedClasses) throws {
    let turned = map.reoriented(to: Self.orientation)
    let grid = SliceGrid(turned.geometry)
    let data = try grid.png(grid.pick(turned.labels, slice: slice).map { classes[$0] })
    predictions.removeAll { $0.step == step }
    predictions.append(Prediction(step: step, labels: data))
    guard predictions.count > Self.mostPredictions else { return }
    let gaps = (1..<predictions.count - 1).map {
      (index: $0, gap: predictions[$0 + 1].step - predictions[$0 - 1].step)
    }
    if let least = gaps.min(by: { $0.gap < $1.gap }) { predictions.remove(at: least.index) }
  }

  /// x to the left, y to the back, z to the head.
  private static let orientation = Orientation.lps

  private static func grey(_ values: [Float]) -> [UInt8] {
    let sorted = values.filter(\.isFinite).sorted()
    guard let first = sorted.first, let last = sorted.last, last > first else {
      return [UInt8](repeating: 0, count: values.count)
    }
    var low = sorted[Int(Double(sorted.count - 1) * 0.005)]
    var high = sorted[Int((Double(sorted.count - 1) * 0.995).rounded(.up))]
    if high <= low { (low, high) = (first, last) }
    return values.map { value in
      guard value.isFinite else { return 0 }
      return UInt8((255 * min(max((value - low) / (high - low), 0), 1)).rounded())
    }
  }
}

/// Every n-th pixel of the slices of a grid.
private struct SliceGrid {
  let size: SIMD2<Int>
  let spacing: SIMD2<Double>
  private let full: SIMD3<Int>
  private let step: Int

  init(_ geometry: ImageGeometry) {
    full = geometry.size
    let longest = max(full.x, full.y)
    step = (longest + SlicePicture.largestSide - 1) / SlicePicture.largestSide
    size = SIMD2((full.x + step - 1) / step, (full.y + step - 1) / step)
    spacing = SIMD2(geometry.spacing.x, geometry.spacing.y) * Double(step)
  }

  func pick<Value>(_ voxels: [Value], slice: Int) -> [Value] {
    (0..<size.y).flatMap { y in
      (0..<size.x).map { x in voxels[(slice * full.y + y * step) * full.x + x * step] }
    }
  }

  func png(_ pixels: [UInt8]) throws -> Data {
    try PNGEncoder.encode(
      PNGImage(width: size.x, height: size.y, channels: 1, samples: .eightBit(pixels))
    )
  }
}
