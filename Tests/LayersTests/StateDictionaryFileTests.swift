import Foundation
import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite("Weights files of any kind")
struct StateDictionaryFileTests {
  private static let names = [
    "parts.0.layer.0.weight", "parts.0.layer.0.bias", "parts.0.layer.1.weight",
    "parts.0.layer.1.bias", "parts.0.layer.1.running_mean", "parts.0.layer.1.running_var",
    "parts.1.weight", "parts.1.bias",
  ]

  /// Every tensor holds 0, 1/8, 2/8, ….
  private func check(_ dictionary: StateDictionary, prefix: String) {
    #expect(Set(dictionary.tensors.keys) == Set(Self.names.map { prefix + $0 }))
    for (name, tensor) in dictionary.tensors {
      #expect(tensor.values == (0..<tensor.count).map { Float($0) / 8 }, "\(name)")
    }
    #expect(dictionary.tensors[prefix + "parts.0.layer.0.weight"]?.shape == [2, 1, 3, 3])
  }

  @Test("a program of TorchScript gives its parameters by attribute path")
  func script() throws {
    let dictionary = try StateDictionary(contentsOf: Fixtures.path("torch/script.pt"))
    #expect(dictionary.format == .torchScript)
    check(dictionary, prefix: "")
  }

  @Test("a traced program gives the same")
  func trace() throws {
    let dictionary = try StateDictionary(contentsOf: Fixtures.path("torch/traced.pt"))
    #expect(dictionary.format == .torchScript)
    check(dictionary, prefix: "")
  }

  @Test("a frozen program, whose weights have no names, is refused")
  func frozen() throws {
    let error = #expect(throws: LayersError.self) {
      try StateDictionary(contentsOf: Fixtures.path("torch/frozen.pt"))
    }
    #expect(error?.failure == .damagedInput)
    #expect(error?.description.contains("frozen program") ?? false)
  }

  @Test("a wrapped state dictionary is found, and its keys are told")
  func wrapped() throws {
    let path = Fixtures.path("torch/wrapped.pt")
    let dictionary = try StateDictionary(contentsOf: path)
    #expect(dictionary.format == .torch && dictionary.keys == ["state_dict"])
    check(dictionary, prefix: "module.")
    check(try StateDictionary(contentsOf: path, at: ["state_dict"]), prefix: "module.")
    #expect(throws: LayersError.self) { try StateDictionary(contentsOf: path, at: ["nothing"]) }
  }

  @Test("of weights and their average the average is taken, as BasicSR does")
  func averaged() throws {
    let path = Fixtures.path("torch/averaged.pt")
    let dictionary = try StateDictionary(contentsOf: path)
    #expect(dictionary.keys == ["params_ema"])
    #expect(dictionary.tensors["a"]?.values == [1, 1])
    let last = try StateDictionary(contentsOf: path, at: ["params"])
    #expect(last.tensors["a"]?.values == [0, 0])
  }

  @Test("safetensors are known by their content, whatever the name")
  func safetensors() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("model.pth")
    let tensors = ["a.weight": Tensor([1, 2], shape: [2])]
    try Safetensors(tensors: tensors, metadata: ["origin": "a test"]).encoded()
      .write(to: URL(fileURLWithPath: path))
    let dictionary = try StateDictionary(contentsOf: path)
    #expect(dictionary.format == .safetensors && dictionary.metadata["origin"] == "a test")
    #expect(dictionary.tensors["a.weight"]?.values == [1, 2])
  }

  @Test("what holds no weights is refused with the reason")
  func refused() throws {
    let empty = #expect(throws: LayersError.self) {
      try StateDictionary(contentsOf: Fixtures.path("torch/empty.pt"))
    }
    #expect(empty?.description.contains("checkpoint, epoch") ?? false)
    let folder = try TemporaryFolder()
    for (name, bytes) in [
      ("model.h5", [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]),
      ("model.pt.gz", [0x1F, 0x8B]),
      ("empty", []), ("text", Array("weights".utf8)),
    ] as [(String, [UInt8])] {
      let path = folder.file(name)
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      #expect(throws: LayersError.self, "\(name)") { try StateDictionary(contentsOf: path) }
    }
    #expect(throws: SupportError.self) { try StateDictionary(contentsOf: folder.file("absent")) }
  }

  @Test("damaged programs are refused or read, and nothing crashes")
  func damagedScripts() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("torch/script.pt")))
    let folder = try TemporaryFolder()
    let path = folder.file("damaged.pt")
    var random = RandomStream(seed: 5)
    for _ in 0..<200 {
      var bytes = data
      for _ in 0..<3 {
        bytes[Int(random.uniform() * Double(bytes.count - 1))] = UInt8(random.uniform() * 255)
      }
      if random.chance(0.3) { bytes = bytes.prefix(Int(random.uniform() * Double(bytes.count))) }
      try bytes.write(to: URL(fileURLWithPath: path))
      _ = try? StateDictionary(contentsOf: path)
    }
  }
}
