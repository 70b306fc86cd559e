import Foundation

/// A seeded stream of random numbers that can be split into independent named streams.
///
/// The generator is xoshiro256** (Blackman and Vigna, 2018, "Scrambled linear pseudorandom number
/// generators"), its state filled by SplitMix64. The same seed and names give the same numbers on
/// every machine and for every number of threads.
public struct RandomStream: RandomNumberGenerator, Sendable, Codable, Equatable {
  private var state: [UInt64]

  /// Creates the stream of a seed.
  /// - Parameter seed: Any number.
  public init(seed: UInt64) {
    var mixer = seed
    state = (0..<4).map { _ in Self.splitMix(&mixer) }
  }

  /// An independent stream for one purpose, such as one sample of one epoch.
  ///
  /// Splitting does not advance this stream.
  /// - Parameter keys: Numbers that name the purpose.
  /// - Returns: The stream of this stream's state and the keys.
  public func split(_ keys: Int...) -> RandomStream {
    var seed = state[0] ^ (state[3] &* 0x9E37_79B9_7F4A_7C15)
    for key in keys {
      seed ^= UInt64(bitPattern: Int64(key)) &+ 0x9E37_79B9_7F4A_7C15
      seed = Self.splitMix(&seed)
    }
    return RandomStream(seed: seed)
  }

  /// The next 64 random bits.
  /// - Returns: A number that is uniform over all of `UInt64`.
  public mutating func next() -> UInt64 {
    let result = (state[1] &* 5).rotatedLeft(by: 7) &* 9
    let shifted = state[1] << 17
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = state[3].rotatedLeft(by: 45)
    return result
  }

  /// A number that is uniform in the half-open range.
  /// - Parameter range: The bounds.
  /// - Returns: A value of the range.
  public mutating func uniform(in range: Range<Double> = 0..<1) -> Double {
    let unit = Double(next() >> 11) * 0x1p-53
    return range.lowerBound + unit * (range.upperBound - range.lowerBound)
  }

  /// A number of the standard normal distribution, by Box and Muller's transform.
  /// - Returns: A value of mean 0 and variance 1.
  public mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }

  /// Whether an event of the given probability happens.
  /// - Parameter probability: Between 0 and 1.
  /// - Returns: True with that probability.
  public mutating func chance(_ probability: Double) -> Bool { uniform() < probability }

  /// Puts values into a random order (Fisher and Yates), one number of the stream for each but the first.
  /// - Parameter values: The values, reordered in place.
  public mutating func shuffle<Value>(_ values: inout [Value]) {
    for place in values.indices.dropFirst().reversed() {
      values.swapAt(place, Int(uniform() * Double(place + 1)))
    }
  }

  private static func splitMix(_ state: inout UInt64) -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension UInt64 {
  fileprivate func rotatedLeft(by bits: UInt64) -> UInt64 { (self << bits) | (self >> (64 - bits)) }
}
