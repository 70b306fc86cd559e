import Imaging
internal import Transforms

/// Voxels whose class is known, numbered from 1.
struct SeedMarks: Sendable {
  /// The class of each voxel, from 1 on; 0 where nothing is known.
  let marks: [UInt16]
  /// The label in the result of class n + 1; 0 for the background.
  let labels: [UInt16]

  /// How many classes there are.
  var count: Int { labels.count }

  /// The seeds that were given, or automatic ones.
  /// - Parameters:
  ///   - given: Labels, 0 where nothing is known; nil for automatic seeds.
  ///   - method: The method's name, for messages.
  ///   - values: The method's values: `background` and `auto`.
  ///   - image: The image.
  ///   - needed: The fewest classes that the method tells apart.
  /// - Throws: `ClassicalSegmentationError` when there are too few kinds of seeds.
  init(
    _ given: [UInt16]?,
    method: String,
    values: FilterValues,
    image: ClassicalImage,
    needed: Int
  ) throws(ClassicalSegmentationError) {
    guard let given else {
      let classes = values.whole("auto")
      guard classes > 0 else { throw .needsSeeds(method: method, automatic: "auto=2") }
      self = try Self.automatic(max(2, classes), image)
      return
    }
    precondition(given.count == image.count, "\(given.count) seeds for \(image.count) voxels")
    var occurs = [Bool](repeating: false, count: 1 << 16)
    for label in given { occurs[Int(label)] = true }
    let found = (1..<occurs.count).filter { occurs[$0] }
    guard found.count >= needed else {
      throw .tooFewSeeds(method: method, found: found.count, needed: needed)
    }
    let background = values.whole("background")
    guard background == 0 || found.contains(background) else {
      throw .noBackgroundSeeds(label: background, found: found)
    }
    var classes = [UInt16](repeating: 0, count: occurs.count)
    for (index, label) in found.enumerated() { classes[label] = UInt16(index + 1) }
    marks = given.map { classes[Int($0)] }
    labels = found.map { $0 == background ? 0 : UInt16($0) }
  }

  init(marks: [UInt16], labels: [UInt16]) { (self.marks, self.labels) = (marks, labels) }

  /// The voxels of the middle half of each Otsu class's values, the darkest class being background.
  private static func automatic(
    _ classes: Int,
    _ image: ClassicalImage
  ) throws(ClassicalSegmentationError) -> SeedMarks {
    let thresholds = try MultiOtsu.thresholds(of: image.values, classes: classes)
    var parts = [[Float]](repeating: [], count: classes)
    for value in image.values { parts[MultiOtsu.index(of: value, thresholds)].append(value) }
    let ranges = parts.map { part in
      let sorted = part.sorted()
      return sorted[sorted.count / 4]...sorted[(sorted.count - 1) * 3 / 4]
    }
    let marks = image.values.map { value in
      let index = MultiOtsu.index(of: value, thresholds)
      return ranges[index].contains(value) ? UInt16(index + 1) : 0
    }
    return SeedMarks(marks: marks, labels: (0..<classes).map { UInt16($0) })
  }

  /// The result's labels of classes from 0 on.
  func labelled(_ classes: [UInt16]) -> ClassicalLabels {
    ClassicalLabels(classes.map { labels[Int($0)] }, largest: Int(labels.max() ?? 0))
  }

  /// The result's labels of marks, which count classes from 1; 0 where nothing is known.
  func labelled(marks: [UInt16]) -> ClassicalLabels {
    ClassicalLabels(
      marks.map { $0 == 0 ? 0 : labels[Int($0) - 1] },
      largest: Int(labels.max() ?? 0)
    )
  }
}
