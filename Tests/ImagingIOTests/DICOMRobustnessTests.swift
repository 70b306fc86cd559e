import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

/// Reads all volumes of an input: every error must be a classified one.
private func exercise(_ path: String) -> [String] {
  let format = DICOMFormat()
  let selection = VolumeSelection()
  var outcomes: [String] = []
  func attempt(_ work: () throws -> String) {
    do {
      outcomes.append(try work())
    } catch let error as any ClassifiedError {
      outcomes.append("\(error)")
      if error.failure == .internalFault { Issue.record("\(error)") }
    } catch {
      Issue.record("unclassified \(error)")
    }
  }
  _ = format.recognises(path)
  attempt { "\(try format.inspect(path, progress: SilentProgress()).count) series" }
  attempt {
    let volume = try format.read(path, selection: selection, progress: SilentProgress()).volume
    return "\(volume.scalarName) \(volume.geometry.size)"
  }
  return outcomes
}

@Suite struct DICOMRobustnessTests {
  /// A few hundred damaged files: cut, with random bytes, with lengths that claim gigabytes.
  @Test(arguments: [
    "axial-ct/IM000", "rle/0.dcm", "big-endian/0.dcm", "no-preamble/0", "oblique-mr/a.ima",
    "jpeg-ls/0.dcm",
  ])
  func mutatedFilesAreReadOrRefused(name: String) throws {
    let original = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("dicom/" + name)))
    let folder = try TemporaryFolder()
    let file = folder.file("mutant.dcm")
    var state: UInt64 = 0x5EED
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let lengths: [[UInt8]] = [
      [0xFF, 0xFF, 0xFF, 0xFF], [0xFE, 0xFF, 0xFF, 0x7F], [0, 0, 0, 0], [0xFF, 0xFF],
    ]
    for round in 0..<150 {
      var bytes = [UInt8](original)
      switch round % 4 {
      case 0: bytes.removeLast(random(bytes.count))
      case 1:
        for _ in 0..<(1 + random(8)) { bytes[128 + random(bytes.count - 128)] = UInt8(random(256)) }
      case 2:
        let claim = lengths[random(lengths.count)]
        let place = 128 + random(bytes.count - 132)
        bytes.replaceSubrange(place..<place + claim.count, with: claim)
      default:
        let start = 128 + random(bytes.count - 160)
        bytes.removeSubrange(start..<start + random(32))
      }
      try Data(bytes).write(to: URL(fileURLWithPath: file))
      #expect(exercise(file).count == 2)
    }
  }

  /// Explicit little endian: the head of a file, then the bytes of its data set.
  private func part10(_ dataSet: [UInt8]) -> [UInt8] {
    let syntax = Array("1.2.840.10008.1.2.1\0".utf8)
    return [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)
      + [2, 0, 0x10, 0] + Array("UI".utf8) + [UInt8(syntax.count), 0] + syntax + dataSet
  }

  private func outcomes(of bytes: [UInt8]) throws -> [String] {
    let folder = try TemporaryFolder()
    try Data(bytes).write(to: URL(fileURLWithPath: folder.file("odd.dcm")))
    return exercise(folder.file("odd.dcm")).map {
      $0.replacingOccurrences(of: folder.path + "/", with: "")
    }
  }

  @Test func deeplyNestedSequencesAreRefused() throws {
    let sequence: [UInt8] = [8, 0, 0x40, 0x11] + Array("SQ".utf8) + [0, 0, 0xFF, 0xFF, 0xFF, 0xFF]
    let item: [UInt8] = [0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]
    let nested = (0..<100_000).flatMap { _ in sequence + item }
    let refusal = "odd.dcm is damaged: its header breaks off."
    #expect(try outcomes(of: part10(nested)) == [refusal, refusal])
  }

  @Test func lengthsBeyondTheFileAreNotAllocated() throws {
    let modality: [UInt8] = [8, 0, 0x60, 0] + Array("CS".utf8) + [2, 0] + Array("MR".utf8)
    let liar: [UInt8] = [9, 0, 0x10, 0x10] + Array("UN".utf8) + [0, 0, 0xFE, 0xFF, 0xFF, 0x7F]
    let found = try outcomes(of: part10(modality + liar + [1, 2, 3, 4]))
    #expect(found == ["1 series", "odd.dcm is damaged: it ends before its pixel data does."])
    let meta: [UInt8] = [2, 0, 0x12, 0] + Array("UN".utf8) + [0, 0, 0xFE, 0xFF, 0xFF, 0x7F]
    let refusal = "odd.dcm is damaged: its header breaks off."
    #expect(try outcomes(of: part10(meta + modality)) == [refusal, refusal])
  }

  @Test func manyRowsInASmallFileAllocateNothing() throws {
    var bytes = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("dicom/rle/0.dcm")))
    )
    for tag in [[0x28, 0, 0x10, 0], [0x28, 0, 0x11, 0]] as [[UInt8]] {
      let place = try #require(
        bytes.indices.first { bytes[$0...].starts(with: tag + Array("US".utf8)) }
      )
      bytes.replaceSubrange(place + 8..<place + 10, with: [0xFF, 0xFF])
    }
    let folder = try TemporaryFolder()
    try Data(bytes).write(to: URL(fileURLWithPath: folder.file("huge.dcm")))
    #expect(throws: ImagingIOError.self) {
      try DICOMFormat().read(
        folder.file("huge.dcm"),
        selection: VolumeSelection(),
        progress: SilentProgress()
      )
    }
  }

  @Test(
    .enabled(if: Fixtures.developmentData("pydicom") != nil),
    arguments: ["pydicom", "dcm_qa", "dcm_qa_ct", "dicom-codecs", "highdicom", "rt-utils"]
  )
  func foreignFilesAreReadOrRefused(folder: String) throws {
    let root = try #require(Fixtures.developmentData(folder))
    let enumerator = try #require(FileManager.default.enumerator(atPath: root))
    for case let name as String in enumerator {
      let path = root + "/" + name
      guard DICOMFormat().recognises(path) else { continue }
      let start = ContinuousClock.now
      let outcomes = exercise(path)
      #expect(outcomes.count == 2)
      #expect(start.duration(to: .now) < .seconds(20), "\(path)")
    }
  }
}
