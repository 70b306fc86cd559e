import Foundation

/// Which part of a list of work one of several runs does.
///
/// Part 2 of 8 does the items 2, 10, 18 and so on.
public struct WorkPart: Sendable, Equatable {
  /// The part's number from 1.
  public let number: Int
  /// The number of parts.
  public let count: Int

  /// Creates a part.
  /// - Parameter text: Its number and the number of parts, such as "2/8"; anything else gives nil.
  public init?(_ text: String) {
    let words = text.split(separator: "/", omittingEmptySubsequences: false)
    guard words.count == 2, let number = Int(words[0]), let count = Int(words[1]), count > 0,
      (1...count).contains(number)
    else { return nil }
    self.number = number
    self.count = count
  }

  /// The items of this part, in their order.
  /// - Parameter items: All items.
  /// - Returns: Every `count`-th, from this part's number on.
  public func of<Item>(_ items: [Item]) -> [Item] {
    items.enumerated().filter { $0.offset % count == number - 1 }.map(\.element)
  }

  /// The name of this part's manifest in a batch's folder.
  public var manifestName: String { "manifest-\(number)-of-\(count).json" }

  /// Whether a file's name is that of a part's manifest.
  static func isManifest(_ name: String) -> Bool {
    guard name.hasPrefix("manifest-"), name.hasSuffix(".json") else { return false }
    let words = name.dropFirst("manifest-".count).dropLast(".json".count)
    return WorkPart(words.replacingOccurrences(of: "-of-", with: "/")) != nil
  }
}
