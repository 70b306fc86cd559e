import Foundation
import Support
import TestSupport
import Testing

/// Texts with what PyYAML makes of them; see `Tests/Fixtures/yaml`.
@Suite struct YAMLReaderTests {
  /// YAML that PyYAML reads and the reader does not.
  private static let unread: Set<String> = [
    "? a\n: b\n", "a: [a, 'b': c]\n", "a: [b: c]\n", "[-]\n", "[?a]\n",
  ]

  /// What PyYAML refuses although YAML has it, in JSON.
  private static let lenient = [
    "a: \tb\n": #"{"a": "b"}"#, "a: b\t\n": #"{"a": "b"}"#, "a:\t\n  b: 1\n": #"{"a": {"b": 1}}"#,
    "- \ta\n": #"["a"]"#, "[:a]\n": #"[":a"]"#,
  ]

  private func cases(_ path: String) throws -> [JSONTree] {
    try #require(JSONTree(Data(contentsOf: URL(fileURLWithPath: path))).list)
  }

  /// Equality with NaN equal to itself.
  private func isEqual(_ a: JSONTree, _ b: JSONTree) -> Bool {
    switch (a, b) {
    case (.number(let a), .number(let b)): a == b || a.isNaN && b.isNaN
    case (.list(let a), .list(let b)):
      a.count == b.count && zip(a, b).allSatisfy { isEqual($0, $1) }
    case (.object(let a), .object(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.key == $1.key && isEqual($0.value, $1.value) }
    default: a == b
    }
  }

  @Test func valuesAreThoseOfPyYAML() throws {
    // Other texts of the same generator can be named.
    let path =
      ProcessInfo.processInfo.environment["LAMINA_YAML_CASES"] ?? Fixtures.path("yaml/cases.json")
    let cases = try cases(path)
    #expect(cases.count > 300)
    for test in cases {
      let text = try #require(test["yaml"]?.text)
      do {
        let value = try JSONTree(yaml: Data(text.utf8))
        let other = try Self.lenient[text].map { try JSONTree(Data($0.utf8)) }
        guard let expected = test["value"] ?? other else {
          Issue.record("\(text.debugDescription) was read as \(value)")
          continue
        }
        #expect(isEqual(value, expected), "\(text.debugDescription) is \(value), not \(expected)")
      } catch {
        let isExpected =
          test["value"] == nil && Self.lenient[text] == nil || Self.unread.contains(text)
        #expect(isExpected, "\(text.debugDescription): \(error)")
      }
    }
  }

  private func fault(_ text: String) -> JSONTree.YAMLFault? {
    do throws(JSONTree.YAMLFault) {
      _ = try JSONTree(yaml: Data(text.utf8))
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("a: &x [1]\nb: *x\n", 1, "an anchor"), ("a: 1\nb: *x\n", 2, "an alias"),
    ("a: !!python/object/apply:os.system ['ls']\n", 1, "a tag"), ("- !x y\n", 1, "a tag"),
    ("[&x a]\n", 1, "an anchor"), ("{*x : a}\n", 1, "an alias"),
    ("a:\n  <<: b\n", 2, "a merged key"),
    ("{<<: b}\n", 1, "a merged key"), ("%YAML 1.1\n---\na\n", 1, "a directive"),
    ("a: 1\n---\nb: 2\n", 2, "a second document"), ("? a\n: b\n", 1, "an explicit key"),
    ("&a b: c\n", 1, "an anchor"),
  ])
  func whatIsNotReadIsNamed(_ text: String, _ line: Int, _ what: String) {
    #expect(fault(text) == .unsupported("\(what) in line \(line), which is not read"))
  }

  /// Nine lists of nine references to the list before: a thousand million texts if they were followed.
  @Test func referencesThatMultiplyAreNotFollowed() {
    var text = "a0: &a0 [lol]\n"
    for level in 1..<10 {
      let items = [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(items)]\n"
    }
    #expect(fault(text) == .unsupported("an anchor in line 1, which is not read"))
  }

  @Test func depthAndKeysAreBounded() {
    for open in ["[", "{a: ", "- ", "a:\n "] {
      let deep = String(repeating: open, count: 5000)
      guard case .malformed = fault(deep) else {
        Issue.record("\(open) was read")
        continue
      }
    }
    var steps = ""
    for level in 0..<300 { steps += String(repeating: " ", count: level) + "a:\n" }
    #expect(fault(steps) == .malformed("values are nested too deeply in line 201"))
    #expect(fault("a: 1\nb: 2\na: 3\n") == .malformed("the key a is there twice in line 3"))
    #expect(fault("{a: 1, a: 3}\n") == .malformed("the key a is there twice in line 1"))
    #expect(fault("a: \u{1}\n") == .malformed("it holds the control character 1"))
    #expect(fault("a: b\u{2028}c") == .unsupported("it holds the line separator U+2028"))
    #expect(throws: JSONTree.YAMLFault.malformed("it is not in UTF-8")) {
      try JSONTree(yaml: Data([0x61, 0xFF]))
    }
  }

  @Test func damagedTextsAreRefusedOrReadAndNothingCrashes() throws {
    let texts = try cases(Fixtures.path("yaml/cases.json")).compactMap { $0["yaml"]?.text }
    var random = RandomStream(seed: 11)
    let marks = Array("-:?#|>'\"[]{},&*!%@ \n\t\\~".utf8)
    for text in texts {
      var bytes = Array(text.utf8)
      guard !bytes.isEmpty else { continue }
      for _ in 0..<3 {
        let place = Int(random.uniform() * Double(bytes.count - 1))
        bytes[place] = marks[Int(random.uniform() * Double(marks.count - 1))]
      }
      if random.chance(0.3) {
        bytes = Array(bytes.prefix(Int(random.uniform() * Double(bytes.count))))
      }
      _ = try? JSONTree(yaml: Data(bytes))
    }
  }
}
