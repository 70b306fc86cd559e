/// Padding along one axis by walking, cell by cell, away from the image.
enum PaddingReference {
  static func taps(
    _ count: Int,
    before: Int,
    after: Int,
    _ mode: PaddingMode
  ) -> [[AxisMap.Tap]] {
    let image = Array(0..<count)
    let front: [Int?]
    let back: [Int?]
    switch mode {
    case .constant:
      front = [Int?](repeating: nil, count: before)
      back = [Int?](repeating: nil, count: after)
    case .replicate:
      front = [Int?](repeating: 0, count: before)
      back = [Int?](repeating: count - 1, count: after)
    case .reflect:
      front = image.dropFirst().prefix(before).reversed()
      back = image.dropLast().suffix(after).reversed()
    }
    return (front + image + back).map { $0.map { [($0, 1)] } ?? [] }
  }
}
