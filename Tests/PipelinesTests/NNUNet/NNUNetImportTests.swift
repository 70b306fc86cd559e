import Foundation
import Imaging
import Layers
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct NNUNetImportTests {
  private static func copy(_ name: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(
      atPath: Fixtures.path("nnunet/models/" + name),
      toPath: folder.file("source")
    )
    return folder
  }

  @discardableResult
  private static func run(
    _ source: String,
    _ change: (inout ImportOptions) -> Void = { _ in }
  ) throws -> ModelPackage {
    let folder = try TemporaryFolder()
    var options = ImportOptions(name: "m")
    change(&options)
    return try ModelImporter.run(
      source,
      options: options,
      to: folder.path,
      progress: SilentProgress(),
      interruption: Interruption()
    ).package
  }

  private static func edit(_ path: String, _ change: (inout [String: Any]) -> Void) throws {
    let url = URL(fileURLWithPath: path)
    var object = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any]
    )
    change(&object)
    try JSONSerialization.data(withJSONObject: object).write(to: url)
  }

  @Test func aFoldWithoutCheckpointIsLeftOutAndNoneIsAnError() throws {
    let folder = try Self.copy("plain")
    try FileManager.default.removeItem(atPath: folder.file("source/fold_0/checkpoint_final.pth"))
    let package = try Self.run(folder.file("source"))
    #expect(package.description.ensemble.map(\.name) == ["fold 1"])
    try FileManager.default.removeItem(atPath: folder.file("source/fold_1/checkpoint_final.pth"))
    #expect {
      try Self.run(folder.file("source"))
    } throws: { error in
      guard case PipelinesError.missingPart(_, "fold_0/checkpoint_final.pth", _) = error else {
        return false
      }
      return (error as? PipelinesError)?.failure == .damagedInput
    }
  }

  @Test func severalConfigurationsNeedAChoice() throws {
    let source = Fixtures.path("nnunet/models/cascade")
    #expect(throws: PipelinesError.self) { try Self.run(source) }
    let package = try Self.run(source) { $0.configuration = "3d_lowres" }
    #expect(package.description.previousStage == nil)
    let cascade = try Self.run(source) { $0.configuration = "3d_cascade_fullres" }
    #expect(cascade.description.previousStage?.members.count == 1)
    #expect(cascade.description.network.inputChannels == 3)
    #expect {
      try Self.run(source) { $0.configuration = "4d" }
    } throws: { error in
      "\(error)".contains("3d_lowres")
    }
  }

  @Test func aCascadeWithoutItsFirstStageIsRefused() throws {
    let folder = try Self.copy("cascade/nnUNetTrainer__nnUNetPlans__3d_cascade_fullres")
    #expect {
      try Self.run(folder.file("source"))
    } throws: { "\($0)".contains("3d_lowres") }
  }

  @Test func aPackageThatLostItsFirstStageIsRefused() throws {
    let folder = try TemporaryFolder()
    var options = ImportOptions(name: "m")
    options.configuration = "3d_cascade_fullres"
    _ = try ModelImporter.run(
      Fixtures.path("nnunet/models/cascade"),
      options: options,
      to: folder.path,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    try Self.edit(folder.file("model.json")) { $0["previousStage"] = nil }
    #expect(throws: PipelinesError.self) { try ModelPackage(path: folder.path) }
  }

  @Test func plansWithoutTheConfigurationAreNamed() throws {
    let folder = try Self.copy("thick")
    try Self.edit(folder.file("source/plans.json")) { $0["configurations"] = ["2d": [:]] }
    #expect {
      try Self.run(folder.file("source"))
    } throws: { "\($0)".contains("no configuration 3d_fullres") }
  }

  @Test func anUnknownArchitectureIsNamedWithTheKnown() throws {
    let folder = try Self.copy("thick")
    let path = folder.file("source/plans.json")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try text.replacingOccurrences(of: "ResidualEncoderUNet", with: "Primus")
      .write(toFile: path, atomically: true, encoding: .utf8)
    #expect {
      try Self.run(folder.file("source"))
    } throws: { "\($0)".contains("Primus") && "\($0)".contains("PlainConvUNet") }
  }

  @Test func channelsThatDoNotFitTheWeightsAreRefused() throws {
    let folder = try Self.copy("slices")
    try Self.edit(folder.file("source/dataset.json")) {
      $0["channel_names"] = ["0": "a", "1": "b"]
    }
    #expect(throws: PipelinesError.self) { try Self.run(folder.file("source")) }
    try Self.edit(folder.file("source/dataset.json")) {
      $0["channel_names"] = ["0": "a"]
      $0["labels"] = ["background": 0, "a": 1]
    }
    #expect(throws: LayersError.self) { try Self.run(folder.file("source")) }
  }

  @Test func aTruncatedCheckpointIsRefused() throws {
    let folder = try Self.copy("slices")
    let path = folder.file("source/fold_0/checkpoint_final.pth")
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    for count in [0, 100, data.count / 2, data.count - 30] {
      try data.prefix(count).write(to: URL(fileURLWithPath: path))
      #expect(throws: (any Error).self, "\(count) bytes") { try Self.run(folder.file("source")) }
    }
  }

  @Test func aZipImportsLikeItsFolder() throws {
    let folder = try Self.copy("slices")
    try FileManager.default.createDirectory(
      atPath: folder.file("zipped/Dataset001_Tiny"),
      withIntermediateDirectories: true
    )
    try FileManager.default.moveItem(
      atPath: folder.file("source"),
      toPath: folder.file("zipped/Dataset001_Tiny/nnUNetTrainer__nnUNetPlans__2d")
    )
    let archive = folder.file("model.zip")
    try StoredZip.write(folder.file("zipped"), to: archive)
    let package = try Self.run(archive)
    #expect(package.description.provenance.dataset == "Dataset001_Tiny")
    let direct = try Self.run(Fixtures.path("nnunet/models/slices"))
    #expect(package.description.files == direct.description.files)
    #expect(package.description.origin?.facts["trainer"] == "nnUNetTrainer")
  }

  @Test func namesThatLeadOutOfAnArchiveLeadNowhere() throws {
    let folder = try Self.copy("slices")
    let archive = folder.file("evil.zip")
    try StoredZip.write(
      folder.file("source"),
      to: archive,
      renaming: { $0 == "plans.json" ? "../../plans.json" : $0 }
    )
    #expect(throws: (any Error).self) { try Self.run(archive) }
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/../../plans.json"))
  }

  @Test func somethingElseIsNoModel() throws {
    let folder = try TemporaryFolder()
    try Data("text".utf8).write(to: URL(fileURLWithPath: folder.file("notes.txt")))
    #expect {
      try Self.run(folder.path)
    } throws: { error in
      guard case PipelinesError.unknownModelFormat = error else { return false }
      return true
    }
  }

  @Test func regionsAreNamedByWhatIsLeftOfThem() throws {
    let package = try Self.run(Fixtures.path("nnunet/models/regions"))
    #expect(
      package.description.labels.map(\.name) == [
        "whole without core, active", "core without active", "active",
      ]
    )
    #expect(package.description.labels.map(\.id) == [1, 2, 3])
  }
}
