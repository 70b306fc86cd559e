import Foundation
import Imaging
import Layers
import Networks
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct ModelPackageTests {
  private static let network = NetworkConfiguration.unet(
    UNetConfiguration(inputChannels: 1, outputChannels: 3, features: [4, 8])
  )

  private static func description() -> ModelDescription {
    ModelDescription(
      name: "test",
      version: "1.0.0",
      summary: "Segments nothing.",
      channels: ["MRI"],
      labels: [1, 2].map {
        LabelDefinition(id: $0, name: "part \($0)", color: LabelDefinition.defaultColor($0))
      },
      network: network,
      plan: .slices(
        SegmentationPlan(
          orientation: .ras,
          spacingMM: [1, 1, 1],
          patchSize: [16, 16],
          contextSlices: 0
        )
      ),
      licence: "CC0",
      intendedUse: "Tests.",
      provenance: .init(
        dataset: "none",
        source: "none",
        trainingCases: 0,
        heldOut: [],
        command: "",
        seed: 1,
        steps: 0,
        minutes: 0,
        program: "",
        date: ""
      ),
      results: [],
      files: [:]
    )
  }

  private static func write() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    var random = RandomStream(seed: 2)
    let built = try network.makeNetwork(random: &random)
    try ModelPackage.write(
      to: folder.path,
      description: description(),
      weights: built.weights,
      card: "# test\n"
    )
    return folder
  }

  private static func edit(_ folder: TemporaryFolder, _ change: (inout [String: Any]) -> Void)
    throws
  {
    let url = URL(fileURLWithPath: folder.file("model.json"))
    var object = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any]
    )
    change(&object)
    try JSONSerialization.data(withJSONObject: object).write(to: url)
  }

  @Test func aWrittenPackageReadsBack() throws {
    let folder = try Self.write()
    let package = try ModelPackage(path: folder.path)
    var expected = Self.description()
    expected.files = package.description.files
    #expect(package.description == expected)
    var random = RandomStream(seed: 2)
    let original = try Self.network.makeNetwork(random: &random)
    let loaded = try package.makeNetwork()
    for (a, b) in zip(original.namedParameters, loaded.namedParameters) {
      #expect(a.name == b.name && a.parameter.value.values == b.parameter.value.values)
    }
  }

  @Test func aModelComputesHereWhatItsSelfTestSays() throws {
    let folder = try Self.write()
    let plain = try ModelPackage(path: folder.path)
    let network = try plain.makeNetwork()
    #expect(try plain.checkSelfTest(network) == nil)

    let test = try ModelSelfTest.measure(
      network,
      single: PlannedNetwork(network),
      patches: plain.description.testPatches,
      labels: plain.description.labels,
      scans: [],
      examples: [],
      source: "no scans",
      interruption: Interruption()
    ) { _ in throw PipelinesError.noInputs(path: "") }
    #expect(test.scores.count == 64 && test.precisions.isEmpty)
    func store(_ test: ModelSelfTest) throws {
      let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(test))
      try Self.edit(folder) { $0["selfTest"] = json }
    }
    try store(test)
    let tested = try ModelPackage(path: folder.path)
    #expect(tested.description.selfTest == test)
    let result = try #require(try tested.checkSelfTest(network))
    #expect(result.scoreError == 0)
    // Without a comparison of other precisions there is nothing that `auto` could rely on.
    #expect(result.automaticPrecision == "f32")

    var wrong = test
    wrong.scores[10] += 0.1 * (test.scores.map(abs).max() ?? 1)
    try store(wrong)
    #expect(throws: PipelinesError.self) {
      try ModelPackage(path: folder.path).checkSelfTest(network)
    }
  }

  @Test func changedWeightsAreFoundByTheirHash() throws {
    let folder = try Self.write()
    let url = URL(fileURLWithPath: folder.file("weights.safetensors"))
    var data = try Data(contentsOf: url)
    data[data.count - 1] ^= 1
    try data.write(to: url)
    let package = try ModelPackage(path: folder.path)
    let error = #expect(throws: PipelinesError.self) { try package.makeNetwork() }
    #expect(error?.failure == .damagedInput)
    #expect(error?.description.contains("weights.safetensors has the SHA-256") == true)
  }

  @Test func missingWeightsAndMissingHashesAreFound() throws {
    let folder = try Self.write()
    try FileManager.default.removeItem(atPath: folder.file("weights.safetensors"))
    #expect(throws: PipelinesError.self) { try ModelPackage(path: folder.path).verify() }
    let other = try Self.write()
    try Self.edit(other) { $0["files"] = [String: String]() }
    #expect(throws: PipelinesError.self) { try ModelPackage(path: other.path).verify() }
  }

  @Test func namesOfOtherFoldersAreNotFollowed() throws {
    let folder = try Self.write()
    try Self.edit(folder) {
      var files = $0["files"] as? [String: String] ?? [:]
      files["../../etc/passwd"] = String(repeating: "0", count: 64)
      $0["files"] = files
    }
    #expect(throws: PipelinesError.self) { try ModelPackage(path: folder.path).verify() }
  }

  @Test func impossibleDescriptionsAreRefused() throws {
    let changes: [(inout [String: Any]) -> Void] = [
      { $0["schema"] = "lamina.model/9" },
      { $0["labels"] = [Any]() },
      { $0.removeValue(forKey: "plan") },
      { $0["channels"] = ["T1", "T2"] },
      { $0["network"] = ["name": "unknown", "configuration": [String: Any]()] },
      {
        var plan = $0["plan"] as? [String: Any] ?? [:]
        plan["spacingMM"] = [1, 0, 1]
        $0["plan"] = plan
      },
      {
        var plan = $0["plan"] as? [String: Any] ?? [:]
        plan["orientation"] = "XYZ"
        $0["plan"] = plan
      },
    ]
    for (index, change) in changes.enumerated() {
      let folder = try Self.write()
      try Self.edit(folder, change)
      let error = #expect(throws: (any Error).self, "change \(index)") {
        try ModelPackage(path: folder.path)
      }
      #expect(
        (error as? any ClassifiedError) != nil,
        "change \(index): \(String(describing: error))"
      )
    }
    let empty = try TemporaryFolder()
    #expect(throws: PipelinesError.self) { try ModelPackage(path: empty.path) }
  }

  @Test func networksThatDoNotScoreSlicesAreRefused() throws {
    var solid = UNetConfiguration(inputChannels: 1, outputChannels: 3, features: [4, 8])
    solid.dimensions = 3
    let nnUNet = NNUNetConfiguration(
      inputChannels: 1,
      outputChannels: 3,
      features: [4, 8],
      dimensions: 3,
      unitsPerStage: [1, 1],
      decoderUnitsPerStage: [1]
    )
    let networks: [(NetworkConfiguration, String)] = [
      (.unet(solid), "its network is not two-dimensional"),
      (.plainConvUNet(nnUNet), "its network is not two-dimensional"),
      (.residualEncoderUNet(nnUNet), "its network is not two-dimensional"),
      (
        .classicUNet(
          ClassicUNetConfiguration(inputChannels: 1, outputChannels: 3, features: [4, 8])
        ),
        "its network gives probabilities, not scores"
      ),
    ]
    for (network, reason) in networks {
      let folder = try Self.write()
      let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(network))
      try Self.edit(folder) { $0["network"] = json }
      let error = #expect(throws: PipelinesError.self) { try ModelPackage(path: folder.path) }
      #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }
  }

  @Test func aNetworkOfAbsurdSizeIsRefusedNotBuilt() throws {
    let folder = try Self.write()
    try Self.edit(folder) {
      var network = $0["network"] as? [String: Any] ?? [:]
      var values = network["configuration"] as? [String: Any] ?? [:]
      values["features"] = [4, 1_000_000_000]
      network["configuration"] = values
      $0["network"] = network
    }
    #expect(throws: NetworksError.self) { try ModelPackage(path: folder.path).makeNetwork() }
  }

  @Test func theStoreSearchesInOrder() throws {
    let (first, second) = (try TemporaryFolder(), try TemporaryFolder())
    for (folder, name) in [(first, "a"), (second, "a"), (second, "b")] {
      let source = try Self.write()
      try FileManager.default.copyItem(atPath: source.path, toPath: folder.file(name))
    }
    let store = ModelStore(
      environment: ["LAMINA_MODELS": first.path],
      executable: second.path + "/lamina"
    )
    #expect(try store.model("a").path == first.file("a"))
    #expect(try store.model(second.file("b")).path == second.file("b"))
    #expect(store.all().contains { $0.name == "a" })
    let error = #expect(throws: PipelinesError.self) { try store.model("c") }
    #expect(error?.failure == .missingComponent)
  }

  /// Every model that comes with Lamina opens, has its card and its weights as described.
  @Test func shippedModelsAreSound() throws {
    let models = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Models").path
    for name in (try? FileManager.default.contentsOfDirectory(atPath: models)) ?? [] {
      let path = models + "/" + name
      guard FileManager.default.fileExists(atPath: path + "/model.json") else { continue }
      let package = try ModelPackage(path: path)
      #expect(package.description.name == name)
      #expect(try package.makeNetwork().weightCount > 0)
      let card = try String(contentsOfFile: path + "/README.md", encoding: .utf8)
      #expect(card.contains("Not for clinical use"))
      #expect(!package.description.licence.isEmpty)
    }
  }
}
