import Foundation
import Layers
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

@Suite struct TrainingCheckpointTests {
  private let state = Safetensors(
    tensors: ["network.weight": Tensor([1, -2, 0.5], shape: [3])],
    metadata: ["lamina.training/1": "{}"]
  )

  @Test func aStateComesBackAsItWas() throws {
    let folder = try TemporaryFolder()
    let checkpoint = TrainingCheckpoint(folder: folder.file("checkpoints"))
    #expect(try checkpoint.load() == nil)
    try checkpoint.save(state, outputs: OutputGuard(mayReplace: false))
    let loaded = try #require(try checkpoint.load())
    #expect(loaded.metadata == state.metadata)
    #expect(loaded.tensors["network.weight"]?.values == [1, -2, 0.5])
    checkpoint.remove()
    #expect(!FileManager.default.fileExists(atPath: folder.file("checkpoints")))
  }

  /// One flipped bit anywhere is noticed: in a value no structure of the file would tell it.
  @Test func aFlippedBitIsNoticed() throws {
    let folder = try TemporaryFolder()
    let checkpoint = TrainingCheckpoint(folder: folder.file("checkpoints"))
    try checkpoint.save(state, outputs: OutputGuard(mayReplace: false))
    let url = URL(fileURLWithPath: checkpoint.path)
    let bytes = try Data(contentsOf: url)
    for place in bytes.indices {
      var flipped = bytes
      flipped[place] ^= 1
      try flipped.write(to: url)
      #expect(throws: (any Error).self, "byte \(place)") { try checkpoint.load() }
    }
    try state.encoded().write(to: url)
    let unsealed = #expect(throws: PipelinesError.self) { try checkpoint.load() }
    #expect(unsealed?.description.contains("no seal") == true)
    var value = bytes
    value[value.endIndex - 1] ^= 1
    try value.write(to: url)
    let error = #expect(throws: LayersError.self) { try checkpoint.load() }
    #expect(error?.failure == .damagedInput)
    #expect(error?.description.contains("SHA-256") == true)
  }
}
