import Foundation
import Support
import Testing

@Suite struct JSONTreeTests {
  private func tree(_ text: String) throws -> JSONTree { try JSONTree(Data(text.utf8)) }

  @Test func keysKeepTheirOrder() throws {
    let members = try #require(try tree(#"{"z": 1, "a": [2, 3], "m": null}"#).members)
    #expect(members.map(\.key) == ["z", "a", "m"])
    #expect(members[1].value.ints == [2, 3])
    #expect(members[2].value == .null)
  }

  @Test func theLastOfEqualKeysCounts() throws {
    #expect(try tree(#"{"a": 1, "a": 2}"#)["a"]?.int == 2)
  }

  @Test(arguments: [
    ("-12.5e1", -125.0), ("0", 0), ("1E3", 1000), ("NaN", .nan), ("-Infinity", -.infinity),
  ])
  func numbersAreRead(text: String, expected: Double) throws {
    let value = try #require(try tree(text).number)
    #expect(value == expected || value.isNaN && expected.isNaN)
  }

  @Test func escapesAreDecoded() throws {
    #expect(try tree(#""a\n\"\u00e9\ud83d\ude00\/""#).text == "a\n\"é😀/")
    #expect(try tree(#""\ud83d""#).text == "\u{FFFD}")
  }

  @Test func whatFitsNoTypeIsNil() throws {
    let value = try tree(#"{"a": 1.5, "b": [1, "x"], "c": true}"#)
    #expect(value["a"]?.int == nil)
    #expect(value["b"]?.ints == nil)
    #expect(value["c"]?.number == nil)
    #expect(value["c"]?.bool == true)
    #expect(value["d"] == nil)
  }

  @Test(arguments: [
    "", "{", "[1,", "[1 2]", #"{"a" 1}"#, #"{a: 1}"#, "tru", #""abc"#, "1 2", "+1", "-", #""\x""#,
    #""\u12""#, "[1,]",
  ])
  func faultsAreSaid(text: String) {
    #expect(throws: JSONTree.Fault.self) { try tree(text) }
  }

  @Test func deepNestingIsRefused() {
    let text = String(repeating: "[", count: 100_000)
    #expect(throws: JSONTree.Fault.self) { try tree(text) }
  }

  @Test func aByteOrderMarkIsPassed() throws {
    #expect(try JSONTree(Data([0xEF, 0xBB, 0xBF, 0x31])).int == 1)
  }
}
