import Imaging
import Pipelines
import Support

/// What is done to clean images so that steps can be measured by what they bring back.
package struct ImageDegradation: Sendable, Equatable {
  /// How strong noise is.
  package enum Strength: Sendable, Equatable {
    /// In grey levels of pictures of 8 bits.
    case greyLevels(Double)
    /// In units of the range of intensities.
    case share(Double)
    /// In Hounsfield units.
    case hounsfield(Double)
  }

  /// One thing that is done.
  package enum Step: Sendable, Equatable {
    /// Noise is added.
    case noise(ImageNoise.Kind, Strength)
    /// Damage is done, of a strength of 0 to 1.
    case damage(ImageDamage.Kind, Double)
    /// The grid becomes coarser by factors along x, y and z.
    case reduction([Int])
  }

  /// What is done, in order.
  package let steps: [Step]
  /// The texts that named it.
  package let texts: [String]

  /// Reads descriptions such as "gaussian:25", "rician:5%", "low-dose-ct:40", "old-photograph:60%",
  /// "reduce:2" and "reduce:1x1x4".
  /// - Parameter texts: The descriptions, in order.
  /// - Throws: `EnhancementError.unknownDegradation`.
  package init(_ texts: [String]) throws(EnhancementError) {
    var steps: [Step] = []
    for text in texts { steps.append(try Self.step(text)) }
    self.steps = steps
    self.texts = texts
  }

  private static func step(_ text: String) throws(EnhancementError) -> Step {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else { throw .unknownDegradation(text: text) }
    if parts[0] == "reduce" {
      let factors = parts[1].split(separator: "x", omittingEmptySubsequences: false)
        .map { Int($0) }
      let known = factors.compactMap(\.self)
      guard known.count == factors.count, [1, 3].contains(known.count),
        known.allSatisfy({ (1...16).contains($0) }), known.contains(where: { $0 > 1 })
      else { throw .unknownDegradation(text: text) }
      return .reduction(known.count == 1 ? [known[0], known[0], 1] : known)
    }
    if let kind = ImageDamage.Kind(rawValue: parts[0]) {
      let number = parts[1].hasSuffix("%") ? Double(parts[1].dropLast()) : nil
      guard let number, number > 0, number <= 100 else { throw .unknownDegradation(text: text) }
      return .damage(kind, number / 100)
    }
    guard let kind = ImageNoise.Kind(rawValue: parts[0]) else {
      throw .unknownDegradation(text: text)
    }
    let isShare = parts[1].hasSuffix("%")
    let number = Double(isShare ? String(parts[1].dropLast()) : parts[1])
    if kind == .lowDoseCT {
      // Percentages would be of a range that depends on what else is compared.
      guard !isShare, let number, number > 0, number <= 1000 else {
        throw .unknownDegradation(text: text)
      }
      return .noise(kind, .hounsfield(number))
    }
    // As strong as the range twice over is the most that trainings know.
    guard let number, number > 0, number <= (isShare ? 200 : 510) else {
      throw .unknownDegradation(text: text)
    }
    return .noise(kind, isShare ? .share(number / 100) : .greyLevels(number))
  }

  /// How many times coarser the grid becomes along x, y and z.
  package var scale: [Int] {
    steps.reduce([1, 1, 1]) { scale, step in
      guard case .reduction(let factors) = step else { return scale }
      return zip(scale, factors).map { $0 * $1 }
    }
  }

  /// Whether the grid becomes coarser.
  package var isReduction: Bool { scale != [1, 1, 1] }

  /// Whether the last thing done is a reduction, after which pictures are what files hold.
  package var endsInFile: Bool {
    if case .reduction = steps.last { true } else { false }
  }

  /// Degrades an image.
  ///
  /// Reduced pictures are rounded as their files would be; noise is neither rounded nor cut off. The
  /// noise of each step and channel follows from the seed and the name alone.
  /// - Parameters:
  ///   - image: The clean image.
  ///   - range: Which intensities are 0 and 1 to noise.
  ///   - seed: The noise's seed.
  ///   - name: The image's name.
  /// - Returns: What of the clean image was used, and the degraded one over the same field of view.
  /// - Throws: `EnhancementError.unfitDegradation`; `ImagingError`.
  package func applied(
    to image: EnhancementContent,
    range: IntensityRange.Scale,
    seed: UInt64,
    name: String
  ) throws -> (clean: EnhancementContent, degraded: EnhancementContent) {
    let factor = SIMD3(scale[0], scale[1], scale[2])
    let size = image.grey.geometry.size
    let kept = size / factor &* factor
    func require(_ condition: Bool, _ reason: String) throws {
      if !condition { throw EnhancementError.unfitDegradation(name: name, reason: reason) }
    }
    try require(kept.min() > 0, "it has fewer voxels than the grid is to become coarser")
    try require(
      factor.z == 1 || !image.isPicture,
      "it is a picture, which has no slices that could become thicker"
    )
    let clean = try image.mapChannels { channel, _ in try channel.cut(at: .zero, kept) }
    let stream = RandomStream(seed: seed).split(Self.number(of: name))
    var degraded = clean
    for (index, step) in steps.enumerated() {
      switch step {
      case .reduction(let factors):
        degraded = try degraded.mapChannels { channel, _ in
          try GridReduction.pair(channel, scale: factors).coarse
        }
        if degraded.isPicture { degraded = degraded.asStored(keepsFractions: false) }
      case .damage(let kind, let strength):
        let damage = ImageDamage(kind: kind, lowest: strength, highest: strength)
        // A scratch goes through all colours.
        var random = stream.split(index, 0)
        let marks = damage.middle(seed: random.next())
        degraded = degraded.mapChannels { channel, _ in
          let size = channel.geometry.size
          var values = channel.voxels.map { range.scaled($0) }
          damage.apply(marks, to: &values, width: size.x, height: size.y)
          return Volume(geometry: channel.geometry, voxels: values.map { range.restored($0) })
        }
      case .noise(let kind, let strength):
        let level: Double
        switch strength {
        case .share(let share): level = share
        case .hounsfield(let units):
          let reason = ImageNoise.projectionRefusal(of: degraded.grey)
          try require(reason == nil, reason ?? "")
          level = units / Double(range.width)
        case .greyLevels(let levels):
          try require(
            image.isPicture,
            "grey levels are for pictures; give the noise in percent of the range, as in "
              + "\(kind.rawValue):5%"
          )
          level = levels / 255
        }
        let noise = ImageNoise(kind: kind, lowest: level, highest: level)
        degraded = degraded.mapChannels { channel, number in
          var random = stream.split(index, number)
          return noise.noisy(
            noise.middle(seed: random.next()),
            channel.map { range.scaled($0) },
            scale: range
          ).map { range.restored($0) }
        }
      }
    }
    return (clean, degraded)
  }

  /// A number of a name, the same on every machine: FNV-1a of its UTF-8 bytes.
  private static func number(of name: String) -> Int {
    let hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { hash, byte in
      (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    return Int(truncatingIfNeeded: hash)
  }
}
