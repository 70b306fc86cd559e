import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

struct NIfTIWriterTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: [
    "a.nii", "a.nii.gz", "a.hdr", "a.img", "a.hdr.gz", "a.img.gz", "A.NII.GZ",
  ])
  func everyEndingRoundTrips(name: String) throws {
    let path = folder.file(name)
    try NIfTIWriter.write(.int16(sample()), to: path)
    let loaded = try NIfTIReader.read(path)
    #expect(loaded.volume.texts == AnyVolume.int16(try sample()).texts)
    #expect(loaded.summary.problems == [])
    #expect(loaded.summary.description == "Lamina \(Version.current)")
    let difference = try loaded.volume.geometry.difference(from: oblique())
    #expect(difference == nil)
  }

  @Test(arguments: NIfTIReaderTests.upright)
  func everyTypeRoundTrips(name: String) throws {
    let first = try NIfTIReader.read(Fixtures.path("nifti/\(name)"))
    let path = folder.file("copy.nii.gz")
    try NIfTIWriter.write(first.volume, to: path)
    let second = try NIfTIReader.read(path)
    #expect(second.volume.texts == first.volume.texts)
    #expect(second.volume.scalarName == first.volume.scalarName)
    #expect(second.volume.geometry.isPlanar == first.volume.geometry.isPlanar)
    #expect(second.volume.geometry.difference(from: first.volume.geometry) == nil)
    #expect(second.summary.problems == [])
  }

  @Test(arguments: Orientation.all)
  func everyOrientationRoundTrips(orientation: Orientation) throws {
    let volume = try sample().reoriented(to: orientation)
    let path = folder.file("turned.nii")
    try NIfTIWriter.write(.int16(volume), to: path)
    let loaded = try NIfTIReader.read(path)
    #expect(loaded.volume.geometry.orientation == orientation)
    #expect(loaded.volume.geometry.difference(from: volume.geometry) == nil)
    #expect(loaded.volume.texts == AnyVolume.int16(volume).texts)
    // The sform and the qform agree, or there would be a problem.
    #expect(loaded.summary.problems == [])
  }

  @Test func theSameVolumeGivesTheSameBytes() throws {
    try NIfTIWriter.write(.int16(sample()), to: folder.file("a.nii.gz"))
    try NIfTIWriter.write(.int16(sample()), to: folder.file("b.nii.gz"))
    let first = try Data(contentsOf: URL(fileURLWithPath: folder.file("a.nii.gz")))
    let second = try Data(contentsOf: URL(fileURLWithPath: folder.file("b.nii.gz")))
    #expect(first == second)
    // RFC 1952: the time stamp stands in bytes 4 to 7.
    #expect(Array(first[4..<8]) == [0, 0, 0, 0])
  }

  @Test(arguments: [(UInt16(255), 2, 472), (UInt16(256), 512, 592)])
  func labelsTakeTheSmallestType(largest: UInt16, datatype: Int, bytes: Int) throws {
    let geometry = try oblique()
    var labels = [UInt16](repeating: 0, count: geometry.voxelCount)
    labels[17] = largest
    let map = LabelMap(geometry: geometry, labels: labels, table: [])
    let path = folder.file("labels.nii")
    try NIfTIWriter.write(map, to: path)
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(data.count == bytes)
    #expect(Int(data[70]) | Int(data[71]) << 8 == datatype)
    #expect(Int(data[68]) | Int(data[69]) << 8 == 1002)
    #expect(try NIfTIReader.readLabelMap(path, table: []).labels == labels)
  }

  @Test func aLongAxisOrTheWishMakesNIfTI2() throws {
    let long = try ImageGeometry(
      size: [40000, 1, 2],
      spacing: [0.1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    let voxels = (0..<80000).map { UInt8(truncatingIfNeeded: $0) }
    let path = folder.file("long.nii")
    try NIfTIWriter.write(.uint8(Volume(geometry: long, voxels: voxels)), to: path)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count == 544 + 80000)
    #expect(try NIfTIReader.read(path).volume == .uint8(Volume(geometry: long, voxels: voxels)))
    try NIfTIWriter.write(.int16(sample()), to: path, version: .two)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count == 544 + 240)
  }

  @Test func timePointsBecomeA4DFile() throws {
    let path = folder.file("series.nii.gz")
    let points = try (0..<3).map { point in AnyVolume.int16(try sample().map { $0 &+ Int16(point) })
    }
    try NIfTIWriter.write(timePoints: points, secondsApart: 2.5, to: path)
    for (index, point) in points.enumerated() {
      let loaded = try NIfTIReader.read(path, selection: .init(volume: index + 1))
      #expect(loaded.volume.texts == point.texts)
    }
  }

  @Test func labelsOnShiftedSlicesKeepTheirPlaces() throws {
    let geometry = try oblique()
    let shift = SliceShift(shift: [0.25, -0.75], sliceSpacing: geometry.spacing.z)
    let labels = (0..<geometry.voxelCount).map { UInt16($0 % 7) }
    let map = LabelMap(geometry: geometry, labels: labels, table: [])
    let path = folder.file("tilted.nii.gz")
    try NIfTIWriter.write(map, to: path, shift: shift)
    let loaded = try NIfTIReader.read(path)
    #expect(loaded.summary.problems.map(\.code) == ["sheared-affine"])
    let found = try #require(loaded.shift)
    // Headers hold single precision.
    #expect(abs(found.shift.x - 0.25) < 1e-5 && abs(found.shift.y + 0.75) < 1e-5)
    #expect(abs(found.degrees - shift.degrees) < 1e-3)
    #expect(loaded.volume.geometry.difference(from: geometry) == nil)
    let again = try NIfTIReader.labelMap(from: loaded.volume, table: [], path: path)
    #expect(again.labels == labels)
    // Written again, the file is the same to the bit.
    let copy = folder.file("copy.nii.gz")
    try NIfTIWriter.write(again, to: copy, shift: found)
    let second = try NIfTIReader.read(copy)
    #expect(second.shift.map { abs($0.shift.x - found.shift.x) < 1e-6 } == true)
    // Values that are no labels get the nearest rotation and no shift.
    let negative = folder.file("image.nii")
    try NIfTIWriter.write(.int16(sample()), to: negative, shift: shift)
    let image = try NIfTIReader.read(negative)
    #expect(image.shift == nil)
    #expect(image.summary.problems.map(\.code) == ["sheared-affine"])
    #expect(image.volume.geometry.difference(from: geometry) != nil)
  }

  @Test func theBytesDoNotDependOnTheNumberOfThreads() throws {
    // Three pieces of 1 MiB and a part of one.
    let geometry = try ImageGeometry(
      size: [200, 100, 90],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    var random = RandomStream(seed: 5)
    let voxels = (0..<geometry.voxelCount).map { _ in
      Int16(truncatingIfNeeded: random.next() & 0x3FF)
    }
    let volume = AnyVolume.int16(Volume(geometry: geometry, voxels: voxels))
    var files: [Data] = []
    for threads in [1, 2, 5] {
      let path = folder.file("threads-\(threads).nii.gz")
      try Parallelism.$threadCount.withValue(threads) { try NIfTIWriter.write(volume, to: path) }
      files.append(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
    #expect(files[0] == files[1] && files[0] == files[2])
    #expect(files[0].count < geometry.voxelCount * 2)
    #expect(try NIfTIReader.read(folder.file("threads-5.nii.gz")).volume == volume)
    // gzip itself accepts the file, one member with its checksum.
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["-t", folder.file("threads-2.nii.gz")]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  @Test func otherEndingsAreRefused() throws {
    let path = folder.file("a.mha")
    #expect(throws: ImagingIOError.unknownOutputFormat(path: path)) {
      try NIfTIWriter.write(.int16(sample()), to: path)
    }
  }

  @Test func aFullDiskIsNoticed() throws {
    // Every write to /dev/full fails with ENOSPC; a link gives it the ending of a format.
    for name in ["full.nii", "full.nii.gz"] {
      let path = folder.file(name)
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
      #expect(throws: SupportError.unwritable(path: path, reason: "No space left on device")) {
        try NIfTIWriter.write(.int16(sample()), to: path)
      }
    }
  }

  @Test func aMissingFolderIsUnwritable() throws {
    let path = folder.file("no/such/a.nii")
    #expect(throws: SupportError.unwritable(path: path, reason: "No such file or directory")) {
      try NIfTIWriter.write(.int16(sample()), to: path)
    }
  }

  private func oblique() throws -> ImageGeometry {
    let c = 0.9553364891256060
    let s = 0.2955202066613396
    return try ImageGeometry(
      size: [5, 4, 6],
      spacing: [0.9, 1.1, 2.5],
      origin: [-12.5, 7.25, 40],
      direction: Matrix3([c, s, 0], [-s, c, 0], [0, 0, 1])
    )
  }

  private func sample() throws -> Volume<Int16> {
    let geometry = try oblique()
    return Volume(
      geometry: geometry,
      voxels: (0..<geometry.voxelCount).map { Int16($0 * 531 % 4096 - 1024) }
    )
  }
}
