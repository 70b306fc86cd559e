/// Classes by which a network tells touching objects apart: background, inside, border.
///
/// The border is the outermost part of every object, so that the insides of touching objects do not touch
/// (Caicedo et al. 2019, "Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl";
/// the winners of the contest predicted such borders). An object too small for a whole border keeps its
/// innermost pixels as inside, so that every object has one.
public enum ObjectBorders {
  /// The class of background.
  public static let background: UInt16 = 0
  /// The class of pixels inside an object.
  public static let inside: UInt16 = 1
  /// The class of an object's outermost pixels.
  public static let border: UInt16 = 2

  /// The class of each pixel of a picture.
  ///
  /// A pixel's depth is 1 where one of its eight neighbours within the picture belongs to something else,
  /// and then grows by one with every step over a side. The picture's edge is no border: the object may
  /// go on behind it.
  /// - Parameters:
  ///   - objects: The object of each pixel, row by row; 0 is background.
  ///   - width: Columns.
  ///   - height: Rows.
  ///   - borderWidth: Depth up to which pixels are border; 0 for none.
  /// - Returns: `background`, `inside` or `border` for each pixel.
  /// - Precondition: As many numbers as pixels.
  public static func classes(
    of objects: [UInt16],
    width: Int,
    height: Int,
    borderWidth: Int
  ) -> [UInt16] {
    precondition(
      objects.count == width * height,
      "\(objects.count) pixels for \(width) x \(height)"
    )
    let depths = depths(of: objects, width: width, height: height, limit: borderWidth + 1)
    var deepest = [UInt8](repeating: 0, count: 65536)
    for (object, depth) in zip(objects, depths) where depth > deepest[Int(object)] {
      deepest[Int(object)] = depth
    }
    return zip(objects, depths).map { object, depth in
      if object == 0 { return background }
      return Int(depth) > min(borderWidth, Int(deepest[Int(object)]) - 1) ? inside : border
    }
  }

  /// Depths up to a limit, which deeper pixels have too; 0 in the background.
  private static func depths(
    of objects: [UInt16],
    width: Int,
    height: Int,
    limit: Int
  ) -> [UInt8] {
    var depths = [UInt8](repeating: 0, count: objects.count)
    var ring: [Int] = []
    for y in 0..<height {
      for x in 0..<width {
        let place = y * width + x
        let object = objects[place]
        guard object != 0 else { continue }
        depths[place] = UInt8(clamping: limit)
        guard limit > 1 else { continue }
        let isOuter = (max(0, y - 1)...min(height - 1, y + 1)).contains { row in
          (max(0, x - 1)...min(width - 1, x + 1)).contains { objects[row * width + $0] != object }
        }
        if isOuter {
          depths[place] = 1
          ring.append(place)
        }
      }
    }
    for depth in 2..<max(2, min(limit, 255)) {
      var next: [Int] = []
      for place in ring {
        let (x, y) = (place % width, place / width)
        func visit(_ neighbour: Int) {
          guard objects[neighbour] == objects[place], Int(depths[neighbour]) > depth else { return }
          depths[neighbour] = UInt8(depth)
          next.append(neighbour)
        }
        if x > 0 { visit(place - 1) }
        if x + 1 < width { visit(place + 1) }
        if y > 0 { visit(place - width) }
        if y + 1 < height { visit(place + width) }
      }
      ring = next
    }
    return depths
  }
}
