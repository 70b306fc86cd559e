/// A mask of an image's pixels as COCO's files hold it: lengths of runs, column by column.
///
/// Lin et al. 2014, "Microsoft COCO: common objects in context". The first run is of pixels outside the mask
/// and may have the length 0; then runs inside and outside alternate.
public struct RunLengthMask: Codable, Sendable, Hashable {
  /// Columns of the image.
  public let width: Int
  /// Rows of the image.
  public let height: Int
  /// The runs, the first outside the mask; their sum is the number of pixels.
  public let runs: [Int]

  /// The most pixels that an image may have.
  static let maximumPixels = 1 << 40

  /// Takes runs; nil when one is negative, or the sum is not the number of pixels.
  /// - Parameters:
  ///   - width: Columns of the image.
  ///   - height: Rows of the image.
  ///   - runs: The runs.
  public init?(width: Int, height: Int, runs: [Int]) {
    guard width > 0, height > 0, width <= Self.maximumPixels / height else { return nil }
    var left = width * height
    for run in runs {
      guard run >= 0, run <= left else { return nil }
      left -= run
    }
    guard left == 0 else { return nil }
    (self.width, self.height, self.runs) = (width, height, runs)
  }

  /// Takes what is inside column by column.
  /// - Parameters:
  ///   - width: Columns of the image, at least 1.
  ///   - height: Rows of the image, at least 1.
  ///   - rows: For a column, the rows that are inside: rising, without overlap, within the image.
  public init(width: Int, height: Int, rows: (_ column: Int) -> [Range<Int>]) {
    precondition(width > 0 && height > 0, "a mask of \(width) x \(height) pixels")
    var runs: [Int] = []
    var (end, isInside) = (0, false)
    for column in 0..<width {
      for range in rows(column) where !range.isEmpty {
        let start = column * height + range.lowerBound
        if isInside, start == end {
          runs[runs.count - 1] += range.count
        } else {
          runs += [start - end, range.count]
          isInside = true
        }
        end = column * height + range.upperBound
      }
    }
    if end < width * height { runs.append(width * height - end) }
    (self.width, self.height, self.runs) = (width, height, runs)
  }

  /// Reads the letters in which COCO's programs write runs; nil when they are none of such an image.
  ///
  /// From the fourth on a run is the difference to the one before the last; numbers have groups of five
  /// bits, the lowest first, each with a bit that says whether another follows, as letters from "0" on.
  /// - Parameters:
  ///   - width: Columns of the image.
  ///   - height: Rows of the image.
  ///   - letters: The letters.
  public init?(width: Int, height: Int, letters: String) {
    var runs: [Int] = []
    var (value, bits) = (0, 0)
    for letter in letters.utf8 {
      let group = Int(letter) - 48
      guard (0..<64).contains(group), bits < 60 else { return nil }
      value |= (group & 31) << bits
      bits += 5
      guard group & 32 == 0 else { continue }
      if group & 16 != 0 { value |= -1 << bits }
      if runs.count > 2 { value += runs[runs.count - 2] }
      runs.append(value)
      (value, bits) = (0, 0)
    }
    guard bits == 0 else { return nil }
    self.init(width: width, height: height, runs: runs)
  }

  /// The runs in letters, as `init(width:height:letters:)` reads them.
  public var letters: String {
    var bytes: [UInt8] = []
    for (index, run) in runs.enumerated() {
      var value = index > 2 ? run - runs[index - 2] : run
      var isDone = false
      while !isDone {
        let group = value & 31
        value >>= 5
        isDone = value == (group & 16 != 0 ? -1 : 0)
        bytes.append(UInt8(48 + group + (isDone ? 0 : 32)))
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The pixels inside.
  public var area: Int { stride(from: 1, to: runs.count, by: 2).reduce(0) { $0 + runs[$1] } }

  /// Whether each pixel is inside, row by row.
  public var pixels: [Bool] {
    var result = [Bool](repeating: false, count: width * height)
    var place = 0
    for (index, run) in runs.enumerated() {
      if index % 2 == 1 {
        for cell in place..<place + run { result[cell % height * width + cell / height] = true }
      }
      place += run
    }
    return result
  }

  /// The pixels inside both masks.
  /// - Parameter other: A mask of the same size.
  /// - Returns: Their number; 0 for a mask of another size.
  public func common(with other: RunLengthMask) -> Int {
    guard width == other.width, height == other.height else { return 0 }
    var (first, second) = (0, 0)
    var (firstEnd, secondEnd) = (runs.first ?? 0, other.runs.first ?? 0)
    var (place, sum) = (0, 0)
    while first < runs.count, second < other.runs.count {
      let end = min(firstEnd, secondEnd)
      if first % 2 == 1, second % 2 == 1 { sum += end - place }
      place = end
      if firstEnd == end {
        first += 1
        if first < runs.count { firstEnd += runs[first] }
      }
      if secondEnd == end {
        second += 1
        if second < other.runs.count { secondEnd += other.runs[second] }
      }
    }
    return sum
  }
}
