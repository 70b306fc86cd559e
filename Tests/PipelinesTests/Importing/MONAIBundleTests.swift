import Foundation
import Imaging
import ImagingIO
import Layers
import Pipelines
import Support
import TestSupport
import Testing

/// Bundles that MONAI made and ran; see `Tests/Fixtures/MONAIBundles`.
@Suite struct MONAIBundleTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func imported(_ source: String, _ name: String) throws -> ModelPackage {
    let place = folder.path + "/" + name
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    return try ModelImporter.run(
      source,
      options: ImportOptions(name: name),
      to: place,
      progress: SilentProgress(),
      interruption: Interruption()
    ).package
  }

  private func segmented(_ package: ModelPackage, _ name: String) throws -> SegmentationRun.Result {
    var options = SegmentationRun.Options()
    options.wantsProbabilities = FileManager.default.fileExists(
      atPath: Fixtures.path("MONAIBundles/\(name)/reference.safetensors")
    )
    let run = try SegmentationRun(
      model: package,
      options: options,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let scans = (0..<package.description.channels.count).map {
      Fixtures.path("MONAIBundles/\(name)/scan_000\($0).nii.gz")
    }
    return try run.segment(
      SegmentationInputs.Case(id: name, path: scans[0], channelPaths: scans)
    )
  }

  @Test(arguments: ["unet", "segresnet", "basicunet", "segresnetds"])
  func labelsAreThoseOfMONAI(_ name: String) throws {
    let package = try imported(Fixtures.path("MONAIBundles/\(name)/bundle"), name)
    let result = try segmented(package, name)
    let reference = try ImageFormats.read(
      Fixtures.path("MONAIBundles/\(name)/labels.nii.gz"),
      selection: VolumeSelection(),
      progress: SilentProgress()
    ).volume
    let expected = reference.asFloat.voxels.map { UInt16($0) }
    let found = result.labelMap.labels
    #expect(found.count == expected.count)
    #expect(Set(expected).count > 1)
    #expect(zip(found, expected).count { $0 != $1 } == 0)
    #expect(result.labelMap.geometry.difference(from: reference.geometry) == nil)
    guard let sink = result.probabilities else { return }
    let probabilities = try Safetensors(
      contentsOf: Fixtures.path("MONAIBundles/\(name)/reference.safetensors")
    )
    let wanted = try #require(probabilities.tensors["probabilities"]).values
    // Single precision through a network of a dozen layers.
    let gap = sink.withValues { values in
      wanted.indices.map { abs(values[7 * $0] - wanted[$0]) }.max() ?? 1
    }
    #expect(gap < 1e-4)
  }

  @Test func aBundleTellsItsLabels() throws {
    let package = try imported(Fixtures.path("MONAIBundles/unet/bundle"), "spleen")
    #expect(package.description.labels.map(\.name) == ["spleen"])
    #expect(package.description.channels == ["image 0"])
    #expect(package.description.origin?.format == MONAIBundle.format)
    #expect(package.description.origin?.files.count == 3)
    let again = try ModelPackage(path: package.path)
    #expect(again.description == package.description)
  }

  @Test func aConfigurationMayBeYAML() throws {
    let package = try imported(Fixtures.path("MONAIBundles/segresnetds/bundle"), "yaml")
    #expect(package.description.origin?.files["configs/inference.yaml"] != nil)
    guard case .segResNetDS(let values) = package.description.network else {
      Issue.record("the network is \(package.description.network)")
      return
    }
    // Spacings of 1, 1.2 and 3 mm: the third axis is halved once later than the others.
    #expect(values.scales == [[2, 2, 1], [2, 2, 2], [2, 2, 2]])
    #expect(values.supervisedLevels == 1)
  }

  // MARK: - Damage

  /// Anchors are not followed, tags make nothing, and what expressions may say is what JSON may.
  @Test func hostileYAMLIsRefused() throws {
    for (old, new, failure, word) in [
      ("bundle_root: .", "bundle_root: &a .", Failure.missingComponent, "an anchor"),
      ("bundle_root: .", "bundle_root: *a", .missingComponent, "an alias"),
      (
        "bundle_root: .", "bundle_root: !!python/object/apply:os.system [ls]", .missingComponent,
        "a tag"
      ),
      ("bundle_root: .", "bundle_root: ]", .damagedInput, "in line"),
      (
        "init_filters: 4", "init_filters: $__import__('os').system('ls')", .missingComponent,
        "init_filters"
      ),
      (
        "init_filters: 4", "init_filters: '%../../other.yaml::x'", .missingComponent,
        "another file"
      ),
      ("init_filters: 4", "init_filters: 8", .damagedInput, "encoder"),
    ] {
      let copy = folder.path + "/bundle-\(UUID().uuidString)"
      try FileManager.default.copyItem(
        atPath: Fixtures.path("MONAIBundles/segresnetds/bundle"),
        toPath: copy
      )
      let path = copy + "/configs/inference.yaml"
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(text.contains(old))
      try Data(text.replacingOccurrences(of: old, with: new).utf8)
        .write(to: URL(fileURLWithPath: path))
      let found = try #require(error(copy), "\(new)")
      #expect(found.failure == failure, "\(found)")
      #expect(found.description.contains(word), "\(found)")
    }
  }

  /// A copy of a bundle whose configuration is changed.
  private func changed(_ change: (inout String) throws -> Void) throws -> String {
    let copy = folder.path + "/bundle-\(UUID().uuidString)"
    try FileManager.default.copyItem(
      atPath: Fixtures.path("MONAIBundles/unet/bundle"),
      toPath: copy
    )
    let path = copy + "/configs/inference.json"
    var text = try String(contentsOfFile: path, encoding: .utf8)
    try change(&text)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return copy
  }

  private func error(_ source: String) -> (any ClassifiedError)? {
    do {
      _ = try imported(source, UUID().uuidString)
      return nil
    } catch {
      return error as? any ClassifiedError
    }
  }

  @Test func whatIsNotKnownIsNamed() throws {
    for (text, other, word) in [
      ("\"UNet\"", "\"SwinUNETR\"", "SwinUNETR"),
      ("\"Spacingd\"", "\"RandZoomd\"", "RandZoomd"),
      ("\"SlidingWindowInferer\"", "\"SaliencyInferer\"", "SaliencyInferer"),
      ("\"ScaleIntensityRanged\"", "\"os.system\"", "os.system"),
      ("\"batch\"", "\"localresponse\"", "norm"),
      ("\"AsDiscreted\"", "\"EnsureTyped\"", "AsDiscrete"),
    ] {
      let source = try changed {
        #expect($0.contains(text))
        $0 = $0.replacingOccurrences(of: text, with: other)
      }
      let found = try #require(error(source))
      #expect(found.failure == .missingComponent, "\(found)")
      #expect(found.description.contains(word), "\(found)")
    }
  }

  @Test func whatIsMissingOrDamagedIsSaid() throws {
    let damaged = try changed { $0 = String($0.prefix(200)) }
    #expect(error(damaged)?.failure == .damagedInput)
    let missing = try changed { _ in }
    try FileManager.default.removeItem(atPath: missing + "/models/model.pt")
    #expect(error(missing)?.description.contains("models/model.pt") == true)
    #expect(error(missing)?.failure == .damagedInput)
    let narrow = try changed {
      $0 = $0.replacingOccurrences(of: "\"in_channels\": 1", with: "\"in_channels\": 2")
    }
    #expect(error(narrow)?.failure == .damagedInput)
    let truncated = try changed { _ in }
    let weights = truncated + "/models/model.pt"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: weights))
    try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: weights))
    #expect(error(truncated)?.failure == .damagedInput)
  }
}
