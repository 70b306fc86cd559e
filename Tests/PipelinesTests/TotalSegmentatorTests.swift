import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import Synchronization
import TestSupport
import Testing

/// The fixture's rule on intensities in place of a model.
private final class BandPredictor: ScanPredictor {
  let dataset: Int
  let count: Int
  let seen = Mutex<ScanChannels?>(nil)

  init(dataset: Int, count: Int) {
    self.dataset = dataset
    self.count = count
  }

  func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    seen.withLock { $0 = scan }
    let labels = scan.volumes[0].asFloat.voxels.map { value in
      let band = Int(((Double(value) + 900 + Double(dataset % 7)) / 30).rounded(.down))
      if dataset == 803 { return value > 250 ? UInt16(1 + (band % count + count) % count) : 0 }
      return UInt16((band % (count + 1) + count + 1) % (count + 1))
    }
    return LabelMap(geometry: scan.geometry, labels: labels, table: [])
  }
}

@Suite struct TotalSegmentatorTests {
  struct Case: Decodable, CustomTestStringConvertible, Sendable {
    var name: String
    var scan: String
    var task: String
    var mode: TotalSegmentatorTask.Mode
    var blobs: Bool

    var testDescription: String { name }
  }

  struct File: Decodable, Sendable {
    var counts: [String: Int]
    var cases: [Case]
  }

  static let file: File? = {
    let url = URL(fileURLWithPath: Fixtures.path("totalsegmentator/cases.json"))
    return (try? Data(contentsOf: url)).flatMap { try? JSONDecoder().decode(File.self, from: $0) }
  }()

  private static func volume(_ name: String) throws -> AnyVolume {
    try ImageFormats.read(
      Fixtures.path("totalsegmentator/\(name)"),
      selection: VolumeSelection(),
      progress: SilentProgress()
    ).volume
  }

  private static func predictor(_ part: TotalSegmentatorTask.Part) throws -> BandPredictor {
    BandPredictor(
      dataset: part.number,
      count: try #require(file?.counts["\(part.number)"])
    )
  }

  @Test func theFixtureIsThere() { #expect(Self.file?.cases.count == 10) }

  @Test(arguments: file?.cases ?? [])
  func labelsAreTotalSegmentators(_ item: Case) throws {
    let task = try #require(TotalSegmentatorTask.named(item.task, mode: item.mode))
    let models = try task.parts.map(Self.predictor)
    var finder: TotalSegmentatorPredictor?
    if let found = task.crop?.task {
      finder = TotalSegmentatorPredictor(
        task: found,
        parts: try found.parts.indices.map {
          .init(predictor: try Self.predictor(found.parts[$0]), numbers: found.numbers(ofPart: $0))
        }
      )
    }
    let predictor = TotalSegmentatorPredictor(
      task: task,
      parts: models.indices.map {
        .init(predictor: models[$0], numbers: task.numbers(ofPart: $0))
      },
      finder: finder,
      clearsSmallPieces: item.blobs
    )
    let scan = try Self.volume(item.scan)
    let result = try predictor.predict(
      ScanChannels([scan]),
      outputs: PredictionOutputs(),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let archive = try NPZFile(Fixtures.path("totalsegmentator/prepared.npz"))
    if archive.keys.contains(item.name) {
      let expected = try archive.array(item.name)
      let seen = try #require(models[0].seen.withLock { $0 })
      let size = seen.geometry.size
      #expect([size.z, size.y, size.x] == expected.shape)
      let differing = zip(seen.volumes[0].asFloat.voxels, expected.floats).count { $0 != $1 }
      #expect(differing == 0, "\(differing) of what the model sees differ")
    }
    let expected = try Self.volume("\(item.name).nii.gz").asFloat.voxels.map { UInt16($0) }
    let differing = zip(result.labels, expected).count { $0 != $1 }
    #expect(result.labels.count == expected.count && differing == 0, "\(differing) differ")
    #expect(result.geometry == scan.geometry)
    #expect(result.table.map(\.name) == task.structures)
  }

  /// Of five models only that of the liver runs; its own voxels stay as they are in the whole task, but
  /// for those that later models would have drawn over.
  @Test func partsWithoutAWantedStructureDoNotRun() throws {
    let task = try #require(TotalSegmentatorTask.named("total", mode: .standard))
    let scan = ScanChannels([try Self.volume(try #require(Self.file?.cases.first).scan)])
    func predict(_ structures: [String]?) throws -> (labels: LabelMap, ran: [Bool]) {
      let models = try task.parts.map(Self.predictor)
      let predictor = TotalSegmentatorPredictor(
        task: task,
        parts: models.indices.map {
          .init(predictor: models[$0], numbers: task.numbers(ofPart: $0))
        },
        structures: structures
      )
      let labels = try predictor.predict(
        scan,
        outputs: PredictionOutputs(),
        progress: SilentProgress(),
        interruption: Interruption()
      )
      return (labels, models.map { $0.seen.withLock { $0 != nil } })
    }
    let liver = UInt16(1 + (try #require(task.structures.firstIndex(of: "liver"))))
    let part = try #require(task.parts.indices.first { task.numbers(ofPart: $0).contains(liver) })
    let whole = try predict(nil)
    let found = try predict(["liver"])
    #expect(whole.ran == task.parts.map { _ in true } && task.parts.count == 5)
    #expect(found.ran == task.parts.indices.map { $0 == part })
    #expect(Set(found.labels.labels).isSubset(of: task.numbers(ofPart: part)))
    #expect(found.labels.labels.contains(liver))
    let lost = zip(whole.labels.labels, found.labels.labels).count { $0 == liver && $1 != liver }
    #expect(lost == 0)
  }

  @Test func aScanWithoutTheRegionGetsNoLabels() throws {
    let task = try #require(TotalSegmentatorTask.named("liver_vessels", mode: .standard))
    let geometry = try ImageGeometry(
      size: [4, 4, 4],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    let predictor = TotalSegmentatorPredictor(
      task: task,
      parts: [.init(predictor: BandPredictor(dataset: 8, count: 2), numbers: [0, 1, 2])],
      // One label, which is not the liver's.
      finder: BandPredictor(dataset: 298, count: 1)
    )
    let volume = AnyVolume.int16(
      Volume(geometry: geometry, voxels: [Int16](repeating: 0, count: 64))
    )
    let result = try predictor.predict(
      ScanChannels([volume]),
      outputs: PredictionOutputs(),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    #expect(result.labels.allSatisfy { $0 == 0 })
  }

  // MARK: - Tables

  @Test func partsTogetherGiveEveryStructureOnce() {
    for task in TotalSegmentatorTask.all {
      let names = task.parts.flatMap(\.structures)
      #expect(Set(names) == Set(task.structures), "\(task.name) \(task.mode)")
      #expect(names.count == task.structures.count, "\(task.name) \(task.mode)")
      #expect(Set(task.structures).count == task.structures.count, "\(task.name)")
      for part in task.parts.indices {
        #expect(!task.numbers(ofPart: part).dropFirst().contains(0), "\(task.name) \(part)")
      }
    }
    #expect(TotalSegmentatorTask.named("total", mode: .standard)?.structures.count == 117)
    #expect(TotalSegmentatorTask.named("total_mr", mode: .standard)?.structures.count == 50)
  }

  @Test func tasksAreNamedOnceAndCropAroundStructuresThatTheFinderKnows() throws {
    let names = TotalSegmentatorTask.all.map { "\($0.name) \($0.mode)" }
    #expect(Set(names).count == names.count)
    for task in TotalSegmentatorTask.all {
      guard let crop = task.crop else { continue }
      let finder = try #require(crop.task)
      let wanted = crop.structures + (task.outside?.structures ?? [])
      #expect(Set(finder.structures).isSuperset(of: wanted), "\(task.name)")
    }
  }

  @Test func dataSetsAreRecognisedByNameAndLabels() {
    let labels = Dictionary(uniqueKeysWithValues: (1...117).map { ("class \($0)", $0) })
    for name in [
      "Dataset297_TotalSegmentator_total_3mm_1559subj", "Dataset297_TotalSegmentator_total_3mm",
      "Dataset297_TotalSegmentator_total_3mm_1559subj_v204",
    ] {
      let found = TotalSegmentatorTask.recognised(dataset: name, labels: labels)
      #expect(found?.task.name == "total" && found?.task.mode == .fast && found?.part == 0)
    }
    let ribs = Dictionary(uniqueKeysWithValues: (1...26).map { ("\($0)", $0) })
    let part = TotalSegmentatorTask.recognised(
      dataset: "Dataset295_TotalSegmentator_part5_ribs_1559subj",
      labels: ribs
    )
    #expect(part?.task.name == "total" && part?.task.mode == .standard && part?.part == 4)
    // Auxiliary labels belong to the data set.
    let bones = Dictionary(uniqueKeysWithValues: (1...15).map { ("\($0)", $0) })
    #expect(
      TotalSegmentatorTask.recognised(
        dataset: "Dataset304_appendicular_bones_ext_1559subj",
        labels: bones
      )?.task.name == "appendicular_bones"
    )
    for (name, labels) in [
      ("Dataset297_Mine", labels), ("Dataset297_TotalSegmentator_total_3mmX", labels),
      ("Dataset297_TotalSegmentator_total_3mm_1559subj", ribs),
      ("Dataset304_appendicular_bones_ext_1559subj", labels), ("", labels),
    ] {
      #expect(TotalSegmentatorTask.recognised(dataset: name, labels: labels) == nil, "\(name)")
    }
  }

  @Test func structuresHaveTheirCodesAndColours() throws {
    let labels = try #require(TotalSegmentatorTask.named("total", mode: .standard)?.definitions)
    let liver = try #require(labels.first { $0.name == "liver" })
    #expect(liver.id == 5)
    #expect(liver.code == CodedConcept(value: "10200004", scheme: "SCT", meaning: "Liver"))
    #expect(labels.allSatisfy { $0.code != nil })
    let ribs = labels.filter { $0.name.hasPrefix("rib_left_1") }
    #expect(ribs.map(\.id) == [92, 101, 102, 103])
  }
}
