import Networks
import Support
import Tensors

/// Slices along three axes by three networks, and a fourth that joins their probabilities.
///
/// Birnbaum et al. 2025, "Full-head segmentation of MRI with abnormal brain anatomy", J. Med. Imaging
/// 12(5) 054001. Networks of slices see the image and three channels of coordinates,
/// `[N, 4, rows, columns]`; the last sees the image and the three results, `[1, 1 + 3 classes, ...]`.
/// Results along the axes 1 and 2 are held: classes x volume, twice.
struct ConsensusInference {
  static let networkCount = 4
  /// The unit of the coordinates, in voxels.
  private static let unit: Float = 256
  /// Planes that the last network sees at once.
  private static let depth = 8

  let plan: ConsensusPlan
  let networks: [PlannedNetwork]

  func infer(
    _ array: VolumeArray,
    middle: [Double],
    _ progress: any ProgressReporter,
    _ interruption: Interruption,
    receiver: ScoreStream.Receiver
  ) throws {
    let size = array.size
    guard size.allSatisfy({ $0 == plan.sliceSize }), array.channels.count == 1 else {
      throw PipelinesError.invalidPlan(
        reason: "its slices are \(plan.sliceSize) samples wide and the volume is \(size)"
      )
    }
    let (side, classes) = (plan.sliceSize, plan.classes)
    let (area, volume) = (side * side, side * side * side)
    progress.begin("segmenting slices along three axes", total: 3 * side)
    defer { progress.end() }
    func scores(_ axis: Int, _ slices: Range<Int>) throws -> [Float] {
      try interruption.check()
      let cut = slices.flatMap { slice(array, axis, $0, middle) }
      let output = PatchScorer(networks[axis]).scores(of: cut, shape: [4, side, side])
      guard output.count == slices.count * classes * area else {
        throw PipelinesError.invalidPlan(
          reason: "a network of slices does not give \(classes) classes of \(side) x \(side)"
        )
      }
      return output
    }
    let batch = PatchScorer.defaultBatchSize
    var held: [[Float]] = []
    for axis in 1...2 {
      var result = [Float](repeating: 0, count: classes * volume)
      for first in stride(from: 0, to: side, by: batch) {
        let slices = first..<min(first + batch, side)
        let output = try scores(axis, slices)
        for (number, index) in slices.enumerated() {
          for c in 0..<classes {
            let from = (number * classes + c) * area
            for a in 0..<side {
              for b in 0..<side {
                let place =
                  axis == 1 ? (a * side + index) * side + b : (a * side + b) * side + index
                result[c * volume + place] = output[from + a * side + b]
              }
            }
          }
        }
        progress.update((axis - 1) * side + slices.upperBound, detail: nil)
      }
      held.append(result)
    }
    for first in stride(from: 0, to: side, by: Self.depth) {
      let planes = first..<min(first + Self.depth, side)
      let block = planes.count * area
      let own = try scores(0, planes)
      var input = Array(array.channels[0][first * area..<first * area + block])
      input.reserveCapacity((1 + 3 * classes) * block)
      for c in 0..<classes {
        for number in 0..<planes.count {
          let from = (number * classes + c) * area
          input += own[from..<from + area]
        }
      }
      for result in held {
        for c in 0..<classes {
          input += result[c * volume + first * area..<c * volume + first * area + block]
        }
      }
      let shape = [1, 1 + 3 * classes, planes.count, side, side]
      try WholeInference.give(networks[3](Tensor(input, shape: shape)), from: first, receiver)
      progress.update(2 * side + planes.upperBound, detail: nil)
    }
  }

  /// The image and the coordinates of a slice, `[4][rows][columns]`.
  private func slice(_ array: VolumeArray, _ axis: Int, _ index: Int, _ middle: [Double]) -> [Float]
  {
    let side = plan.sliceSize
    let rest = (0..<3).filter { $0 != axis }
    let steps = [side * side, side, 1]
    var values: [Float] = []
    values.reserveCapacity(4 * side * side)
    let start = index * steps[axis]
    for row in 0..<side {
      let line = start + row * steps[rest[0]]
      for column in 0..<side { values.append(array.channels[0][line + column * steps[rest[1]]]) }
    }
    guard plan.coordinates == .centred else {
      return values + [Float](repeating: 0, count: 3 * side * side)
    }
    for channel in 0..<3 {
      let center = Float(middle[channel])
      for row in 0..<side {
        for column in 0..<side {
          let place = channel == axis ? index : channel == rest[0] ? row : column
          values.append((Float(place) - center) / Self.unit)
        }
      }
    }
    return values
  }
}
