import Foundation
import Imaging
import Networks
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

@Suite struct PrecisionChoiceTests {
  private static let modern = ProcessorFeatures(names: ["amx_bf16", "amx_int8"])
  private static let old = ProcessorFeatures(names: ["avx2", "fma", "avx512_bf16", "avx512_vnni"])

  private static func selfTest(
    bf16: Double = 0.9995,
    int8: Double = 0.996,
    dice: Double = 0.995
  ) -> ModelSelfTest {
    func found(_ agreement: Double, _ error: Double) -> ModelSelfTest.Comparison {
      ModelSelfTest.Comparison(
        agreement: agreement,
        lowestDice: dice,
        voxels: 1000,
        scoreError: error
      )
    }
    return ModelSelfTest(
      seed: 1,
      scores: [1],
      precisions: ["bf16": found(bf16, 0.004), "int8": found(int8, 0.02)],
      source: "1 scan"
    )
  }

  private func decide(
    _ choice: PrecisionChoice = .auto,
    _ selfTest: ModelSelfTest? = selfTest(),
    _ features: ProcessorFeatures = modern,
    available: Set<InferencePrecision> = [.float32, .bfloat16, .int8],
    error: @escaping (InferencePrecision) -> Double = { $0 == .int8 ? 0.02 : 0.004 }
  ) throws -> PrecisionDecision {
    try PrecisionDecision(
      choice,
      selfTest: selfTest,
      features: features,
      isAvailable: available.contains,
      scoreError: error
    )
  }

  @Test func aNamedPrecisionIsTakenAsItIs() throws {
    for (choice, precision, reason) in [
      (PrecisionChoice.f32, InferencePrecision.float32, "the default"),
      (.bf16, .bfloat16, "asked for"), (.int8, .int8, "asked for"),
    ] {
      let decision = try decide(choice, nil, Self.old, available: [])
      #expect(decision.precision == precision && decision.reason == reason)
    }
  }

  @Test func autoTakesTheFastestThatIsGoodEnough() throws {
    #expect(try decide().precision == .int8)
    #expect(try decide(.auto, Self.selfTest(int8: 0.9949)).precision == .bfloat16)
    let last = try decide(.auto, Self.selfTest(bf16: 0.9989, int8: 0.9949))
    #expect(last.precision == .float32)
    #expect(last.reason.contains("only 99.89 % of voxels were as in f32, 99.9 % are needed"))
    // The limits themselves are good enough.
    #expect(try decide(.auto, Self.selfTest(int8: 0.995)).precision == .int8)
    #expect(try decide(.auto, Self.selfTest(bf16: 0.999, int8: 0)).precision == .bfloat16)
  }

  @Test func aLostStructureIsNotHiddenByTheBackground() throws {
    #expect(try decide(.auto, Self.selfTest(dice: 0.985)).precision == .int8)
    let none = try decide(.auto, Self.selfTest(dice: 0.5))
    #expect(none.precision == .float32 && none.reason.contains("Dice of only 0.5"))
  }

  @Test func autoStaysWithSinglePrecisionWithoutEvidenceKernelsOrInstructions() throws {
    let untested = try decide(.auto, nil)
    #expect(untested.precision == .float32)
    #expect(untested.reason.contains("self-test does not have it"))
    let absent = try decide(available: [.float32, .bfloat16])
    #expect(absent.precision == .bfloat16)
    #expect(try decide(available: [.float32]).reason.contains("the model has no scales for it"))
    let slow = try decide(.auto, Self.selfTest(), Self.old)
    #expect(slow.precision == .float32 && slow.reason.contains("no instructions for it"))
  }

  @Test func aLargerErrorHereThanInTheTestIsRefused() throws {
    // Twice the stored 0.02 is allowed, more is not; no error at all means no such kernels.
    #expect(try decide(error: { _ in 0.04 }).precision == .int8)
    #expect(try decide(error: { $0 == .int8 ? 0.041 : 0.008 }).precision == .bfloat16)
    let wrong = try decide(error: { _ in .infinity })
    #expect(wrong.precision == .float32)
    #expect(try decide(error: { _ in 0 }).reason.contains("computed as f32 here"))
  }

  @Test func agreementIsCountedVoxelByVoxel() throws {
    let geometry = try ImageGeometry(
      size: [4, 1, 2],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: Orientation.ras.direction
    )
    let table = [1, 2, 9].map {
      LabelDefinition(id: $0, name: "\($0)", color: LabelDefinition.defaultColor($0))
    }
    var counts = LabelAgreement([1, 2, 9])
    #expect(counts.agreement == 1 && counts.lowestDice == 1)
    counts.add(
      LabelMap(geometry: geometry, labels: [0, 0, 0, 1, 1, 1, 2, 2], table: table),
      LabelMap(geometry: geometry, labels: [0, 0, 0, 1, 1, 2, 2, 2], table: table)
    )
    // 7 of 8; label 1: 2 · 2 / (3 + 2), label 2: 2 · 2 / (2 + 3); label 9 is in neither.
    #expect(counts.voxels == 8 && counts.agreement == 0.875 && counts.lowestDice == 0.8)
  }

  @Test func errorsOfScoresAreRelativeToTheirSize() {
    #expect(ModelSelfTest.error([1, 2, 2], expected: [1, 2, 2]) == 0)
    // √(1 / 9): a difference of 1 against squares that sum to 9.
    #expect(abs(ModelSelfTest.error([1, 3, 2], expected: [1, 2, 2]) - 1.0 / 3) < 1e-12)
    #expect(ModelSelfTest.error([1, .nan, 2], expected: [1, 2, 2]) == .infinity)
    #expect(ModelSelfTest.error([1], expected: [1, 2]) == .infinity)
  }
}
