import Support

extension LabelledImages {
  /// Gives every image a split: those of the data set, and where there is none for testing or for
  /// looking on the way, a share drawn by a seed.
  ///
  /// Groups stay together. Shares are drawn class by class, so that each split has every class in about the
  /// same proportion; with findings, by the first that is shown.
  /// - Parameters:
  ///   - testShare: Of images without a split, if the data set has no test images.
  ///   - validationShare: Of those to train on, if the data set has no such images.
  ///   - seed: The seed.
  /// - Returns: The images, each with a split.
  package func divided(testShare: Double, validationShare: Double, seed: UInt64) -> LabelledImages {
    var result = self
    let stream = RandomStream(seed: seed).split(0x7370_6C69)
    if !items.contains(where: { $0.split == .test }) {
      result.assign(.test, share: testShare, stream.split(0)) { $0.split == nil }
    }
    for index in result.items.indices where result.items[index].split == nil {
      result.items[index].split = .training
    }
    if !result.items.contains(where: { $0.split == .validation }) {
      result.assign(.validation, share: validationShare, stream.split(1)) {
        $0.split == .training
      }
    }
    return result
  }

  private mutating func assign(
    _ split: Split,
    share: Double,
    _ stream: RandomStream,
    among isCandidate: (Item) -> Bool
  ) {
    guard share > 0 else { return }
    // A group counts as its first image's class.
    var members: [String: [Int]] = [:]
    var names: [Int: [String]] = [:]
    for index in items.indices where isCandidate(items[index]) {
      let name = items[index].group.map { "g" + $0 } ?? "i\(index)"
      if members[name] == nil { names[items[index].classes.first ?? -1, default: []].append(name) }
      members[name, default: []].append(index)
    }
    for label in names.keys.sorted() {
      guard var order = names[label] else { continue }
      var random = stream.split(label + 1)
      random.shuffle(&order)
      let count = Int((share * Double(order.count)).rounded())
      for name in order.prefix(min(count, order.count - 1)) {
        for index in members[name] ?? [] { items[index].split = split }
      }
    }
  }

  /// The images of a split.
  /// - Parameter split: The split.
  /// - Returns: The same data set with these alone.
  package func part(_ split: Split) -> LabelledImages {
    var result = self
    result.items = items.filter { $0.split == split }
    return result
  }
}
