import Foundation
import ImagingIO
import TestSupport
import Testing

/// What a small image of `Tests/Fixtures/dicom-codecs` must decode to.
private struct ExpectedFrames: Decodable, Equatable {
  var pixels: String
  var bytesPerSample: Int
  var samples: Int
  var frames: Int
  var tolerance: Int
}

/// The images by name; nil for those that must be refused.
private let expected: [String: ExpectedFrames?] = {
  let path = Fixtures.path("dicom-codecs/expected.json")
  guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else { return [:] }
  return (try? JSONDecoder().decode([String: ExpectedFrames?].self, from: data)) ?? [:]
}()

private let names = expected.keys.filter { !isFloating($0) }.sorted()

private func isFloating(_ name: String) -> Bool {
  name.hasSuffix("float") || name.hasSuffix("double")
}

private func open(_ name: String) throws(DICOMFault) -> DICOMFile {
  try DICOMFile(path: Fixtures.path("dicom-codecs/\(name).dcm"))
}

/// All frames of a file, as bytes.
private func frames(of file: DICOMFile) throws -> [[UInt8]] {
  let pixels = try #require(try file.pixels())
  let width = pixels.bits_allocated == 1 ? 1 : Int(pixels.bits_allocated) / 8
  let bytes = Int(pixels.rows) * Int(pixels.columns) * Int(pixels.samples) * width
  return try (0..<Int(pixels.frames)).map { index in
    var frame = [UInt8](repeating: 0, count: bytes)
    try frame.withUnsafeMutableBytes { try file.decodeFrame(index, into: $0) }
    return frame
  }
}

private func words(_ bytes: [UInt8], width: Int, isSigned: Bool) -> [Int] {
  stride(from: 0, to: bytes.count - width + 1, by: width).map { start in
    var value = 0
    for byte in 0..<width { value |= Int(bytes[start + byte]) << (8 * byte) }
    return isSigned && value >> (8 * width - 1) != 0 ? value - 1 << (8 * width) : value
  }
}

@Suite struct DICOMCodecTests {
  @Test func everySyntaxHasAFixture() throws {
    let found = try Set(
      names.filter { (expected[$0] ?? nil) != nil }.compactMap { try open($0).transferSyntax }
    )
    let jpeg = ["50", "51", "57", "70", "80", "81", "90", "91", "92"]
      .map { "1.2.840.10008.1.2.4.\($0)" }
    let others = ["", ".1", ".2", ".1.99", ".5", ".8.1"].map { "1.2.840.10008.1.2\($0)" }
    #expect(found == Set(jpeg + others))
  }

  @Test(arguments: names) func framesAreThoseOfTheReference(name: String) throws {
    let entry = try #require(expected[name])
    guard let entry else {
      #expect(throws: DICOMFault.self) {
        let file = try open(name)
        // Nothing that claims gigabytes is given them; the fixture of that kind has its own test.
        guard try #require(try file.pixels()).rows < 1000 else { throw DICOMFault.damaged }
        _ = try frames(of: file)
      }
      return
    }
    let file = try open(name)
    let pixels = try #require(try file.pixels())
    #expect(Int(pixels.frames) == entry.frames)
    #expect(Int(pixels.samples) == entry.samples)
    let stored = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("dicom-codecs/\(entry.pixels)")))
    )
    let isSigned = pixels.is_signed != 0
    let width = entry.bytesPerSample
    let decoded = words(try frames(of: file).flatMap { $0 }, width: width, isSigned: isSigned)
    let reference = words(stored, width: width, isSigned: isSigned)
    try #require(decoded.count == reference.count)
    let worst = decoded.indices.max {
      abs(decoded[$0] - reference[$0]) < abs(decoded[$1] - reference[$1])
    }
    let index = try #require(worst)
    #expect(
      abs(decoded[index] - reference[index]) <= entry.tolerance,
      "sample \(index): \(decoded[index]) instead of \(reference[index])"
    )
  }

  @Test func framesBeyondTheFragmentsAreRefused() throws {
    for name in ["frames-overstated-j2k", "frames-overstated-jpeg"] {
      let file = try open(name)
      let pixels = try #require(try file.pixels())
      #expect(pixels.frames == 7)
      var frame = [UInt8](repeating: 0, count: Int(pixels.rows * pixels.columns) * 2)
      for index in 0..<7 {
        let fault: DICOMFault? = frame.withUnsafeMutableBytes { buffer in
          do throws(DICOMFault) {
            try file.decodeFrame(index, into: buffer)
            return nil
          } catch {
            return error
          }
        }
        #expect(fault == (index < 3 ? nil : .damaged))
      }
    }
  }

  /// 1.8 GB of address space, of which nothing is touched: the stream has 500 bytes.
  @Test func codestreamsThatClaimGigabytesAreRefusedBeforeTheyAreDecoded() throws {
    let file = try open("j2k-huge")
    let pixels = try #require(try file.pixels())
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Int(pixels.rows) * Int(pixels.columns) * 2,
      alignment: 16
    )
    defer { buffer.deallocate() }
    #expect(throws: DICOMFault.damaged) { try file.decodeFrame(0, into: buffer) }
  }

  @Test func aDeflatedBombIsRefusedWhenOpened() {
    #expect(throws: DICOMFault.damaged) { try open("deflated-bomb") }
  }

  @Test func aBufferOfAnotherSizeIsRefused() throws {
    let file = try open("j2k-grey8")
    var short = [UInt8](repeating: 7, count: 17 * 22 - 1)
    #expect(throws: DICOMFault.damaged) {
      try short.withUnsafeMutableBytes { try file.decodeFrame(0, into: $0) }
    }
    #expect(short.allSatisfy { $0 == 7 })
  }

  @Test(arguments: ["float", "double", "big-float", "big-double"])
  func floatingPixelsAreThoseOfTheReference(name: String) throws {
    let entry = try #require(expected[name] ?? nil)
    let file = try open(name)
    #expect(try file.pixels() == nil)
    let stored = try Data(
      contentsOf: URL(fileURLWithPath: Fixtures.path("dicom-codecs/\(entry.pixels)"))
    )
    let reference = stored.withUnsafeBytes { bytes in
      (0..<stored.count / 8).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
    }
    let count = reference.count / entry.frames
    for index in 0..<entry.frames {
      #expect(
        try file.floatFrame(index, count: count)
          == Array(reference[index * count..<(index + 1) * count])
      )
    }
    #expect(throws: DICOMFault.damaged) { try file.floatFrame(entry.frames, count: count) }
  }
}

/// The images of DICOM's working group 4: the same two in every transfer syntax.
@Suite struct DICOMCodecRealDataTests {
  /// The largest errors of the lossy files against the originals.
  ///
  /// In stored values, which are -2000...2278 and 0...4000. pydicom finds the same in JPEG 2000
  /// and JPEG-LS (written with an error of up to 4) and cannot decode the 12-bit JPEG.
  private static let lossy = [
    "J2KI/CT1_J2KI": 352, "J2KI/MR1_J2KI": 396, "JLSN/CT1_JLSN": 4, "JLSN/MR1_JLSN": 4,
    "JPLY/MR1_JPLY": 128,
  ]

  @Test(.enabled(if: Fixtures.developmentData("dicom-codecs") != nil, "no development data"))
  func everySyntaxDecodesToTheUncompressedOriginal() throws {
    let folder = try #require(Fixtures.developmentData("dicom-codecs"))
    for syntax in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
      let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(syntax)")
      for name in files {
        let truth = try samples("\(folder)/REF/\(name.prefix(3))_UNC")
        let decoded = try samples("\(folder)/\(syntax)/\(name)")
        let error = zip(truth, decoded).map { abs($0 - $1) }.max()
        #expect(truth.count == decoded.count)
        #expect(try #require(error) <= Self.lossy["\(syntax)/\(name)", default: 0], "\(name)")
      }
    }
  }

  private func samples(_ path: String) throws -> [Int] {
    let file = try DICOMFile(path: path)
    let isSigned = try #require(try file.pixels()).is_signed != 0
    return words(try frames(of: file).flatMap { $0 }, width: 2, isSigned: isSigned)
  }

  @Test(.enabled(if: Fixtures.developmentData("pydicom") != nil, "no development data"))
  func foreignFilesAreDecodedOrRefused() throws {
    let folder = try #require(Fixtures.developmentData("pydicom"))
    let walk = try #require(FileManager.default.enumerator(atPath: folder))
    var decoded = 0
    for case let name as String in walk {
      let path = "\(folder)/\(name)"
      do {
        let file = try DICOMFile(path: path)
        guard try file.pixels() != nil else { continue }
        decoded += try frames(of: file).isEmpty ? 0 : 1
      } catch let fault as DICOMFault {
        #expect(fault != .fault && fault != .outOfMemory, "\(name)")
      }
    }
    #expect(decoded >= 50)
  }
}
