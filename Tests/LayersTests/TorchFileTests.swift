import Foundation
import Layers
import Support
import TestSupport
import Testing

@Suite struct TorchFileTests {
  private struct Expected: Decodable {
    var shape: [Int]
    var values: [Double]
  }

  private func expected() throws -> [String: Expected] {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("torch/expected.json")))
    return try JSONDecoder().decode([String: Expected].self, from: data)
  }

  private func check(_ file: TorchFile, at path: [String]) throws {
    let tensors = try file.tensors(at: path)
    let expected = try expected()
    #expect(Set(tensors.keys) == Set(expected.keys))
    for (name, item) in expected {
      let tensor = try #require(tensors[name])
      #expect(tensor.shape == item.shape, "\(name)")
      // Half and bfloat16 are exact in single precision; doubles are rounded.
      #expect(tensor.values == item.values.map { Float($0) }, "\(name)")
    }
  }

  @Test(arguments: ["zip.pt", "legacy.pt"])
  func tensorsAndSettingsAreRead(name: String) throws {
    let file = try TorchFile(Fixtures.path("torch/" + name))
    try check(file, at: ["network_weights"])
    #expect(file.text(at: ["trainer_name"]) == "aTrainer")
    #expect(file.text(at: ["init_args", "configuration"]) == "3d_fullres")
    #expect(file.integers(at: ["inference_allowed_mirroring_axes"]) == [0, 2])
    #expect(!file.hasValue(at: ["nothing"]))
    #expect(!file.hasValue(at: ["absent"]))
    #expect(file.hasValue(at: ["init_args"]))
    #expect(file.keys().first == "network_weights")
  }

  @Test func aBareStateDictionaryIsRead() throws {
    try check(TorchFile(Fixtures.path("torch/state.pt")), at: [])
  }

  @Test func skippedTensorsAreLeftOut() throws {
    let file = try TorchFile(Fixtures.path("torch/state.pt"))
    #expect(try file.tensors(skipping: { $0 != "part" }).keys.sorted() == ["part"])
  }

  @Test func whatAsksForFunctionsIsRefusedByName() {
    #expect {
      try TorchFile(Fixtures.path("torch/hostile.pt"))
    } throws: { error in
      guard case .forbiddenPickle(_, let name) = error as? LayersError else { return false }
      return name == "posix.system"
    }
    #expect(!FileManager.default.fileExists(atPath: "lamina-was-here"))
  }

  @Test func deepNestingIsHarmless() throws {
    #expect(try TorchFile(Fixtures.path("torch/nested.pt")).tensors().isEmpty)
  }

  @Test(arguments: ["early.pt", "expected.json", "generate.py"])
  func whatIsNoSuchFileIsDamaged(name: String) {
    #expect {
      try TorchFile(Fixtures.path("torch/" + name))
    } throws: { error in
      if case .damagedWeights = error as? LayersError { true } else { false }
    }
  }

  @Test func missingNumbersAreSaid() throws {
    let file = try TorchFile(Fixtures.path("torch/short.pt"))
    #expect(throws: LayersError.self) { try file.tensors() }
  }

  @Test func noByteOfThePickleCrashesTheReader() throws {
    let folder = try TemporaryFolder()
    let whole = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("torch/legacy.pt")))
    var random = RandomStream(seed: 3)
    for round in 0..<400 {
      var bytes = whole
      for _ in 0...(round % 3) {
        let place = Int(random.next() % UInt64(min(bytes.count, 2600)))
        bytes[place] = UInt8(truncatingIfNeeded: random.next())
      }
      let path = folder.file("mutated.pt")
      try bytes.write(to: URL(fileURLWithPath: path))
      _ = try? TorchFile(path).tensors(at: ["network_weights"])
    }
  }
}
