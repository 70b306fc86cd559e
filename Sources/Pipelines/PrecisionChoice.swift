import Networks
import Support
import Tensors

/// The numbers to compute with, as users choose them.
public enum PrecisionChoice: String, Sendable, CaseIterable {
  /// Single precision.
  case f32
  /// bfloat16 maps and weights, single-precision sums.
  case bf16
  /// 8-bit maps and weights, 32-bit sums.
  case int8
  /// The fastest that the model's self-test allows on this processor.
  case auto
}

/// The precision of a run, and why.
public struct PrecisionDecision: Sendable, Equatable {
  /// The precision.
  public let precision: InferencePrecision
  /// One clause for the record of the run.
  public let reason: String

  /// What a precision must reach against single precision before `auto` takes it.
  package struct Requirement: Sendable {
    /// Share of voxels with the same label.
    package let agreement: Double
    /// The lowest Dice coefficient of a structure; large backgrounds hide lost structures otherwise.
    package let lowestDice: Double
  }

  /// The fastest first.
  package static let candidates: [(precision: InferencePrecision, requirement: Requirement)] = [
    (.int8, Requirement(agreement: 0.995, lowestDice: 0.98)),
    (.bfloat16, Requirement(agreement: 0.999, lowestDice: 0.99)),
  ]

  /// Times the stored error of scores that this machine's may be: it computes the same products in
  /// another order.
  static let errorFactor = 2.0

  /// Decides which precision to use.
  ///
  /// `auto` takes a precision when there are kernels for it, when the processor has instructions that
  /// make it faster, when the stored test found it good enough on real scans, and when its error on
  /// the seeded patches here is not larger than it was there. The same machine and model always give
  /// the same decision.
  /// - Parameters:
  ///   - choice: What the user chose.
  ///   - selfTest: The model's self-test.
  ///   - features: The processor's instructions.
  ///   - isAvailable: Whether there are kernels.
  ///   - scoreError: The error on the seeded patches on this machine.
  /// - Throws: What `scoreError` throws.
  package init(
    _ choice: PrecisionChoice,
    selfTest: ModelSelfTest?,
    features: ProcessorFeatures,
    isAvailable: (InferencePrecision) -> Bool,
    scoreError: (InferencePrecision) throws -> Double
  ) throws {
    switch choice {
    case .f32: self.init(precision: .float32, reason: "the default")
    case .bf16: self.init(precision: .bfloat16, reason: "asked for")
    case .int8: self.init(precision: .int8, reason: "asked for")
    case .auto:
      var refusals: [String] = []
      for (precision, requirement) in Self.candidates {
        let refusal = try Self.refusal(
          of: precision,
          requirement,
          selfTest: selfTest,
          features: features,
          isAvailable: isAvailable,
          scoreError: scoreError
        )
        guard let refusal else {
          let found = selfTest?.precisions[precision.rawValue]?.agreement ?? 1
          self.init(
            precision: precision,
            reason: "auto: the fastest here that the self-test allows "
              + "(\(Self.percent(found)) of voxels as in f32)"
          )
          return
        }
        refusals.append("\(precision.rawValue): \(refusal)")
      }
      self.init(precision: .float32, reason: "auto: not " + refusals.joined(separator: "; not "))
    }
  }

  /// That of methods without a network.
  static let classical = PrecisionDecision(
    precision: .float32,
    reason: "classical methods have no other"
  )

  private init(precision: InferencePrecision, reason: String) {
    self.precision = precision
    self.reason = reason
  }

  private static func refusal(
    of precision: InferencePrecision,
    _ requirement: Requirement,
    selfTest: ModelSelfTest?,
    features: ProcessorFeatures,
    isAvailable: (InferencePrecision) -> Bool,
    scoreError: (InferencePrecision) throws -> Double
  ) throws -> String? {
    guard isAvailable(precision) else { return "the model has no scales for it" }
    let isFaster =
      precision == .int8 ? features.multipliesInt8 : features.multipliesBFloat16
    guard isFaster else { return "this processor has no instructions for it" }
    guard let stored = selfTest?.precisions[precision.rawValue] else {
      return "the model's self-test does not have it"
    }
    guard stored.agreement >= requirement.agreement else {
      return "only \(percent(stored.agreement)) of voxels were as in f32, "
        + "\(percent(requirement.agreement)) are needed"
    }
    guard stored.lowestDice >= requirement.lowestDice else {
      return "a structure had a Dice of only \(stored.lowestDice) with f32, "
        + "\(requirement.lowestDice) is needed"
    }
    let error = try scoreError(precision)
    guard error > 0 else { return "it is computed as f32 here" }
    guard error <= errorFactor * stored.scoreError else {
      return "its error here is \(error / stored.scoreError) times that of the self-test"
    }
    return nil
  }

  private static func percent(_ share: Double) -> String {
    "\((share * 100_000).rounded(.down) / 1000) %"
  }
}

extension PrecisionDecision {
  /// Decides for a model and its network on this machine.
  init(_ choice: PrecisionChoice, model: ModelDescription, network: any Network) throws {
    var single: [Float]?
    try self.init(
      choice,
      selfTest: model.selfTest,
      features: .current,
      isAvailable: { $0 != .int8 || model.selfTest?.largestInputs?.isEmpty == false }
    ) { precision in
      let seed = model.selfTest?.seed ?? ModelSelfTest.standardSeed
      func scores(_ precision: InferencePrecision) throws -> [Float] {
        let planned = try PlannedNetwork(
          network,
          options: InferencePlanOptions(precision, model.selfTest)
        )
        return ModelSelfTest.scores(of: planned, patches: model.testPatches, seed: seed)
      }
      let expected = try single ?? scores(.float32)
      single = expected
      return ModelSelfTest.error(try scores(precision), expected: expected)
    }
  }
}
