import Support
import Synchronization

/// Codes the planes of a chunk as one stream.
struct ChunkCoding: Sendable {
  let kind: CompressedHeader.Kind
  let mode: CompressedHeader.Mode
  let numbers: CompressedHeader.Numbers
  let width: Int
  let height: Int
  let range: ClosedRange<Int>
  /// Which values are 0 and 1 to the network.
  let scale: (low: Double, high: Double)
  let quality: Double
  let steps: [Float]
  let model: CompressionModel?

  private static let halfRange = 0...0xFFFF

  /// Chunks that are coded at the same time; networks use all threads by themselves.
  var chunksAtOnce: Int { model == nil ? max(1, Parallelism.threadCount) : 1 }

  /// Does work side by side.
  /// - Parameters:
  ///   - count: How many pieces there are.
  ///   - body: Does a piece.
  /// - Returns: What the pieces gave, in their order.
  static func sideBySide<Value: Sendable>(
    _ count: Int,
    _ body: @Sendable (Int) -> Value
  ) -> [Value] {
    let made = Mutex([Int: Value]())
    Parallelism.forEach(count) { index in
      let value = body(index)
      made.withLock { $0[index] = value }
    }
    return made.withLock { made in (0..<count).compactMap { made[$0] } }
  }

  /// Codes planes.
  /// - Parameters:
  ///   - planes: Of halves two for each slice.
  ///   - first: Which channel of a picture the first is; 0 for volumes.
  /// - Returns: The stream.
  func encoded(_ planes: [[Int32]], first: Int) -> [UInt8] {
    var coder = BinaryEncoder()
    _ = code(planes, count: planes.count, first: first, &coder)
    return coder.finish()
  }

  /// Restores planes.
  /// - Parameters:
  ///   - bytes: The stream.
  ///   - count: How many planes there are.
  ///   - first: Which channel of a picture the first is.
  /// - Returns: The planes; nil when the stream ends early.
  func decoded(_ bytes: [UInt8], count: Int, first: Int) -> [[Int32]]? {
    var coder = BinaryDecoder(bytes)
    let planes = code(nil, count: count, first: first, &coder)
    return coder.isExhausted ? nil : planes
  }

  private func code<Coder: BinaryCoding>(
    _ planes: [[Int32]]?,
    count: Int,
    first: Int,
    _ coder: inout Coder
  ) -> [[Int32]] {
    if let model { return code(planes, count: count, first: first, model, &coder) }
    // Halves differ as much as the channels of a picture, and each kind learns for itself.
    let kinds = numbers == .halves ? 2 : kind == .picture ? count : 1
    let coders = (0..<kinds).map { _ in
      PlaneCoder(width: width, height: height, range: numbers == .halves ? Self.halfRange : range)
    }
    var past = [PlaneCoder.Plane?](repeating: nil, count: kinds)
    return (0..<count).map { index in
      let kind = index % kinds
      // Slices look at the slice before, channels at the channel before, lower halves at nothing.
      let other =
        numbers == .halves
        ? (kind == 0 ? past[0] : nil)
        : self.kind == .picture ? (kind > 0 ? past[kind - 1] : nil) : past[0]
      let plane = coders[kind].code(planes?[index], beside: other, &coder)
      past[kind] = plane
      return coders[kind].values(of: plane)
    }
  }

  private func code<Coder: BinaryCoding>(
    _ planes: [[Int32]]?,
    count: Int,
    first: Int,
    _ model: CompressionModel,
    _ coder: inout Coder
  ) -> [[Int32]] {
    let codes = CodeCoder(channels: model.codeChannels)
    let rest = PlaneCoder(width: width, height: height, range: range)
    let (rows, columns) = (CompressionModel.codeSize(height), CompressionModel.codeSize(width))
    return (0..<count).map { index in
      let (low, high) = scale(ofChannel: first + index)
      let source = planes.map { planes in
        model.code(
          of: planes[index].map { Float((Double($0) - low) / (high - low)) },
          width: width,
          height: height,
          quality: quality
        )
      }
      let code = codes.code(source, height: rows, width: columns, &coder)
      // Writing a lossy file needs no image.
      if mode == .lossy, planes != nil { return [] }
      let image = model.plane(
        of: code,
        width: width,
        height: height,
        steps: steps,
        isExact: mode == .residual
      ).map { value -> Int32 in
        let number = (Double(value) * (high - low) + low).rounded()
        return number.isFinite
          ? Int32(min(max(number, Double(range.lowerBound)), Double(range.upperBound)))
          : Int32(range.lowerBound)
      }
      guard mode == .residual else { return image }
      return rest.values(of: rest.code(planes?[index], beside: rest.known(image), &coder))
    }
  }

  /// Chroma lies about 0, as far as luma is high.
  private func scale(ofChannel channel: Int) -> (Double, Double) {
    kind == .picture && (channel == 1 || channel == 2) && range.lowerBound < 0
      ? (-scale.high, scale.high) : scale
  }
}

/// Red, green and blue as luma and two differences, exactly (YCoCg-R: Malvar and Sullivan 2003, "YCoCg-R: A
/// Color Space with RGB Reversibility and Low Dynamic Range").
enum ReversibleColours {
  /// Luma, orange and green of red, green and blue.
  static func forward(_ r: Int32, _ g: Int32, _ b: Int32) -> (Int32, Int32, Int32) {
    let orange = r - b
    let middle = b + (orange >> 1)
    let green = g - middle
    return (middle + (green >> 1), orange, green)
  }

  /// Red, green and blue of luma, orange and green.
  static func backward(_ y: Int32, _ orange: Int32, _ green: Int32) -> (Int32, Int32, Int32) {
    let middle = y - (green >> 1)
    let g = green + middle
    let b = middle - (orange >> 1)
    return (b + orange, g, b)
  }
}
