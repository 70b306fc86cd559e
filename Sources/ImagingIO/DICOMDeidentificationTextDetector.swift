/// Looks for lines of text drawn into an image: thin strokes of one saturated value, in pieces of
/// like height side by side.
///
/// Devices draw letters in the lightest (or darkest) value of an image. A piece is a letter when it
/// is 5 to 48 pixels high, its strokes are at most 4 pixels wide on average, and its surroundings
/// are clearly darker. Four letters on one line, with gaps smaller than twice their height, are
/// text. Anatomy saturates in blobs and single pixels, which fail one or the other.
package struct DICOMDeidentificationTextDetector {
  private let values: [Int32]
  private let width: Int
  private let height: Int

  /// Letters that make a line.
  private static let lettersOfALine = 4

  /// A detector for an image.
  /// - Parameters:
  ///   - values: `width * height` stored values, row by row.
  ///   - width: Columns.
  ///   - height: Rows.
  package init(values: [Int32], width: Int, height: Int) {
    precondition(values.count == width * height, "\(values.count) values, \(width) x \(height)")
    self.values = values
    self.width = width
    self.height = height
  }

  /// Whether there is a line of text, light on dark or dark on light.
  package func findsText() -> Bool {
    guard width >= 16, height >= 8, let low = values.min(), let high = values.max(), low < high
    else { return false }
    return holdsLine(of: high, other: low) || holdsLine(of: low, other: high)
  }

  /// One connected piece of the drawn value.
  private struct Piece {
    var left: Int
    var right: Int
    var top: Int
    var bottom: Int
    /// Pixels.
    var area: Int
    /// Sides of pixels that border on another value.
    var border: Int
    /// Those where the other value is clearly different.
    var sharpBorder: Int

    var height: Int { bottom - top + 1 }
    var width: Int { right - left + 1 }

    /// Strokes of width w and length l have the area w l and a border of about 2 l.
    var isLetter: Bool {
      (5...48).contains(height) && width <= 2 * height && area >= 5
        && Double(2 * area) <= 4 * Double(border)
        && Double(area) <= 0.8 * Double(width * height) + 0.5 * Double(height)
        && Double(sharpBorder) >= 0.8 * Double(border)
    }
  }

  private func holdsLine(of drawn: Int32, other: Int32) -> Bool {
    let drawnCount = values.reduce(0) { $0 + ($1 == drawn ? 1 : 0) }
    // Letters cover little of an image; a background covers much.
    guard drawnCount >= 20, drawnCount < values.count / 3 else { return false }
    let threshold = abs(Int64(drawn) - Int64(other)) / 4
    let letters = pieces(of: drawn, threshold: threshold).filter(\.isLetter)
    guard letters.count >= Self.lettersOfALine else { return false }
    let ordered = letters.sorted { ($0.left, $0.top) < ($1.left, $1.top) }
    return ordered.indices.contains { lineLength(from: $0, ordered) >= Self.lettersOfALine }
  }

  /// How many letters follow each other to the right of one, itself included.
  private func lineLength(from start: Int, _ letters: [Piece]) -> Int {
    var last = letters[start]
    var count = 1
    for letter in letters[(start + 1)...] {
      if letter.left > last.right + 2 * last.height { break }
      let tolerance = max(1, last.height / 5)
      guard letter.left > last.right - 1, abs(letter.bottom - last.bottom) <= tolerance,
        abs(letter.height - last.height) <= max(1, last.height * 2 / 5)
      else { continue }
      last = letter
      count += 1
      if count >= Self.lettersOfALine { break }
    }
    return count
  }

  /// The 8-connected pieces of a value.
  private func pieces(of drawn: Int32, threshold: Int64) -> [Piece] {
    var visited = [Bool](repeating: false, count: values.count)
    var pieces: [Piece] = []
    var stack: [Int] = []
    for start in values.indices where values[start] == drawn && !visited[start] {
      let x = start % width
      let y = start / width
      var piece = Piece(left: x, right: x, top: y, bottom: y, area: 0, border: 0, sharpBorder: 0)
      visited[start] = true
      stack.append(start)
      while let place = stack.popLast() {
        visit(place, drawn, threshold, &piece, &visited, &stack)
      }
      pieces.append(piece)
    }
    return pieces
  }

  private func visit(
    _ place: Int,
    _ drawn: Int32,
    _ threshold: Int64,
    _ piece: inout Piece,
    _ visited: inout [Bool],
    _ stack: inout [Int]
  ) {
    let x = place % width
    let y = place / width
    piece.area += 1
    piece.left = min(piece.left, x)
    piece.right = max(piece.right, x)
    piece.top = min(piece.top, y)
    piece.bottom = max(piece.bottom, y)
    for v in max(0, y - 1)...min(height - 1, y + 1) {
      for u in max(0, x - 1)...min(width - 1, x + 1) {
        let neighbour = v * width + u
        if values[neighbour] == drawn {
          if !visited[neighbour] {
            visited[neighbour] = true
            stack.append(neighbour)
          }
        } else if u == x || v == y {
          piece.border += 1
          let difference = abs(Int64(values[neighbour]) - Int64(drawn))
          if difference >= threshold { piece.sharpBorder += 1 }
        }
      }
    }
  }
}
