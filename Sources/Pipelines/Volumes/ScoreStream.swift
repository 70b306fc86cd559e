import Imaging
import Support

/// Planes of scores on their way from the network's grid to the scan's, one after another.
///
/// A plane holds `[class][row][column]` at one place of axis 0. No stage keeps more than two planes, so
/// that scores of a whole volume are never held.
package final class ScoreStream {
  package typealias Receiver = (_ plane: Int, _ scores: [Float]) throws -> Void

  private let first: Receiver
  private let finishers: [() throws -> Void]
  /// The grid of what arrives at the receiver.
  package let geometry: ImageGeometry

  /// - Parameters:
  ///   - undos: What brings the network's grid back, in the order of the steps; axes stay as they are.
  ///   - geometry: The network's grid.
  ///   - classes: Scores of each voxel.
  ///   - receiver: Takes the planes of the last grid, in order.
  package init(
    _ undos: [PreparedSteps.Undo],
    from geometry: ImageGeometry,
    classes: Int,
    receiver: @escaping Receiver
  ) {
    var geometries = [geometry]
    for undo in undos.reversed() {
      switch undo {
      case .turn, .resample: continue
      case .sample(_, _, let outer), .place(_, let outer): geometries.append(outer)
      }
    }
    self.geometry = geometries[geometries.count - 1]
    var next = receiver
    var finishers: [() throws -> Void] = []
    var index = geometries.count - 1
    for undo in undos {
      switch undo {
      case .turn, .resample: continue
      case .sample(let sampler, _, _):
        index -= 1
        let stage = SamplingStage(sampler, classes: classes, next: next)
        next = { try stage.receive($0, $1) }
      case .place(let start, let outer):
        index -= 1
        let stage = PlacingStage(
          inner: VolumeArray.size(of: geometries[index]),
          start: start,
          outer: VolumeArray.size(of: outer),
          classes: classes,
          next: next
        )
        next = { try stage.receive($0, $1) }
        finishers.insert({ try stage.finish() }, at: 0)
      }
    }
    first = next
    self.finishers = finishers
  }

  /// Takes the next plane of the network's grid.
  package func receive(_ plane: Int, _ scores: [Float]) throws { try first(plane, scores) }

  /// Tells that all planes have come.
  package func finish() throws { for finish in finishers { try finish() } }
}

/// Planes on a larger or smaller box; 0 where there were none.
private final class PlacingStage {
  private let inner: [Int]
  private let start: [Int]
  private let outer: [Int]
  private let classes: Int
  private let next: ScoreStream.Receiver
  private var reached = 0

  init(
    inner: [Int],
    start: [Int],
    outer: [Int],
    classes: Int,
    next: @escaping ScoreStream.Receiver
  ) {
    (self.inner, self.start, self.outer) = (inner, start, outer)
    self.classes = classes
    self.next = next
  }

  func receive(_ plane: Int, _ scores: [Float]) throws {
    let place = plane + start[0]
    guard (0..<outer[0]).contains(place) else { return }
    try fill(upTo: place)
    let placed = VolumeArray.placed(
      scores,
      [classes, inner[1], inner[2]],
      start: [0, -start[1], -start[2]],
      size: [classes, outer[1], outer[2]]
    )
    reached = place + 1
    try next(place, placed)
  }

  func finish() throws { try fill(upTo: outer[0]) }

  private func fill(upTo end: Int) throws {
    while reached < end {
      reached += 1
      try next(reached - 1, [Float](repeating: 0, count: classes * outer[1] * outer[2]))
    }
  }
}

/// Planes between those that come.
private final class SamplingStage {
  private let sampler: GridSampler
  private let classes: Int
  private let next: ScoreStream.Receiver
  private var planes: [Int: [Float]] = [:]
  private var reached = 0

  init(_ sampler: GridSampler, classes: Int, next: @escaping ScoreStream.Receiver) {
    self.sampler = sampler
    self.classes = classes
    self.next = next
  }

  func receive(_ plane: Int, _ scores: [Float]) throws {
    planes[plane] = scores
    let axis = sampler.axes[0]
    while reached < axis.count, max(axis.lower[reached], axis.upper[reached]) <= plane {
      if let lower = planes[axis.lower[reached]], let upper = planes[axis.upper[reached]] {
        try next(reached, sampled(lower, upper))
      }
      reached += 1
    }
    guard reached < axis.count else { return planes.removeAll() }
    let needed = min(axis.lower[reached], axis.upper[reached])
    planes = planes.filter { $0.key >= needed }
  }

  private func sampled(_ lower: [Float], _ upper: [Float]) -> [Float] {
    let (from, to) = (sampler.source, sampler.target)
    let (area, newArea) = (from[1] * from[2], to[1] * to[2])
    return [Float](unsafeUninitializedCapacity: classes * newArea) { output, count in
      let output = SharedPointer(output.baseAddress.unsafelyUnwrapped)
      lower.withUnsafeBufferPointer { lower in
        upper.withUnsafeBufferPointer { upper in
          let low = SharedPointer(
            UnsafeMutablePointer(mutating: lower.baseAddress.unsafelyUnwrapped)
          )
          let high = SharedPointer(
            UnsafeMutablePointer(mutating: upper.baseAddress.unsafelyUnwrapped)
          )
          let (sampler, plane) = (sampler, reached)
          Parallelism.forEach(classes) { index in
            sampler.fill(
              output.pointer + index * newArea,
              plane: plane,
              lower: UnsafePointer(low.pointer + index * area),
              upper: UnsafePointer(high.pointer + index * area)
            )
          }
        }
      }
      count = classes * newArea
    }
  }
}
