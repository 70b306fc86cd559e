import Support

/// Probabilities of bits, learnt on the way in several contexts at once and mixed.
///
/// Each context has a table of adaptive probabilities; their logits are weighted by a gate that is trained by
/// the coding cost's slope after every bit (Mahoney 2005, "Adaptive Weighing of Context Models for Lossless
/// Data Compression"). All of it is whole numbers: a stream decodes alike on every machine.
struct ContextMixer {
  /// Bits that are told apart within a context, such as the places in a tree of decisions.
  private let nodes: Int
  private let count: Int
  private let bases: (Int, Int, Int)
  private let entries: AlignedBuffer<UInt32>
  private let weights: AlignedBuffer<Int32>
  private let inputs: AlignedBuffer<Int32>
  private let places: AlignedBuffer<Int>
  private let logits: AlignedBuffer<Int16>
  private let rates: AlignedBuffer<Int32>

  /// Probabilities stop to settle after so many bits.
  private static let slowestCount = 160
  /// How fast the gate learns.
  private static let gateRate = 6

  /// Creates tables that know nothing.
  /// - Parameters:
  ///   - contexts: How many values each context has.
  ///   - nodes: How many kinds of bits there are.
  init(contexts: (Int, Int, Int), nodes: Int) {
    self.nodes = nodes
    count = 3
    bases = (0, contexts.0 * nodes, (contexts.0 + contexts.1) * nodes)
    // The upper 22 bits are a probability, the lower 10 a count.
    entries = AlignedBuffer(
      repeating: 1 << 31,
      count: (contexts.0 + contexts.1 + contexts.2) * nodes
    )
    weights = AlignedBuffer(repeating: Int32(80_000 / count), count: nodes * count)
    inputs = AlignedBuffer(repeating: 0, count: count)
    places = AlignedBuffer(repeating: 0, count: count)
    logits = AlignedBuffer(repeating: 0, count: 4096)
    for (place, value) in Logistic.arguments.enumerated() { logits.mutableElements[place] = value }
    rates = AlignedBuffer(repeating: 0, count: Self.slowestCount + 1)
    for count in 0...Self.slowestCount {
      rates.mutableElements[count] = Int32(131_072 / (2 * count + 3))
    }
  }

  /// Chooses the contexts of the bits that follow.
  /// - Parameter values: One for each context.
  @inline(__always)
  func select(_ values: (Int, Int, Int)) {
    let places = places.mutableElements
    places[0] = bases.0 + values.0 * nodes
    places[1] = bases.1 + values.1 * nodes
    places[2] = bases.2 + values.2 * nodes
  }

  /// Writes or reads a bit and learns from it.
  /// - Parameters:
  ///   - bit: What to write.
  ///   - node: Which kind of bit it is.
  ///   - coder: The coder.
  /// - Returns: The bit.
  @inline(__always)
  func code<Coder: BinaryCoding>(_ bit: Bool, node: Int, _ coder: inout Coder) -> Bool {
    let (places, inputs) = (places.mutableElements, inputs.mutableElements)
    let (weights, logits) = (weights.mutableElements, logits.elements)
    let (entries, rates) = (entries.mutableElements, rates.elements)
    let first = node * count
    var sum = 0
    for index in 0..<count {
      let entry = entries[places[index] + node]
      let logit = Int(logits[Int(entry >> 20)])
      inputs[index] = Int32(logit)
      sum += Int(weights[first + index]) * logit
    }
    let probability = min(max(Logistic.probability(sum >> 16), 24), 65_536 - 24)
    let coded = coder.code(bit, probability: probability)
    let error = (((coded ? 65_536 : 0) - probability) >> 4) * Self.gateRate
    for index in 0..<count {
      weights[first + index] &+= Int32(
        truncatingIfNeeded: (Int(inputs[index]) * error + 0x8000) >> 16
      )
      let place = places[index] + node
      let entry = entries[place]
      let (value, seen) = (Int(entry >> 10), Int(entry & 1023))
      let target = coded ? 0x3F_FFFF : 0
      let moved = value + (((target - value) * Int(rates[seen])) >> 16)
      entries[place] =
        UInt32(moved) << 10 | UInt32(min(seen + 1, Self.slowestCount))
    }
    return coded
  }
}
