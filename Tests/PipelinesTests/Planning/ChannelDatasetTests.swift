import Foundation
import Imaging
import ImagingIO
import Layers
import Networks
import Pipelines
import Support
import TestSupport
import Testing

/// Data sets of several channels and of regions: reading, checking, planning.
@Suite struct ChannelDatasetTests {
  @Test func channelsAndRegionsAreRead() throws {
    let study = try ChannelStudy(cases: 3)
    let dataset = try SegmentationDataset(path: study.path)
    #expect(dataset.channelNames == ["T1", "CT"])
    #expect(dataset.cases.map(\.id) == ["ball_0", "ball_1", "ball_2"])
    #expect(dataset.cases[1].images == [study.image(1, 0), study.image(1, 1)])
    #expect(dataset.regions.map(\.name) == ["whole", "core", "centre"])
    #expect(dataset.regions.map(\.labels) == [[1, 2, 3], [2, 3], [3]])
    #expect(dataset.regions.map(\.painted) == [1, 2, 3])
    #expect(dataset.labels.map(\.id) == [1, 2, 3] && dataset.ignoreLabel == nil)
  }

  @Test func regionsKeepTheOrderOfTheFileWhateverTheirNames() throws {
    let study = try ChannelStudy(cases: 1)
    try study.write(
      """
      {"channel_names": {"0": "T1", "1": "CT"},
       "labels": {"background": 0, "zone": [1, 2], "all": [2], "ignore": 3},
       "regions_class_order": [1, 2]}
      """,
      to: "dataset.json"
    )
    let dataset = try SegmentationDataset(path: study.path)
    #expect(dataset.regions.map(\.name) == ["zone", "all"])
    #expect(dataset.labels.map(\.name) == ["zone without all", "all"])
    #expect(dataset.ignoreLabel == 3)
  }

  @Test(arguments: [
    // No background, no order, an order of another length.
    #""labels": {"a": [1, 2]}, "regions_class_order": [1]"#,
    #""labels": {"background": 0, "a": [1, 2]}"#,
    #""labels": {"background": 0, "a": [1, 2], "b": 1}, "regions_class_order": [1]"#,
    // Drawn with a number of another region, equal regions, background within, ignore not highest.
    #""labels": {"background": 0, "a": [1, 2], "b": 3}, "regions_class_order": [1, 2]"#,
    #""labels": {"background": 0, "a": [1, 2], "b": [2, 1]}, "regions_class_order": [1, 2]"#,
    #""labels": {"background": 0, "a": [0, 2], "b": 1}, "regions_class_order": [2, 1]"#,
    #""labels": {"background": 0, "a": [1, 3], "ignore": 2}, "regions_class_order": [1]"#,
  ])
  func unusableRegionsAreRefused(_ labels: String) throws {
    let study = try ChannelStudy(cases: 1)
    try study.write(#"{"channel_names": {"0": "T1", "1": "CT"}, \#(labels)}"#, to: "dataset.json")
    let error = #expect(throws: PipelinesError.self) { try SegmentationDataset(path: study.path) }
    #expect(error?.failure == .damagedInput)
  }

  @Test func channelsMustBeNumberedFromZero() throws {
    let study = try ChannelStudy(cases: 1)
    try study.write(
      #"{"channel_names": {"1": "T1", "2": "CT"}, "labels": {"background": 0, "a": 1}}"#,
      to: "dataset.json"
    )
    let error = #expect(throws: PipelinesError.self) { try SegmentationDataset(path: study.path) }
    #expect(error?.description.contains("not numbered from 0") == true)
  }

  @Test func aMissingChannelIsNamed() throws {
    let study = try ChannelStudy(cases: 3)
    try FileManager.default.removeItem(atPath: study.image(1, 1))
    let dataset = try SegmentationDataset(path: study.path)
    #expect(dataset.cases.map(\.id) == ["ball_0", "ball_2"])
    #expect(dataset.unpaired.map(\.message) == ["ball_1 has no channel 1 (CT) in imagesTr"])
  }

  @Test func timePointsOfOneFileAreChannelsOfTheDecathlonsLayout() throws {
    let study = try ChannelStudy(cases: 1)
    let (channels, _) = try ChannelStudy.make(0, size: [20, 18, 16])
    let path = study.folder.file("imagesTr/both.nii.gz")
    try writeTimePoints(channels, to: path)
    try study.write(
      """
      {"modality": {"0": "T1", "1": "CT"}, "labels": {"0": "background", "1": "rim", "2": "core",
       "3": "centre"}, "training": [{"image": "./imagesTr/both.nii.gz",
       "label": "./labelsTr/ball_0.nii.gz"}]}
      """,
      to: "dataset.json"
    )
    let dataset = try SegmentationDataset(path: study.path)
    let check = try DatasetCheck.check(dataset)
    #expect(check.faults == [])
    let found = try #require(check.fingerprint).channelIntensities
    #expect(found.count == 2 && abs(found[0].mean - 160) < 1)

    // A file of one time point is not enough.
    try NIfTIWriter.write(.float32(channels[0]), to: path)
    let faults = try DatasetCheck.check(dataset).faults
    #expect(faults.count == 1 && faults[0].contains("2 channels"))
  }

  @Test func faultsOfChannelsAreNamed() throws {
    let study = try ChannelStudy(cases: 5)
    let (other, _) = try ChannelStudy.make(0, size: [5, 6, 7])
    try NIfTIWriter.write(.float32(other[1]), to: study.image(0, 1))
    let (channels, _) = try ChannelStudy.make(1, size: [20, 18, 16])
    var broken = channels[1]
    broken.voxels[7] = .nan
    try NIfTIWriter.write(.float32(broken), to: study.image(1, 1))
    var empty = channels[1]
    empty.voxels = empty.voxels.map { _ in 0 }
    try NIfTIWriter.write(.float32(empty), to: study.image(2, 1))
    // The fourth case shows the fifth's first channel, but another second one: no copy.
    let (fifth, _) = try ChannelStudy.make(4, size: [20, 18, 16])
    try NIfTIWriter.write(.float32(fifth[0]), to: study.image(3, 0))
    let check = try DatasetCheck.check(try SegmentationDataset(path: study.path))
    #expect(check.faults.count == 2)
    #expect(check.faults.contains { $0.hasPrefix("ball_0: ") && $0.contains("channel 1 (CT)") })
    #expect(check.faults.contains { $0.hasPrefix("ball_1: 1 voxels of channel 1 (CT)") })
    #expect(check.notes.contains { $0.hasPrefix("ball_2: every voxel of channel 1 (CT) is 0") })
    #expect(check.copies == [])
  }

  @Test func aMendedCopyHasAllChannels() throws {
    let study = try ChannelStudy(cases: 3)
    try FileManager.default.removeItem(atPath: study.image(1, 1))
    let dataset = try SegmentationDataset(path: study.path)
    let check = try DatasetCheck.check(dataset)
    let folder = try TemporaryFolder()
    _ = try DatasetMending(dataset, check: check).write(
      to: folder.path,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let mended = try SegmentationDataset(path: folder.path)
    #expect(mended.cases.map(\.id) == ["ball_0", "ball_2"] && mended.unpaired.isEmpty)
    #expect(mended.regions == dataset.regions)
    #expect(try DatasetCheck.check(mended).faults == [])
  }

  @Test func slicesOfRegionsOrChannelsAreRefusedWithTheReason() throws {
    let study = try ChannelStudy(cases: 2)
    let dataset = try SegmentationDataset(path: study.path)
    let fingerprint = try #require(try DatasetCheck.check(dataset).fingerprint)
    for change: (inout PlanRequest) -> Void in [{ $0.shape = .slices }, { $0.network = "fcn" }] {
      var request = PlanRequest()
      change(&request)
      let error = #expect(throws: PipelinesError.self) {
        try DatasetPlanner(dataset, fingerprint: fingerprint, request: request)
          .plan(interruption: Interruption())
      }
      #expect(error?.description.contains("regions are trained in 3-D") == true)
    }
  }

  @Test func postprocessingIsChosenByRegions() throws {
    let geometry = try SyntheticStudy.geometry([6, 1, 1])
    func map(_ labels: [UInt16]) -> LabelMap {
      LabelMap(geometry: geometry, labels: labels, table: [])
    }
    // The whole is 1 and 2; a stray piece of it lies apart.
    let choice = PostprocessingChoice(
      predictions: [map([2, 1, 2, 0, 1, 0])],
      references: [map([2, 1, 2, 0, 0, 0])],
      structures: [[1, 2], [2]]
    )
    #expect(choice.postprocessing?.steps == [[1, 2]])
    #expect(choice.before.map { abs($0 - (6.0 / 7 + 1) / 2) < 1e-12 } == true)
    #expect(choice.after == 1)
  }

  private func writeTimePoints(_ channels: [Volume<Float>], to path: String) throws {
    let first = channels[0].geometry
    let file = NIfTIBytes.fourDimensional(
      size: [first.size.x, first.size.y, first.size.z, channels.count],
      values: channels.flatMap(\.voxels)
    )
    try file.write(to: URL(fileURLWithPath: path))
  }
}

/// Files of several time points, which the writer does not make.
private enum NIfTIBytes {
  /// A NIfTI-1 file of single precision, 1 mm, right, anterior, superior.
  static func fourDimensional(size: [Int], values: [Float]) -> Data {
    var header = Data(count: 352)
    func put<Value>(_ value: Value, at offset: Int) {
      withUnsafeBytes(of: value) { header.replaceSubrange(offset..<offset + $0.count, with: $0) }
    }
    put(Int32(348), at: 0)
    put(Int16(size.count), at: 40)
    for (axis, count) in size.enumerated() { put(Int16(count), at: 42 + 2 * axis) }
    put(Int16(16), at: 70)
    put(Int16(32), at: 72)
    for axis in 0..<5 { put(Float(1), at: 76 + 4 * axis) }
    put(Float(352), at: 108)
    put(Float(1), at: 112)
    // Millimetres; the affine's rows.
    put(UInt8(2), at: 123)
    put(Int16(1), at: 254)
    for row in 0..<3 { put(Float(1), at: 280 + 16 * row + 4 * row) }
    header.replaceSubrange(344..<348, with: Data("n+1\0".utf8))
    return header + values.withUnsafeBytes { Data($0) }
  }
}

/// Against nnU-Net's own fingerprint and plan, stored by `Fixtures/nnunet/make_channels.py`.
@Suite struct ChannelPlanTests {
  private struct Stored: Decodable {
    let cases: [Case]
    let sizes: [[Int]]
    let medianRelativeSize: Double
    let intensities: [[String: Double]]
    let spacing: [Double]
    let patch: [Int]
    let batch: Int
    let normalization: [String]
    let usesMask: [Bool]
    let transposeForward: [Int]

    struct Case: Decodable {
      let size: [Int]
      let spacing: [Double]
    }
  }

  /// The generator's images.
  private func write(_ stored: Stored, to study: ChannelStudy) throws {
    for (index, entry) in stored.cases.enumerated() {
      let size = SIMD3(entry.size[0], entry.size[1], entry.size[2])
      let geometry = try ImageGeometry(
        size: size,
        spacing: SIMD3(entry.spacing[0], entry.spacing[1], entry.spacing[2]),
        origin: [0, 0, 0],
        direction: Orientation.ras.direction
      )
      var (first, second) = ([Float](), [Float]())
      var labels: [UInt16] = []
      for z in 0..<size.z {
        for y in 0..<size.y {
          for x in 0..<size.x {
            let offset = SIMD3(x, y, z) &- size / 2
            let square = 4 * (offset &* offset).wrappedSum()
            let label = (square < 169 ? 1 : 0) + (square < 64 ? 1 : 0) + (square < 16 ? 1 : 0)
            let isInside = x >= 2 && x < size.x - 2
            let one = 100 + (7 * x + 11 * y + 13 * z + index) % 31 + 40 * label
            let two = -50 + (5 * x + 3 * y + 17 * z + index) % 53 + (label >= 2 ? 25 : 0)
            first.append(isInside ? Float(one) : 0)
            second.append(isInside ? Float(two) : 0)
            labels.append(UInt16(label))
          }
        }
      }
      try NIfTIWriter.write(
        .float32(Volume(geometry: geometry, voxels: first)),
        to: study.image(index, 0)
      )
      try NIfTIWriter.write(
        .float32(Volume(geometry: geometry, voxels: second)),
        to: study.image(index, 1)
      )
      try NIfTIWriter.write(
        LabelMap(geometry: geometry, labels: labels, table: []),
        to: study.label(index)
      )
    }
  }

  @Test func fingerprintAndPlanAreNNUNets() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("nnunet/channels.json")))
    let stored = try JSONDecoder().decode(Stored.self, from: data)
    let study = try ChannelStudy(cases: 0)
    try write(stored, to: study)
    let dataset = try SegmentationDataset(path: study.path)
    let fingerprint = try #require(try DatasetCheck.check(dataset).fingerprint)
    // nnU-Net's are z, y, x.
    #expect(fingerprint.cases.map { Array($0.size.reversed()) } == stored.sizes)
    #expect(abs(fingerprint.medianRelativeSize - stored.medianRelativeSize) < 1e-12)
    #expect(fingerprint.channelIntensities.count == 2)
    for (found, wanted) in zip(fingerprint.channelIntensities, stored.intensities) {
      // Both draw at random; five standard errors of 30 000 draws, and of the deviation.
      let error = 5 * found.sd / Double(found.count).squareRoot()
      #expect(abs(found.mean - (wanted["mean"] ?? .nan)) < error)
      #expect(abs(found.sd - (wanted["std"] ?? .nan)) < error)
      #expect(found.minimum == wanted["min"] && found.maximum == wanted["max"])
      // Values are whole numbers, dense enough that these differ by one or two.
      #expect(abs(found.median - (wanted["median"] ?? .nan)) <= 2)
      #expect(abs(found.percentile00_5 - (wanted["percentile_00_5"] ?? .nan)) <= 2)
      #expect(abs(found.percentile99_5 - (wanted["percentile_99_5"] ?? .nan)) <= 2)
    }
    var request = PlanRequest()
    request.memoryGB = 100
    request.loss = .tversky
    let plan = try DatasetPlanner(dataset, fingerprint: fingerprint, request: request).plan(
      interruption: Interruption(),
      speed: StepSpeed(
        secondsPerMultiplication: 1e-12,
        secondsPerMapValue: 1e-12,
        secondsPerVoxel: 1e-12
      )
    )
    guard case .nnUNet(let values) = plan.configuration.plan else {
      Issue.record("not a plan of volumes")
      return
    }
    #expect(values.patchSize == stored.patch && plan.configuration.batchSize == stored.batch)
    #expect(values.spacing == stored.spacing)
    #expect(values.transposeForward == stored.transposeForward)
    #expect(stored.normalization == ["ZScoreNormalization", "CTNormalization"])
    #expect(values.channels.first == .zScore(usesMask: stored.usesMask[0]))
    guard case .ct(let mean, _, let low, let high) = values.channels[1] else {
      Issue.record("the second channel is not normalised as CT")
      return
    }
    let second = fingerprint.channelIntensities[1]
    #expect(mean == second.mean && low == second.percentile00_5 && high == second.percentile99_5)
    #expect(values.heads == .regions(painted: [1, 2, 3]))
    #expect(plan.configuration.regions == [[1, 2, 3], [2, 3], [3]])
    #expect(plan.configuration.loss == .tversky)
    for (name, value) in [
      ("kind", "3d"), ("normalisation 0, T1", "z-score"), ("region core", "2 + 3"),
      ("loss", "Tversky"),
    ] {
      #expect(plan.rows.first { $0.name == name }?.value == value, "\(name)")
    }
  }
}
