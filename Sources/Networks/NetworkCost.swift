import Layers
import Support
import Tensors

/// What one pass of a network over one input costs, by its definition.
public struct NetworkCost: Codable, Equatable, Sendable {
  /// Multiplications of the convolutions.
  public var multiplications = 0
  /// Values of the maps that convolutions make.
  ///
  /// nnU-Net's measure of memory (`compute_conv_feature_map_size` of its planner).
  public var mapValues = 0
  /// Weights that are learnt.
  public var parameters = 0

  /// Creates a cost of nothing.
  public init() {}

  /// Adds a convolution; its normalisation has no multiplications here.
  fileprivate mutating func add(
    inputs: Int,
    outputs: Int,
    window: [Int],
    cells: [Int],
    normalized: Bool = true
  ) {
    let (taps, area) = (window.reduce(1, *), cells.reduce(1, *))
    multiplications += inputs * outputs * taps * area
    mapValues += outputs * area
    parameters += inputs * outputs * taps + outputs + (normalized ? 2 * outputs : 0)
  }

  /// Adds a transposed convolution whose window is its step: each output has one tap.
  fileprivate mutating func add(inputs: Int, outputs: Int, step: [Int], cells: [Int]) {
    let (taps, area) = (step.reduce(1, *), cells.reduce(1, *))
    multiplications += inputs * outputs * area
    mapValues += outputs * area
    parameters += inputs * outputs * taps + outputs
  }
}

extension NetworkConfiguration {
  /// What one pass over one input costs.
  ///
  /// U-Nets of plain convolutions, of which a planner asks for many, are counted by formula; of others
  /// the convolutions of one traced pass are counted, and nothing is computed. Products of matrices
  /// are not counted.
  /// - Parameter inputSize: Spatial axes of the input, multiples of what the network needs.
  /// - Returns: The cost; nil for values that make no network, and for sizes that it does not take.
  public func cost(inputSize: [Int]) -> NetworkCost? {
    switch self {
    case .unet(let values) where values.padding == .same: values.cost(inputSize)
    case .plainConvUNet(let values): values.cost(inputSize)
    default: tracedCost(inputSize)
    }
  }

  /// The cost by the convolutions of one traced pass, with the heads that the network's own call runs;
  /// those of a detector's second stage are not among them.
  package func tracedCost(_ inputSize: [Int]) -> NetworkCost? {
    var random = RandomStream(seed: 0)
    guard inputSize.count == dimensions,
      let network = try? Parameter.withoutRandomWeights({ try makeNetwork(random: &random) }),
      inputSize.enumerated().allSatisfy({ axis, side in
        let multiples = network.axisMultiples
        return side > 0 && side % multiples[min(axis, multiples.count - 1)] == 0
      })
    else { return nil }
    let trace = GraphTrace()
    let x = trace.input(shape: [1, inputChannels] + inputSize)
    _ = GraphTrace.$current.withValue(trace) { network(x, in: .inference) }
    var cost = NetworkCost()
    cost.parameters = network.trainableCount
    let shapes = trace.shapes
    for step in trace.steps {
      guard step.operands.count > 1, case .value(let input) = step.operands[0],
        case .constant(let weight) = step.operands[1]
      else { continue }
      // Each cell of the output, or of a transposed convolution's input, meets every weight once.
      switch step.action {
      case .convolution:
        cost.multiplications += weight.count * step.shape.dropFirst(2).reduce(1, *)
      case .transposedConvolution:
        cost.multiplications += weight.count * shapes[input.index].dropFirst(2).reduce(1, *)
      default: continue
      }
      cost.mapValues += step.shape.reduce(1, *)
    }
    return cost
  }

  /// Multiplications of the convolutions in one pass over one input.
  /// - Parameter inputSize: Spatial axes of the input.
  /// - Returns: The count; nil as for `cost(inputSize:)`.
  public func multiplications(inputSize: [Int]) -> Int? {
    cost(inputSize: inputSize)?.multiplications
  }
}

extension UNetConfiguration {
  fileprivate func cost(_ inputSize: [Int]) -> NetworkCost {
    let window = [Int](repeating: kernelSize, count: dimensions)
    let sizes = features.indices.map { level in inputSize.map { $0 >> level } }
    let normalized = normalization != .none
    var cost = NetworkCost()
    func stage(_ level: Int, inputs: Int) {
      for unit in 0..<convolutionsPerStage {
        cost.add(
          inputs: unit == 0 ? inputs : features[level],
          outputs: features[level],
          window: window,
          cells: sizes[level],
          normalized: normalized
        )
      }
    }
    for level in features.indices {
      stage(level, inputs: level == 0 ? inputChannels : features[level - 1])
    }
    for level in features.indices.dropLast().reversed() {
      cost.add(
        inputs: features[level + 1],
        outputs: features[level],
        step: window.map { _ in 2 },
        cells: sizes[level]
      )
      stage(level, inputs: 2 * features[level])
    }
    cost.add(
      inputs: features[0],
      outputs: outputChannels,
      window: window.map { _ in 1 },
      cells: inputSize,
      normalized: false
    )
    return cost
  }
}

extension NNUNetConfiguration {
  fileprivate func cost(_ inputSize: [Int]) -> NetworkCost {
    var sizes: [[Int]] = []
    for step in strides { sizes.append(zip(sizes.last ?? inputSize, step).map { $0 / $1 }) }
    let normalized = normalization != .none
    var cost = NetworkCost()
    func stage(_ level: Int, _ units: Int, inputs: Int) {
      for unit in 0..<units {
        cost.add(
          inputs: unit == 0 ? inputs : features[level],
          outputs: features[level],
          window: kernelSizes[level],
          cells: sizes[level],
          normalized: normalized
        )
      }
    }
    for level in features.indices {
      let inputs = level == 0 ? inputChannels : features[level - 1]
      stage(level, unitsPerStage[level], inputs: inputs)
    }
    for (place, level) in features.indices.dropLast().reversed().enumerated() {
      cost.add(
        inputs: features[level + 1],
        outputs: features[level],
        step: strides[level + 1],
        cells: sizes[level]
      )
      stage(level, decoderUnitsPerStage[place], inputs: 2 * features[level])
      if hasDeepSupervision || level == 0 {
        cost.add(
          inputs: features[level],
          outputs: outputChannels,
          window: sizes[level].map { _ in 1 },
          cells: sizes[level],
          normalized: false
        )
      }
    }
    return cost
  }
}
