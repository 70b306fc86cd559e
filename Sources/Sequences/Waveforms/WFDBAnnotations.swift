import Foundation
import Support

/// What people or programs marked in a record, such as its beats.
public struct WFDBAnnotations: Sendable, Equatable {
  /// One mark.
  public struct Mark: Sendable, Equatable {
    /// Where, in samples from the start.
    public let sample: Int
    /// What, by PhysioNet's symbol, such as "N" for a normal beat and "A" for an atrial premature one.
    public let symbol: String

    /// Creates a mark.
    /// - Parameters:
    ///   - sample: Where, in samples from the start.
    ///   - symbol: What, by PhysioNet's symbol.
    public init(sample: Int, symbol: String) {
      self.sample = sample
      self.symbol = symbol
    }

    /// Whether it is a beat rather than a rhythm, a noise or a part of a wave.
    public var isBeat: Bool { WFDBAnnotations.beatSymbols.contains(symbol) }
  }

  /// The marks, in the order of time.
  public let marks: [Mark]

  /// The beats.
  public var beats: [Mark] { marks.filter(\.isBeat) }

  /// The symbols by code (PhysioNet, "Annotations", annot(5) and `ecgcodes.h`); empty for unused codes.
  private static let symbols = [
    "", "N", "L", "R", "a", "V", "F", "J", "A", "S", "E", "j", "/", "Q", "~", "", "|", "", "s",
    "T", "*", "D", "\"", "=", "p", "B", "^", "t", "+", "u", "?", "!", "[", "]", "e", "n", "@",
    "x", "f", "(", ")", "r",
  ]

  /// The symbols of beats.
  static let beatSymbols: Set<String> = [
    "N", "L", "R", "B", "A", "a", "J", "S", "V", "r", "F", "e", "j", "n", "E", "/", "f", "Q", "?",
  ]

  /// What a symbol stands for, in words; the symbol itself for rare ones.
  /// - Parameter symbol: Such as "A".
  /// - Returns: Such as "atrial premature".
  public static func name(of symbol: String) -> String {
    switch symbol {
    case "N": "normal"
    case "A": "atrial premature"
    case "V": "ventricular premature"
    case "L": "left bundle branch block"
    case "R": "right bundle branch block"
    case "/": "paced"
    case "F": "fusion"
    default: symbol
    }
  }

  /// Reads an annotation file in MIT's format: words of 16 bits, six of which say what and ten how many
  /// samples after the mark before; longer steps and texts have codes of their own.
  /// - Parameter path: The file, such as `folder/100.atr`.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `SequencesError.damaged` for a file that ends within a
  ///   mark or goes back before its start.
  public init(path: String) throws {
    try self.init(WFDBReader.contents(path), path: path)
  }

  /// Reads the content of an annotation file.
  /// - Parameters:
  ///   - data: The content.
  ///   - path: The file, for messages.
  /// - Throws: `SequencesError.damaged`.
  package init(_ data: Data, path: String) throws(SequencesError) {
    let bytes = [UInt8](data)
    var place = 0
    func word() throws(SequencesError) -> Int {
      guard place + 1 < bytes.count else {
        throw .damaged(path: path, reason: "it ends within a mark")
      }
      defer { place += 2 }
      return Int(bytes[place]) | Int(bytes[place + 1]) << 8
    }
    var (time, marks) = (0, [Mark]())
    while true {
      let value = try word()
      if value == 0 { break }
      let (code, amount) = (value >> 10, value & 1023)
      switch code {
      case 59:
        // A longer step: 32 bits, the upper half first.
        let upper = try word()
        time += Int(Int32(truncatingIfNeeded: upper << 16 | (try word())))
      case 60, 61, 62: continue
      case 63: place += (amount + 1) / 2 * 2
      default:
        time += amount
        guard time >= 0 else {
          throw .damaged(path: path, reason: "a mark lies before the record's start")
        }
        let symbol = code < Self.symbols.count ? Self.symbols[code] : ""
        if !symbol.isEmpty { marks.append(Mark(sample: time, symbol: symbol)) }
      }
    }
    self.marks = marks.sorted { $0.sample < $1.sample }
  }
}
