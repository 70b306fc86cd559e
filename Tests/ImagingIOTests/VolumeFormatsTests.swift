import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// What SimpleITK or nibabel reads from a fixture (`Tests/Fixtures/volumes/generate.py`).
private struct VolumeExpected: Decodable {
  let size: [Int]
  let affine: [[Double]]
  let scalar: String
  let values: [String]

  static func all() throws -> [String: VolumeExpected] {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("volumes/expected.json")))
    return try JSONDecoder().decode([String: VolumeExpected].self, from: data)
  }

  /// The largest distance in mm between the corners of the reference and a geometry.
  func distance(to geometry: ImageGeometry) -> Double {
    (0..<8).map { corner in
      let last = geometry.size &- 1
      let index = SIMD3<Double>(
        corner & 1 == 0 ? 0 : Double(last.x),
        corner & 2 == 0 ? 0 : Double(last.y),
        corner & 4 == 0 ? 0 : Double(last.z)
      )
      var position = SIMD3<Double>()
      for row in 0..<3 {
        position[row] = affine[row][3] + (0..<3).reduce(0) { $0 + affine[row][$1] * index[$1] }
      }
      let gap = position - geometry.position(ofIndex: index)
      return dot(gap, gap).squareRoot()
    }.max() ?? 0
  }
}

struct VolumeFormatsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let types = [
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32",
    "float64",
  ]
  static let placed: [String] =
    types.flatMap { ["\($0).nrrd", "\($0).mha"] }
    + ["uint8", "int16", "int32", "float32"].flatMap { ["\($0).mgh", "\($0).mgz"] }
    + [
      "pair.nhdr", "pair-packed.mhd", "big.nrrd", "ras.nrrd", "las.nrrd", "ascii.nrrd",
      "packed-big.nrrd", "cell.nrrd", "big.mha", "from-end.mhd",
    ]

  @Test(arguments: placed)
  func valuesAndPositionsAreThoseOfTheReference(name: String) throws {
    let expected = try #require(try VolumeExpected.all()[name])
    let loaded = try ImageFormats.read(Fixtures.path("volumes/\(name)"))
    let size = loaded.volume.geometry.size
    #expect([size.x, size.y, size.z] == expected.size)
    // MGH holds single precision; the others print all digits.
    #expect(expected.distance(to: loaded.volume.geometry) < 1e-4)
    #expect(loaded.volume.scalarName == expected.scalar)
    #expect(loaded.summary.problems == [])
    if expected.scalar.hasPrefix("float") {
      #expect(loaded.volume.texts.map(Double.init) == expected.values.map(Double.init))
    } else {
      #expect(loaded.volume.texts == expected.values)
    }
  }

  @Test(arguments: ["list-last.nrrd", "list-first.nrrd", "frames.mgz"])
  func oneOfSeveralVolumesMustBeChosen(name: String) throws {
    let expected = try #require(try VolumeExpected.all()[name])
    let path = Fixtures.path("volumes/\(name)")
    let choices = ["time point 1", "time point 2"]
    #expect(throws: ImagingIOError.severalVolumes(path: path, choices: choices)) {
      try ImageFormats.read(path)
    }
    var joined: [String] = []
    for number in 1...2 {
      let loaded = try ImageFormats.read(path, selection: .init(volume: number))
      joined += loaded.volume.texts
      #expect(expected.distance(to: loaded.volume.geometry) < 1e-4)
    }
    #expect(joined == expected.values)
    var third = VolumeSelection()
    third.timePoint = 3
    #expect(throws: ImagingIOError.noSuchSelection(path: path, selection: "volume 3")) {
      try ImageFormats.read(path, selection: third)
    }
    #expect(try ImageFormats.inspect(path).first?.volumes.first?.size == [5, 4, 3, 2])
  }

  @Test(arguments: [
    ("spacings.nrrd", [0.5, 0.75, 2.0]), ("limits.nrrd", [0.5, 0.75, 2.0]),
    ("unplaced.mha", [0.5, 0.75, 2.0]), ("no-ras.mgh", [1.0, 1.0, 1.0]),
    ("planar.nrrd", [0.25, 0.5, 1.0]), ("planar.mha", [0.25, 0.5, 1.0]),
  ])
  func aFileWithoutAPlaceSaysSo(name: String, spacing: [Double]) throws {
    let loaded = try ImageFormats.read(Fixtures.path("volumes/\(name)"))
    #expect(loaded.summary.problems.map(\.code) == ["no-orientation"])
    let geometry = loaded.volume.geometry
    #expect([geometry.spacing.x, geometry.spacing.y, geometry.spacing.z] == spacing)
    #expect(geometry.direction == .identity)
    #expect(geometry.isPlanar == name.hasPrefix("planar"))
    if let expected = try VolumeExpected.all()[name] {
      #expect(loaded.volume.texts == expected.values)
    }
  }

  @Test func aCentreOfRotationIsSaidAndNotApplied() throws {
    let expected = try #require(try VolumeExpected.all()["centre.mha"])
    let loaded = try ImageFormats.read(Fixtures.path("volumes/centre.mha"))
    #expect(loaded.summary.problems.map(\.code) == ["center-of-rotation"])
    #expect(expected.distance(to: loaded.volume.geometry) < 1e-9)
  }

  @Test(arguments: [("vectors.nrrd", "vector"), ("channels.mha", "3 channels")])
  func severalValuesAVoxelAreUnsupported(name: String, words: String) throws {
    let error = #expect(throws: ImagingIOError.self) {
      try ImageFormats.read(Fixtures.path("volumes/\(name)"))
    }
    #expect(error?.description.contains(words) == true)
  }

  @Test(arguments: placed.filter { $0.hasSuffix(".nrrd") || $0.hasSuffix(".mha") })
  func writtenVolumesAreReadBack(name: String) throws {
    let first = try ImageFormats.read(Fixtures.path("volumes/\(name)")).volume
    for ending in ["raw.nrrd", "gzip.nrrd", "plain.mha", "packed.mha"] {
      let path = folder.file(ending)
      switch ending {
      case "raw.nrrd": try NRRDWriter.write(first, to: path, encoding: .raw)
      case "gzip.nrrd": try NRRDWriter.write(first, to: path)
      case "plain.mha": try MetaImageWriter.write(first, to: path, isCompressed: false)
      default: try MetaImageWriter.write(first, to: path)
      }
      let second = try ImageFormats.read(path)
      #expect(second.volume.texts == first.texts)
      #expect(second.volume.scalarName == first.scalarName)
      #expect(second.volume.geometry.difference(from: first.geometry) == nil)
      #expect(second.summary.problems == [])
    }
  }

  @Test func writtenListsAreReadBack() throws {
    let path = Fixtures.path("volumes/list-last.nrrd")
    let points = try (1...2).map {
      try ImageFormats.read(path, selection: .init(volume: $0)).volume
    }
    try NRRDWriter.write(timePoints: points, to: folder.file("list.nrrd"))
    try MetaImageWriter.write(timePoints: points, to: folder.file("list.mha"))
    for name in ["list.nrrd", "list.mha"] {
      for number in 1...2 {
        let again = try ImageFormats.read(folder.file(name), selection: .init(volume: number))
        #expect(again.volume.texts == points[number - 1].texts)
        #expect(again.volume.geometry.difference(from: points[0].geometry) == nil)
      }
    }
  }

  @Test func aPlanarVolumeStaysPlanar() throws {
    let first = try ImageFormats.read(Fixtures.path("volumes/planar.nrrd")).volume
    try NRRDWriter.write(first, to: folder.file("planar.nrrd"))
    try MetaImageWriter.write(first, to: folder.file("planar.mha"))
    for name in ["planar.nrrd", "planar.mha"] {
      #expect(try ImageFormats.read(folder.file(name)).volume == first)
    }
  }

  @Test func aShearedNRRDGetsTheNearestRotation() throws {
    var data = try edited("ras.nrrd", "space directions: (", "space directions: (0.2,0.1,0) (")
    let text = String(decoding: data.prefix(400), as: UTF8.self)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("space dir") })
    data = try edited(
      "ras.nrrd",
      String(line).replacingOccurrences(of: "(0.2,0.1,0) ", with: ""),
      "space directions: (1,0,0) (0.5,1,0) (0,0,2)"
    )
    let loaded = try read(data, "sheared.nrrd")
    #expect(loaded.summary.problems.map(\.code) == ["sheared-affine"])
    #expect(loaded.summary.problems[0].message.contains("26.565 degrees"))
  }

  @Test(arguments: [
    ("int8.nrrd", "sizes: 5 4 3", "sizes: 5 4 -3", "claims -3 voxels along axis 3"),
    ("int8.nrrd", "sizes: 5 4 3", "sizes: 5 4 3000000", "but the file has"),
    ("int8.nrrd", "sizes: 5 4 3", "sizes: 5 4 9000000000000000000", "voxels"),
    ("int8.nrrd", "sizes: 5 4 3", "sizes: 5 4", "3 dimensions and 2 sizes"),
    ("int8.nrrd", "dimension: 3", "dimension: 99", "no dimension from 1 to 16"),
    ("int8.nrrd", "encoding: raw", "encoding: bzip2", "bzip2"),
    ("int8.nrrd", "type: signed char", "type: quaternion", "unknown voxel type"),
    ("ras.nrrd", "endian: little", "content: none", "byte order"),
    ("ras.nrrd", "encoding: raw", "encoding: raw\nbyte skip: -7", "byte skip is -7"),
    ("ras.nrrd", "encoding: raw", "encoding: raw\nline skip: 900", "no 900 lines"),
    ("ras.nrrd", "space directions: (", "space directions: (nan,", "space direction"),
    ("packed-big.nrrd", "sizes: 5 4 3", "sizes: 5000 4000 3000", "compressed bytes cannot hold"),
    ("packed-big.nrrd", "sizes: 5 4 3", "sizes: 5 4 4", "bytes were expected"),
    ("ascii.nrrd", "sizes: 5 4 3", "sizes: 5 4 4", "its text"),
    ("ascii.nrrd", "sizes: 5 4 3", "sizes: 500 400 4", "text cannot hold"),
    ("big.mha", "DimSize = 5 4 3", "DimSize = 5 0 3", "claims 0 voxels along axis 2"),
    ("big.mha", "DimSize = 5 4 3", "DimSize = 5 4 3 2", "3 dimensions and 4 sizes"),
    ("big.mha", "DimSize = 5 4 3", "DimSize = 50 40 30", "but the file has"),
    ("big.mha", "MET_SHORT", "MET_STRANGE", "unknown voxel type"),
    ("big.mha", "ElementSpacing = 0.9", "ElementSpacing = -0.9", "its spacing is -0.9"),
    ("big.mha", "Offset = -12.5", "Offset = what", "holds \"what\""),
    ("big.mha", "NDims = 3", "NDims = 3\nHeaderSize = -5", "HeaderSize is -5"),
    ("big.mha", "ElementDataFile", "ElementFile", "no MetaImage header"),
  ])
  func damageIsSaid(name: String, old: String, new: String, words: String) throws {
    let data = try edited(name, old, new)
    let error = #expect(throws: ImagingIOError.self) { try read(data, name) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "no error")")
    #expect(error?.failure == .damagedInput)
  }

  @Test(arguments: ["int16.nrrd", "int16.mha", "int16.mgz", "int16.mgh"])
  func truncatedFilesAreDamaged(name: String) throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("volumes/\(name)")))
    // MGH has a footer of 20 bytes after the voxels, and gzip shrinks it with them.
    for lost in [30, whole.count / 3] {
      #expect(throws: ImagingIOError.self) { try read(whole.dropLast(lost), name) }
    }
  }

  @Test(arguments: ["ras.nrrd", "packed-big.nrrd", "big.mha", "int16.mgh"])
  func noByteOfAHeaderCrashesTheReader(name: String) throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("volumes/\(name)")))
    var answers = 0
    for place in 0..<min(300, whole.count) {
      for value: UInt8 in [0x00, 0x39, 0xFF] {
        var mutant = whole
        mutant[place] = value
        if (try? read(mutant, name)) != nil { answers += 1 }
      }
    }
    #expect(answers > 50)
  }

  @Test func aMissingVoxelFileIsNamed() throws {
    let path = folder.file("alone.nhdr")
    try FileManager.default.copyItem(atPath: Fixtures.path("volumes/pair.nhdr"), toPath: path)
    #expect(throws: SupportError.notFound(path: folder.file("pair.raw"))) {
      try ImageFormats.read(path)
    }
  }

  @Test func otherEndingsAreRefused() throws {
    let volume = try ImageFormats.read(Fixtures.path("volumes/int8.mha")).volume
    let path = folder.file("a.mhd")
    #expect(throws: ImagingIOError.unknownOutputFormat(path: path)) {
      try MetaImageWriter.write(volume, to: path)
    }
    #expect(throws: ImagingIOError.unknownOutputFormat(path: path)) {
      try NRRDWriter.write(volume, to: path)
    }
  }

  private func edited(_ name: String, _ old: String, _ new: String) throws -> Data {
    var data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("volumes/\(name)")))
    let range = try #require(data.range(of: Data(old.utf8)))
    data.replaceSubrange(range, with: Data(new.utf8))
    return data
  }

  private func read(_ data: Data, _ name: String) throws -> LoadedVolume {
    let path = folder.file(name)
    try data.write(to: URL(fileURLWithPath: path))
    return try ImageFormats.read(path)
  }
}
