import Support
import Testing

@Suite struct LibraryEnvironmentTests {
  private static let old = ProcessorFeatures(names: ["sse2", "avx2", "fma"])
  private static let new = ProcessorFeatures(
    names: ["avx2", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]
  )

  private func additions(
    _ environment: [String: String],
    _ features: ProcessorFeatures = old,
    processors: Int = 2
  ) -> [String: String] {
    LibraryEnvironment.additions(
      to: environment,
      features: features,
      processorCount: processors
    )
  }

  @Test func waitingThreadsSleepUnlessTheUserSaidHowTheyWait() {
    #expect(Array(additions([:]).keys) == ["GOMP_SPINCOUNT"])
    #expect(additions(["GOMP_SPINCOUNT": "7"]).isEmpty)
    #expect(additions(["OMP_WAIT_POLICY": "active"]).isEmpty)
  }

  @Test func oneProcessorNeedsNoWaitingRule() {
    #expect(additions([:], processors: 1).isEmpty)
  }

  @Test func onlyProcessorsWithAVX512GetACoreType() {
    #expect(additions([:], Self.new)["OPENBLAS_CORETYPE"] == "SKYLAKEX")
    #expect(additions([:], Self.old)["OPENBLAS_CORETYPE"] == nil)
    let partly = ProcessorFeatures(names: Self.new.names.subtracting(["avx512vl"]))
    #expect(additions([:], partly)["OPENBLAS_CORETYPE"] == nil)
  }

  @Test func theUsersCoreTypeStays() {
    let found = additions(["OPENBLAS_CORETYPE": "Haswell"], Self.new)
    #expect(Array(found.keys) == ["GOMP_SPINCOUNT"])
  }

  @Test func theOptOutAndTheSecondStartAddNothing() {
    #expect(additions(["LAMINA_KEEP_ENVIRONMENT": "1"], Self.new).isEmpty)
    #expect(additions(["LAMINA_ADDED_ENVIRONMENT": ""], Self.new).isEmpty)
    #expect(!additions(["LAMINA_KEEP_ENVIRONMENT": ""], Self.new).isEmpty)
  }

  @Test func instructionsAreReadFromTheSystemsList() {
    let x86 = ProcessorFeatures(
      processorList: """
        processor\t: 0
        model name\t: Some CPU: fast
        flags\t\t: fpu avx2 avx512_bf16 avx512_vnni

        processor\t: 1
        flags\t\t: fpu
        """
    )
    #expect(x86.names == ["fpu", "avx2", "avx512_bf16", "avx512_vnni"])
    #expect(!x86.multipliesBFloat16 && !x86.multipliesInt8 && !x86.hasAVX512)
    let tiles = ProcessorFeatures(processorList: "flags : fpu amx_bf16 amx_tile amx_int8\n")
    #expect(tiles.multipliesBFloat16 && tiles.multipliesInt8)
    let arm = ProcessorFeatures(processorList: "processor : 0\nFeatures : fp asimd bf16\n")
    #expect(arm.names == ["fp", "asimd", "bf16"])
    #expect(!arm.multipliesBFloat16 && !arm.multipliesInt8)
    #expect(ProcessorFeatures(processorList: "").names.isEmpty)
  }
}
