import Foundation
import Imaging
import Support

/// The label maps of several predictions of one scan: their volumes and how much they overlap.
///
/// Roy, Conjeti, Navab and Wachinger 2019, "Bayesian QuickNAT": the spread of a structure's volume over
/// the predictions, and the mean Dice of all pairs of them. The maps lie in scratch files, so that one
/// of them is held at a time.
package final class MemberAgreement {
  /// Voxels that are compared at a time.
  private static let pieceLength = 1 << 18

  private let folder: ScratchFolder
  private var paths: [String] = []

  /// Begins without maps.
  /// - Throws: `SupportError.unwritable`.
  package init() throws { folder = try ScratchFolder() }

  /// Keeps a map.
  /// - Parameter map: The labels; all maps have one grid.
  /// - Throws: `SupportError.unwritable`.
  package func add(_ map: LabelMap) throws {
    let path = folder.path + "/\(paths.count)"
    do {
      try map.labels.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: path)) }
    } catch {
      throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
    }
    paths.append(path)
  }

  /// Counts and compares.
  /// - Parameters:
  ///   - labels: The labels that matter.
  ///   - interruption: Looked at between pieces.
  /// - Returns: By label the voxels in each map, and the mean Dice of all pairs; nil where no map has
  ///   the label. One map without the label and one with it have a Dice of 0; pairs without it do not
  ///   count.
  /// - Throws: `SupportError.unreadable`, `.interrupted`.
  package func compare(
    _ labels: [Int],
    interruption: Interruption
  ) throws -> [Int: (voxels: [Int], pairwiseDice: Double?)] {
    let count = paths.count
    var places = [Int32](repeating: -1, count: Int(UInt16.max) + 1)
    for (place, label) in labels.enumerated() { places[label] = Int32(place) }
    var voxels = [Int](repeating: 0, count: labels.count * count)
    var common = [Int](repeating: 0, count: labels.count * count * count)
    let files = try paths.map { path -> FileHandle in
      guard let file = FileHandle(forReadingAtPath: path) else {
        throw SupportError.unreadable(path: path, reason: "it is gone")
      }
      return file
    }
    var isDone = files.isEmpty
    while !isDone {
      try interruption.check()
      let pieces = try zip(files, paths).map { file, path in
        do {
          let data = try file.read(upToCount: 2 * Self.pieceLength) ?? Data()
          return data.withUnsafeBytes { Array($0.bindMemory(to: UInt16.self)) }
        } catch {
          throw SupportError.unreadable(path: path, reason: OutputGuard.reason(of: error))
        }
      }
      isDone = pieces[0].count < Self.pieceLength
      for voxel in pieces[0].indices {
        let first = pieces[0][voxel]
        if first == 0, pieces.allSatisfy({ $0[voxel] == 0 }) { continue }
        for one in 0..<count {
          let place = Int(places[Int(pieces[one][voxel])])
          guard place >= 0 else { continue }
          voxels[place * count + one] += 1
          for other in one + 1..<max(one + 1, count)
          where pieces[other][voxel] == pieces[one][voxel] {
            common[(place * count + one) * count + other] += 1
          }
        }
      }
    }
    var result: [Int: (voxels: [Int], pairwiseDice: Double?)] = [:]
    for (place, label) in labels.enumerated() {
      let own = Array(voxels[place * count..<(place + 1) * count])
      var (sum, pairs) = (0.0, 0)
      for one in 0..<count {
        for other in one + 1..<max(one + 1, count) where own[one] + own[other] > 0 {
          let shared = common[(place * count + one) * count + other]
          sum += 2 * Double(shared) / Double(own[one] + own[other])
          pairs += 1
        }
      }
      result[label] = (own, pairs == 0 ? nil : sum / Double(pairs))
    }
    return result
  }
}
