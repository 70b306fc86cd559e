import Foundation
import Imaging
import Support

/// What labels a plane's scores stand for.
package struct LabelDecision: Sendable {
  /// Scores of each voxel.
  package let classes: Int
  /// The number of each output; 0 for background.
  private let numbers: [UInt16]
  /// The order of painting, or nil where the largest wins.
  private let order: [Int]?

  package init(_ plan: VolumePlan, labels: [LabelDefinition]) {
    let ids = labels.map { UInt16(clamping: $0.id) }
    switch plan.heads {
    case .labels:
      numbers = [0] + ids
      order = nil
    case .regions(let order):
      numbers = ids
      self.order = order
    }
    classes = numbers.count
  }

  /// The label of each voxel of `[class][voxel]`; the first of equal scores wins.
  package func labels(of scores: [Float]) -> [UInt16] {
    let count = scores.count / classes
    return [UInt16](unsafeUninitializedCapacity: count) { output, initialized in
      // Each thread decides the voxels that it was given.
      let output = SharedPointer(output.baseAddress.unsafelyUnwrapped)
      scores.withUnsafeBufferPointer { scores in
        let scores = SharedPointer(
          UnsafeMutablePointer(mutating: scores.baseAddress.unsafelyUnwrapped)
        )
        Parallelism.forEachRange(count, minimumChunk: 4096) { range in
          if let order {
            for place in range { output.pointer[place] = 0 }
            for index in order {
              let values = scores.pointer + index * count
              for place in range where values[place] >= 0.5 {
                output.pointer[place] = numbers[index]
              }
            }
            return
          }
          var best = [Float](repeating: -.infinity, count: range.count)
          for place in range { output.pointer[place] = numbers[0] }
          for index in 0..<classes {
            let values = scores.pointer + index * count + range.lowerBound
            let number = numbers[index]
            for place in 0..<range.count where values[place] > best[place] {
              best[place] = values[place]
              output.pointer[range.lowerBound + place] = number
            }
          }
        }
      }
      initialized = count
    }
  }
}

extension VolumePlan.Activation {
  /// Turns `[class][voxel]` into probabilities.
  package func apply(to scores: inout [Float], classes: Int) {
    guard self != .none else { return }
    let count = scores.count / classes
    scores.withUnsafeMutableBufferPointer { scores in
      // Each thread changes the voxels that it was given.
      let scores = SharedPointer(scores.baseAddress.unsafelyUnwrapped)
      Parallelism.forEachRange(count, minimumChunk: 1024) { range in
        if self == .sigmoid {
          for index in 0..<classes {
            let values = scores.pointer + index * count
            for place in range { values[place] = 1 / (1 + exp(-values[place])) }
          }
          return
        }
        for place in range {
          let values = scores.pointer + place
          var largest = values[0]
          for index in 1..<max(classes, 1) { largest = max(largest, values[index * count]) }
          var sum: Float = 0
          for index in 0..<classes {
            let value = exp(values[index * count] - largest)
            values[index * count] = value
            sum += value
          }
          for index in 0..<classes { values[index * count] /= sum }
        }
      }
    }
  }
}
