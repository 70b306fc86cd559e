import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct DICOMSegmentationTests {
  private func roundTrip(
    _ object: DICOMSegmentationObject,
    source: DICOMSource? = nil
  ) throws -> LoadedSegmentation {
    let folder = try TemporaryFolder()
    try DICOMSegmentation.write(object, to: folder.file("seg.dcm"))
    return try DICOMSegmentationReader.read(folder.file("seg.dcm"), source: source)
  }

  private func expectSame(
    _ loaded: [LabelMap],
    _ written: [LabelMap],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(loaded.count == written.count, sourceLocation: sourceLocation)
    for (a, b) in zip(loaded, written) {
      #expect(a.geometry.difference(from: b.geometry) == nil, sourceLocation: sourceLocation)
      let error = (0..<3).map { axis in
        (a.geometry.direction.columns[axis] - b.geometry.direction.columns[axis])
      }
      let worst = error.map { max(abs($0.x), abs($0.y), abs($0.z)) }.max() ?? 1
      #expect(worst < 1e-9, sourceLocation: sourceLocation)
      #expect(a.labels == b.labels, sourceLocation: sourceLocation)
      #expect(a.table == b.table, sourceLocation: sourceLocation)
    }
  }

  /// Every kind and encoding that holds one layer.
  static let variants: [(DICOMSegmentationObject.Kind, DICOMSegmentationObject.Encoding)] = [
    (.binary, .native), (.binary, .deflated), (.labelMap, .native), (.labelMap, .deflated),
    (.labelMap, .rle),
  ]

  @Test(arguments: variants.indices)
  func hundredObliqueLabelsWithGapsSurvive(variant: Int) throws {
    // 15 x 11 pixels: frames of bits do not end at whole bytes.
    let geometry = try SyntheticSegmentation.geometry(
      [15, 11, 40],
      direction: SyntheticSegmentation.oblique
    )
    let map = SyntheticSegmentation.map(geometry, labels: (0..<100).map { 1 + $0 * 613 })
    var object = SyntheticSegmentation.object([map])
    (object.kind, object.encoding) = Self.variants[variant]
    let loaded = try roundTrip(object)
    expectSame(loaded.layers, [map])
    #expect(loaded.shift == nil)
    #expect(loaded.problems.isEmpty)
    #expect(loaded.algorithms == ["Ellipsoids 1.2"])
  }

  @Test(arguments: variants.indices)
  func smallLabelsInOneSliceSurvive(variant: Int) throws {
    let geometry = try SyntheticSegmentation.geometry([9, 7, 30])
    let map = SyntheticSegmentation.map(geometry, labels: [3, 200], slices: 17..<18)
    var object = SyntheticSegmentation.object([map])
    (object.kind, object.encoding) = Self.variants[variant]
    expectSame(try roundTrip(object).layers, [map])
  }

  @Test(arguments: variants.indices)
  func emptyMapsAndEmptyTablesSurvive(variant: Int) throws {
    let geometry = try SyntheticSegmentation.geometry([9, 7, 12])
    let empty = LabelMap(
      geometry: geometry,
      labels: [UInt16](repeating: 0, count: geometry.voxelCount),
      table: []
    )
    let named = LabelMap(
      geometry: geometry,
      labels: empty.labels,
      table: SyntheticSegmentation.map(geometry, labels: [2, 5]).table
    )
    for map in [empty, named] {
      var object = SyntheticSegmentation.object([map])
      (object.kind, object.encoding) = Self.variants[variant]
      expectSame(try roundTrip(object).layers, [map])
    }
  }

  @Test(arguments: variants.indices)
  func oneSliceSurvives(variant: Int) throws {
    let geometry = try SyntheticSegmentation.geometry([9, 8, 1])
    let map = SyntheticSegmentation.map(geometry, labels: [1, 2])
    var object = SyntheticSegmentation.object([map])
    (object.kind, object.encoding) = Self.variants[variant]
    expectSame(try roundTrip(object).layers, [map])
  }

  @Test(arguments: variants.indices)
  func slicesAgainstTheNormalKeepTheirOrder(variant: Int) throws {
    let right = SyntheticSegmentation.oblique.columns
    let geometry = try SyntheticSegmentation.geometry(
      [9, 8, 6],
      direction: Matrix3(right[0], right[1], -right[2])
    )
    let map = SyntheticSegmentation.map(geometry, labels: [1, 2, 7])
    var object = SyntheticSegmentation.object([map])
    (object.kind, object.encoding) = Self.variants[variant]
    expectSame(try roundTrip(object).layers, [map])
  }

  @Test(arguments: variants.indices)
  func shearedSlicesKeepTheirShift(variant: Int) throws {
    let geometry = try SyntheticSegmentation.geometry(
      [9, 8, 14],
      direction: SyntheticSegmentation.oblique
    )
    let map = SyntheticSegmentation.map(geometry, labels: [1, 2, 7])
    let shift = SliceShift(shift: [0.1, -1.25], sliceSpacing: 2.5)
    var object = SyntheticSegmentation.object([map], shift: shift)
    (object.kind, object.encoding) = Self.variants[variant]
    let loaded = try roundTrip(object)
    expectSame(loaded.layers, [map])
    let found = try #require(loaded.shift)
    #expect(abs(found.shift.x - 0.1) < 1e-9 && abs(found.shift.y + 1.25) < 1e-9)
    #expect(abs(found.degrees - shift.degrees) < 1e-7)
  }

  @Test func layersThatOverlapSurvive() throws {
    let geometry = try SyntheticSegmentation.geometry([16, 12, 10])
    let layers = [[4, 9, 300], [4, 5], [1]].enumerated().map { index, labels in
      SyntheticSegmentation.map(geometry, labels: labels, seed: UInt64(index))
    }
    let full = LabelMap(
      geometry: geometry,
      labels: [UInt16](repeating: 1, count: geometry.voxelCount),
      table: layers[2].table
    )
    let written = [layers[0], layers[1], full]
    expectSame(try roundTrip(SyntheticSegmentation.object(written)).layers, written)
    var labelMap = SyntheticSegmentation.object(written)
    labelMap.kind = .labelMap
    #expect(throws: ImagingIOError.self) { try roundTrip(labelMap) }
  }

  @Test func longAndStrangeNamesSurvive() throws {
    let geometry = try SyntheticSegmentation.geometry([4, 4, 2])
    let names = [
      String(repeating: "long ", count: 20) + "end", "back\\slash", "Größe µ", "  spaces",
    ]
    let code = CodedConcept(
      value: "12345678901234567890",
      scheme: "99LAMINA",
      meaning: "A code of more than sixteen characters"
    )
    let table = names.enumerated().map { index, name in
      LabelDefinition(
        id: index + 1,
        name: name,
        color: LabelColor(red: 255, green: 0, blue: UInt8(index)),
        code: index == 0 ? code : DICOMSegmentationTests.tissue
      )
    }
    let map = LabelMap(
      geometry: geometry,
      labels: (0..<32).map { UInt16($0 % 5) },
      table: table
    )
    let loaded = try roundTrip(SyntheticSegmentation.object([map]))
    #expect(loaded.layers[0].labels == map.labels)
    #expect(loaded.layers[0].table.map(\.code) == table.map(\.code))
    #expect(loaded.layers[0].table.map(\.color) == table.map(\.color))
    #expect(loaded.layers[0].table.prefix(3).map(\.name) == Array(names.prefix(3)))
  }

  /// The code that segments without one get; given on purpose it stays.
  private static let tissue = CodedConcept(value: "85756007", scheme: "SCT", meaning: "Tissue")

  // MARK: - Sources

  @Test(arguments: [SIMD2<Double>.zero, [0.25, -1.5]])
  func framesLieOnTheSlicesOfTheSource(shift: SIMD2<Double>) throws {
    let folder = try TemporaryFolder()
    let geometry = try SyntheticSegmentation.geometry(
      [12, 10, 9],
      direction: SyntheticSegmentation.oblique
    )
    let files = try SyntheticSegmentation.writeSeries(geometry, shift: shift, to: folder.path)
    let source = try DICOMSource(files: files.reversed())
    let map = SyntheticSegmentation.map(geometry, labels: [1, 2], slices: 3..<6)
    let sheared = shift == .zero ? nil : SliceShift(shift: shift, sliceSpacing: 2.5)
    let object = SyntheticSegmentation.object([map], source: source, shift: sheared)
    let path = folder.file("seg.dcm")
    try DICOMSegmentation.write(object, to: path)
    let loaded = try DICOMSegmentationReader.read(path, source: source)
    expectSame(loaded.layers, [map])
    #expect((loaded.shift == nil) == (shift == .zero))
    #expect(loaded.referencedSeriesUID == "2.25.12")
    #expect(loaded.references[0].map(\.instanceUID) == ["2.25.10000"])
    #expect(loaded.references[8].map(\.instanceUID) == ["2.25.10008"])
    let root = try DICOMFile(path: path).root
    #expect(root.text(0x0020_000D) == "2.25.11")
    #expect(root.text(0x0020_0052) == "2.25.13")
    #expect(root.text(0x0010_0010) == "Test^Größe")
    #expect(root.text(0x0008_0023) == "20231114")
    #expect(root.text(0x0008_0033) == "221320")
    let image = try #require(
      root.item(0x5200_9230)?.item(0x0008_9124)?.item(0x0008_2112)
    )
    #expect(image.text(0x0028_135A) == "YES")
    #expect(
      root.item(0x5200_9230)?.item(0x0020_9113)?.texts(0x0020_0032)
        == (try DICOMFile(path: files[0]).root.texts(0x0020_0032))
    )
  }

  @Test func aGridOfItsOwnRefersToTheSlicesBesideIt() throws {
    let folder = try TemporaryFolder()
    let geometry = try SyntheticSegmentation.geometry([12, 10, 9])
    let source = try DICOMSource(
      files: SyntheticSegmentation.writeSeries(geometry, to: folder.path)
    )
    let fine = try SyntheticSegmentation.geometry([20, 18, 12], spacing: [0.4, 0.5, 1])
    let map = SyntheticSegmentation.map(fine, labels: [1, 2])
    let path = folder.file("seg.dcm")
    try DICOMSegmentation.write(SyntheticSegmentation.object([map], source: source), to: path)
    expectSame(try DICOMSegmentationReader.read(path).layers, [map])
    let loaded = try DICOMSegmentationReader.read(path, source: source)
    #expect(loaded.problems.map(\.code) == ["not-on-source-slices"])
    let root = try DICOMFile(path: path).root
    let last = try #require(root.items(0x5200_9230).last?.item(0x0008_9124))
    #expect(last.items(0x0008_2112).map { $0.text(0x0028_135A) } == ["NO", "NO"])
    #expect(root.text(0x0020_0052) == "2.25.13")
  }

  @Test func labelsOnUnevenSlicesAreWritten() throws {
    let folder = try TemporaryFolder()
    let geometry = try SyntheticSegmentation.geometry([12, 10, 9])
    var files = try SyntheticSegmentation.writeSeries(geometry, to: folder.path)
    files.remove(at: 4)
    files.remove(at: 2)
    let source = try DICOMSource(files: files)
    let map = SyntheticSegmentation.map(geometry, labels: [1, 2])
    let kept = [0, 1, 3, 5, 6, 7, 8]
    let object = DICOMSegmentationObject(
      ontoNativeSlices: kept.map { Array(map.labels[$0 * 120..<($0 + 1) * 120]) },
      table: map.table,
      source: source,
      algorithm: SyntheticSegmentation.algorithm,
      date: SyntheticSegmentation.date
    )
    let path = folder.file("seg.dcm")
    try DICOMSegmentation.write(object, to: path)
    let loaded = try DICOMSegmentationReader.read(path)
    #expect(loaded.layers[0].geometry.size == [12, 10, 9])
    for slice in kept {
      #expect(
        loaded.layers[0].labels[slice * 120..<(slice + 1) * 120]
          == map.labels[slice * 120..<(slice + 1) * 120]
      )
    }
  }

  // MARK: - Fractions

  @Test(arguments: [DICOMSegmentationObject.Encoding.native, .deflated, .rle])
  func fractionsAreKeptInStepsOf255(encoding: DICOMSegmentationObject.Encoding) throws {
    let folder = try TemporaryFolder()
    let geometry = try SyntheticSegmentation.geometry([7, 5, 6])
    let map = SyntheticSegmentation.map(geometry, labels: [3, 8])
    let three = (0..<geometry.voxelCount).map { Float($0) / Float(geometry.voxelCount - 1) }
    let volume = Volume(geometry: geometry, voxels: three)
    let eight = volume.map { (1 - $0) * 1.02 - 0.01 }
    var object = SyntheticSegmentation.object([map])
    object.kind = .fractional([3: volume, 8: eight])
    object.encoding = encoding
    let path = folder.file("seg.dcm")
    try DICOMSegmentation.write(object, to: path)
    let read = try DICOMSegmentationReader.fractions(path, segment: 1)
    let second = try DICOMSegmentationReader.fractions(path, segment: 2)
    for voxel in three.indices {
      #expect(abs(read.voxels[voxel] - three[voxel]) <= 0.5 / 255 + 1e-6)
      #expect(abs(second.voxels[voxel] - min(max(eight.voxels[voxel], 0), 1)) <= 0.5 / 255 + 1e-6)
    }
    let loaded = try DICOMSegmentationReader.read(path)
    #expect(loaded.problems.map(\.code) == ["fractional-threshold"])
    #expect(loaded.layers.count == 1)
    #expect(loaded.layers[0].labels == three.map { $0 * 255 >= 127.5 ? 3 : 8 })
    #expect(throws: ImagingIOError.self) {
      try DICOMSegmentationReader.fractions(path, segment: 3)
    }
    object.kind = .fractional([3: volume.map { $0 > 0.5 ? .nan : $0 }])
    #expect(throws: ImagingIOError.self) { try DICOMSegmentation.write(object, to: path) }
  }

  // MARK: - The file

  @Test func equalRunsGiveEqualFilesAndOthersOtherNames() throws {
    let folder = try TemporaryFolder()
    let geometry = try SyntheticSegmentation.geometry([9, 7, 4])
    let map = SyntheticSegmentation.map(geometry, labels: [1, 2])
    var object = SyntheticSegmentation.object([map])
    try DICOMSegmentation.write(object, to: folder.file("a.dcm"))
    try DICOMSegmentation.write(object, to: folder.file("b.dcm"))
    object.date += 1
    try DICOMSegmentation.write(object, to: folder.file("c.dcm"))
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: folder.file("a.dcm")))
        == Data(contentsOf: URL(fileURLWithPath: folder.file("b.dcm")))
    )
    let names = try ["a", "c"].map {
      try DICOMFile(path: folder.file("\($0).dcm")).root.text(DICOMTag.instanceUID)
    }
    #expect(names[0] != names[1])
  }

  @Test func theFileSaysWhatItIs() throws {
    let folder = try TemporaryFolder()
    let geometry = try SyntheticSegmentation.geometry([9, 7, 30])
    let map = SyntheticSegmentation.map(geometry, labels: [1, 2], slices: 10..<12)
    try DICOMSegmentation.write(SyntheticSegmentation.object([map]), to: folder.file("a.dcm"))
    let root = try DICOMFile(path: folder.file("a.dcm")).root
    #expect(root.text(0x0070_0081) == "Research use only, not for clinical use")
    #expect(
      root.text(DICOMTag.seriesDescription)
        == "Segmentation (Research use only, not for clinical use)"
    )
    // Two slices of labels, and the first and the last.
    #expect((root.number(0x0028_0008) ?? 99) <= 6)
    let segment = try #require(root.item(0x0062_0002))
    #expect(segment.text(0x0062_0009) == "Ellipsoids 1.2")
    #expect(segment.item(0x0062_000F)?.text(0x0008_0100) == "10200004")
    #expect(segment.item(0x0062_0003)?.text(0x0008_0100) == "123037004")
    #expect(segment.text(0x0062_0020) == "Lamina layer 1 label 1")
  }

  @Test func bitsCannotBeRunLengths() throws {
    let folder = try TemporaryFolder()
    let map = SyntheticSegmentation.map(try SyntheticSegmentation.geometry([9, 7, 4]), labels: [1])
    var object = SyntheticSegmentation.object([map])
    object.encoding = .rle
    #expect(throws: ImagingIOError.self) {
      try DICOMSegmentation.write(object, to: folder.file("a.dcm"))
    }
  }

  @Test func everyColourOfTheCubeSurvives() throws {
    let geometry = try SyntheticSegmentation.geometry([2, 2, 1])
    let steps = [0, 1, 2, 17, 63, 64, 127, 128, 200, 254, 255]
    var table: [LabelDefinition] = []
    for red in steps {
      for green in steps {
        for blue in steps {
          let color = LabelColor(red: UInt8(red), green: UInt8(green), blue: UInt8(blue))
          table.append(LabelDefinition(id: table.count + 1, name: "x", color: color))
        }
      }
    }
    let map = LabelMap(geometry: geometry, labels: [0, 1, 2, 3], table: table)
    let loaded = try roundTrip(SyntheticSegmentation.object([map]))
    #expect(loaded.layers[0].table.map(\.color) == table.map(\.color))
  }
}
