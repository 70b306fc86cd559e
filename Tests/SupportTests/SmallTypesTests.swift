import Support
import Testing

struct SmallTypesTests {
  @Test func aBufferIsAlignedAndHoldsItsValues() {
    for count in [0, 1, 3, 1000] {
      let buffer = AlignedBuffer<Float>(repeating: 2.5, count: count)
      #expect(UInt(bitPattern: buffer.pointer) % 64 == 0)
      #expect(Array(buffer.elements) == [Float](repeating: 2.5, count: count))
    }
  }

  @Test func aRaisedInterruptionStopsTheWork() throws {
    let interruption = Interruption()
    try interruption.check()
    #expect(!interruption.isRaised)
    interruption.raise()
    #expect(interruption.isRaised)
    #expect(throws: SupportError.interrupted) { try interruption.check() }
  }

  @Test func failuresAreTheDocumentedExitCodes() {
    #expect(Failure.allCases.map(\.rawValue) == [64, 65, 66, 69, 70, 73, 130])
    #expect(SupportError.notFound(path: "a").failure == .missingInput)
    #expect(SupportError.outputExists(path: "a").failure == .unwritableOutput)
    #expect(SupportError.unwritable(path: "a", reason: "b").failure == .unwritableOutput)
    #expect(SupportError.libraryFailure(library: "a").failure == .internalFault)
    #expect(SupportError.notFound(path: "/x/y").description.contains("/x/y"))
  }
}
