/// A convolution with all that follows it and fits into its kernel.
struct PlannedConvolution {
  /// `[O, I / groups, k…]`, or `[I, O, k…]` when transposed.
  var weight: Tensor
  var bias: [Float]?
  var shape: ConvolutionShape
  var isTransposed: Bool
  /// y = leaky(scale · leaky(conv + bias, slope) + residual, finalSlope).
  var slope: Float = 1
  var scale: Float = 1
  var residual: Int?
  var finalSlope: Float = 1
  /// What follows all of that; not with a normalisation.
  var activation: Activation?
  /// The instance normalisation of y, applied by whoever reads it.
  var normalization: PlannedNormalization?

  var outputChannels: Int { isTransposed ? weight.shape[1] * shape.groups : weight.shape[0] }
  /// Whether nothing but the bias was added yet.
  var isBare: Bool {
    slope == 1 && residual == nil && normalization == nil && activation == nil
  }
}

/// (x − μ) / √(σ² + ε) · gain + offset, then a leaky rectifier.
struct PlannedNormalization {
  var gain: [Float]?
  var offset: [Float]?
  var epsilon: Float
  var slope: Float
}

/// One operand of a sum.
struct PlannedTerm {
  var value: Int
  var scale: Float
}

/// One piece of work of a plan, on values by number.
struct PlanNode {
  enum Work {
    case convolution(PlannedConvolution)
    case pooling(PoolingShape, maximum: Bool)
    /// leaky(Σ scale · value).
    case combination([PlannedTerm], slope: Float)
    case activation(Activation)
    case repetition([Int])
    case concatenation
    case general(GraphStep)
  }

  var work: Work
  var inputs: [Int]
  var output: Int

  /// All values read.
  var reads: [Int] {
    if case .convolution(let convolution) = work, let residual = convolution.residual {
      return inputs + [residual]
    }
    return inputs
  }
}

/// A traced network with everything fused that one kernel can do.
struct PlanGraph {
  private(set) var nodes: [PlanNode] = []
  let shapes: [[Int]]
  let inputs: [Int]
  private(set) var outputs: [Int]

  /// Which value stands for a traced one, after fusion.
  private var alias: [Int]
  /// How often each traced value is read.
  private var uses: [Int]
  /// The node that makes a value.
  private var maker: [Int: Int] = [:]
  /// The traced value that a scaled copy is a copy of.
  private var scaledSource: [Int: Int] = [:]

  /// Traces a network, which is called once with a symbolic input.
  init(tracing network: (Tensor) -> Tensor, inputShape: [Int]) {
    self.init(tracing: { [network($0[0])] }, inputShapes: [inputShape])
  }

  /// Traces a network of several inputs and outputs, which is called once with symbolic inputs.
  init(tracing network: ([Tensor]) throws -> [Tensor], inputShapes: [[Int]]) rethrows {
    let trace = GraphTrace()
    let inputs = inputShapes.map { trace.input(shape: $0) }
    let outputs = try GraphTrace.$current.withValue(trace) { try network(inputs) }
    let symbols = (inputs + outputs).compactMap(\.symbol?.index)
    precondition(
      symbols.count == inputs.count + outputs.count && !outputs.isEmpty,
      "the network's result does not depend on its input"
    )
    self.init(
      trace: trace,
      inputs: Array(symbols.prefix(inputs.count)),
      outputs: Array(symbols.dropFirst(inputs.count))
    )
  }

  /// The nodes that are convolutions, in order.
  var convolutions: [PlanNode] {
    nodes.filter { node in
      if case .convolution = node.work { true } else { false }
    }
  }

  init(trace: GraphTrace, inputs: [Int], outputs: [Int]) {
    let steps = trace.steps
    shapes = trace.shapes
    self.inputs = inputs
    self.outputs = outputs
    alias = Array(shapes.indices)
    uses = [Int](repeating: 0, count: shapes.count)
    for value in steps.flatMap(\.values) { uses[value] += 1 }
    for output in outputs { uses[output] += 1 }
    for step in steps { add(step) }
    self.outputs = outputs.map { alias[$0] }
    dropUnread()
  }

  private mutating func add(_ step: GraphStep) {
    let inputs = step.values.map { alias[$0] }
    let result = step.result.index
    switch step.action {
    case .convolution(let shape) where shape.groups == 1 && step.constant(1) != nil:
      addConvolution(step, shape, isTransposed: false)
    case .transposedConvolution(let shape)
    where shape.groups == 1 && step.attributes["outputPadding"] == nil
      && step.constant(1).map { Self.isScatter(shape, $0) } == true:
      addConvolution(step, shape, isTransposed: true)
    case .normalization(let action) where inputs.count == 1:
      if !fuse(action, step, into: inputs[0]) { append(.general(step), inputs, result) }
    case .leakyReLU(let slope): addRectifier(slope, step, of: inputs[0])
    // Larger slopes are no maximum of the value and its multiple.
    case .parametricReLU where step.constant(1).map { $0.count == 1 && $0.scalar <= 1 } == true:
      addRectifier(step.constant(1)?.scalar ?? 1, step, of: inputs[0])
    case .activation(let activation):
      if !fuse(activation, step, into: inputs[0]) {
        append(.activation(activation), inputs, result)
      }
    case .scaling(let factor):
      scaledSource[result] = step.values[0]
      append(
        .combination([PlannedTerm(value: inputs[0], scale: factor)], slope: 1),
        inputs,
        result
      )
    case .addition where inputs.count == 2: addSum(step)
    case .maxPooling(let shape): append(.pooling(shape, maximum: true), inputs, result)
    case .averagePooling(let shape): append(.pooling(shape, maximum: false), inputs, result)
    case .repetition(let factors): append(.repetition(factors), inputs, result)
    case .concatenation where inputs.count == step.operands.count:
      append(.concatenation, inputs, result)
    default: append(.general(step), inputs, result)
    }
  }

  private mutating func append(_ work: PlanNode.Work, _ inputs: [Int], _ output: Int) {
    maker[output] = nodes.count
    nodes.append(PlanNode(work: work, inputs: inputs, output: output))
  }

  /// Whether each input cell of the transposed convolution owns its output cells.
  private static func isScatter(_ shape: ConvolutionShape, _ weight: Tensor) -> Bool {
    shape.stride == Array(weight.shape.dropFirst(2)) && shape.padding.allSatisfy { $0 == 0 }
      && shape.dilation.allSatisfy { $0 == 1 }
  }

  private mutating func addConvolution(
    _ step: GraphStep,
    _ shape: ConvolutionShape,
    isTransposed: Bool
  ) {
    guard let weight = step.constant(1) else { return }
    append(
      .convolution(
        PlannedConvolution(
          weight: weight,
          bias: step.constant(2)?.values,
          shape: shape,
          isTransposed: isTransposed
        )
      ),
      step.values.map { alias[$0] },
      step.result.index
    )
  }

  /// The convolution that makes a value which only the given step reads.
  private func soleConvolution(_ value: Int, of step: GraphStep) -> (Int, PlannedConvolution)? {
    guard onlyRead(value, by: step),
      let index = maker[value], case .convolution(let convolution) = nodes[index].work
    else { return nil }
    return (index, convolution)
  }

  private func onlyRead(_ value: Int, by step: GraphStep) -> Bool {
    step.values.allSatisfy { alias[$0] != value || uses[$0] == 1 }
  }

  /// Takes a normalisation into the convolution before it.
  private mutating func fuse(
    _ action: NormalizationAction,
    _ step: GraphStep,
    into value: Int
  ) -> Bool {
    guard let (index, found) = soleConvolution(value, of: step), found.isBare else { return false }
    var convolution = found
    let gain = action.hasScale ? step.constant(1)?.values : nil
    let offset = action.hasShift ? step.constant(action.hasScale ? 2 : 1)?.values : nil
    if let statistics = action.statistics {
      let factors = statistics.variance.indices.map {
        (gain?[$0] ?? 1) / (statistics.variance[$0] + action.epsilon).squareRoot()
      }
      convolution.bias = factors.indices.map { channel in
        ((convolution.bias?[channel] ?? 0) - statistics.mean[channel]) * factors[channel]
          + (offset?[channel] ?? 0)
      }
      convolution.weight = Self.scaled(convolution, by: factors)
      convolution.slope = action.negativeSlope
    } else {
      guard !convolution.isTransposed else { return false }
      convolution.normalization = PlannedNormalization(
        gain: gain,
        offset: offset,
        epsilon: action.epsilon,
        slope: action.negativeSlope
      )
      // The mean takes the bias away again.
      convolution.bias = nil
    }
    nodes[index].work = .convolution(convolution)
    alias[step.result.index] = value
    return true
  }

  /// The weights with each output channel multiplied by its factor.
  private static func scaled(_ convolution: PlannedConvolution, by factors: [Float]) -> Tensor {
    var values = convolution.weight.values
    let shape = convolution.weight.shape
    let window = shape.dropFirst(2).reduce(1, *)
    let (outer, inner) =
      convolution.isTransposed ? (shape[0], window) : (1, shape[1] * window)
    var place = 0
    for _ in 0..<outer {
      for factor in factors {
        for _ in 0..<inner {
          values[place] *= factor
          place += 1
        }
      }
    }
    return Tensor(values, shape: shape)
  }

  private mutating func addRectifier(_ slope: Float, _ step: GraphStep, of value: Int) {
    if fuse(slope: slope, step, into: value) { return }
    append(
      .combination([PlannedTerm(value: value, scale: 1)], slope: slope),
      [value],
      step.result.index
    )
  }

  /// Takes an activation into the convolution before it.
  private mutating func fuse(
    _ activation: Activation,
    _ step: GraphStep,
    into value: Int
  ) -> Bool {
    guard let (index, found) = soleConvolution(value, of: step), found.activation == nil,
      found.normalization == nil
    else { return false }
    var convolution = found
    convolution.activation = activation
    nodes[index].work = .convolution(convolution)
    alias[step.result.index] = value
    return true
  }

  /// Takes a rectifier into the work before it.
  private mutating func fuse(slope: Float, _ step: GraphStep, into value: Int) -> Bool {
    guard onlyRead(value, by: step), let index = maker[value] else { return false }
    switch nodes[index].work {
    case .convolution(var convolution):
      guard convolution.activation == nil else { return false }
      if let normalization = convolution.normalization {
        guard normalization.slope == 1 else { return false }
        convolution.normalization?.slope = slope
      } else if convolution.residual != nil {
        guard convolution.finalSlope == 1 else { return false }
        convolution.finalSlope = slope
      } else {
        guard convolution.slope == 1 else { return false }
        convolution.slope = slope
      }
      nodes[index].work = .convolution(convolution)
    case .combination(let terms, slope: 1):
      nodes[index].work = .combination(terms, slope: slope)
    default: return false
    }
    alias[step.result.index] = value
    return true
  }

  /// Adds two values; a convolution that only the sum reads adds the other one itself.
  private mutating func addSum(_ step: GraphStep) {
    let result = step.result.index
    var terms: [PlannedTerm] = []
    // Whether this sum alone reads the term's value.
    var isSole: [Bool] = []
    for value in step.values {
      let known = alias[value]
      // A scaled copy that nobody else reads is a term of this sum.
      if uses[value] == 1, let index = maker[known], let source = scaledSource[known],
        case .combination(let inner, slope: 1) = nodes[index].work, inner.count == 1
      {
        terms.append(inner[0])
        isSole.append(uses[source] == 1)
        empty(index)
      } else {
        terms.append(PlannedTerm(value: known, scale: 1))
        isSole.append(uses[value] == 1)
      }
    }
    for (place, term) in terms.enumerated() where isSole[place] {
      let other = terms[1 - place]
      guard other.scale == 1, other.value != term.value,
        let index = maker[term.value], case .convolution(var convolution) = nodes[index].work,
        convolution.residual == nil, convolution.normalization == nil,
        convolution.activation == nil
      else { continue }
      convolution.residual = other.value
      convolution.scale = term.scale
      // The other value may be made after the convolution, which therefore moves here.
      let inputs = nodes[index].inputs
      empty(index)
      append(.convolution(convolution), inputs, result)
      return
    }
    append(.combination(terms, slope: 1), terms.map(\.value), result)
  }

  /// Leaves nothing of a node whose work moved elsewhere.
  private mutating func empty(_ index: Int) {
    nodes[index].inputs = []
    nodes[index].work = .combination([], slope: 1)
  }

  /// Removes nodes whose result nobody reads.
  private mutating func dropUnread() {
    var wanted = Set(outputs)
    for node in nodes.reversed() where wanted.contains(node.output) {
      wanted.formUnion(node.reads)
    }
    nodes = nodes.filter { node in
      if case .combination(let terms, _) = node.work, terms.isEmpty { return false }
      return wanted.contains(node.output)
    }
  }
}
