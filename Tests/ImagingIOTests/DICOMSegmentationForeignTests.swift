import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// Segmentations that other programs wrote (highdicom, edited with pydicom; see the folder's README).
@Suite struct DICOMSegmentationForeignTests {
  /// What reading a fixture must give, made by the generator.
  struct Expected: Decodable {
    var refused: Bool?
    var size: [Int]?
    var layers: [[UInt16]]?
    var affine: [[Double]]?
    var problems: [String]?
    var fractions: [[Float]]?
    var colours: [[UInt8]]?
    var names: [String]?
    var ids: [[Int]]?
  }

  static let expected: [String: Expected] = {
    let url = URL(fileURLWithPath: Fixtures.path("dicom-seg/expected.json"))
    let data = (try? Data(contentsOf: url)) ?? Data()
    return (try? JSONDecoder().decode([String: Expected].self, from: data)) ?? [:]
  }()

  private static var names: [String] { expected.keys.sorted() }

  private func path(_ name: String) -> String { Fixtures.path("dicom-seg/\(name).dcm") }

  @Test func theTableOfExpectationsIsThere() { #expect(Self.expected.count == 19) }

  @Test(arguments: names)
  func foreignFilesReadToTheExpectedLabels(name: String) throws {
    let facts = try #require(Self.expected[name])
    if facts.refused == true {
      #expect(throws: ImagingIOError.self) { try DICOMSegmentationReader.read(path(name)) }
      return
    }
    let loaded = try DICOMSegmentationReader.read(path(name))
    #expect(loaded.layers.map(\.labels) == facts.layers)
    let geometry = loaded.layers[0].geometry
    #expect([geometry.size.x, geometry.size.y, geometry.size.z] == facts.size)
    let affine = try #require(facts.affine)
    for column in 0..<3 {
      let axis = geometry.direction.columns[column] * geometry.spacing[column]
      for row in 0..<3 { #expect(abs(axis[row] - affine[row][column]) < 1e-5) }
      #expect(abs(geometry.origin[column] - affine[column][3]) < 1e-5)
    }
    #expect(loaded.shift == nil)
    #expect(loaded.problems.map(\.code) == facts.problems)
    if let colours = facts.colours {
      let found = loaded.layers[0].table.map { [$0.color.red, $0.color.green, $0.color.blue] }
      for (a, b) in zip(found, colours) {
        // highdicom's constants have fewer digits; colours may differ by rounding.
        for (x, y) in zip(a, b) { #expect(abs(Int(x) - Int(y)) <= 1, "\(found)") }
      }
    }
    if let names = facts.names { #expect(loaded.layers[0].table.map(\.name) == names) }
    if let ids = facts.ids { #expect(loaded.layers.map { $0.table.map(\.id) } == ids) }
    for (index, values) in (facts.fractions ?? []).enumerated() {
      let read = try DICOMSegmentationReader.fractions(path(name), segment: index + 1)
      #expect(zip(read.voxels, values).allSatisfy { abs($0 - $1) < 1e-6 })
    }
  }

  @Test func codesAreReadAsTheyAre() throws {
    let table = try DICOMSegmentationReader.read(path("binary")).layers[0].table
    #expect(table[0].code?.value == "10200004")
    #expect(table[0].code?.scheme == "SCT")
    #expect(table[0].code?.meaning == "Liver")
    #expect(table[1].code?.value == "64033007")
  }

  @Test(arguments: ["binary", "shuffled", "per-frame", "gap", "one-frame", "overlap"])
  func theSourceGivesTheWholeGrid(name: String) throws {
    let source = try DICOMSource(files: (0..<8).map { Fixtures.path("dicom-seg/series/\($0).dcm") })
    let alone = try DICOMSegmentationReader.read(path(name))
    let whole = try DICOMSegmentationReader.read(path(name), source: source)
    #expect(whole.layers[0].geometry.size == [9, 7, 8])
    #expect(whole.problems.isEmpty)
    let geometry = whole.layers[0].geometry
    let start = geometry.index(ofPosition: alone.layers[0].geometry.origin)
    let first = Int(start.z.rounded())
    for (a, b) in zip(alone.layers, whole.layers) {
      var padded = [UInt16](repeating: 0, count: geometry.voxelCount)
      padded.replaceSubrange(first * 63..<first * 63 + a.labels.count, with: a.labels)
      #expect(b.labels == padded)
    }
    let slice = Int(start.z.rounded())
    #expect(whole.references[slice] == alone.references[0])
    #expect(whole.references[slice].count == 1)
  }

  @Test func unevenPositionsAreNamed() {
    #expect {
      try DICOMSegmentationReader.read(path("uneven"))
    } throws: { error in
      "\(error)".contains("0.0, 2.5, 5.0, 8.75 mm")
    }
  }

  @Test func gridsBeyondTheFilesSizeAreRefused() throws {
    let folder = try TemporaryFolder()
    var map = SyntheticSegmentation.map(
      try SyntheticSegmentation.geometry([512, 512, 2]),
      labels: [1]
    )
    map.labels = map.labels.map { _ in 1 }
    var object = SyntheticSegmentation.object([map])
    object.kind = .labelMap
    object.encoding = .rle
    let path = folder.file("seg.dcm")
    try DICOMSegmentation.write(object, to: path)
    let file = try DICOMFile(path: path)
    let shared = try #require(file.root.item(0x5200_9229)?.item(0x0028_9110))
    try file.put("0.0005", tag: 0x0018_0088, vr: "DS", item: shared.handle)
    try file.save(to: folder.file("claim.dcm"), syntax: DICOMOutputSyntax.rle.rawValue)
    #expect {
      try DICOMSegmentationReader.read(folder.file("claim.dcm"))
    } throws: { error in
      "\(error)".contains("512 x 512 x 5001 voxels")
    }
  }

  @Test func ordinarySlicesAreNoSegmentation() {
    #expect(throws: ImagingIOError.unrecognised(path: Fixtures.path("dicom-seg/series/0.dcm"))) {
      try DICOMSegmentationReader.read(Fixtures.path("dicom-seg/series/0.dcm"))
    }
  }

  // MARK: - As an image format

  @Test func aFileIsAnImageOfItsLabels() throws {
    let loaded = try ImageFormats.read(path("binary"))
    guard case .uint8(let volume) = loaded.volume else {
      Issue.record("\(loaded.volume.scalarName)")
      return
    }
    #expect(volume.voxels.map(UInt16.init) == Self.expected["binary"]?.layers?[0])
    #expect(loaded.summary.modality == "SEG")
    guard case .uint16(let wide) = try ImageFormats.read(path("labelmap-16-rle")).volume else {
      Issue.record("16 bits were expected")
      return
    }
    #expect(wide.voxels == Self.expected["labelmap-16-rle"]?.layers?[0])
  }

  @Test func layersAreVolumes() throws {
    #expect {
      try ImageFormats.read(path("overlap"))
    } throws: { error in
      guard case ImagingIOError.severalTimePoints(_, let choices) = error else { return false }
      return choices.count == 2
    }
    var selection = VolumeSelection(volume: 2)
    let loaded = try ImageFormats.read(path("overlap"), selection: selection)
    guard case .uint8(let second) = loaded.volume else {
      Issue.record("8 bits were expected")
      return
    }
    #expect(second.voxels.map(UInt16.init) == Self.expected["overlap"]?.layers?[1])
    selection = VolumeSelection(volume: 3)
    #expect(throws: ImagingIOError.noSuchSelection(path: path("overlap"), selection: "volume 3")) {
      try ImageFormats.read(path("overlap"), selection: selection)
    }
    #expect(try ImageFormats.inspect(path("overlap"))[0].volumes.count == 2)
  }

  @Test func onlyFoldersOfSegmentationsAloneAreRecognised() throws {
    let folder = try TemporaryFolder()
    let files = FileManager.default
    for name in ["binary", "labelmap"] {
      try files.copyItem(atPath: path(name), toPath: folder.file(name + ".dcm"))
    }
    try Data("notes".utf8).write(to: URL(fileURLWithPath: folder.file("notes.txt")))
    #expect(try ImageFormats.format(of: folder.path).name == "DICOM SEG")
    #expect(try ImageFormats.inspect(folder.path).count == 2)
    #expect(throws: ImagingIOError.self) { try ImageFormats.read(folder.path) }
    let second = try ImageFormats.read(folder.path, selection: VolumeSelection(series: "2"))
    #expect(second.files == [folder.file("labelmap.dcm")])
    try files.copyItem(
      atPath: Fixtures.path("dicom-seg/series/0.dcm"),
      toPath: folder.file("slice.dcm")
    )
    #expect(try ImageFormats.format(of: folder.path).name == "DICOM")
    #expect(try ImageFormats.format(of: Fixtures.path("dicom-seg/series")).name == "DICOM")
  }

  // MARK: - Damage

  @Test(arguments: ["binary", "fractional-rle", "labelmap-16", "overlap"])
  func cutAndChangedFilesNeverTrap(name: String) throws {
    let folder = try TemporaryFolder()
    let whole = try Data(contentsOf: URL(fileURLWithPath: path(name)))
    let damaged = folder.file("damaged.dcm")
    let url = URL(fileURLWithPath: damaged)
    var refused = 0
    for cut in stride(from: 140, to: whole.count, by: 611) {
      try whole.prefix(cut).write(to: url)
      do { _ = try DICOMSegmentationReader.read(damaged) } catch { refused += 1 }
    }
    #expect(refused > 4)
    var state: UInt64 = 5
    for _ in 0..<25 {
      var bytes = whole
      for _ in 0..<3 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes[140 + Int(state >> 33) % (bytes.count - 140)] = UInt8(state >> 56)
      }
      try bytes.write(to: url)
      do { _ = try DICOMSegmentationReader.read(damaged) } catch { refused += 1 }
    }
    #expect(refused > 4)
  }
}
