import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct DICOMDataSetTests {
  private func written(
    _ dataSet: DICOMDataSet,
    pixels: DICOMPixelStorage = .none,
    syntax: DICOMOutputSyntax = .explicitLittleEndian,
    check: (DICOMFile) throws -> Void
  ) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("object.dcm")
    try dataSet.write(to: path, pixels: pixels, syntax: syntax)
    try check(try DICOMFile(path: path))
  }

  private var example: DICOMDataSet {
    var dataSet = DICOMDataSet()
    dataSet.set(DICOMTag.classUID, "1.2.840.10008.5.1.4.1.1.7")
    dataSet.set(DICOMTag.instanceUID, "2.25.1")
    dataSet.set(DICOMTag.seriesDescription, "Größe")
    dataSet.set(DICOMTag.characterSet, "ISO_IR 192")
    dataSet.set(0x0008_0090, "")
    dataSet.setEmpty(0x0010_0010)
    dataSet.set(DICOMTag.position, numbers: [1.5, -2, 1 / 3.0])
    dataSet.set(DICOMTag.seriesNumber, number: 7)
    dataSet.set(0x0028_0010, number: 2)
    dataSet.set(0x0018_9087, number: 0.1)
    dataSet.set(0x0028_0009, numbers: [Double(0x0018_1063)])
    var inner = DICOMDataSet()
    inner.set(0x0008_0100, "10200004")
    inner.set(0x0062_000B, numbers: [3, 65535])
    var item = DICOMDataSet()
    item.set(0x0008_2218, items: [inner, DICOMDataSet()])
    dataSet.set(0x0062_0002, items: [item])
    dataSet.set(0x0008_1115, items: [])
    return dataSet
  }

  @Test func everyKindOfValueReadsBackEqual() throws {
    let source = example
    try written(source) { file in
      #expect(file.isComplete)
      #expect(file.root.texts(DICOMTag.seriesDescription) == ["Größe"])
      #expect(file.root.numbers(DICOMTag.position) == [1.5, -2, 0.33333333333333])
      #expect(file.root.number(DICOMTag.seriesNumber) == 7)
      #expect(file.root.number(0x0018_9087) == 0.1)
      #expect(file.root.bytes(0x0028_0009) == [0x18, 0, 0x63, 0x10])
      let item = try #require(file.root.item(0x0062_0002))
      let codes = item.items(0x0008_2218)
      #expect(codes.count == 2)
      #expect(codes[0].text(0x0008_0100) == "10200004")
      #expect(codes[0].numbers(0x0062_000B) == [3, 65535])
      #expect(codes[1].elements.isEmpty)
      #expect(file.root.element(0x0008_1115)?.vr == "SQ")
      #expect(file.root.item(0x0062_0002, at: 1) == nil)
      #expect(file.meta?.text(0x0002_0003) == "2.25.1")
      var again = DICOMDataSet(file.root)
      again[0x0028_0009] = source[0x0028_0009]
      again[DICOMTag.position] = source[DICOMTag.position]
      again[0x0008_0090] = source[0x0008_0090]
      #expect(again == source)
    }
  }

  @Test(arguments: [DICOMOutputSyntax.explicitLittleEndian, .deflated])
  func nativePixelsReadBack(syntax: DICOMOutputSyntax) throws {
    let values: [UInt8] = (0..<63).map { UInt8($0) }
    var dataSet = example
    dataSet.set(0x0028_0002, number: 1)
    dataSet.set(0x0028_0004, "MONOCHROME2")
    dataSet.set(0x0028_0010, number: 7)
    dataSet.set(0x0028_0011, number: 9)
    for (tag, value) in [(0x0028_0100, 8), (0x0028_0101, 8), (0x0028_0102, 7), (0x0028_0103, 0)] {
      dataSet.set(UInt32(tag), number: Double(value))
    }
    try written(dataSet, pixels: .native(values, vr: "OB"), syntax: syntax) { file in
      #expect(file.transferSyntax == syntax.rawValue)
      var decoded = [UInt8](repeating: 0, count: 63)
      try decoded.withUnsafeMutableBytes { try file.decodeFrame(0, into: $0) }
      #expect(decoded == values)
    }
  }

  @Test func fragmentsAreKeptAsTheyAre() throws {
    // One RLE segment: a header of 64 bytes, then "repeat 5 seven times", "copy 1".
    var frame = [UInt8](repeating: 0, count: 64)
    frame[0] = 1
    frame[4] = 64
    frame += [250, 5, 0, 9]
    var dataSet = example
    dataSet.set(0x0028_0002, number: 1)
    dataSet.set(0x0028_0004, "MONOCHROME2")
    dataSet.set(0x0028_0010, number: 2)
    dataSet.set(0x0028_0011, number: 4)
    for (tag, value) in [(0x0028_0100, 8), (0x0028_0101, 8), (0x0028_0102, 7), (0x0028_0103, 0)] {
      dataSet.set(UInt32(tag), number: Double(value))
    }
    dataSet.set(0x0028_0008, number: 2)
    try written(dataSet, pixels: .frames([frame, frame]), syntax: .rle) { file in
      var decoded = [UInt8](repeating: 0, count: 8)
      try decoded.withUnsafeMutableBytes { try file.decodeFrame(1, into: $0) }
      #expect(decoded == [5, 5, 5, 5, 5, 5, 5, 9])
    }
  }

  @Test func elementsAreReplacedAndRemoved() throws {
    try written(example) { file in
      try file.put("other", tag: DICOMTag.seriesDescription, vr: "LO", item: nil)
      file.remove(0x0062_0002, item: nil)
      let folder = try TemporaryFolder()
      try file.save(to: folder.file("again.dcm"), syntax: "1.2.840.10008.1.2.1")
      let again = try DICOMFile(path: folder.file("again.dcm"))
      #expect(again.root.text(DICOMTag.seriesDescription) == "other")
      #expect(again.root.element(0x0062_0002) == nil)
      #expect(again.root.number(DICOMTag.seriesNumber) == 7)
    }
  }

  @Test(arguments: [
    (0.1, "0.1"), (1 / 3.0, "0.33333333333333"), (-1 / 3.0, "-0.3333333333333"), (12, "12"),
    (1e-12 / 3, "3.3333333333e-13"), (-123456789.123456789, "-123456789.12346"),
  ])
  func decimalStringsFitSixteenCharacters(value: Double, expected: String) {
    let text = DICOMDataSet.decimalString(value)
    #expect(text.utf8.count <= 16)
    #expect(text == expected)
  }

  @Test func unwritablePlacesAreSaid() throws {
    #expect(throws: SupportError.self) {
      try DICOMDataSet().write(to: "/nowhere/at/all.dcm")
    }
  }

  @Test func namesGiveStableUIDs() throws {
    let uid = try DICOMUID.named("a", "b")
    #expect(try DICOMUID.named("a", "b") == uid)
    #expect(try DICOMUID.named("ab", "") != uid)
    #expect(uid.hasPrefix("2.25."))
    #expect(uid.utf8.count <= 44)
  }
}
