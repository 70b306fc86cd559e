import Imaging
import Support
import Synchronization

/// Looks for what is odd about an image's values and grid, whatever format it came from.
public enum VolumeSanity {
  /// Pixels smaller or larger than this are not believed, mm.
  static let believableSpacingMM = 0.01...50.0
  /// Voxels may be so many times as long as wide before it is said.
  static let maximumAnisotropy = 10.0

  /// What is odd about a volume.
  /// - Parameters:
  ///   - volume: Values and grid.
  ///   - modality: Modality such as "CT", or nil when the format does not say.
  /// - Returns: Problems with the codes "constant-volume", "non-finite-values", "not-hounsfield",
  ///   "absurd-spacing" and "anisotropic-voxels".
  public static func problems(of volume: AnyVolume, modality: String?) -> [InputProblem] {
    let facts = ValueFacts(volume)
    return valueProblems(facts, volume: volume, modality: modality)
      + gridProblems(volume.geometry)
  }

  private static func valueProblems(
    _ facts: ValueFacts,
    volume: AnyVolume,
    modality: String?
  ) -> [InputProblem] {
    var problems: [InputProblem] = []
    if facts.nonFinite > 0 {
      problems.append(
        InputProblem(
          code: "non-finite-values",
          message: "\(facts.nonFinite) voxels are infinite or not a number.",
          remedy: "Replace them, for example by 0, before computing with the image."
        )
      )
    }
    guard facts.minimum <= facts.maximum else { return problems }
    if facts.minimum == facts.maximum, volume.geometry.voxelCount > 1 {
      problems.append(
        InputProblem(
          code: "constant-volume",
          message: "Every voxel has the value \(facts.minimum).",
          remedy: "Check that the image was exported whole."
        )
      )
    } else if modality == "CT", facts.minimum >= 0 {
      problems.append(
        InputProblem(
          code: "not-hounsfield",
          message: "CT values from \(facts.minimum) to \(facts.maximum) hold no air and are hardly "
            + "Hounsfield units.",
          remedy: "Check rescale slope and intercept; subtract 1024 if air is near 0."
        )
      )
    }
    return problems
  }

  private static func gridProblems(_ geometry: ImageGeometry) -> [InputProblem] {
    let spacing = geometry.spacing
    let sides = geometry.isPlanar ? [spacing.x, spacing.y] : [spacing.x, spacing.y, spacing.z]
    let words = sides.map { "\(($0 * 10_000).rounded() / 10_000)" }.joined(separator: " x ")
    var problems: [InputProblem] = []
    if !sides.allSatisfy(believableSpacingMM.contains) {
      problems.append(
        InputProblem(
          code: "absurd-spacing",
          message: "The voxels measure \(words) mm.",
          remedy: "Check the unit of the spacing; mm is meant."
        )
      )
    }
    let (low, high) = (sides.min() ?? 1, sides.max() ?? 1)
    if high > low * maximumAnisotropy {
      problems.append(
        InputProblem(
          code: "anisotropic-voxels",
          message: "The voxels measure \(words) mm, "
            + "\((high / low * 10).rounded() / 10) times as long as wide.",
          remedy: "Prefer thinner slices; results in 3-D may be coarse."
        )
      )
    }
    return problems
  }
}

/// The range of an image's finite values, and how many others there are.
struct ValueFacts: Equatable, Sendable {
  var minimum = Double.infinity
  var maximum = -Double.infinity
  var nonFinite = 0

  /// Looks at all values, side by side.
  init(_ volume: AnyVolume) {
    switch volume {
    case .int8(let volume): self.init(integers: volume.voxels)
    case .uint8(let volume): self.init(integers: volume.voxels)
    case .int16(let volume): self.init(integers: volume.voxels)
    case .uint16(let volume): self.init(integers: volume.voxels)
    case .int32(let volume): self.init(integers: volume.voxels)
    case .uint32(let volume): self.init(integers: volume.voxels)
    case .int64(let volume): self.init(integers: volume.voxels)
    case .uint64(let volume): self.init(integers: volume.voxels)
    case .float32(let volume): self.init(reals: volume.voxels)
    case .float64(let volume): self.init(reals: volume.voxels)
    }
  }

  private init() {}

  /// Values that one thread looks at, at the least.
  private static let chunk = 1 << 18

  private init<Value: FixedWidthInteger & Sendable>(integers values: [Value]) {
    let whole = Self.reduce(values) { part in
      var low = Value.max
      var high = Value.min
      for value in part {
        low = min(low, value)
        high = max(high, value)
      }
      var facts = ValueFacts()
      if low <= high { (facts.minimum, facts.maximum) = (Double(low), Double(high)) }
      return facts
    }
    self = whole
  }

  private init<Value: BinaryFloatingPoint & Sendable>(reals values: [Value]) {
    let whole = Self.reduce(values) { part in
      var low = Value.infinity
      var high = -Value.infinity
      var odd = 0
      for value in part {
        if value.isFinite {
          low = Swift.min(low, value)
          high = Swift.max(high, value)
        } else {
          odd += 1
        }
      }
      var facts = ValueFacts()
      (facts.minimum, facts.maximum, facts.nonFinite) = (Double(low), Double(high), odd)
      return facts
    }
    self = whole
  }

  private static func reduce<Value: Sendable>(
    _ values: [Value],
    _ look: @Sendable (UnsafeBufferPointer<Value>) -> ValueFacts
  ) -> ValueFacts {
    let whole = Mutex(ValueFacts())
    values.withUnsafeBufferPointer { buffer in
      // Only read, by all threads.
      nonisolated(unsafe) let buffer = buffer
      Parallelism.forEachRange(buffer.count, minimumChunk: chunk) { range in
        let part = look(UnsafeBufferPointer(rebasing: buffer[range]))
        whole.withLock {
          $0.minimum = Swift.min($0.minimum, part.minimum)
          $0.maximum = Swift.max($0.maximum, part.maximum)
          $0.nonFinite += part.nonFinite
        }
      }
    }
    return whole.withLock { $0 }
  }
}
