import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

struct NIfTIDamageTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func anEmptyFileIsDamaged() throws {
    try expectDamaged(Data(), "a.nii", "the file is empty")
    try expectDamaged(Data(), "a.nii.gz", "the file is empty")
  }

  @Test func textIsDamagedWhenItCallsItselfNIfTIAndElseNotRecognised() throws {
    let text = Data(repeating: 0x41, count: 1000)
    try expectDamaged(text, "a.nii", "no NIfTI header")
    let path = folder.file("notes.txt")
    try text.write(to: URL(fileURLWithPath: path))
    #expect(!NIfTIFormat().recognises(path))
  }

  @Test func aMissingFileIsNotFound() throws {
    let path = folder.file("missing.nii")
    #expect(throws: SupportError.notFound(path: path)) { try NIfTIReader.read(path) }
  }

  @Test func aFolderIsUnreadable() throws {
    #expect(throws: SupportError.unreadable(path: folder.path, reason: "it is a folder")) {
      try NIfTIReader.read(folder.path)
    }
  }

  @Test func aHeaderCutShortIsDamaged() throws {
    try expectDamaged(fixture("int16-little.nii").prefix(300), "a.nii", "ends within its header")
  }

  @Test func aHugeClaimIsRefusedAtOnce() throws {
    var data = fixture("int16-little.nii")
    for axis in 0..<3 { set(&data, at: 42 + 2 * axis, Int16(30000)) }
    let clock = ContinuousClock()
    let elapsed = try clock.measure {
      try expectDamaged(data, "a.nii", "claims 30000 x 30000 x 30000 voxels")
      try expectDamaged(try gzipped(data), "a.nii.gz", "claims 30000 x 30000 x 30000 voxels")
    }
    #expect(elapsed < .seconds(2))
  }

  @Test func anAbsurdNIfTI2ClaimIsRefused() throws {
    var data = fixture("nifti2-little.nii")
    for axis in 0..<3 { set(&data, at: 24 + 8 * axis, Int64(1) << 40) }
    try expectDamaged(data, "a.nii", "voxels")
    set(&data, at: 24, Int64(-5))
    try expectDamaged(data, "a.nii", "claims -5 voxels along axis 1")
    set(&data, at: 16, Int64(9))
    try expectDamaged(data, "a.nii", "claims 9 dimensions")
  }

  @Test func aTruncatedFileSaysHowMuchIsThere() throws {
    try expectDamaged(
      fixture("int16-little.nii").prefix(400),
      "a.nii",
      "need 472 bytes, but the file has 400"
    )
  }

  @Test func aTruncatedGzipSaysHowMuchCouldBeRead() throws {
    let whole = try noise()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: whole))
    let path = folder.file("cut.nii.gz")
    try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: ImagingIOError.self) { try NIfTIReader.read(path) }
    let text = try #require(error?.description)
    #expect(text.contains("54352 bytes were expected"))
    let found = try #require(
      text.split(separator: " ").compactMap {
        Int($0.trimmingCharacters(in: .punctuationCharacters))
      }.last
    )
    #expect(found > 20000 && found < 54352)
  }

  @Test func aGzipThatLacksOnlyItsChecksumIsDamaged() throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: noise()))
    try expectDamaged(bytes.dropLast(6), "a.nii.gz", "end early or are corrupt")
  }

  @Test func aFlippedByteInGzipIsFound() throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: noise()))
    bytes[bytes.count * 3 / 4] ^= 0x55
    try expectDamaged(bytes, "a.nii.gz", "corrupt")
  }

  @Test func gzipContentIsReadWhateverTheEnding() throws {
    let path = folder.file("named-wrongly.nii")
    try fixture("packed.nii.gz").write(to: URL(fileURLWithPath: path))
    #expect(try NIfTIReader.read(path).volume.scalarName == "int16")
  }

  @Test func aSlopeThatIsNotANumberIsAProblem() throws {
    var data = fixture("int16-little.nii")
    set(&data, at: 112, Float.nan)
    let loaded = try read(data)
    #expect(loaded.summary.problems.map(\.code) == ["invalid-slope"])
    #expect(loaded.volume.scalarName == "int16")
    set(&data, at: 112, Float(0))
    set(&data, at: 116, Float(7))
    #expect(try read(data).summary.problems == [])
    #expect(try read(data).volume.scalarName == "int16")
  }

  @Test func zeroSpacingIsNeverGuessed() throws {
    var data = fixture("qform-only.nii")
    set(&data, at: 84, Float(0))
    try expectDamaged(data, "a.nii", "its voxel spacing along axis 2 is 0")
    set(&data, at: 84, Float.nan)
    try expectDamaged(data, "a.nii", "its voxel spacing along axis 2 is nan")
  }

  @Test func negativeSpacingIsAProblem() throws {
    var data = fixture("qform-only.nii")
    set(&data, at: 84, Float(-1.1))
    let loaded = try read(data)
    #expect(loaded.summary.problems.map(\.code) == ["negative-spacing"])
    #expect(loaded.volume.geometry.spacing.y > 1)
  }

  @Test func anSFormOfZerosFallsBackToTheQForm() throws {
    var data = fixture("int16-little.nii")
    for place in 0..<12 { set(&data, at: 280 + 4 * place, Float(0)) }
    let loaded = try read(data)
    #expect(loaded.summary.problems.map(\.code) == ["invalid-sform"])
    let whole = try NIfTIReader.read(Fixtures.path("nifti/int16-little.nii"))
    #expect(loaded.volume.geometry.difference(from: whole.volume.geometry) == nil)
    set(&data, at: 252, Int16(0))
    try expectDamaged(data, "a.nii", "its sform matrix is not a grid")
  }

  @Test func anSFormWhoseAxesCoincideIsDamaged() throws {
    var data = fixture("sform-only.nii")
    for row in 0..<3 {
      let first = data.withUnsafeBytes {
        $0.loadUnaligned(fromByteOffset: 280 + 16 * row, as: Float.self)
      }
      set(&data, at: 284 + 16 * row, first)
    }
    try expectDamaged(data, "a.nii", "lie in one plane")
  }

  @Test func aVoxelOffsetInTheHeaderIsAProblem() throws {
    var data = fixture("int16-little.nii")
    set(&data, at: 108, Float(0))
    #expect(try read(data).summary.problems.map(\.code) == ["invalid-voxel-offset"])
    set(&data, at: 108, Float.nan)
    try expectDamaged(data, "a.nii", "places the voxels at byte nan")
    set(&data, at: 108, Float(1e9))
    try expectDamaged(data, "a.nii", "but the file has 472")
  }

  @Test func analyzeIsReadAndHasNoOrientation() throws {
    var data = fixture("pair.hdr")
    data.replaceSubrange(344..<348, with: [0, 0, 0, 0])
    let path = folder.file("old.hdr")
    try data.write(to: URL(fileURLWithPath: path))
    try fixture("pair.img").write(to: URL(fileURLWithPath: folder.file("old.img")))
    let loaded = try NIfTIReader.read(path)
    #expect(loaded.summary.problems.map(\.code) == ["analyze", "no-orientation"])
    #expect(loaded.volume.geometry.direction == .identity)
    let whole = try NIfTIReader.read(Fixtures.path("nifti/pair.hdr"))
    #expect(loaded.volume.texts == whole.volume.texts)
    for axis in 0..<3 {
      let gap = loaded.volume.geometry.spacing[axis] - whole.volume.geometry.spacing[axis]
      #expect(abs(gap) < 1e-6)
    }
    // The same header under the name of a single file is no NIfTI file.
    try expectDamaged(data, "old.nii", "no NIfTI header")
  }

  @Test func extensionsAreNotedAndNotRead() throws {
    var data = fixture("int16-little.nii")
    // One extension of 32 bytes: its size, the code 6 (comment), and a text.
    var section = Data(repeating: 0, count: 32)
    set(&section, at: 0, Int32(32))
    set(&section, at: 4, Int32(6))
    data.insert(contentsOf: section, at: 352)
    data[348] = 1
    set(&data, at: 108, Float(384))
    let loaded = try read(data)
    #expect(loaded.summary.problems.map(\.code) == ["header-extensions"])
    #expect(loaded.summary.problems[0].message.contains("32 bytes"))
    let whole = try NIfTIReader.read(Fixtures.path("nifti/int16-little.nii"))
    #expect(loaded.volume == whole.volume)
  }

  @Test func bytesAfterTheVoxelsAreNoted() throws {
    let data = fixture("int16-little.nii") + Data(repeating: 7, count: 11)
    let plain = try read(data)
    #expect(plain.summary.problems.map(\.code) == ["trailing-bytes"])
    let path = folder.file("long.nii.gz")
    try gzipped(data).write(to: URL(fileURLWithPath: path))
    let packed = try NIfTIReader.read(path)
    #expect(packed.summary.problems.map(\.code) == ["trailing-bytes"])
    #expect(packed.summary.problems[0].message.contains("11 bytes"))
    #expect(packed.volume == plain.volume)
  }

  @Test func severalMembersAreOneStream() throws {
    let data = fixture("int16-little.nii")
    let path = folder.file("members.nii.gz")
    let first = try gzipped(data.prefix(100))
    let second = try gzipped(data.dropFirst(100).prefix(300))
    let members = try first + second + gzipped(data.dropFirst(400))
    try members.write(to: URL(fileURLWithPath: path))
    let whole = try NIfTIReader.read(Fixtures.path("nifti/int16-little.nii"))
    let loaded = try NIfTIReader.read(path)
    #expect(loaded.volume == whole.volume)
    #expect(loaded.summary.problems == [])
    // Zeros after the last member are padding; a damaged second member is not.
    try (members + Data(repeating: 0, count: 512)).write(to: URL(fileURLWithPath: path))
    #expect(try NIfTIReader.read(path).volume == whole.volume)
    try expectDamaged(members.dropLast(9), "a.nii.gz", "end early or are corrupt")
  }

  @Test(arguments: [4, 8])
  func aWrongChecksumOrLengthIsFound(fromEnd: Int) throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: noise()))
    bytes[bytes.count - fromEnd] ^= 1
    try expectDamaged(bytes, "a.nii.gz", "corrupt")
  }

  @Test func aPairWithoutItsImageSaysWhichFileIsMissing() throws {
    let path = folder.file("alone.hdr")
    try fixture("pair.hdr").write(to: URL(fileURLWithPath: path))
    #expect(throws: SupportError.notFound(path: folder.file("alone.img"))) {
      try NIfTIReader.read(path)
    }
  }

  @Test func vectorsAreUnsupported() throws {
    var data = fixture("int16-little.nii")
    set(&data, at: 40, Int16(5))
    set(&data, at: 46, Int16(1))
    set(&data, at: 48, Int16(1))
    set(&data, at: 50, Int16(3))
    let path = folder.file("vector.nii")
    try data.write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: ImagingIOError.self) { try NIfTIReader.read(path) }
    #expect(error?.description.contains("5 dimensions") == true)
  }

  @Test(arguments: [
    (Int16(1), "1-bit voxels"), (128, "RGB colours, which cannot be segmented"),
    (1536, "128-bit floating-point values"), (1792, "complex values, which cannot be segmented"),
    (2048, "complex values, which cannot be segmented"),
    (2304, "RGBA colours, which cannot be segmented"), (3, "the unknown voxel type 3"),
  ])
  func typesThatCannotBeSegmentedSaySo(code: Int16, words: String) throws {
    var data = fixture("int16-little.nii")
    set(&data, at: 70, code)
    let error = #expect(throws: ImagingIOError.self) { try read(data) }
    #expect(error?.description.contains(words) == true)
  }

  @Test func anAxisWithoutVoxelsIsDamage() throws {
    var data = fixture("int16-little.nii")
    set(&data, at: 44, Int16(0))
    try expectDamaged(data, "a.nii", "claims 0 voxels along axis 2")
  }

  @Test func noByteOfAHeaderCrashesTheReader() throws {
    // Every header byte is replaced in turn by extreme ones; the reader answers or throws.
    let whole = fixture("int16-little.nii")
    let path = folder.file("mutant.nii")
    var answers = 0
    for place in 0..<348 {
      for value: UInt8 in [0x7F, 0xFF] {
        var mutant = whole
        mutant[place] = value
        try mutant.write(to: URL(fileURLWithPath: path))
        if (try? NIfTIReader.read(path)) != nil { answers += 1 }
      }
    }
    #expect(answers > 250)
  }

  private func fixture(_ name: String) -> Data {
    FileManager.default.contents(atPath: Fixtures.path("nifti/\(name)")) ?? Data()
  }

  private func set<Value: BitwiseCopyable>(_ data: inout Data, at offset: Int, _ value: Value) {
    withUnsafeBytes(of: value) { data.replaceSubrange(offset..<(offset + $0.count), with: $0) }
  }

  private func read(_ data: Data) throws -> LoadedVolume {
    let path = folder.file("edited.nii")
    try data.write(to: URL(fileURLWithPath: path))
    return try NIfTIReader.read(path)
  }

  /// A compressed file of incompressible voxels: 30 x 30 x 30 int16 and the header.
  private func noise() throws -> String {
    let geometry = try ImageGeometry(
      size: [30, 30, 30],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    var random = RandomStream(seed: 3)
    let voxels = (0..<27000).map { _ in Int16(truncatingIfNeeded: Int64(bitPattern: random.next()))
    }
    let path = folder.file("noise.nii.gz")
    try NIfTIWriter.write(.int16(Volume(geometry: geometry, voxels: voxels)), to: path)
    return path
  }

  private func gzipped(_ data: Data) throws -> Data {
    let path = folder.file("to-pack")
    try data.write(to: URL(fileURLWithPath: path))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["-kf", path]
    try process.run()
    process.waitUntilExit()
    return try Data(contentsOf: URL(fileURLWithPath: path + ".gz"))
  }

  private func expectDamaged(
    _ data: Data,
    _ name: String,
    _ words: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let path = folder.file(name)
    try data.write(to: URL(fileURLWithPath: path))
    do {
      _ = try NIfTIReader.read(path)
      Issue.record("no error was thrown", sourceLocation: sourceLocation)
    } catch ImagingIOError.damaged(_, let reason) {
      #expect(reason.contains(words), sourceLocation: sourceLocation)
    } catch {
      Issue.record(error, sourceLocation: sourceLocation)
    }
  }
}
