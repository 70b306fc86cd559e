import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct DICOMStructureSetTests {
  private static let options: DICOMStructureSetOptions = {
    var options = DICOMStructureSetOptions(
      label: "Test",
      algorithmName: "Net",
      algorithmVersion: "1.2",
      date: Date(timeIntervalSince1970: 1_700_000_000),
      interpretedTypes: [3: .organ]
    )
    options.timeZone = .gmt
    return options
  }()

  /// A series as it is loaded.
  private func image(_ name: String) throws -> LoadedVolume {
    var image = try DICOMFormat().read(
      Fixtures.path(name),
      selection: VolumeSelection(),
      progress: SilentProgress()
    )
    image.source = try DICOMSource(files: image.files)
    return image
  }

  private func bytes(_ name: String) throws -> [UInt16] {
    try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("dicom-rt/\(name)"))).map(UInt16.init)
  }

  private func table(_ ids: [Int]) -> [LabelDefinition] {
    ids.map {
      LabelDefinition(
        id: $0,
        name: "Größe \($0)",
        color: LabelColor(red: UInt8($0 & 255), green: 7, blue: 255),
        code: $0 == 3 ? CodedConcept(value: "10200004", scheme: "SCT", meaning: "Liver") : nil
      )
    }
  }

  /// Noise of a density from 0 to 1.
  private func noise(_ count: Int, density: Double, labels: [UInt16], seed: UInt64) -> [UInt16] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15
    func random() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 33) / Double(1 << 31)
    }
    return (0..<count).map { _ in
      random() < density ? labels[min(Int(random() * Double(labels.count)), labels.count - 1)] : 0
    }
  }

  @Test(arguments: ["dicom-rt/series", "dicom/axial-ct", "dicom/oblique-mr", "dicom/sagittal-mr"])
  func everyMaskReadsBackExactly(series: String) throws {
    let image = try image(series)
    let source = try #require(image.source)
    let folder = try TemporaryFolder()
    let geometry = image.volume.geometry
    for (seed, density) in [0.2, 0.6, 0.9, 1].enumerated() {
      let map = LabelMap(
        geometry: geometry,
        labels: noise(
          geometry.voxelCount,
          density: density,
          labels: [3, 500],
          seed: 5 + UInt64(seed)
        ),
        table: table([3, 500, 65535])
      )
      let path = folder.file("rt.dcm")
      try DICOMStructureSetWriter.write([map], source: source, options: Self.options, to: path)
      let read = try DICOMStructureSetReader.read(path, onto: image)
      #expect(read.layers == [map])
      #expect(read.problems.isEmpty)
      #expect(read.label == "Test")
    }
  }

  @Test func tiltedSlicesKeepTheirPlanes() throws {
    let folder = Fixtures.path("dicom/tilted")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    let source = try DICOMSource(files: files.map { folder + "/" + $0 })
    let positions = try files.map { name in
      let numbers = try DICOMFile(path: folder + "/" + name).root.numbers(DICOMTag.position)
      return try #require(numbers)
    }
    .sorted { $0[2] < $1[2] }
    let root = try DICOMFile(path: folder + "/" + files[0]).root
    let spacing = try #require(root.numbers(DICOMTag.pixelSpacing))
    let gap = positions[1][2] - positions[0][2]
    let geometry = try ImageGeometry(
      size: [8, 6, files.count],
      spacing: [spacing[1], spacing[0], gap],
      origin: [positions[0][0], positions[0][1], positions[0][2]],
      direction: .identity
    )
    let shift = SliceShift(
      shift: [positions[1][0] - positions[0][0], positions[1][1] - positions[0][1]],
      sliceSpacing: gap
    )
    #expect(shift.degrees > 1)
    let map = LabelMap(
      geometry: geometry,
      labels: noise(geometry.voxelCount, density: 0.5, labels: [1, 2], seed: 3),
      table: table([1, 2])
    )
    let image = LoadedVolume(
      volume: .uint16(Volume(geometry: geometry, voxels: map.labels)),
      summary: SeriesSummary(
        uid: "1",
        modality: "CT",
        description: nil,
        slices: files.count,
        transferSyntax: nil,
        problems: [],
        volumes: []
      ),
      files: [],
      source: source,
      shift: shift
    )
    let temporary = try TemporaryFolder()
    let path = temporary.file("rt.dcm")
    let planes = (0..<files.count).map { Array(map.labels[$0 * 48..<($0 + 1) * 48]) }
    try DICOMStructureSetWriter.write(
      planes: planes,
      table: map.table,
      source: source,
      options: Self.options,
      to: path
    )
    #expect(try DICOMStructureSetReader.read(path, onto: image).layers == [map])
    var foreign = image
    foreign.source = nil
    #expect(try DICOMStructureSetReader.read(path, onto: foreign).layers == [map])
  }

  @Test func layersOfEqualNumbersAreCountedAnew() throws {
    let image = try image("dicom-rt/series")
    let source = try #require(image.source)
    let geometry = image.volume.geometry
    let maps = (1...3).map { seed in
      LabelMap(
        geometry: geometry,
        labels: noise(geometry.voxelCount, density: 0.5, labels: [4], seed: UInt64(seed)),
        table: table([4])
      )
    }
    let folder = try TemporaryFolder()
    try DICOMStructureSetWriter.write(
      maps,
      source: source,
      options: Self.options,
      to: folder.file("rt.dcm")
    )
    let read = try DICOMStructureSetReader.read(folder.file("rt.dcm"), onto: image)
    #expect(read.layers.map { $0.table.map(\.id) } == [[1], [2], [3]])
    #expect(read.layers.map { $0.labels.map { $0 > 0 } } == maps.map { $0.labels.map { $0 > 0 } })
  }

  @Test func theObjectSaysWhatItIs() throws {
    let image = try image("dicom-rt/series")
    let source = try #require(image.source)
    let geometry = image.volume.geometry
    let map = LabelMap(
      geometry: geometry,
      labels: noise(geometry.voxelCount, density: 0.5, labels: [3], seed: 1),
      table: table([3, 9])
    )
    let folder = try TemporaryFolder()
    for name in ["a.dcm", "b.dcm"] {
      try DICOMStructureSetWriter.write(
        [map],
        source: source,
        options: Self.options,
        to: folder.file(name)
      )
    }
    #expect(
      FileManager.default.contentsEqual(atPath: folder.file("a.dcm"), andPath: folder.file("b.dcm"))
    )
    let root = try DICOMFile(path: folder.file("a.dcm")).root
    #expect(root.text(0x0020_000D) == "1.2.826.0.1.3680043.8.498.78.1")
    #expect(root.text(DICOMTag.seriesDescription)?.contains("not for clinical use") == true)
    #expect(root.text(0x3006_0006) == Version.disclaimer)
    #expect(root.text(0x3006_0008) == "20231114")
    #expect(root.text(0x3006_0009) == "221320")
    let series = root.item(0x3006_0010)?.item(0x3006_0012)?.item(0x3006_0014)
    #expect(series?.items(0x3006_0016).count == 4)
    let region = try #require(root.item(0x3006_0020))
    #expect(region.text(0x3006_0036) == "AUTOMATIC")
    #expect(region.text(0x3006_0038) == "Net 1.2")
    #expect(region.text(0x3006_0024) == "1.2.826.0.1.3680043.8.498.78.3")
    let observations = root.items(0x3006_0080)
    #expect(observations.map { $0.text(0x3006_00A4) } == ["ORGAN", nil])
    let contours = root.items(0x3006_0039)
    #expect(contours[0].numbers(0x3006_002A) == [3, 7, 255])
    #expect(contours[1].element(0x3006_0040) == nil)
    for contour in contours[0].items(0x3006_0040) {
      #expect(contour.text(0x3006_0042) == "CLOSED_PLANAR")
      let numbers = contour.texts(0x3006_0050)
      #expect(numbers.count == 3 * Int(contour.number(0x3006_0046) ?? 0))
      #expect(numbers.allSatisfy { $0.utf8.count <= 16 })
    }
  }

  @Test func contoursOfRTUtilsReadAsItsMasks() throws {
    let image = try image("dicom-rt/series")
    let read = try DICOMStructureSetReader.read(
      Fixtures.path("dicom-rt/rt-utils.dcm"),
      onto: image
    )
    #expect(read.layers.flatMap(\.labels) == (try bytes("rt-utils.mask")))
    #expect(read.layers.flatMap { $0.table.map(\.name) } == ["ring", "thin"])
    #expect(read.layers[0].table[0].color == LabelColor(red: 10, green: 200, blue: 30))
    #expect(read.problems.isEmpty)
  }

  @Test func contoursOfPlanningSystemsAreUnderstood() throws {
    let image = try image("dicom-rt/series")
    let read = try DICOMStructureSetReader.read(
      Fixtures.path("dicom-rt/planning.dcm"),
      onto: image
    )
    #expect(read.layers.flatMap(\.labels) == (try bytes("planning.mask")))
    #expect(read.layers.map { $0.table.map(\.id) } == [[7, 12], [3]])
    #expect(read.layers[0].table[0].name == "Foie é")
    #expect(read.layers[0].table[0].code?.meaning == "Liver")
    let expected = [
      "contours-off-slices": "Each of 2 contours", "contours-between-slices": "1 contour ",
      "contours-not-closed": "Each of 2 contours",
    ]
    #expect(Set(read.problems.map(\.code)) == Set(expected.keys))
    for problem in read.problems {
      #expect(problem.message.hasPrefix(expected[problem.code] ?? "?"))
    }
  }

  /// Pixel counts by OpenCV's `pointPolygonTest` at every centre, border included, even-odd; the
  /// contours at z = 70 mm lie on neither of the two slices.
  @Test func clinicalContoursEnclosePixelCentres() throws {
    guard let folder = Fixtures.developmentData("rt-utils/tests/mock_data") else {
      print("skipped: no development data rt-utils")
      return
    }
    let temporary = try TemporaryFolder()
    for name in ["ct_1.dcm", "ct_2.dcm"] {
      try FileManager.default.copyItem(atPath: folder + "/" + name, toPath: temporary.file(name))
    }
    var image = try DICOMFormat().read(
      temporary.path,
      selection: VolumeSelection(),
      progress: SilentProgress()
    )
    image.source = try DICOMSource(files: image.files)
    let expected = [[3010, 1966], [1415, 2282], [2747, 1772], [2419, 4535]]
    for name in ["invalid_reference_rt", "non_existent_reference_rt"] {
      let read = try DICOMStructureSetReader.read(folder + "/\(name).dcm", onto: image)
      for (index, counts) in expected.enumerated() {
        let found = (0..<2).map { slice in
          read.layers.reduce(0) { sum, layer in
            let plane = layer.labels[slice * 512 * 512..<(slice + 1) * 512 * 512]
            return sum + plane.count { $0 == UInt16(index + 1) }
          }
        }
        #expect(found == counts)
      }
      #expect(read.problems.map(\.code) == ["contours-off-slices"])
    }
    let other = try DICOMStructureSetReader.read(folder + "/rt.dcm", onto: image)
    #expect(other.layers.map { $0.labels.count { $0 == 1 } } == [1443])
  }

  @Test func contoursOfAnotherPlaceAreRefused() throws {
    let image = try image("dicom-rt/series")
    for name in ["elsewhere", "beside"] {
      #expect(throws: ImagingIOError.self) {
        try DICOMStructureSetReader.read(Fixtures.path("dicom-rt/\(name).dcm"), onto: image)
      }
    }
    #expect(throws: ImagingIOError.self) {
      try DICOMStructureSetReader.read(Fixtures.path("dicom-rt/series/1.dcm"), onto: image)
    }
  }

  @Test func truncatedFilesThrowOrReadLess() throws {
    let image = try image("dicom-rt/series")
    let whole = try Data(
      contentsOf: URL(fileURLWithPath: Fixtures.path("dicom-rt/planning.dcm"))
    )
    let folder = try TemporaryFolder()
    var refused = 0
    for length in stride(from: 140, to: whole.count, by: 97) {
      let path = folder.file("cut.dcm")
      try whole.prefix(length).write(to: URL(fileURLWithPath: path))
      do {
        _ = try DICOMStructureSetReader.read(path, onto: image)
      } catch is ImagingIOError {
        refused += 1
      }
    }
    #expect(refused > 20)
  }

  @Test func wrongLabelsAreRefused() throws {
    let image = try image("dicom-rt/series")
    let source = try #require(image.source)
    let geometry = image.volume.geometry
    let folder = try TemporaryFolder()
    func write(_ map: LabelMap) throws {
      try DICOMStructureSetWriter.write(
        [map],
        source: source,
        options: Self.options,
        to: folder.file("rt.dcm")
      )
    }
    let ones = [UInt16](repeating: 1, count: geometry.voxelCount)
    #expect(throws: ImagingError.self) {
      try write(LabelMap(geometry: geometry, labels: ones, table: table([2])))
    }
    let small = try ImageGeometry(
      size: [24, 24, 3],
      spacing: geometry.spacing,
      origin: geometry.origin,
      direction: geometry.direction
    )
    #expect(throws: ImagingIOError.self) {
      try write(LabelMap(geometry: small, labels: Array(ones.dropLast(576)), table: table([1])))
    }
    let zeros = [UInt16](repeating: 0, count: geometry.voxelCount)
    try write(LabelMap(geometry: geometry, labels: zeros, table: []))
    let read = try DICOMStructureSetReader.read(folder.file("rt.dcm"), onto: image)
    #expect(read.layers == [LabelMap(geometry: geometry, labels: zeros, table: [])])
  }

  @Test(arguments: [
    (0.0, 4, "0"), (12.5, 4, "12.5"), (-0.05, 4, "-0.05"), (10, 3, "10"), (-0.000_01, 4, "0"),
    (1234.567_89, 2, "1234.57"), (-123_456_789.123_456_789, 9, "-123456789.12346"), (7, 0, "7"),
  ])
  func coordinatesFitSixteenCharacters(value: Double, decimals: Int, expected: String) {
    #expect(DICOMCoordinates.text([value], decimals: decimals) == expected)
  }
}
