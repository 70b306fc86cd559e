import Evaluation
import Foundation
import Imaging
import ImagingIO
import Support

/// Compares the uncertainty of result folders with their errors.
public struct UncertaintyCheck: Sendable {
  /// Voxels around the structures that are counted: farther away everything is right for free.
  static let margin = 4

  /// Creates a check.
  public init() {}

  /// Looks at every pair.
  ///
  /// Cases without labels in either map, or without the files, are left out and said.
  /// - Parameters:
  ///   - pairing: Result folders of `segment --write uncertainty`, and their references, label by label
  ///     of the same numbers.
  ///   - progress: Told about each case.
  ///   - interruption: Looked at between cases.
  /// - Returns: The evaluation, and what was left out, one sentence each.
  /// - Throws: `PipelinesError.noUncertainty` when no case has it; `SupportError.interrupted`.
  public func evaluate(
    _ pairing: CasePairing,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (evaluation: UncertaintyEvaluation, problems: [String]) {
    var cases: [UncertaintyEvaluation.Case] = []
    var doubt = VoxelDoubt()
    var reliability: ReliabilityCounts?
    var problems: [String] = []
    var firstError: (any Error)?
    progress.begin("comparing uncertainty with errors", total: pairing.pairs.count)
    defer { progress.end() }
    for (index, pair) in pairing.pairs.enumerated() {
      try interruption.check()
      do {
        let found = try look(at: pair)
        if let entry = found.entry { cases.append(entry) }
        doubt.add(found.doubt)
        if let own = found.reliability {
          var sum = reliability ?? ReliabilityCounts()
          sum.add(own)
          reliability = sum
        }
        if found.entry == nil {
          problems.append("\(pair.id): it has no score or no labels, and is no part of the curve")
        }
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        firstError = firstError ?? error
        let reason = error.description
        problems.append("\(pair.id): \(reason.hasSuffix(".") ? String(reason.dropLast()) : reason)")
      }
      progress.update(index + 1, detail: pair.id)
    }
    if doubt.count == 0, let firstError { throw firstError }
    let evaluation = UncertaintyEvaluation(
      cases: cases,
      doubt: doubt,
      reliability: reliability,
      margin: Self.margin
    )
    return (evaluation, problems)
  }

  private struct Found {
    var entry: UncertaintyEvaluation.Case?
    var doubt = VoxelDoubt()
    var reliability: ReliabilityCounts?
  }

  private func look(at pair: CasePair) throws -> Found {
    let folder = URL(fileURLWithPath: pair.prediction).deletingLastPathComponent().path
    let mapPath = folder + "/" + SegmentationRun.Result.uncertaintyName
    guard FileManager.default.fileExists(atPath: mapPath) else {
      throw PipelinesError.noUncertainty(path: folder)
    }
    let statistics: StatisticsFile?
    do {
      statistics = try StatisticsFile.read(folder + "/statistics.json")
    } catch {
      throw SupportError.unreadable(
        path: folder + "/statistics.json",
        reason: "it is not what lamina segment writes"
      )
    }
    let prediction = try NIfTIReader.readLabelMap(pair.prediction, table: [])
    let reference = try NIfTIReader.labelMap(
      from: ImageFormats.read(pair.reference).volume,
      table: [],
      path: pair.reference
    )
    let map = try NIfTIReader.read(mapPath).volume.asFloat
    for other in [reference.geometry, map.geometry] {
      if let difference = other.difference(from: prediction.geometry) {
        throw ImagingError.gridMismatch(reason: difference)
      }
    }
    var found = Found()
    let box = Self.box(prediction.labels, reference.labels, prediction.geometry.size)
    let probabilities = try self.probabilities(folder, count: prediction.labels.count)
    if probabilities != nil { found.reliability = ReliabilityCounts() }
    let size = prediction.geometry.size
    for z in box.low.z..<box.high.z {
      for y in box.low.y..<box.high.y {
        for x in box.low.x..<box.high.x {
          let voxel = (z * size.y + y) * size.x + x
          let isWrong = prediction.labels[voxel] != reference.labels[voxel]
          found.doubt.add(map.voxels[voxel], isWrong: isWrong)
          if let probabilities {
            let best = stride(from: voxel, to: probabilities.count, by: prediction.labels.count)
              .reduce(Float(0)) { max($0, probabilities[$1]) }
            found.reliability?.add(best, isRight: !isWrong)
          }
        }
      }
    }
    if let score = statistics?.uncertainty?.meanEntropy,
      let dice = Self.meanDice(prediction.labels, reference.labels)
    {
      found.entry = UncertaintyEvaluation.Case(id: pair.id, score: score, dice: dice)
    }
    return found
  }

  /// `[class][voxel]`; nil where they were not written, are not of these voxels, or do not compete.
  private func probabilities(_ folder: String, count: Int) throws -> [Float]? {
    let path = folder + "/" + SegmentationRun.Result.probabilitiesName
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let values = try NPZFile(path).array("probabilities").floats
    guard values.count > count, values.count.isMultiple(of: count) else { return nil }
    // Outputs that are questions by themselves give no probability of the background.
    let competes = (0..<count).allSatisfy { voxel in
      abs(stride(from: voxel, to: values.count, by: count).reduce(Float(0)) { $0 + values[$1] } - 1)
        < 0.01
    }
    return competes ? values : nil
  }

  /// The box around the labels of both maps and the margin; empty without labels.
  static func box(
    _ one: [UInt16],
    _ other: [UInt16],
    _ size: SIMD3<Int>
  ) -> (low: SIMD3<Int>, high: SIMD3<Int>) {
    var low = size
    var high = SIMD3<Int>(repeating: -1)
    for z in 0..<size.z {
      for y in 0..<size.y {
        let row = (z * size.y + y) * size.x
        for x in 0..<size.x where one[row + x] != 0 || other[row + x] != 0 {
          low = pointwiseMin(low, [x, y, z])
          high = pointwiseMax(high, [x, y, z])
        }
      }
    }
    guard high.x >= 0 else { return (.zero, .zero) }
    return (
      pointwiseMax(low &- margin, .zero), pointwiseMin(high &+ (margin + 1), size)
    )
  }

  /// The mean Dice over the labels that either map has; nil without labels.
  static func meanDice(_ one: [UInt16], _ other: [UInt16]) -> Double? {
    var counts: [UInt16: (sizes: Int, common: Int)] = [:]
    for (a, b) in zip(one, other) where a != 0 || b != 0 {
      if a != 0 { counts[a, default: (0, 0)].sizes += 1 }
      if b != 0 { counts[b, default: (0, 0)].sizes += 1 }
      if a == b { counts[a, default: (0, 0)].common += 1 }
    }
    guard !counts.isEmpty else { return nil }
    // Rising labels, so that the sum has one order.
    let values = counts.sorted { $0.key < $1.key }
      .map { 2 * Double($0.value.common) / Double($0.value.sizes) }
    return values.reduce(0, +) / Double(values.count)
  }
}
