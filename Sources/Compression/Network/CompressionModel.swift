import Networks
import Pipelines
import Support
import Tensors

/// A network that turns planes into codes and back.
public struct CompressionModel: Sendable {
  /// The model's name.
  public let name: String
  /// SHA-256 of its weights, the first 16 digits.
  let weights: String
  /// How many rates it was trained for.
  public var rates: Int { network.configuration.rates }
  /// Channels of a code.
  var codeChannels: Int { network.configuration.codeChannels }
  private let network: ImageCodec
  private let exact: ExactSynthesis

  /// Loads a model, whose files are checked against their hashes.
  /// - Parameter model: The model.
  /// - Throws: `CompressionError.otherTask`; `PipelinesError.damagedModel`; `LayersError`.
  public init(_ model: ModelPackage) throws {
    guard model.description.plan.compression != nil,
      let network = try model.makeNetwork() as? ImageCodec
    else {
      throw CompressionError.otherTask(
        model: model.description.name,
        task: model.description.plan.summary
      )
    }
    let digests = model.description.files.filter { $0.key.hasSuffix(".safetensors") }
    self.init(
      network,
      name: model.description.name,
      weights: String(digests.values.sorted().joined().prefix(16))
    )
  }

  /// Takes a network.
  /// - Parameters:
  ///   - network: The network.
  ///   - name: Its name.
  ///   - weights: SHA-256 of its weights.
  package init(_ network: ImageCodec, name: String, weights: String) {
    (self.network, self.name, self.weights) = (network, name, weights)
    exact = ExactSynthesis(network)
  }

  /// The size of a code.
  /// - Parameter length: Rows or columns of a plane.
  /// - Returns: Rows or columns of its code.
  static func codeSize(_ length: Int) -> Int {
    (length + ImageCodec.reduction - 1) / ImageCodec.reduction
  }

  /// The code of a plane.
  /// - Parameters:
  ///   - plane: Row by row, about 0 to 1.
  ///   - width: Columns.
  ///   - height: Rows.
  ///   - quality: The rate, 0 the lowest that was trained, 1 the highest.
  /// - Returns: Whole numbers, `[codeChannels, height / 8, width / 8]`, sizes rounded up.
  package func code(of plane: [Float], width: Int, height: Int, quality: Double) -> [Int32] {
    let (rows, columns) = (Self.codeSize(height), Self.codeSize(width))
    let (tall, wide) = (rows * ImageCodec.reduction, columns * ImageCodec.reduction)
    var padded = [Float](repeating: 0, count: tall * wide)
    for y in 0..<tall {
      let row = min(y, height - 1) * width
      for x in 0..<wide { padded[y * wide + x] = plane[row + min(x, width - 1)] }
    }
    let code = network.code(of: Tensor(padded, shape: [1, 1, tall, wide]), in: .inference)
    let scaled = code * network.factors(network.gain, at: level(quality))
    let limit = Float(CodeCoder.limit)
    return scaled.values.map {
      $0.isFinite ? Int32(min(max($0.rounded(), -limit), limit)) : 0
    }
  }

  /// What the numbers of each channel are multiplied by before the synthesis, the same on every machine.
  /// - Parameter quality: The rate.
  /// - Returns: One for each channel of the code.
  package func steps(quality: Double) -> [Float] {
    network.exponents(network.inverseGain, at: level(quality))
      .map { Float(ExactExponential.value(Double($0))) }
  }

  /// The plane of a code.
  /// - Parameters:
  ///   - code: As `code` gave it.
  ///   - width: Columns of the plane.
  ///   - height: Rows of the plane.
  ///   - steps: What `steps` gave for the rate.
  ///   - isExact: Whether the same bits are wanted on every machine, which takes ten times as long.
  /// - Returns: Row by row, about 0 to 1.
  package func plane(
    of code: [Int32],
    width: Int,
    height: Int,
    steps: [Float],
    isExact: Bool
  ) -> [Float] {
    let (rows, columns) = (Self.codeSize(height), Self.codeSize(width))
    let area = rows * columns
    let values = code.enumerated().map { Float($1) * steps[$0 / area] }
    let image =
      isExact
      ? exact.image(of: values, height: rows, width: columns)
      : network.image(
        of: Tensor(values, shape: [1, codeChannels, rows, columns]),
        in: .inference
      ).values
    let wide = columns * ImageCodec.reduction
    return (0..<height).flatMap { image[$0 * wide..<$0 * wide + width] }
  }

  private func level(_ quality: Double) -> Double { quality * Double(rates - 1) }
}
