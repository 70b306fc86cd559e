/// Approximately normal noise: the sum of four uniform 16-bit numbers, scaled to variance 1.
///
/// One 64-bit draw a value; augmentation needs many values and no exact tails.
struct NoiseStream {
  private var state: UInt64

  /// Creates the stream of a seed.
  init(seed: UInt64) { state = seed }

  /// The next number, of mean 0, variance 1 and at most 3.47 from 0.
  @inline(__always)
  mutating func next() -> Float {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    let sum = (z & 0xFFFF) &+ (z >> 16 & 0xFFFF) &+ (z >> 32 & 0xFFFF) &+ (z >> 48)
    // Four uniforms on 0…65535: mean 131070, deviation 65536 · √(4/12).
    return (Float(sum) - 131_070) / 37_837.2
  }
}
