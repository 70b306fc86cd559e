import ImagingIO
import Support
import Testing

@Suite struct DICOMDeidentificationPartsTests {
  @Test(arguments: [
    ("20200301", 1, "20200229"), ("20210301", 1, "20210228"), ("19000301", 1, "19000228"),
    ("20000101", 1, "19991231"), ("20200228", 366, "20190227"), ("1997.04.24", 30, "19970325"),
    ("20200301101112.5+0100", 60, "20200101101112.5+0100"), ("202003", 1, "202002"),
    ("2020", 1, "2019"), ("00010101", 0, "00010101"), ("99991231", 0, "99991231"),
  ])
  func datesMove(text: String, days: Int, expected: String) {
    #expect(DICOMDeidentificationDates.moved(text, daysBack: days) == expected)
  }

  @Test(arguments: [
    "", "2020022", "20200230", "20201301", "00000101", "00010101", "SECRET", "20200101-SECRET",
    "20200101SECRET", "2020/01/01", "20200101101112131415161718192021",
  ])
  func whatIsNoDateDoesNotMove(text: String) {
    #expect(DICOMDeidentificationDates.moved(text, daysBack: 1) == nil)
  }

  @Test func everyDayMovesByOne() {
    var day = "20041231"
    for _ in 0..<1461 {
      guard let moved = DICOMDeidentificationDates.moved(day, daysBack: 1) else { break }
      day = moved
    }
    #expect(day == "20001231")
  }

  /// Test cases 1 and 2 of RFC 4231, and case 6, whose key is longer than a block.
  @Test func digestsAreHMAC() throws {
    #expect(
      try DICOMDeidentificationKey(secret: [UInt8](repeating: 0x0B, count: 20))
        .hmac(Array("Hi There".utf8))
        == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    )
    #expect(
      try DICOMDeidentificationKey(secret: Array("Jefe".utf8))
        .hmac(Array("what do ya want for nothing?".utf8))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    #expect(
      try DICOMDeidentificationKey(secret: [UInt8](repeating: 0xAA, count: 131))
        .hmac(Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8))
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    )
  }

  @Test func randomKeysDiffer() {
    let one = DICOMDeidentificationKey.random().hexadecimal
    #expect(one.count == 64)
    #expect(one != DICOMDeidentificationKey.random().hexadecimal)
  }

  @Test func tableListsEachTagOnce() {
    let table = DICOMDeidentificationTable.self
    let tags = [
      table.remove, table.empty, table.dummy, table.uid, table.removeOrEmpty, table.removeOrDummy,
      table.emptyOrDummy, table.removeEmptyOrDummy, table.removeEmptyOrUID,
    ].flatMap(table.tags)
    #expect(tags.count == 652)
    #expect(Set(tags).count == tags.count)
  }

  @Test(arguments: [
    ("Thorax 1.5 mm", true), ("T2w TSE sag", true), ("Chest CT for Dr Mark", false),
    ("Thorax 19540312", false), ("Müller", false), ("head_SMITH", false), ("", true),
  ])
  func vocabularyKnowsTechnicalWordsAlone(text: String, isKnown: Bool) {
    #expect(DICOMDeidentificationVocabulary.covers(text) == isKnown)
  }

  // MARK: - Text in pixels

  /// Strokes of letters like "H" of a height, drawn from a corner.
  private func drawn(
    letters: Int,
    size: Int,
    stroke: Int = 1,
    light: Int32 = 4000,
    ground: Int32 = 100
  ) -> DICOMDeidentificationTextDetector {
    let width = 128
    var values = (0..<width * 96).map { ground + Int32($0 * 7 % 50) }
    for letter in 0..<letters {
      let left = 5 + letter * (size + 3)
      for y in 0..<size {
        for x in 0..<size
        where x < stroke || x >= size - stroke || abs(y - size / 2) < stroke {
          values[(8 + y) * width + left + x] = light
        }
      }
    }
    return DICOMDeidentificationTextDetector(values: values, width: width, height: 96)
  }

  @Test(arguments: [(6, 1), (8, 1), (12, 2), (20, 3)])
  func linesOfLettersAreText(size: Int, stroke: Int) {
    #expect(drawn(letters: 4, size: size, stroke: stroke).findsText())
    #expect(drawn(letters: 4, size: size, stroke: stroke, light: 0, ground: 3000).findsText())
    #expect(!drawn(letters: 3, size: size, stroke: stroke).findsText())
  }

  @Test func softEdgesAndBlobsAreNoText() {
    #expect(!drawn(letters: 5, size: 14, stroke: 7).findsText())
    #expect(!drawn(letters: 0, size: 8).findsText())
  }
}
