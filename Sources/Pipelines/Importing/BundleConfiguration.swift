import Foundation
import Support

/// What is wrong with a MONAI bundle's configuration.
package struct BundleFault: Error, Equatable {
  /// One part of a sentence.
  package let reason: String

  package init(_ reason: String) { self.reason = reason }
}

/// The part of MONAI's configuration language that an inference needs, read and never executed.
///
/// Known are references (`@id::key`), textual macros within the file (`%id::key`), `_disabled_`, and
/// expressions (`$...`) of numbers, texts, lists and arithmetic (`BundleExpression`). Values are
/// resolved when they are asked for, so that what an inference does not need may say anything.
package struct BundleConfiguration {
  private let root: JSONTree

  /// References lead to references at most this often.
  package static let maximumDepth = 64

  package init(_ root: JSONTree) { self.root = root }

  /// The ids at the top.
  package var ids: [String] { root.members?.map(\.key) ?? [] }

  /// The value of an id, unresolved but for references; nil when there is none.
  /// - Parameter id: Keys and indices, joined by `::`.
  /// - Returns: The value.
  /// - Throws: `BundleFault`.
  package func value(_ id: String) throws(BundleFault) -> JSONTree? { try value(id, depth: 0) }

  /// A value with all references and expressions resolved, but for what lies in components.
  /// - Parameter tree: The value.
  /// - Returns: The value without references and expressions.
  /// - Throws: `BundleFault`.
  package func resolved(_ tree: JSONTree) throws(BundleFault) -> JSONTree {
    try resolved(tree, depth: 0)
  }

  /// A component: its class's name without modules, and its arguments, unresolved.
  /// - Parameter tree: A value.
  /// - Returns: Nil when the value is none or is disabled.
  /// - Throws: `BundleFault`.
  package func component(_ tree: JSONTree) throws(BundleFault) -> BundleComponent? {
    let tree = try dereferenced(tree, depth: 0)
    guard let target = tree["_target_"]?.text else { return nil }
    if let disabled = tree["_disabled_"] {
      let value = try resolved(disabled)
      if value.bool == true || value.text?.lowercased() == "true" { return nil }
    }
    let arguments = (tree.members ?? []).filter { !Self.special.contains($0.key) }
    return BundleComponent(target: target, arguments: arguments, configuration: self)
  }

  private static let special: Set<String> = [
    "_target_", "_disabled_", "_requires_", "_desc_", "_mode_",
  ]

  // MARK: - Resolution

  private func value(_ id: String, depth: Int) throws(BundleFault) -> JSONTree? {
    guard depth <= Self.maximumDepth else { throw BundleFault("\(id) refers to itself") }
    var tree = root
    let keys = id.replacingOccurrences(of: "#", with: "::").components(separatedBy: "::")
    for key in keys {
      tree = try dereferenced(tree, depth: depth + 1)
      if let next = tree[key] {
        tree = next
      } else if let items = tree.list, let index = Int(key), items.indices.contains(index) {
        tree = items[index]
      } else {
        return nil
      }
    }
    return try dereferenced(tree, depth: depth + 1)
  }

  /// Follows a text that is a reference or a macro.
  private func dereferenced(_ tree: JSONTree, depth: Int) throws(BundleFault) -> JSONTree {
    guard let text = tree.text, let first = text.first, "@%".contains(first) else { return tree }
    guard depth <= Self.maximumDepth else { throw BundleFault("\(text) refers to itself") }
    let id = String(text.dropFirst())
    guard !id.contains(".json"), !id.contains(".yaml"), !id.contains(".yml") else {
      throw BundleFault("\(text) refers to another file, which is not read")
    }
    guard let value = try value(id, depth: depth + 1) else {
      throw BundleFault("\(text) refers to nothing")
    }
    return value
  }

  private func resolved(_ tree: JSONTree, depth: Int) throws(BundleFault) -> JSONTree {
    guard depth <= Self.maximumDepth else { throw BundleFault("values refer to themselves") }
    let tree = try dereferenced(tree, depth: depth)
    switch tree {
    case .list(let items):
      var result: [JSONTree] = []
      for item in items { result.append(try resolved(item, depth: depth + 1)) }
      return .list(result)
    case .text(let text) where text.hasPrefix("$"):
      var expression = BundleExpression(String(text.dropFirst())) {
        id throws(BundleFault) in
        guard let value = try value(id, depth: depth + 1) else {
          throw BundleFault("@\(id) refers to nothing")
        }
        return try resolved(value, depth: depth + 1)
      }
      return try expression.value()
    default: return tree
    }
  }
}

/// A class with its arguments.
package struct BundleComponent {
  /// The class's name with its modules.
  package let target: String
  package let arguments: [JSONTree.Member]
  package let configuration: BundleConfiguration

  /// The class's name without its modules, and without the endings that say that a transform works on
  /// dictionaries (`d`, `D`, `Dict`).
  package var name: String {
    let last = target.split(separator: ".").last.map(String.init) ?? target
    for ending in ["Dict", "D", "d"] where last.hasSuffix(ending) && last.count > 4 {
      let stem = String(last.dropLast(ending.count))
      if BundleTransforms.names.contains(stem) { return stem }
    }
    return last
  }

  /// An argument, unresolved.
  package subscript(_ key: String) -> JSONTree? { arguments.last { $0.key == key }?.value }

  /// An argument, resolved; nil when absent or None.
  package func value(_ key: String) throws(BundleFault) -> JSONTree? {
    guard let raw = self[key] else { return nil }
    do {
      let value = try configuration.resolved(raw)
      return value == .null ? nil : value
    } catch {
      throw BundleFault("\(key) of \(target): \(error.reason)")
    }
  }

  package func text(_ key: String) throws(BundleFault) -> String? {
    guard let value = try value(key) else { return nil }
    guard let text = value.text ?? value.list?.first?.text else { throw wrong(key) }
    return text
  }

  package func number(_ key: String) throws(BundleFault) -> Double? {
    guard let value = try value(key) else { return nil }
    guard let number = value.number ?? value.list?.first?.number else { throw wrong(key) }
    return number
  }

  package func int(_ key: String) throws(BundleFault) -> Int? {
    guard let number = try number(key) else { return nil }
    guard let int = Int(exactly: number) else { throw wrong(key) }
    return int
  }

  package func bool(_ key: String) throws(BundleFault) -> Bool? {
    guard let value = try value(key) else { return nil }
    guard let bool = value.bool ?? value.list?.first?.bool else { throw wrong(key) }
    return bool
  }

  /// A number for each axis; one number stands for all.
  package func numbers(_ key: String, count: Int? = nil) throws(BundleFault) -> [Double]? {
    guard let value = try value(key) else { return nil }
    var numbers = value.numbers ?? value.number.map { [$0] } ?? []
    if let count {
      if numbers.count == 1 { numbers = [Double](repeating: numbers[0], count: count) }
      guard numbers.count == count else { throw wrong(key) }
    }
    guard !numbers.isEmpty else { throw wrong(key) }
    return numbers
  }

  package func ints(_ key: String, count: Int? = nil) throws(BundleFault) -> [Int]? {
    guard let numbers = try numbers(key, count: count) else { return nil }
    let ints = numbers.compactMap { Int(exactly: $0) }
    guard ints.count == numbers.count else { throw wrong(key) }
    return ints
  }

  /// Names of dictionary entries.
  package func texts(_ key: String) throws(BundleFault) -> [String] {
    guard let value = try value(key) else { return [] }
    return value.list?.compactMap(\.text) ?? value.text.map { [$0] } ?? []
  }

  /// Refuses an argument unless it is absent, None or false.
  package func refuse(_ keys: String...) throws(BundleFault) {
    for key in keys {
      guard let value = try value(key), value.bool != false else { continue }
      throw BundleFault("the argument \(key) of \(target) is not supported")
    }
  }

  package func wrong(_ key: String) -> BundleFault {
    BundleFault("the argument \(key) of \(target) is not of a kind that is known")
  }
}
