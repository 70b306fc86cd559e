/// What a network sees of a label map beside an image: channels of 0 and 1, after the image's own.
public struct LabelChannels: Codable, Sendable, Equatable {
  /// The numbers of structures, a channel for each (of a stack for each and every slice).
  ///
  /// Nil where numbers tell objects apart: then one channel is 1 within objects, and 0 outside and where
  /// two of them touch.
  public var structures: [Int]?

  /// The most structures that become channels of their own.
  public static let limit = 32

  /// Creates the channels.
  /// - Parameter structures: The numbers of structures, or nil for objects.
  public init(structures: [Int]?) { self.structures = structures }

  /// Channels of one slice.
  public var count: Int { structures?.count ?? 1 }

  func check() throws(PipelinesError) {
    guard let structures else { return }
    guard (1...Self.limit).contains(structures.count), Set(structures).count == structures.count,
      structures.allSatisfy((1...Int(UInt16.max)).contains)
    else {
      throw .invalidPlan(reason: "label maps of the structures \(structures)")
    }
  }
}
