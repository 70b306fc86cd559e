import Evaluation

/// An object's outline as a file in COCO's layout states it.
enum StatedOutline: Sendable, Equatable {
  /// Nothing is stated.
  case nothing
  /// Corners x, y, x, y, … of polygons whose union is meant.
  case polygons([[Double]])
  /// Runs as numbers, of an image of given size.
  case runs([Int], width: Int, height: Int)
  /// Runs as letters.
  case letters(String, width: Int, height: Int)
  /// It is of no known form.
  case unknown

  /// The pixels within.
  ///
  /// A pixel belongs to a polygon when its middle does, by the rule of even and odd crossings; COCO's own
  /// program, which traces polygons on a finer grid, differs by pixels at the border.
  /// - Parameters:
  ///   - width: Columns of the picture.
  ///   - height: Rows of the picture.
  /// - Returns: Nil for an outline that is damaged, of another size, or has no pixel.
  func mask(width: Int, height: Int) -> RunLengthMask? {
    guard width > 0, height > 0 else { return nil }
    let found: RunLengthMask?
    switch self {
    case .nothing, .unknown: found = nil
    case .polygons(let polygons):
      let isSound = polygons.allSatisfy {
        $0.count >= 6 && $0.count.isMultiple(of: 2) && $0.allSatisfy { abs($0) < 1e9 }
      }
      found = isSound ? Self.filled(polygons, width: width, height: height) : nil
    case .runs(let runs, let columns, let rows):
      found =
        (columns, rows) == (width, height)
        ? RunLengthMask(width: width, height: height, runs: runs) : nil
    case .letters(let letters, let columns, let rows):
      found =
        (columns, rows) == (width, height)
        ? RunLengthMask(width: width, height: height, letters: letters) : nil
    }
    return found.flatMap { $0.area > 0 ? $0 : nil }
  }

  private static func filled(_ polygons: [[Double]], width: Int, height: Int) -> RunLengthMask {
    RunLengthMask(width: width, height: height) { column in
      let x = Double(column) + 0.5
      let ranges = polygons.flatMap { corners -> [Range<Int>] in
        let crossings = self.crossings(corners, x).sorted()
        return stride(from: 0, to: crossings.count - 1, by: 2).map { index in
          // Rows whose middles lie in between.
          func row(_ y: Double) -> Int {
            Int(min(max((y - 0.5).rounded(.up), 0), Double(height)))
          }
          return row(crossings[index])..<row(crossings[index + 1])
        }
      }
      return joined(ranges)
    }
  }

  /// Where a polygon crosses a column's middle; an even number of places.
  private static func crossings(_ corners: [Double], _ x: Double) -> [Double] {
    let count = corners.count / 2
    return (0..<count).compactMap { index in
      let next = (index + 1) % count
      let (x0, y0) = (corners[2 * index], corners[2 * index + 1])
      let (x1, y1) = (corners[2 * next], corners[2 * next + 1])
      guard (x0 <= x) != (x1 <= x) else { return nil }
      return y0 + (x - x0) / (x1 - x0) * (y1 - y0)
    }
  }

  /// The union of ranges, rising.
  private static func joined(_ ranges: [Range<Int>]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    let ordered = ranges.filter { !$0.isEmpty }
      .sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
    for range in ordered {
      if let last = result.last, range.lowerBound <= last.upperBound {
        result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    return result
  }
}

extension StatedOutline: Decodable {
  private struct Runs: Decodable {
    let counts: [Int]
    let size: [Int]
  }

  private struct Letters: Decodable {
    let counts: String
    let size: [Int]
  }

  /// Reads an outline of any form; what is of none becomes `unknown`, so that the boxes stay.
  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let polygons = try? container.decode([[Double]].self) {
      self = polygons.isEmpty ? .nothing : .polygons(polygons)
    } else if let stated = try? container.decode(Runs.self), stated.size.count == 2 {
      self = .runs(stated.counts, width: stated.size[1], height: stated.size[0])
    } else if let stated = try? container.decode(Letters.self), stated.size.count == 2 {
      self = .letters(stated.counts, width: stated.size[1], height: stated.size[0])
    } else {
      self = .unknown
    }
  }
}
