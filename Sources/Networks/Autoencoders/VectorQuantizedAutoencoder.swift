import Layers
import Support
import Tensors

/// The values that define a vector-quantised autoencoder.
public struct VectorQuantizedAutoencoderConfiguration: Codable, Sendable, Equatable {
  /// Channels and levels; the latent channels are the length of a code.
  public var shape: AutoencoderShape
  /// Codes of the book.
  public var codes: Int
  /// The share of the old codes that stays in a step.
  public var decay: Double
  /// A code is drawn anew when fewer latent vectors of a step choose it, on average, than this share of
  /// what each code would get if all were chosen alike.
  public var revivalShare: Double

  /// Creates a configuration.
  /// - Parameters:
  ///   - shape: Channels and levels.
  ///   - codes: Codes of the book.
  ///   - decay: The share of the old codes that stays in a step.
  ///   - revivalShare: When a code is drawn anew.
  public init(
    _ shape: AutoencoderShape = AutoencoderShape(features: [16, 32, 64], latentChannels: 16),
    codes: Int = 128,
    decay: Double = 0.99,
    revivalShare: Double = 0.05
  ) {
    self.shape = shape
    self.codes = codes
    self.decay = decay
    self.revivalShare = revivalShare
  }
}

/// An autoencoder whose latent vectors are the codes of a book.
///
/// Van den Oord, Vinyals and Kavukcuoglu 2017, "Neural Discrete Representation Learning": each latent vector
/// becomes the nearest code, and the decoder's gradient passes to the encoder as if nothing had happened
/// (section 3.2). The codes are running means of the vectors that choose them (appendix A.1), so that no
/// gradient reaches them. Codes that hardly any vector chooses, as all of them before the first step, are
/// drawn anew from the step's vectors (as in Dhariwal et al. 2020, Jukebox).
public final class VectorQuantizedAutoencoder: Network {
  /// What a pass finds.
  public struct Quantized: Sendable {
    /// What the encoder gave, `[N, latentChannels, H′, W′]`.
    public let encoded: Tensor
    /// The nearest codes, of the same shape; gradients pass on to `encoded` unchanged.
    public let codes: Tensor

    /// The mean squared distance of encoded values from their codes, which pulls the encoder alone.
    ///
    /// Equation 3's last term; its weight is the training's.
    public var commitment: Tensor { (encoded - codes.detached).squared().mean }
  }

  /// The values that define the network.
  public let configuration: VectorQuantizedAutoencoderConfiguration
  private let encoder: AutoencoderEncoder
  private let decoder: AutoencoderDecoder
  private let book: CodeBook

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: VectorQuantizedAutoencoderConfiguration, random: inout RandomStream)
  {
    self.configuration = configuration
    let shape = configuration.shape
    encoder = AutoencoderEncoder(shape, latentChannels: shape.latentChannels, random: &random)
    decoder = AutoencoderDecoder(shape, random: &random)
    book = CodeBook(configuration, random: &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("encoder", encoder), ("decoder", decoder), ("book", book)]
  }

  /// Finds the codes of an image; while training, the book changes.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: What the encoder gave, and its codes.
  public func quantized(_ x: Tensor, in context: Context) -> Quantized {
    let encoded = encoder(x, in: context)
    return Quantized(encoded: encoded, codes: book(encoded, in: context))
  }

  /// Makes images of codes.
  /// - Parameters:
  ///   - codes: `[N, latentChannels, H′, W′]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]`.
  public func decoded(_ codes: Tensor, in context: Context) -> Tensor {
    decoder(codes, in: context)
  }

  /// Reconstructs images.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]`.
  /// - Precondition: Rows and columns are multiples of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    decoder(book(encoder(x, in: context), in: context), in: context)
  }

  /// 2 for each level.
  public var sizeMultiple: Int { configuration.shape.sizeMultiple }
}

/// Codes that follow the vectors that choose them.
final class CodeBook: Layer {
  /// The codes, `[codes, width]`.
  private let codes: Parameter
  /// Running numbers of vectors that chose each, `[codes]`.
  private let counts: Parameter
  /// Running sums of these vectors, `[codes, width]`.
  private let sums: Parameter
  private let decay: Float
  private let revivalShare: Float

  /// Added to the counts, so that a code that nothing chose stays finite.
  private static let epsilon: Float = 1e-5

  init(_ configuration: VectorQuantizedAutoencoderConfiguration, random: inout RandomStream) {
    let (count, width) = (configuration.codes, configuration.shape.latentChannels)
    let values = (0..<count * width).map { _ in Float(random.normal()) }
    codes = Parameter(Tensor(values, shape: [count, width]), isTrainable: false)
    counts = Parameter(Tensor(repeating: 0, shape: [count]), isTrainable: false)
    sums = Parameter(Tensor(repeating: 0, shape: [count, width]), isTrainable: false)
    decay = Float(configuration.decay)
    revivalShare = Float(configuration.revivalShare)
  }

  var ownParameters: [(name: String, parameter: Parameter)] {
    [("codes", codes), ("counts", counts), ("sums", sums)]
  }

  /// Puts the nearest code in the place of each vector.
  /// - Parameters:
  ///   - x: `[N, width, H, W]`.
  ///   - context: To train, then the book follows the vectors, or to predict.
  /// - Returns: The shape of `x`; its gradient is handed on to `x` as it is.
  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let learns = context.mode == .training && !context.isAgain
    if learns { revive(x, in: context) }
    let result = operation("nearest-code", on: [x, codes.value], shape: x.shape) { operands in
      let (x, book) = (operands[0].plain, operands[1].values)
      return Self.filled(Self.nearest(x, book), book, shape: x.shape)
        .recorded(from: operands) { [$0, nil] }
    }
    if learns { follow(x) }
    return result
  }

  /// Draws codes that hardly any vector chose from the vectors at hand.
  private func revive(_ x: Tensor, in context: Context) {
    let vectors = Self.vectors(x)
    let width = x.shape[1]
    let rows = vectors.count / width
    var (book, numbers, totals) = (codes.value.values, counts.value.values, sums.value.values)
    let usual = Float(rows) / Float(numbers.count)
    let dead = numbers.indices.filter { numbers[$0] < revivalShare * usual }
    guard !dead.isEmpty else { return }
    let chosen = context.withRandom { random in
      dead.map { _ in Int(random.uniform() * Double(rows)) }
    }
    for (code, row) in zip(dead, chosen) {
      numbers[code] = usual
      for place in 0..<width {
        book[code * width + place] = vectors[row * width + place]
        totals[code * width + place] = usual * vectors[row * width + place]
      }
    }
    codes.value = Tensor(book, shape: codes.shape)
    counts.value = Tensor(numbers, shape: counts.shape)
    sums.value = Tensor(totals, shape: sums.shape)
  }

  /// Moves each code to the running mean of the vectors that choose it.
  private func follow(_ x: Tensor) {
    let vectors = Self.vectors(x)
    let width = x.shape[1]
    let book = codes.value.values
    var (numbers, totals) = (counts.value.values, sums.value.values)
    var (found, added) = (
      [Float](repeating: 0, count: numbers.count), [Float](repeating: 0, count: totals.count)
    )
    for (row, code) in Self.nearest(x.plain, book).enumerated() {
      found[code] += 1
      for place in 0..<width { added[code * width + place] += vectors[row * width + place] }
    }
    for code in numbers.indices {
      numbers[code] = decay * numbers[code] + (1 - decay) * found[code]
    }
    for place in totals.indices {
      totals[place] = decay * totals[place] + (1 - decay) * added[place]
    }
    let all = numbers.reduce(0, +)
    let moved = totals.indices.map { place -> Float in
      let number = numbers[place / width] + Self.epsilon
      return totals[place] / (number / (all + Float(numbers.count) * Self.epsilon) * all)
    }
    codes.value = Tensor(moved, shape: codes.shape)
    counts.value = Tensor(numbers, shape: counts.shape)
    sums.value = Tensor(totals, shape: sums.shape)
  }

  /// Vectors one after another, image by image, row by row.
  private static func vectors(_ x: Tensor) -> [Float] {
    x.detached.transposed([0, 2, 3, 1]).values
  }

  /// The nearest code of each vector; the first of equally near ones.
  private static func nearest(_ x: Tensor, _ book: [Float]) -> [Int] {
    let (vectors, width) = (vectors(x), x.shape[1])
    let found = AlignedBuffer<Int>(repeating: 0, count: vectors.count / width)
    Parallelism.forEach(found.count) { row in
      var (best, code) = (Float.infinity, 0)
      for candidate in 0..<book.count / width {
        var distance: Float = 0
        for place in 0..<width {
          let difference = vectors[row * width + place] - book[candidate * width + place]
          distance += difference * difference
        }
        if distance < best { (best, code) = (distance, candidate) }
      }
      found.mutableElements[row] = code
    }
    return Array(found.elements)
  }

  /// `[N, width, H, W]` of the codes that were found.
  private static func filled(_ found: [Int], _ book: [Float], shape: [Int]) -> Tensor {
    let (width, area) = (shape[1], shape[2] * shape[3])
    var values = [Float](repeating: 0, count: shape.reduce(1, *))
    for (row, code) in found.enumerated() {
      let first = row / area * width * area + row % area
      for place in 0..<width { values[first + place * area] = book[code * width + place] }
    }
    return Tensor(values, shape: shape)
  }
}

extension VectorQuantizedAutoencoderConfiguration: NetworkValues {
  var inputChannels: Int { shape.channels }
  var outputChannels: Int { shape.channels }
  var dimensions: Int { 2 }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try shape.check(network: network)
    try check.require((1...65_536).contains(codes), "\(codes) codes")
    try check.require((0..<1).contains(decay), "a decay of \(decay)")
    try check.require((0..<1).contains(revivalShare), "a revivalShare of \(revivalShare)")
  }

  func network(random: inout RandomStream) -> any Network {
    VectorQuantizedAutoencoder(self, random: &random)
  }
}
