import Imaging

/// The lesions of two masks, their connected components, and which belong together.
///
/// Voxels that share a face, an edge or a corner are connected (26). Two rules stand side by side:
/// - Detection: a reference lesion is found when the prediction has any of its voxels; a predicted
///   lesion is a false alarm when it has no voxel of the reference.
/// - Matching: of the pairs whose intersection over union is at least one half, the best come
///   first, and each lesion takes part once (Kirillov et al. 2019, "Panoptic segmentation"; above
///   one half there is no choice). This is panoptica's naive matching with its default threshold.
package struct LesionMatching: Sendable, Equatable {
  /// The predicted lesions.
  package let predicted: Int
  /// The reference lesions.
  package let referenced: Int
  /// The reference lesions of which the prediction has any voxel.
  package let found: Int
  /// The predicted lesions without any voxel of the reference.
  package let falseAlarms: Int
  /// The intersection over union of each matched pair.
  package let matches: [Double]
  /// The lesions of each size: the first rule's counts.
  package let bySize: [LesionSize: Detected]

  /// How the lesions of one size were detected.
  package struct Detected: Sendable, Equatable {
    /// Reference lesions.
    package var referenced = 0
    /// Those of which the prediction has any voxel.
    package var found = 0
    /// Predicted lesions without any voxel of the reference.
    package var falseAlarms = 0
  }

  /// The least intersection over union of a match.
  static let threshold = 0.5

  /// Finds and matches the lesions.
  /// - Parameter masks: The masks, of which one may be empty.
  package init(of masks: CroppedMasks) {
    func lesions(_ mask: [UInt8]) -> ConnectedComponents {
      ConnectedComponents(bytes: mask, size: masks.size, connectivity: .twentySix)
    }
    let (predicted, referenced) = (lesions(masks.prediction), lesions(masks.reference))
    self.init(
      predicted: (predicted.numbers, predicted.sizes),
      referenced: (referenced.numbers, referenced.sizes),
      voxelML: masks.spacing.x * masks.spacing.y * masks.spacing.z / 1000
    )
  }

  /// Matches objects that are numbered already, whether or not they touch.
  /// - Parameters:
  ///   - prediction: The predicted object of each voxel; 0 is background.
  ///   - reference: The reference object of each voxel.
  ///   - ignored: Voxels of this reference object belong to nothing.
  ///   - voxelML: The volume of a voxel, ml.
  /// - Precondition: As many numbers in both.
  package init(
    objects prediction: [UInt16],
    reference: [UInt16],
    ignored: Int? = nil,
    voxelML: Double
  ) {
    precondition(prediction.count == reference.count, "maps of different size")
    let ignored = ignored.map { UInt16(clamping: $0) }
    func numbered(_ labels: [UInt16]) -> (numbers: [UInt32], sizes: [Int]) {
      var numberOf = [UInt32](repeating: 0, count: 65536)
      var sizes: [Int] = []
      let numbers = zip(labels, reference).map { label, truth -> UInt32 in
        guard label != 0, ignored != truth else { return 0 }
        if numberOf[Int(label)] == 0 {
          sizes.append(0)
          numberOf[Int(label)] = UInt32(sizes.count)
        }
        let number = numberOf[Int(label)]
        sizes[Int(number) - 1] += 1
        return number
      }
      return (numbers, sizes)
    }
    self.init(
      predicted: numbered(prediction),
      referenced: numbered(reference),
      voxelML: voxelML
    )
  }

  /// Matches parts: the number of each voxel's part, 0 for none, and the parts' voxels.
  private init(
    predicted: (numbers: [UInt32], sizes: [Int]),
    referenced: (numbers: [UInt32], sizes: [Int]),
    voxelML: Double
  ) {
    var common: [UInt64: Int] = [:]
    var last: UInt64 = 0
    var length = 0
    // Voxels of one pair come in runs.
    for (a, b) in zip(predicted.numbers, referenced.numbers) where a != 0 && b != 0 {
      let pair = UInt64(a) << 32 | UInt64(b)
      if pair != last {
        if length > 0 { common[last, default: 0] += length }
        (last, length) = (pair, 0)
      }
      length += 1
    }
    if length > 0 { common[last, default: 0] += length }
    func parts(_ pair: UInt64) -> (Int, Int) { (Int(pair >> 32), Int(pair & 0xFFFF_FFFF)) }
    self.predicted = predicted.sizes.count
    self.referenced = referenced.sizes.count
    let met = (
      predicted: Set(common.keys.map { parts($0).0 }),
      referenced: Set(common.keys.map { parts($0).1 })
    )
    found = met.referenced.count
    falseAlarms = predicted.sizes.count - met.predicted.count
    var bySize: [LesionSize: Detected] = [:]
    for (index, voxels) in referenced.sizes.enumerated() {
      let size = LesionSize(volumeML: Double(voxels) * voxelML)
      bySize[size, default: Detected()].referenced += 1
      if met.referenced.contains(index + 1) { bySize[size, default: Detected()].found += 1 }
    }
    for (index, voxels) in predicted.sizes.enumerated() where !met.predicted.contains(index + 1) {
      let size = LesionSize(volumeML: Double(voxels) * voxelML)
      bySize[size, default: Detected()].falseAlarms += 1
    }
    self.bySize = bySize
    let candidates = common.map { pair, both in
      let (a, b) = parts(pair)
      let union = predicted.sizes[a - 1] + referenced.sizes[b - 1] - both
      return (pair: pair, overlap: Double(both) / Double(union))
    }
    .filter { $0.overlap >= Self.threshold }
    .sorted { ($0.overlap, $1.pair) > ($1.overlap, $0.pair) }
    var taken = (predicted: Set<Int>(), referenced: Set<Int>())
    var matches: [Double] = []
    for candidate in candidates {
      let (a, b) = parts(candidate.pair)
      guard !taken.predicted.contains(a), !taken.referenced.contains(b) else { continue }
      taken.predicted.insert(a)
      taken.referenced.insert(b)
      matches.append(candidate.overlap)
    }
    self.matches = matches
  }

  /// 2 TP / (2 TP + FP + FN) of the detection rule, where TP are the found reference lesions, FN
  /// the others and FP the false alarms.
  package var detectionF1: Double {
    2 * Double(found) / Double(2 * found + falseAlarms + referenced - found)
  }

  /// 2 TP / (2 TP + FP + FN) of the matching rule, where TP are the matched pairs.
  package var recognitionQuality: Double {
    2 * Double(matches.count) / Double(predicted + referenced)
  }

  /// The mean intersection over union of the matched pairs; nil without any.
  package var segmentationQuality: Double? {
    matches.isEmpty ? nil : matches.reduce(0, +) / Double(matches.count)
  }
}
