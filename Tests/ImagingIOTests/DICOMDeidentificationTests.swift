import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct DICOMDeidentificationTests {
  private let key = DICOMDeidentificationKey(seed: 7)

  private func fixture(_ name: String) -> String { Fixtures.path("deidentification/" + name) }

  /// A fixture cleaned, and its record.
  private func cleaned(
    _ name: String,
    in folder: TemporaryFolder,
    options: DICOMDeidentificationOptions = .init(),
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> (file: DICOMFile, record: DICOMDeidentificationRecord) {
    let path = folder.file(name)
    let outcome = try DICOMDeidentification(options: options, key: key)
      .clean(fixture(name)) { _ in path }
    guard case .written(let record) = outcome else {
      Issue.record("\(name) was not written", sourceLocation: sourceLocation)
      throw SupportError.notFound(path: path)
    }
    return (try DICOMFile(path: path), record)
  }

  private func permissive(_ dates: DICOMDeidentificationOptions.Dates = .removed)
    -> DICOMDeidentificationOptions
  {
    var options = DICOMDeidentificationOptions()
    options.allowsFlagged = true
    options.dates = dates
    return options
  }

  // MARK: - The mark

  @Test(
    arguments: ["explicit", "implicit", "big", "deflated", "rle"],
    DICOMDeidentificationOptions.Dates.allCases
  )
  func noByteHoldsTheMark(
    syntax: String,
    dates: DICOMDeidentificationOptions.Dates
  ) throws {
    let folder = try TemporaryFolder()
    let name = "marked-\(syntax).dcm"
    let original = try DICOMFile(path: fixture(name))
    #expect(original.root.text(0x0008_1030) == "ZZTOPSECRET")
    let (file, record) = try cleaned(name, in: folder, options: permissive(dates))
    #expect(file.transferSyntax == original.transferSyntax)
    // The second copy is not deflated, so that its bytes can be searched too.
    var paths = [folder.file(name)]
    if syntax == "deflated" {
      paths.append(folder.file("inflated.dcm"))
      try DICOMFile(path: paths[0]).save(to: paths[1], syntax: "1.2.840.10008.1.2.1")
    }
    for path in paths {
      let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        .uppercased()
      for mark in ["ZZTOPSECRET", "17760704", "1.2.826.0.1.777666555", "TOPSECRE", "ZORRO"] {
        #expect(!text.contains(mark), "\(mark)")
      }
    }
    #expect(record.count(.removed) > 300)
    #expect(record.count(.uidMapped) > 50)
    #expect(file.root.text(0x0012_0062) == "YES")
    #expect(file.root.number(0x0018_0050) == 1)
    #expect(file.root.text(0x0008_0070) == "ANONYMIZED")
    #expect(file.root.text(0x0018_0060) == nil)
  }

  @Test(arguments: ["explicit", "implicit", "big", "deflated", "rle"])
  func pixelsStayBitForBit(syntax: String) throws {
    let folder = try TemporaryFolder()
    let name = "marked-\(syntax).dcm"
    let original = try DICOMFile(path: fixture(name))
    let (file, _) = try cleaned(name, in: folder, options: permissive())
    var frames: [[UInt8]] = []
    for source in [original, file] {
      var frame = [UInt8](repeating: 0, count: 512)
      try frame.withUnsafeMutableBytes { try source.decodeFrame(0, into: $0) }
      frames.append(frame)
    }
    #expect(frames[0] == frames[1])
    #expect(Set(frames[0]).count > 100)
    guard syntax != "deflated" else { return }
    // As they lie in the files: from the tag of the pixel data on, without what follows it.
    let before = try Data(contentsOf: URL(fileURLWithPath: fixture(name)))
    let after = try Data(contentsOf: URL(fileURLWithPath: folder.file(name)))
    let tag = Data(syntax == "big" ? [0x7F, 0xE0, 0, 0x10] : [0xE0, 0x7F, 0x10, 0])
    let found = after.range(of: tag, options: .backwards)
    let start = try #require(found).lowerBound
    #expect(before.range(of: after[start...]) != nil)
  }

  // MARK: - Consistency

  @Test func referencesAndPatientsStayTogether() throws {
    let folder = try TemporaryFolder()
    let one = try cleaned("study-one.dcm", in: folder)
    let two = try cleaned("study-two.dcm", in: folder)
    let structures = try cleaned("study-structures.dcm", in: folder)
    let frame = try #require(structures.file.root.item(0x3006_0010))
    let image = try #require(frame.item(0x3006_0012))
    #expect(image.text(0x0008_1155) == one.file.root.text(0x0008_0018))
    #expect(image.text(0x0008_1150) == "1.2.840.10008.5.1.4.1.1.2")
    #expect(frame.text(0x0020_0052) == one.file.root.text(0x0020_0052))
    #expect(structures.file.root.text(0x0020_000D) == one.file.root.text(0x0020_000D))
    #expect(two.file.root.text(0x0020_000D) != one.file.root.text(0x0020_000D))
    #expect(one.file.root.text(0x0008_0018)?.hasPrefix("2.25.") == true)
    #expect(one.file.meta?.text(0x0002_0003) == one.file.root.text(0x0008_0018))
    #expect(one.record.pseudonym == two.record.pseudonym)
    #expect(one.file.root.text(0x0010_0020) == one.record.pseudonym)
    #expect(one.file.root.text(0x0010_0010) == one.record.pseudonym)
    let other = try DICOMDeidentification(options: .init(), key: .init(seed: 8))
      .clean(fixture("study-one.dcm")) { _ in folder.file("other.dcm") }
    guard case .written(let record) = other else { throw SupportError.interrupted }
    #expect(record.pseudonym != one.record.pseudonym)
  }

  @Test func shiftedDatesKeepIntervalsAndTimes() throws {
    let folder = try TemporaryFolder()
    var roots: [DICOMItem] = []
    for name in ["study-one.dcm", "study-two.dcm"] {
      roots.append(try cleaned(name, in: folder, options: permissive(.shifted)).file.root)
    }
    let format = DateFormatter()
    format.dateFormat = "yyyyMMdd"
    format.timeZone = TimeZone(identifier: "UTC")
    var dates: [Date] = []
    for root in roots {
      for tag: UInt32 in [0x0008_0020, 0x0008_002A] {
        let text = try #require(root.text(tag))
        let date = format.date(from: String(text.prefix(8)))
        dates.append(try #require(date))
      }
    }
    // 28 and 29 February, 30 and 31 March 2020.
    #expect(dates.map { $0.timeIntervalSince(dates[0]) / 86400 } == [0, 1, 31, 32])
    #expect(dates[0] < format.date(from: "20200228") ?? .distantPast)
    #expect(roots[0].text(0x0008_0030) == "101500.25")
    #expect(roots[0].text(0x0008_002A)?.dropFirst(8) == "101600.5+0100")
    #expect(roots[0].text(0x0010_0030) == nil)
    #expect(roots[0].text(0x0028_0303) == "MODIFIED")
  }

  @Test func removedDatesLeaveNone() throws {
    let folder = try TemporaryFolder()
    let root = try cleaned("study-one.dcm", in: folder).file.root
    #expect(root.element(0x0008_0020)?.length == 0)
    #expect(root.element(0x0008_0021) == nil)
    #expect(root.element(0x0008_002A) == nil)
    #expect(root.text(0x0028_0303) == "REMOVED")
    #expect(root.items(0x0012_0064).map { $0.text(0x0008_0100) } == ["113100"])
  }

  // MARK: - Options

  @Test func optionsKeepWhatTheyName() throws {
    let folder = try TemporaryFolder()
    let plain = try cleaned("study-one.dcm", in: folder).file.root
    var options = permissive()
    options.kept = Set(DICOMDeidentificationOptions.Retention.allCases)
    options.subject = "CASE 12"
    let rich = try cleaned("study-one.dcm", in: folder, options: options).file.root
    let expected: [(UInt32, String?, String?)] = [
      (0x0010_0040, nil, "F"), (0x0010_1010, nil, "090Y"), (0x0010_1030, nil, "61.5"),
      (0x0008_0080, "ANONYMIZED", "North Hospital"), (0x0008_1010, "ANONYMIZED", "MARKCT01"),
      (0x0018_1000, "ANONYMIZED", "SN4711"), (0x0008_1030, nil, nil),
      (0x0008_103E, nil, "Thorax 1.5 mm soft tissue"), (0x0008_0050, nil, nil),
    ]
    for (tag, without, with) in expected {
      #expect(plain.text(tag) == without, "\(String(tag, radix: 16))")
      #expect(rich.text(tag) == with, "\(String(tag, radix: 16))")
    }
    #expect(rich.text(0x0010_0010) == "CASE 12")
    #expect(
      rich.items(0x0012_0064).compactMap { $0.text(0x0008_0100) } == [
        "113100", "113105", "113108", "113109", "113112",
      ]
    )
  }

  // MARK: - Flags

  @Test(arguments: [
    ("text.dcm", ["text-in-pixels"]), ("capture.dcm", ["secondary-capture", "modality"]),
    ("marked-explicit.dcm", ["encapsulated-document", "structured-report"]),
  ])
  func flaggedObjectsAreNotWritten(name: String, codes: [String]) throws {
    let folder = try TemporaryFolder()
    let outcome = try DICOMDeidentification(options: .init(), key: key).clean(fixture(name)) { _ in
      Issue.record("a place was asked for")
      return folder.file("out.dcm")
    }
    guard case .withheld(let record) = outcome else {
      Issue.record("\(name) was not withheld")
      return
    }
    #expect(codes.allSatisfy(record.flags.map(\.code).contains))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    let allowed = try cleaned(name, in: folder, options: permissive())
    #expect(allowed.record.flags == record.flags)
  }

  @Test func saturatedAnatomyIsNoText() throws {
    let folder = try TemporaryFolder()
    #expect(try cleaned("blob.dcm", in: folder).record.flags.isEmpty)
  }

  /// Names that stand for none are words of the standard and of this program.
  @Test(arguments: ["REMOVED", "ANONYMIZED", "Basic"])
  func namesLikeAddedTextDoNotWithhold(name: String) throws {
    let folder = try TemporaryFolder()
    let source = try DICOMFile(path: fixture("study-one.dcm"))
    try source.put(name, tag: 0x0010_0010, vr: "PN", item: nil)
    try source.save(to: folder.file("in.dcm"), syntax: "1.2.840.10008.1.2.1")
    let outcome = try DICOMDeidentification(options: .init(), key: key)
      .clean(folder.file("in.dcm")) { _ in folder.file("out.dcm") }
    guard case .written = outcome else {
      Issue.record("it was withheld")
      return
    }
  }

  /// A name in a comment of compressed pixels, which stay as they are.
  @Test func namesWithinPixelsWithhold() throws {
    let folder = try TemporaryFolder()
    var dataSet = DICOMDataSet()
    dataSet.set(DICOMTag.classUID, "1.2.840.10008.5.1.4.1.1.2")
    dataSet.set(DICOMTag.instanceUID, "2.25.1")
    dataSet.set(DICOMTag.modality, "CT")
    dataSet.set(0x0010_0010, "Mark^Annette")
    dataSet.set(0x0028_0002, number: 1)
    dataSet.set(0x0028_0004, "MONOCHROME2")
    dataSet.set(0x0028_0010, number: 2)
    dataSet.set(0x0028_0011, number: 4)
    for (tag, value) in [(0x0028_0100, 8), (0x0028_0101, 8), (0x0028_0102, 7), (0x0028_0103, 0)] {
      dataSet.set(UInt32(tag), number: Double(value))
    }
    var frame = [UInt8](repeating: 0, count: 64)
    frame[0] = 1
    frame[4] = 64
    frame += [250, 5, 0, 9]
    for hasName in [false, true] {
      let pixels = frame + (hasName ? Array(" Mark^Annette ".utf8) : [])
      try dataSet.write(to: folder.file("in.dcm"), pixels: .frames([pixels]), syntax: .rle)
      var options = permissive()
      options.dates = .shifted
      let outcome = try DICOMDeidentification(options: options, key: key)
        .clean(folder.file("in.dcm")) { _ in folder.file("out.dcm") }
      if hasName {
        guard case .withheld(let record) = outcome else {
          Issue.record("it was written")
          return
        }
        #expect(record.flags.map(\.code) == ["identifier-left"])
        #expect(!FileManager.default.fileExists(atPath: folder.file("out.dcm")))
      } else {
        guard case .written = outcome else {
          Issue.record("it was not written")
          return
        }
        unlink(folder.file("out.dcm"))
      }
    }
  }

  // MARK: - Other files

  @Test func otherFilesAreLeftOut() throws {
    let folder = try TemporaryFolder()
    let engine = DICOMDeidentification(options: .init(), key: key)
    let whole = try Data(contentsOf: URL(fileURLWithPath: fixture("study-one.dcm")))
    try Data("name: somebody".utf8).write(to: URL(fileURLWithPath: folder.file("notes.txt")))
    try whole.prefix(whole.count - 100).write(to: URL(fileURLWithPath: folder.file("cut.dcm")))
    var directory = DICOMDataSet()
    directory.set(0x0004_1220, items: [])
    directory.set(DICOMTag.classUID, "1.2.840.10008.1.3.10")
    directory.set(DICOMTag.instanceUID, "2.25.1")
    try directory.write(to: folder.file("DICOMDIR"))
    let place: (DICOMDeidentificationRecord) -> String = { _ in folder.file("out.dcm") }
    guard case .foreign = try engine.clean(folder.file("notes.txt"), place: place),
      case .damaged = try engine.clean(folder.file("cut.dcm"), place: place),
      case .directory = try engine.clean(folder.file("DICOMDIR"), place: place),
      case .foreign = try engine.clean(folder.file("absent"), place: place)
    else {
      Issue.record("another outcome")
      return
    }
    #expect(!FileManager.default.fileExists(atPath: folder.file("out.dcm")))
  }
}
