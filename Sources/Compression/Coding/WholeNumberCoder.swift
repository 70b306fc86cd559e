/// Writes and reads signed whole numbers bit by bit through a `ContextMixer`.
///
/// A magnitude below 8 is a token of its own, larger ones have two tokens an octave and their remaining
/// bits; tokens are six decisions in a tree. The sign follows.
struct WholeNumberCoder {
  /// Kinds of bits: 64 decisions about the token (0 is the sign's), and the first remaining bit of each.
  private static let nodes = 128
  private static let tokenBits = 6
  private static let exactTokens = 8

  private let mixer: ContextMixer

  /// Creates a coder that knows nothing.
  /// - Parameter contexts: How many values each of the three contexts has.
  init(contexts: (Int, Int, Int)) {
    mixer = ContextMixer(contexts: contexts, nodes: Self.nodes)
  }

  /// The token of a magnitude.
  /// - Parameter magnitude: 0 to 2^31.
  /// - Returns: The token, and how many bits remain.
  @inline(__always)
  static func token(_ magnitude: Int) -> (token: Int, bits: Int) {
    guard magnitude >= exactTokens else { return (magnitude, 0) }
    let octave = Int.bitWidth - 1 - magnitude.leadingZeroBitCount
    return (exactTokens + (octave - 3) * 2 + ((magnitude >> (octave - 1)) & 1), octave - 1)
  }

  /// Writes or reads a number.
  /// - Parameters:
  ///   - value: What to write, below 2^31 in magnitude.
  ///   - contexts: The three contexts.
  ///   - coder: The coder.
  /// - Returns: The number.
  @inline(__always)
  func code<Coder: BinaryCoding>(
    _ value: Int,
    contexts: (Int, Int, Int),
    _ coder: inout Coder
  ) -> Int {
    mixer.select(contexts)
    let magnitude = abs(value)
    let token = Self.token(magnitude).token
    var node = 1
    for place in (0..<Self.tokenBits).reversed() {
      let bit = mixer.code(token >> place & 1 == 1, node: node, &coder)
      node = node << 1 | (bit ? 1 : 0)
    }
    let found = node - (1 << Self.tokenBits)
    guard found > 0 else { return 0 }
    var result = found
    if found >= Self.exactTokens {
      let octave = 3 + (found - Self.exactTokens) / 2
      result = (2 + (found & 1)) << (octave - 1)
      for place in (0..<octave - 1).reversed() {
        let bit = magnitude >> place & 1 == 1
        // The first of the remaining bits is not quite a coin; the others are.
        let coded =
          place == octave - 2
          ? mixer.code(bit, node: 64 + found, &coder) : coder.code(bit, probability: 1 << 15)
        if coded { result |= 1 << place }
      }
    }
    return mixer.code(value < 0, node: 0, &coder) ? -result : result
  }
}
