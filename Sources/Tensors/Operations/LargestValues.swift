import Support

/// Picks the largest of many numbers in linear time.
enum LargestValues {
  /// Marks the largest numbers; of equal ones the first.
  ///
  /// Numbers of at least 0 are ordered as their bit patterns, so that two counts over half the bits
  /// each find the smallest number that is chosen.
  /// - Parameters:
  ///   - count: How many to choose, 1 to the number of values.
  ///   - values: Numbers of at least 0; not-a-number counts as largest.
  /// - Returns: 1 for chosen and 0 for other places, and the sum of the chosen in order.
  static func chosen(
    _ count: Int,
    of values: AlignedBuffer<Float>
  ) -> (mask: AlignedBuffer<UInt8>, sum: Double) {
    func bits(_ i: Int) -> UInt32 { values.elements[i].bitPattern & 0x7FFF_FFFF }
    func bucket(_ counts: [Int], _ wanted: Int) -> (index: Int, left: Int) {
      var left = wanted
      for index in counts.indices.reversed() {
        if counts[index] >= left { return (index, left) }
        left -= counts[index]
      }
      return (0, 0)
    }
    var counts = [Int](repeating: 0, count: 1 << 16)
    for i in 0..<values.count { counts[Int(bits(i) >> 16)] += 1 }
    let high = bucket(counts, count)
    counts = [Int](repeating: 0, count: 1 << 16)
    for i in 0..<values.count where Int(bits(i) >> 16) == high.index {
      counts[Int(bits(i) & 0xFFFF)] += 1
    }
    let low = bucket(counts, high.left)
    let threshold = UInt32(high.index) << 16 | UInt32(low.index)
    var (ties, sum) = (low.left, 0.0)
    let mask = AlignedBuffer<UInt8>(repeating: 0, count: values.count)
    for i in 0..<values.count {
      let pattern = bits(i)
      if pattern < threshold { continue }
      if pattern == threshold {
        if ties == 0 { continue }
        ties -= 1
      }
      mask.mutableElements[i] = 1
      sum += Double(values.elements[i])
    }
    return (mask, sum)
  }
}
