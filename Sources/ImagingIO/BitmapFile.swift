import Foundation

/// Uncompressed Windows bitmaps: 8 bits with a palette, 24 or 32 bits a pixel.
///
/// Microsoft, "Bitmap Storage", BITMAPFILEHEADER and BITMAPINFOHEADER. Rows are padded to four bytes and
/// stand from the bottom up unless the height is negative. Bits of 32 that are no colour are left out.
enum BitmapFile {
  private static let headerBytes = 54

  /// Reads a bitmap.
  /// - Parameters:
  ///   - path: The file, for messages.
  ///   - data: Its bytes.
  ///   - maximumSide: Pixels that an axis may have.
  /// - Returns: Width, height, 1 or 3 channels, and the samples, channel fastest, from the top row.
  /// - Throws: `ImagingIOError.damaged` and `.unsupported`.
  static func read(
    _ path: String,
    _ data: [UInt8],
    maximumSide: Int
  ) throws(ImagingIOError) -> (width: Int, height: Int, channels: Int, bytes: [UInt8]) {
    func number(_ place: Int, _ count: Int) -> Int {
      (0..<count).reduce(0) { $0 | Int(data[place + $1]) << (8 * $1) }
    }
    guard data.count >= headerBytes, number(14, 4) >= 40 else {
      throw .damaged(path: path, reason: "it ends within its header, or the header is of OS/2")
    }
    let start = number(10, 4)
    let width = Int(Int32(truncatingIfNeeded: number(18, 4)))
    let signedHeight = Int(Int32(truncatingIfNeeded: number(22, 4)))
    let height = abs(signedHeight)
    let (bits, compression) = (number(28, 2), number(30, 4))
    // Bit fields (3) of 32 bits are in nearly all files blue, green, red as without them.
    let isPlain = compression == 0 || compression == 3 && bits == 32 && hasUsualMasks(data, number)
    guard isPlain, [8, 24, 32].contains(bits) else {
      throw .unsupported(
        path: path,
        what: "bitmaps of \(bits) bits a pixel with compression \(compression)",
        remedy: "convert it to PNG"
      )
    }
    guard (1...maximumSide).contains(width), (1...maximumSide).contains(height) else {
      throw .damaged(path: path, reason: "its header claims \(width) x \(signedHeight) pixels")
    }
    let row = (width * bits + 31) / 32 * 4
    guard start >= headerBytes, start <= data.count, row * height <= data.count - start else {
      throw .damaged(
        path: path,
        reason: "its header claims \(width) x \(height) pixels: too many for \(data.count) bytes"
      )
    }
    let colours = try bits == 8 ? palette(path, data, end: start, number) : []
    var bytes: [UInt8] = []
    bytes.reserveCapacity(3 * width * height)
    for y in 0..<height {
      let from = start + row * (signedHeight > 0 ? height - 1 - y : y)
      for x in 0..<width {
        if bits == 8 {
          let index = Int(data[from + x])
          guard index < colours.count else {
            throw .damaged(path: path, reason: "a pixel has colour \(index) of \(colours.count)")
          }
          bytes += colours[index]
        } else {
          let place = from + x * bits / 8
          bytes += [data[place + 2], data[place + 1], data[place]]
        }
      }
    }
    if bits == 8, colours.allSatisfy({ $0[0] == $0[1] && $0[1] == $0[2] }) {
      return (width, height, 1, stride(from: 0, to: bytes.count, by: 3).map { bytes[$0] })
    }
    return (width, height, 3, bytes)
  }

  private static func hasUsualMasks(_ data: [UInt8], _ number: (Int, Int) -> Int) -> Bool {
    data.count >= headerBytes + 12 && number(54, 4) == 0xFF0000 && number(58, 4) == 0xFF00
      && number(62, 4) == 0xFF
  }

  /// Red, green and blue of each colour.
  private static func palette(
    _ path: String,
    _ data: [UInt8],
    end: Int,
    _ number: (Int, Int) -> Int
  ) throws(ImagingIOError) -> [[UInt8]] {
    let from = 14 + number(14, 4)
    let count = number(46, 4) == 0 ? 256 : number(46, 4)
    guard count <= 256, from <= end, 4 * count <= end - from else {
      throw .damaged(path: path, reason: "its palette of \(count) colours does not fit")
    }
    return (0..<count).map { index in
      let place = from + 4 * index
      return [data[place + 2], data[place + 1], data[place]]
    }
  }
}
