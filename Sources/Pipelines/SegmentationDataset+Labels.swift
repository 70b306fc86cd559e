import Foundation
import Imaging

extension SegmentationDataset {
  /// A structure made up of one label or several.
  public struct Region: Sendable, Equatable {
    /// The name.
    public let name: String
    /// The numbers in label maps whose union it is, rising.
    public let labels: [Int]
    /// The number with which it is drawn, over regions before it; one of `labels`.
    public let painted: Int
  }

  /// What a network of the data set has outputs for.
  var heads: NNUNetPlan.Heads {
    regions.isEmpty ? .labels([0] + labels.map(\.id)) : .regions(painted: regions.map(\.painted))
  }

  /// The number that a faultless prediction writes where a label map holds a number; 0 for background.
  func written(_ number: Int) -> Int {
    regions.isEmpty ? number : regions.last { $0.labels.contains(number) }?.painted ?? 0
  }

  /// What numbers mean: those that a model writes, those of label maps, and the regions they make up.
  struct Meanings {
    var written: [LabelDefinition] = []
    var stored: [LabelDefinition] = []
    var regions: [Region] = []
    var ignored: Int?
  }

  /// Reads the labels of a description.
  static func meanings(
    _ header: Header,
    _ path: String,
    _ withoutLabels: Bool,
    _ unusable: (String) -> PipelinesError
  ) throws -> Meanings {
    if withoutLabels { return Meanings() }
    let hasLists = header.labels.values.contains { if case .list = $0 { true } else { false } }
    guard !hasLists else { return try regionMeanings(path, unusable) }
    let (labels, ignored) = try definitions(of: header.labels, unusable)
    return Meanings(written: labels, stored: labels, ignored: ignored)
  }

  /// Labels of which one at least is a union: all are regions then, in the order of the file.
  private static func regionMeanings(
    _ path: String,
    _ unusable: (String) -> PipelinesError
  ) throws -> Meanings {
    let description: NNUNetDataset
    do {
      description = try NNUNetDataset(path)
    } catch PipelinesError.damagedModel(_, let reason) {
      throw unusable(reason)
    }
    guard case .regions(let painted) = description.heads else {
      throw unusable("its labels are lists of one number; write the numbers alone")
    }
    let regions = zip(description.entries, painted).map { entry, number in
      Region(name: entry.name, labels: Set(entry.numbers).sorted(), painted: number)
    }
    let numbers = description.foregroundNumbers
    for region in regions {
      guard !region.labels.contains(0) else {
        throw unusable("the region \(region.name) contains background")
      }
      guard region.labels.contains(region.painted) else {
        throw unusable(
          "regions_class_order draws \(region.name) with \(region.painted), which is none of its "
            + "labels"
        )
      }
    }
    guard Set(regions.map(\.labels)).count == regions.count else {
      throw unusable("two of its regions have the same labels")
    }
    guard Set(regions.map(\.name)).count == regions.count else {
      throw unusable("two of its regions share a name")
    }
    guard max(regions.count, numbers.count) <= maximumLabels else {
      throw unusable("it has more than \(maximumLabels) regions or labels")
    }
    if let ignored = description.ignoreLabel {
      guard ignored > numbers.last ?? 0, ignored <= Int(UInt16.max) else {
        throw unusable("its ignore label \(ignored) is not the highest number")
      }
    }
    let written = description.labelDefinitions
    let stored = numbers.enumerated().map { index, number in
      LabelDefinition(
        id: number,
        name: written.first { $0.id == number }?.name ?? "label \(number)",
        color: LabelDefinition.defaultColor(index)
      )
    }
    return Meanings(
      written: written,
      stored: stored,
      regions: regions,
      ignored: description.ignoreLabel
    )
  }

  /// Labels that exclude each other, and the ignored one.
  private static func definitions(
    of values: [String: Header.Value],
    _ unusable: (String) -> PipelinesError
  ) throws -> (labels: [LabelDefinition], ignored: Int?) {
    var names: [Int: String] = [:]
    for (key, value) in values.sorted(by: { $0.key < $1.key }) {
      switch value {
      case .number(let id):
        if let other = names[id] { throw unusable("\(other) and \(key) share the label \(id)") }
        names[id] = key
      case .text(let name):
        guard let id = Int(key) else { throw unusable("the label \(key) has no number") }
        names[id] = name
      case .list, .other:
        throw unusable("the label \(key) is neither a number nor a list of numbers")
      }
    }
    let ignored = names.first { $0.value == "ignore" }?.key
    if let ignored {
      // nnU-Net's rule, which tells a slip of the pen.
      guard ignored == names.keys.max(), (1...65535).contains(ignored) else {
        throw unusable(
          "its ignore label \(ignored) is not the highest number, or not one from 1 to 65535"
        )
      }
      names[ignored] = nil
    }
    let foreground = names.filter { $0.key != 0 }.sorted { $0.key < $1.key }
    guard !foreground.isEmpty, foreground.allSatisfy({ (1...65535).contains($0.key) }) else {
      throw unusable("its labels are not numbers from 1 to 65535")
    }
    guard Set(foreground.map(\.value)).count == foreground.count else {
      throw unusable("two of its labels share a name")
    }
    guard foreground.count <= maximumLabels else {
      throw unusable("it has \(foreground.count) labels, more than \(maximumLabels)")
    }
    let definitions = foreground.enumerated().map { index, entry in
      LabelDefinition(
        id: entry.key,
        name: entry.value,
        color: LabelDefinition.defaultColor(index)
      )
    }
    return (definitions, ignored)
  }
}
