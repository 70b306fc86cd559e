import Foundation
import Imaging
import Support

/// What nnU-Net's `dataset.json` says about channels and labels (version 2).
package struct NNUNetDataset: Equatable, Sendable {
  /// A label or region by its name, in the order of the file.
  package struct Entry: Equatable, Sendable {
    package var name: String
    /// One number for a label, several for a region.
    package var numbers: [Int]
  }

  /// Names of the channels by their number.
  package let channels: [String]
  /// Labels and regions after background, ignore label left out.
  package let entries: [Entry]
  /// What the network's outputs stand for.
  package let heads: NNUNetPlan.Heads
  /// The number that marks voxels without an answer in training, or nil.
  package let ignoreLabel: Int?
  /// The number of training cases; 0 when the file does not say.
  package let trainingCount: Int
  /// The data's licence, or nil.
  package let licence: String?
  /// Where the data came from, or nil.
  package let reference: String?
  /// The ending of image files, such as ".nii.gz".
  package let fileEnding: String

  /// What the numbers that a prediction writes mean.
  ///
  /// A region's number marks what no later region was painted over; its name says so where other
  /// regions lie within.
  package var labelDefinitions: [LabelDefinition] {
    switch heads {
    case .labels:
      return entries.sorted { $0.numbers[0] < $1.numbers[0] }.enumerated().map { index, entry in
        LabelDefinition(
          id: entry.numbers[0],
          name: entry.name,
          color: LabelDefinition.defaultColor(index)
        )
      }
    case .regions(let painted):
      var named: [Int: LabelDefinition] = [:]
      for (index, number) in painted.enumerated() where number > 0 {
        let within = entries.indices.filter { other in
          other > index && Set(entries[other].numbers).isStrictSubset(of: entries[index].numbers)
        }
        let name = entries[index].name
        named[number] = LabelDefinition(
          id: number,
          name: within.isEmpty
            ? name : name + " without " + within.map { entries[$0].name }.joined(separator: ", "),
          color: LabelDefinition.defaultColor(index)
        )
      }
      return named.values.sorted { $0.id < $1.id }
    }
  }

  /// The numbers of all labels but background and the ignore label, rising.
  package var foregroundNumbers: [Int] {
    Set(entries.flatMap(\.numbers)).subtracting([0]).sorted()
  }

  /// Reads a `dataset.json`.
  /// - Parameter path: The file.
  /// - Throws: `PipelinesError.damagedModel`.
  package init(_ path: String) throws {
    let tree = try NNUNetPlansFile.tree(path)
    func damaged(_ reason: String) -> PipelinesError {
      .damagedModel(path: path, reason: reason)
    }
    guard let names = (tree["channel_names"] ?? tree["modality"])?.members else {
      throw damaged("it names no channels")
    }
    let numbered = names.compactMap { member in
      Int(member.key).map { ($0, member.value.text ?? "") }
    }.sorted { $0.0 < $1.0 }
    guard !numbered.isEmpty, numbered.map(\.0) == Array(0..<names.count) else {
      throw damaged("its channels are not numbered from 0")
    }
    channels = numbered.map(\.1)
    guard let labels = tree["labels"]?.members else { throw damaged("it has no labels") }
    var all: [Entry] = []
    for member in labels {
      let numbers = member.value.int.map { [$0] } ?? member.value.ints
      guard let numbers, !numbers.isEmpty, numbers.allSatisfy((0...65535).contains) else {
        throw damaged("the label \(member.key) is no number from 0 to 65535")
      }
      all.append(Entry(name: member.key, numbers: numbers))
    }
    guard all.contains(where: { $0.name == "background" && $0.numbers == [0] }) else {
      throw damaged("it has no background of number 0")
    }
    ignoreLabel = all.first { $0.name == "ignore" }?.numbers.first
    let used = all.filter { $0.name != "ignore" }
    entries = used.filter { $0.numbers != [0] }
    if used.contains(where: { $0.numbers.count > 1 }) {
      guard let order = tree["regions_class_order"]?.ints, order.count == entries.count,
        order.allSatisfy((0...65535).contains)
      else {
        throw damaged("regions_class_order does not have one number for each of its regions")
      }
      heads = .regions(painted: order)
    } else {
      let numbers = Set(used.flatMap(\.numbers)).sorted()
      guard numbers == Array(0..<numbers.count) else {
        throw damaged("its labels do not count up from 0")
      }
      heads = .labels(numbers)
    }
    fileEnding = tree["file_ending"]?.text ?? ".nii.gz"
    trainingCount = tree["numTraining"]?.int ?? 0
    licence = (tree["licence"] ?? tree["license"])?.text
    reference = tree["reference"]?.text
  }
}
