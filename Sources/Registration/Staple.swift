import Foundation
import Imaging
import Support

/// Simultaneous truth and performance level estimation of several labels.
///
/// Warfield, Zou and Wells (2004), "Simultaneous truth and performance level estimation (STAPLE): an
/// algorithm for the validation of image segmentation", IEEE TMI 23(7), sections II and II-F: expectation
/// maximisation over the true labels and each atlas's table of what it says where the truth is what.
/// Voxels with the same votes share one probability, so that the work depends on the number of
/// different votes and not on that of voxels. There is no spatial prior.
public struct Staple: Sendable {
  /// The most probable label of each voxel; of equal ones the smallest number.
  public let labels: [UInt16]
  /// The label numbers that any atlas uses, rising; rows and columns of the tables.
  public let classes: [UInt16]
  /// For each atlas the probability of saying class `said` where the truth is class `true`, at
  /// `said * classes.count + true`.
  public let performances: [[Double]]
  /// The steps until nothing changed by more than the tolerance.
  public let iterations: Int

  /// No atlas is believed to err or to be right with less than this.
  private static let least = 1e-10

  /// Estimates truth and performance.
  /// - Parameters:
  ///   - maps: The atlases' labels on one grid; at least one.
  ///   - initialReliability: The probability of being right that every atlas starts with.
  ///   - iterations: The most steps.
  ///   - tolerance: It ends when no probability of a table changed by more.
  /// - Throws: `RegistrationError.unfitAtlases` without maps, for grids that differ, or for so many
  ///   different votes that they do not fit into memory.
  public init(
    _ maps: [LabelMap],
    initialReliability: Double = 0.99,
    iterations: Int = 100,
    tolerance: Double = 1e-7
  ) throws(RegistrationError) {
    guard let first = maps.first else { throw .unfitAtlases(reason: "there are none") }
    for map in maps where map.labels.count != first.labels.count {
      throw .unfitAtlases(reason: "label maps of different sizes")
    }
    var isUsed = [Bool](repeating: false, count: 65536)
    for map in maps { for label in map.labels { isUsed[Int(label)] = true } }
    let classes = (0..<65536).filter { isUsed[$0] }.map { UInt16($0) }
    guard classes.count * classes.count * maps.count <= 1 << 27 else {
      throw .unfitAtlases(
        reason: "\(classes.count) labels of \(maps.count) atlases are too many"
      )
    }
    var numbers = [Int](repeating: 0, count: 65536)
    for (number, label) in classes.enumerated() { numbers[Int(label)] = number }
    // Different votes, in the order in which they turn up.
    var places: [[UInt16]: Int] = [:]
    var votes: [[Int]] = []
    var counts: [Double] = []
    var patternOfVoxel = [Int32](repeating: 0, count: first.labels.count)
    var vote = [UInt16](repeating: 0, count: maps.count)
    for voxel in first.labels.indices {
      for (atlas, map) in maps.enumerated() { vote[atlas] = map.labels[voxel] }
      // Neighbours mostly vote alike.
      if voxel > 0, zip(vote, maps).allSatisfy({ $0 == $1.labels[voxel - 1] }) {
        let before = patternOfVoxel[voxel - 1]
        patternOfVoxel[voxel] = before
        counts[Int(before)] += 1
        continue
      }
      let place = places[vote] ?? votes.count
      if place == votes.count {
        places[vote] = place
        votes.append(vote.map { numbers[Int($0)] })
        counts.append(0)
        guard place * classes.count <= 1 << 27 else {
          throw .unfitAtlases(
            reason: "\(place) different votes of \(classes.count) labels are too many"
          )
        }
      }
      counts[place] += 1
      patternOfVoxel[voxel] = Int32(place)
    }
    let count = classes.count
    // The prior is how often the atlases use each label (the paper's eq. 18).
    var prior = [Double](repeating: 0, count: count)
    for (pattern, votes) in votes.enumerated() {
      for number in votes { prior[number] += counts[pattern] }
    }
    let total = Double(first.labels.count * maps.count)
    prior = prior.map { $0 / total }
    let wrong = count > 1 ? (1 - initialReliability) / Double(count - 1) : 0
    var tables = [[Double]](
      repeating: (0..<count * count).map { $0 / count == $0 % count ? initialReliability : wrong },
      count: maps.count
    )
    var done = 0
    let logPrior = prior.map { log($0) }
    for step in 1...max(iterations, 1) {
      done = step
      let logs = tables.map { $0.map { log($0) } }
      var sums = [[Double]](
        repeating: [Double](repeating: 0, count: count * count),
        count: maps.count
      )
      var truth = [Double](repeating: 0, count: count)
      for (pattern, votes) in votes.enumerated() {
        let weights = Self.probabilities(votes, logPrior, logs)
        for label in 0..<count {
          let share = weights[label] * counts[pattern]
          truth[label] += share
          for (atlas, said) in votes.enumerated() { sums[atlas][said * count + label] += share }
        }
      }
      var change = 0.0
      for atlas in maps.indices {
        for place in 0..<count * count where truth[place % count] > 0 {
          let value = max(sums[atlas][place] / truth[place % count], Self.least)
          change = max(change, abs(value - tables[atlas][place]))
          tables[atlas][place] = value
        }
      }
      if change <= tolerance { break }
    }
    // The labels belong to the tables that are returned.
    let logs = tables.map { $0.map { log($0) } }
    let chosen = votes.map { votes in
      let weights = Self.probabilities(votes, logPrior, logs)
      return weights.indices.reduce(0) { weights[$1] > weights[$0] ? $1 : $0 }
    }
    labels = patternOfVoxel.map { classes[chosen[Int($0)]] }
    self.classes = classes
    performances = tables
    self.iterations = done
  }

  /// The probability of each true label given the votes, from logarithms of prior and tables.
  private static func probabilities(
    _ votes: [Int],
    _ logPrior: [Double],
    _ logs: [[Double]]
  ) -> [Double] {
    let count = logPrior.count
    var weights = logPrior
    for (atlas, said) in votes.enumerated() {
      for label in 0..<count { weights[label] += logs[atlas][said * count + label] }
    }
    let largest = weights.max() ?? 0
    var total = 0.0
    for label in 0..<count {
      weights[label] = exp(weights[label] - largest)
      total += weights[label]
    }
    return weights.map { $0 / total }
  }
}
