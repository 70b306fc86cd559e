import Support
import Tensors
import TestSupport
import Testing

/// What a plan computes must be what the operations compute one by one.
@Suite("InferencePlan")
struct InferencePlanTests {
  /// Winograd's transforms lose about two decimal digits of single precision's seven.
  static let filtered = Tolerance(absolute: 1e-4, relative: 1e-4)

  struct Network: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let input: [Int]
    let run: @Sendable (Tensor) -> Tensor

    init(_ name: String, _ input: [Int], _ run: @escaping @Sendable (Tensor) -> Tensor) {
      testDescription = name
      self.input = input
      self.run = run
    }
  }

  /// Random numbers, the same for the same shape and seed.
  static func random(_ shape: [Int], seed: UInt64, scale: Double = 1) -> Tensor {
    var random = RandomStream(seed: seed)
    let values = (0..<shape.reduce(1, *)).map { _ in Float(random.normal() * scale) }
    return Tensor(values, shape: shape)
  }

  static func convolved(
    _ x: Tensor,
    _ outputs: Int,
    kernel: [Int],
    stride: Int = 1,
    dilation: Int = 1,
    bias: Bool = true,
    seed: UInt64
  ) -> Tensor {
    let rank = kernel.count
    let fan = Double(x.shape[1] * kernel.reduce(1, *))
    return convolution(
      x,
      weight: random([outputs, x.shape[1]] + kernel, seed: seed, scale: (1 / fan).squareRoot()),
      bias: bias ? random([outputs], seed: seed + 1) : nil,
      shape: ConvolutionShape(
        stride: [Int](repeating: stride, count: rank),
        padding: kernel.map { $0 / 2 * dilation },
        dilation: [Int](repeating: dilation, count: rank)
      )
    )
  }

  static func upsampled(_ x: Tensor, _ outputs: Int, seed: UInt64) -> Tensor {
    let window = [Int](repeating: 2, count: x.rank - 2)
    return transposedConvolution(
      x,
      weight: random([x.shape[1], outputs] + window, seed: seed, scale: 0.2),
      bias: random([outputs], seed: seed + 1),
      shape: ConvolutionShape(rank: x.rank - 2, stride: 2)
    )
  }

  static func instance(_ x: Tensor, seed: UInt64, slope: Float = 0.01) -> Tensor {
    normalization(
      x,
      extent: .instance,
      scale: random([x.shape[1]], seed: seed, scale: 0.3),
      shift: random([x.shape[1]], seed: seed + 1),
      negativeSlope: slope
    ).output
  }

  static func batch(_ x: Tensor, seed: UInt64, slope: Float = 0) -> Tensor {
    normalization(
      x,
      extent: .batch,
      scale: random([x.shape[1]], seed: seed),
      shift: random([x.shape[1]], seed: seed + 1),
      negativeSlope: slope,
      statistics: NormalizationStatistics(
        mean: random([x.shape[1]], seed: seed + 2).values,
        variance: random([x.shape[1]], seed: seed + 3).values.map { 0.5 + $0 * $0 }
      )
    ).output
  }

  static let networks = plainNetworks + moves

  private static let plainNetworks: [Network] = [
    Network("one convolution", [1, 8, 9, 7]) { convolved($0, 5, kernel: [3, 3], seed: 1) },
    Network("one convolution of a batch", [3, 24, 10, 13]) {
      convolved($0, 40, kernel: [3, 3], seed: 1)
    },
    Network("a volume", [2, 16, 5, 9, 6]) { convolved($0, 24, kernel: [3, 3, 3], seed: 1) },
    Network("flat windows in a volume", [1, 16, 3, 9, 6]) {
      convolved($0, 24, kernel: [1, 3, 3], seed: 1)
    },
    Network("few channels", [2, 3, 31, 28]) {
      relu(convolved($0, 20, kernel: [3, 3], seed: 1))
    },
    Network("steps, holes and large windows", [2, 8, 27, 30]) { x in
      let a = convolved(x, 16, kernel: [3, 3], stride: 2, seed: 1)
      let b = convolved(a, 8, kernel: [3, 3], dilation: 2, seed: 3)
      return convolved(b, 8, kernel: [5, 1], seed: 5)
    },
    Network("batch normalisation", [2, 3, 12, 16]) { x in
      let a = batch(convolved(x, 24, kernel: [3, 3], bias: false, seed: 1), seed: 3)
      let b = batch(convolved(a, 24, kernel: [3, 3], seed: 7), seed: 9)
      return batch(
        upsampled(maxPooling(b, shape: PoolingShape(kernel: [2, 2])), 8, seed: 11),
        seed: 3
      )
    },
    Network("instance normalisation", [2, 1, 16, 12]) { x in
      let a = instance(convolved(x, 16, kernel: [3, 3], seed: 1), seed: 3)
      let b = instance(convolved(a, 40, kernel: [3, 3], seed: 5), seed: 7)
      let c = instance(convolved(b, 40, kernel: [3, 3], stride: 2, seed: 5), seed: 7, slope: 0.2)
      return convolved(upsampled(c, 16, seed: 9), 3, kernel: [1, 1], seed: 11)
    },
    Network("a small U-Net of volumes", [1, 1, 8, 12, 8]) { x in
      let a = instance(convolved(x, 16, kernel: [3, 3, 3], seed: 1), seed: 3)
      let b = instance(convolved(a, 32, kernel: [3, 3, 3], stride: 2, seed: 5), seed: 7)
      let c = concatenation([upsampled(b, 16, seed: 9), a])
      let d = instance(convolved(c, 16, kernel: [3, 3, 3], seed: 11), seed: 13)
      return convolved(d, 4, kernel: [1, 1, 1], seed: 15)
    },
    Network("holes in volumes whose grids differ in size", [2, 8, 7, 13, 18]) { x in
      let a = convolved(x, 20, kernel: [3, 3, 3], dilation: 3, seed: 1)
      let b = instance(convolved(a, 24, kernel: [3, 3, 3], dilation: 2, seed: 3), seed: 5)
      let c = batch(convolved(b, 16, kernel: [3, 3, 3], dilation: 16, seed: 7), seed: 9)
      return convolved(c, 5, kernel: [1, 1, 1], seed: 11)
    },
    Network("holes in images", [1, 16, 21, 34]) { x in
      let a = relu(convolved(x, 16, kernel: [3, 3], dilation: 5, seed: 1))
      return convolved(a, 16, kernel: [3, 3], dilation: 4, seed: 3) + x
    },
    Network("activations after convolutions", [2, 8, 12, 13]) { x in
      let a = elu(convolved(x, 20, kernel: [3, 3], seed: 1))
      let b = gelu(convolved(a, 20, kernel: [3, 3], stride: 2, seed: 3), form: .tanh)
      let c = silu(upsampled(b, 12, seed: 5))
      return sigmoid(convolved(c, 3, kernel: [1, 1], seed: 7))
    },
    Network("activations elsewhere", [2, 8, 12, 13]) { x in
      let a = elu(instance(convolved(x, 20, kernel: [3, 3], seed: 1), seed: 3, slope: 1))
      let b = elu(convolved(a, 20, kernel: [3, 3], seed: 5) + a)
      return gelu(maxPooling(b, shape: PoolingShape(kernel: [2, 2])) * 0.5)
    },
    Network("a convolution added to a normalised map", [2, 8, 12, 13]) { x in
      let a = instance(convolved(x, 20, kernel: [3, 3], stride: 2, seed: 1), seed: 3, slope: 0.2)
      return convolved(
        convolved(x, 20, kernel: [3, 3], stride: 2, seed: 5) + a,
        4,
        kernel: [1, 1],
        seed: 7
      )
    },
    Network("a convolution whose activation is read twice", [1, 8, 12, 13]) { x in
      let a = convolved(x, 16, kernel: [3, 3], seed: 1)
      return convolved(elu(a) + a, 4, kernel: [3, 3], seed: 3)
    },
    Network("parametric rectifiers", [2, 8, 12, 13]) { x in
      let a = instance(convolved(x, 16, kernel: [3, 3], seed: 1), seed: 3, slope: 1)
      let b = parametricReLU(a, slope: Tensor([0.3], shape: [1]))
      let c = parametricReLU(
        convolved(b, 4, kernel: [3, 3], seed: 5),
        slope: Tensor([0.1, 0.2, 1.5, -0.5], shape: [4])
      )
      return parametricReLU(c, slope: Tensor([1.25], shape: [1]))
    },
    Network("joined maps that do not fill blocks", [2, 5, 8, 8]) { x in
      let a = convolved(x, 11, kernel: [3, 3], seed: 1)
      return convolved(concatenation([a, x, a]), 6, kernel: [3, 3], seed: 3)
    },
    Network("residual block", [2, 16, 9, 10]) { x in
      let a = instance(convolved(x, 16, kernel: [3, 3], seed: 1), seed: 3)
      let b = instance(convolved(a, 16, kernel: [3, 3], seed: 5), seed: 7, slope: 1)
      return leakyReLU(b + x, negativeSlope: 0.01)
    },
    Network("residual block with a step", [1, 16, 10, 12]) { x in
      let a = instance(convolved(x, 32, kernel: [3, 3], stride: 2, seed: 1), seed: 3)
      let b = instance(convolved(a, 32, kernel: [3, 3], seed: 5), seed: 7, slope: 1)
      let pooled = averagePooling(x, shape: PoolingShape(kernel: [2, 2]))
      let skip = instance(convolved(pooled, 32, kernel: [1, 1], seed: 9), seed: 11, slope: 1)
      return leakyReLU(b + skip, negativeSlope: 0.01)
    },
    Network("dense block", [1, 16, 9, 8]) { x in
      let a = leakyReLU(convolved(x, 16, kernel: [3, 3], seed: 1), negativeSlope: 0.2)
      let b = leakyReLU(
        convolved(concatenation([x, a]), 16, kernel: [3, 3], seed: 3),
        negativeSlope: 0.2
      )
      let c = convolved(concatenation([x, a, b]), 16, kernel: [3, 3], seed: 5)
      let inner = x + c * 0.2
      return x + inner * 0.2
    },
    Network("noise taken away", [1, 1, 14, 15]) { x in
      let a = relu(convolved(x, 16, kernel: [3, 3], seed: 1))
      return x - convolved(a, 1, kernel: [3, 3], seed: 3)
    },
    Network("a map read before and after its rectifier", [1, 8, 8, 8]) { x in
      let a = convolved(x, 8, kernel: [3, 3], seed: 1)
      return a + relu(a)
    },
    Network("a sum with itself", [1, 8, 8, 8]) { x in
      let a = convolved(x, 8, kernel: [3, 3], seed: 1)
      return (a + a) * 3
    },
    Network("a normalised map read by an operation without kernel", [1, 8, 9, 9]) { x in
      let a = instance(convolved(x, 8, kernel: [3, 3], seed: 1), seed: 3)
      return centerCropped(a, to: [5, 5]) * centerCropped(x, to: [5, 5])
    },
    Network("groups", [1, 16, 9, 9]) { x in
      convolution(
        x,
        weight: random([16, 4, 3, 3], seed: 1),
        bias: nil,
        shape: ConvolutionShape(rank: 2, padding: 1, groups: 4)
      )
    },
    Network("an output read twice", [1, 16, 9, 9]) { x in
      let a = convolved(x, 16, kernel: [1, 1], seed: 1)
      _ = convolved(a, 16, kernel: [3, 3], seed: 1)
      return a
    },
  ]

  @Test("a plan equals the operations one by one", arguments: networks)
  func planEqualsOperations(_ network: Network) {
    let x = Self.random(network.input, seed: 99)
    let expected = Kernels.$current.withValue(ReferenceKernels()) { network.run(x) }
    for usesWinograd in [true, false] {
      var options = InferencePlanOptions()
      options.usesWinograd = usesWinograd
      let plan = InferencePlan(inputShape: x.shape, options: options, network: network.run)
      #expect(plan.outputShape == expected.shape)
      expectClose(plan(x), expected, Self.filtered, "first run")
      expectClose(plan(x), expected, Self.filtered, "second run")
    }
  }

  @Test("a plan gives the same bits for every number of threads", arguments: networks)
  func threadsDoNotMatter(_ network: Network) {
    let x = Self.random(network.input, seed: 99)
    let plan = InferencePlan(inputShape: x.shape, network: network.run)
    let one = Parallelism.$threadCount.withValue(1) { plan(x).values }
    for count in [2, 5] {
      let several = Parallelism.$threadCount.withValue(count) { plan(x).values }
      #expect(several.elementsEqual(one) { $0.bitPattern == $1.bitPattern })
    }
  }

  /// A bfloat16 number has 8 binary digits: 2⁻⁹ of rounding each in input, weight and map; a few
  /// layers, some of which divide by a small deviation, make percents of the largest value of it.
  static let halfError = 0.06
  /// 8-bit integers have 127 steps for the largest input of all, which is several deviations.
  static let integerError = 0.15

  /// The root of the mean squared difference over that of the expected values.
  static func relativeDeviation(_ found: Tensor, from expected: Tensor) -> Double {
    let pairs = zip(found.values, expected.values)
    let error = pairs.reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    let size = expected.values.reduce(0.0) { $0 + Double($1 * $1) }
    return (error / size).squareRoot()
  }

  @Test(
    "plans of low precision stay near the operations, with the same bits for every number of threads",
    arguments: networks,
    [InferencePrecision.bfloat16, .int8]
  )
  func lowPrecision(_ network: Network, _ precision: InferencePrecision) {
    let x = Self.random(network.input, seed: 99)
    let expected = Kernels.$current.withValue(ReferenceKernels()) { network.run(x) }
    var options = InferencePlanOptions()
    options.precision = precision
    options.largestInputs = InferencePlan.largestInputs(
      inputShape: x.shape,
      examples: [x],
      network: network.run
    )
    let limit = precision == .int8 ? Self.integerError : Self.halfError
    // Whatever the processor, maps of either kind.
    for maps in precision == .int8 ? [PlanMaps.wide] : [.half, .wide] {
      options.maps = maps
      let plan = InferencePlan(inputShape: x.shape, options: options, network: network.run)
      let one = Parallelism.$threadCount.withValue(1) { plan(x) }
      #expect(Self.relativeDeviation(one, from: expected) < limit)
      let several = Parallelism.$threadCount.withValue(3) { plan(x).values }
      #expect(several.elementsEqual(one.values) { $0.bitPattern == $1.bitPattern })
    }
  }

  @Test("8-bit integers are used only where examples gave a scale")
  func integersNeedExamples() throws {
    let network = try #require(Self.networks.first { $0.testDescription == "dense block" })
    let x = Self.random(network.input, seed: 99)
    let largest = InferencePlan.largestInputs(
      inputShape: x.shape,
      examples: [x],
      network: network.run
    )
    #expect(largest.count == 3)
    #expect(largest[0] == x.cast(to: .bfloat16).values.map(abs).max())
    func plan(_ precision: InferencePrecision, _ largestInputs: [Float]) -> InferencePlan {
      var options = InferencePlanOptions()
      options.precision = precision
      options.largestInputs = largestInputs
      return InferencePlan(inputShape: x.shape, options: options, network: network.run)
    }
    func kernels(_ plan: InferencePlan) -> [String] {
      plan.profile(x).lines.map(\.name).filter { $0.hasPrefix("direct") }
    }
    #expect(kernels(plan(.int8, largest)) == ["direct bf16", "direct int8", "direct bf16"])
    #expect(kernels(plan(.int8, [])) == kernels(plan(.bfloat16, [])))
    #expect(plan(.int8, [])(x).values == plan(.bfloat16, [])(x).values)
  }

  @Test("a large mean does not drown a small variance")
  func largeMeans() {
    let x = Self.random([1, 8, 12, 12], seed: 5)
    let network: @Sendable (Tensor) -> Tensor = { x in
      let far = Self.convolved(x, 8, kernel: [3, 3], bias: false, seed: 1)
      let shifted = convolution(
        x,
        weight: Tensor(repeating: 0, shape: [8, 8, 3, 3]),
        bias: Tensor(repeating: 3000, shape: [8]),
        shape: ConvolutionShape(rank: 2, padding: 1)
      )
      let ones = Tensor(
        (0..<64).map { $0 % 9 == 0 ? 1 : 0 },
        shape: [8, 8, 1, 1]
      )
      let sum = convolution(
        far + shifted,
        weight: ones,
        bias: nil,
        shape: ConvolutionShape(rank: 2)
      )
      return normalization(sum, extent: .instance, scale: nil, shift: nil).output * 1
    }
    let plan = InferencePlan(inputShape: x.shape, network: network)
    let expected = Kernels.$current.withValue(ReferenceKernels()) { network(x) }
    // Numbers near 3000 have an ulp of 2.4e-4, their deviation is 1.
    expectClose(plan(x), expected, Tolerance(absolute: 2e-3, relative: 0), "normalised")
  }
}
