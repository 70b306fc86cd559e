import Foundation
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

/// A configuration with a readable name in test results.
struct NamedConfiguration: Sendable, CustomTestStringConvertible {
  let name: String
  let configuration: NetworkConfiguration
  var testDescription: String { name }

  init(_ name: String, _ configuration: NetworkConfiguration) {
    self.name = name
    self.configuration = configuration
  }

  /// Every example of the catalogue, and each switch of the architectures thrown once.
  static let all: [NamedConfiguration] =
    NetworkCatalog.all.map { NamedConfiguration($0.name, $0.example) } + variants
    + segmentationVariants + vectorVariants

  private static var variants: [NamedConfiguration] {
    func unet(
      _ name: String,
      dimensions: Int = 2,
      features: [Int] = [4, 9, 12],
      change: (inout UNetConfiguration) -> Void = { _ in }
    ) -> NamedConfiguration {
      var configuration = UNetConfiguration(
        inputChannels: 2,
        outputChannels: 3,
        features: features,
        dimensions: dimensions
      )
      change(&configuration)
      return NamedConfiguration("unet-" + name, .unet(configuration))
    }
    var fcn = FCNConfiguration(
      inputChannels: 3,
      outputChannels: 4,
      features: [4, 6, 8, 8],
      convolutionsPerStage: [1, 2, 2, 3],
      classifierFeatures: 10
    )
    fcn.normalization = .instance
    func nnUNet(change: (inout NNUNetConfiguration) -> Void) -> NNUNetConfiguration {
      var configuration = NNUNetConfiguration(
        inputChannels: 2,
        outputChannels: 3,
        features: [4, 8, 9],
        dimensions: 2,
        unitsPerStage: [1, 2, 3],
        decoderUnitsPerStage: [2, 1]
      )
      change(&configuration)
      return configuration
    }
    let uneven = nnUNet {
      $0.kernelSizes = [[1, 3, 3], [3, 3, 3], [3, 3, 3]]
      $0.strides = [[1, 1, 1], [1, 2, 2], [2, 2, 2]]
    }
    return [
      unet("three-stages"),
      unet("one-stage", features: [5]),
      unet("3d", dimensions: 3, features: [4, 8]),
      unet("3d-stride", dimensions: 3, features: [4, 8]) { $0.downsampling = .stride },
      unet("stride") { $0.downsampling = .stride },
      unet("batch") { $0.normalization = .batch },
      unet("none") { $0.normalization = .none },
      unet("one-convolution") { $0.convolutionsPerStage = 1 },
      unet("dropout") { $0.dropoutProbability = 0.3 },
      NamedConfiguration("fcn-four-stages", .fcn(fcn)),
      NamedConfiguration("plain-uneven", .plainConvUNet(uneven)),
      NamedConfiguration("residual-uneven", .residualEncoderUNet(uneven)),
      NamedConfiguration("plain-no-bias", .plainConvUNet(nnUNet { $0.hasBias = false })),
      NamedConfiguration(
        "residual-batch",
        .residualEncoderUNet(
          nnUNet {
            $0.normalization = .batch
            $0.features = [4, 8]
            $0.kernelSizes.removeLast()
            $0.strides.removeLast()
            $0.unitsPerStage.removeLast()
            $0.decoderUnitsPerStage.removeLast()
          }
        )
      ),
      NamedConfiguration(
        "residual-same-channels",
        .residualEncoderUNet(nnUNet { $0.features = [6, 6, 6] })
      ),
    ]
  }

  /// The shape of the output for images; of detections, three grids of cells.
  func outputShape(_ images: Tensor, _ network: any Network) -> [Int] {
    if case .yolo(let values) = configuration {
      let cells = values.strides.map { (images.shape[2] / $0) * (images.shape[3] / $0) }
      return [images.shape[0], 4 * values.bins + values.classes, cells.reduce(0, +)]
    }
    if let regions {
      // The coarsest level is every other cell of the one before.
      let cells = regions.strides.map { stride in
        images.shape[2...].map { ($0 + stride - 1) / stride }.reduce(1, *)
      }
      return [images.shape[0], 5, regions.aspectRatios.count * cells.reduce(0, +)]
    }
    let scores = [images.shape[0], configuration.outputChannels]
    return configuration.output == .vector
      ? scores : scores + images.shape.dropFirst(2).map { $0 * network.outputScale }
  }

  /// The values of a detector in two stages.
  var regions: RegionNetworkConfiguration? {
    switch configuration {
    case .fasterRCNN(let values), .maskRCNN(let values): values
    default: nil
    }
  }

  func network(seed: UInt64 = 1) throws -> any Network {
    var random = RandomStream(seed: seed)
    return try configuration.makeNetwork(random: &random)
  }

  /// Two samples of bright squares on noise, and where the squares are; of an uneven size.
  ///
  /// For networks that give one vector, see `vectorBatch`.
  func batch(for network: any Network) -> (images: Tensor, labels: LabelTensor) {
    if configuration.output == .vector { return vectorBatch() }
    var random = RandomStream(seed: 2)
    let multiple = max(4, network.sizeMultiple)
    let size = [2 * multiple] + [Int](repeating: multiple, count: configuration.dimensions - 1)
    let space = size.reduce(1, *)
    let channels = configuration.inputChannels
    let labels = (0..<2 * space).map { Int32($0 % space < space / 3 ? 1 : 0) }
    let images = (0..<2 * channels * space).map { index -> Float in
      let pixel = index / (channels * space) * space + index % space
      return Float(labels[pixel]) + Float(random.normal()) * 0.3
    }
    return (
      Tensor(images, shape: [2, channels] + size), enlarged(labels, size, network.outputScale)
    )
  }

  /// What training lowers, of a network's output for images.
  func loss(of network: any Network, _ images: Tensor, _ labels: LabelTensor, _ context: Context)
    -> Tensor
  {
    if let codec = network as? ImageCodec { return loss(of: codec, images, context) }
    guard let network = network as? RegionNetwork else {
      return loss(network(images, in: context), labels)
    }
    // The upper third and the lower half of each image as regions, the first of class 2.
    let (rows, columns) = (Float(images.shape[2]), Float(images.shape[3]))
    let regions = (0..<4).map {
      ImageRegion(
        image: $0 / 2,
        edges: $0 % 2 == 0 ? [0, 0, columns, rows / 3] : [0, rows / 2, columns, rows]
      )
    }
    let pyramid = network.pyramid(images, in: context)
    let anchors = network.anchors(pyramid, in: context)
    let found = network.boxes(pyramid, regions, in: context)
    var sum = crossEntropy(found.scores, labels: LabelTensor([2, 0, 2, 0], shape: [4]))
    for part in [anchors, found.shifts]
      + [network.masks(pyramid, regions, in: context)].compactMap(\.self)
    {
      sum = sum + squaredLoss(part, target: Tensor(repeating: 0.5, shape: part.shape))
    }
    return sum
  }

  /// The error of what comes back, and how far a code lies from the middle of its distribution.
  private func loss(of codec: ImageCodec, _ images: Tensor, _ context: Context) -> Tensor {
    func factors(_ parameter: Parameter) -> Tensor {
      (0..<codec.configuration.rates).dropFirst().reduce(
        codec.factors(parameter, rate: 0, in: context)
      ) { $0 + codec.factors(parameter, rate: $1, in: context) }
    }
    let code = codec.code(of: images, in: context) * factors(codec.gain)
    let restored = codec.image(of: code * factors(codec.inverseGain), in: context)
    let spread = code * factors(codec.logScale).reciprocal()
    return squaredLoss(restored, target: images)
      + squaredLoss(spread, target: Tensor(repeating: 0, shape: spread.shape)) * 0.01
  }

  /// A loss of labels, or of the box around them.
  private func loss(_ output: Tensor, _ labels: LabelTensor) -> Tensor {
    if configuration.output == .vector { return crossEntropy(output, labels: labels) }
    guard case .yolo(let values) = configuration else {
      return SegmentationLoss.crossEntropyAndDice(output, labels: labels)
    }
    // The upper third, told by the first cell of each grid.
    let (rows, columns) = (labels.shape[1], labels.shape[2])
    let grid = DetectionTargets.Grid(imageSize: [rows, columns], strides: values.strides)
    let first = values.strides.map { stride in grid.stride.firstIndex(of: Float(stride)) ?? 0 }
    let positives = (0..<2).flatMap { image in
      first.map { cell in
        DetectionTargets.Positive(
          image: image,
          cell: cell,
          label: 1,
          box: SIMD4(0, 0, Float(columns), Float(rows) / 3),
          score: 0.9
        )
      }
    }
    return detectionLoss(
      output,
      targets: DetectionTargets(positives: positives),
      grid: grid,
      bins: values.bins
    )
  }

  /// Labels at the size of the output, each pixel repeated.
  private func enlarged(_ labels: [Int32], _ size: [Int], _ scale: Int) -> LabelTensor {
    let large = size.map { $0 * scale }
    let repeated = (0..<2 * large.reduce(1, *)).map { index -> Int32 in
      var (rest, place, step) = (index, 0, 1)
      for axis in size.indices.reversed() {
        place += rest % large[axis] / scale * step
        rest /= large[axis]
        step *= size[axis]
      }
      return labels[rest * step + place]
    }
    return LabelTensor(repeated, shape: [2] + large)
  }
}

/// What every network must fulfil.
@Suite("Network catalogue")
struct NetworkCatalogTests {
  @Test("names are unique and match the configurations")
  func names() {
    #expect(Set(NetworkCatalog.all.map(\.name)).count == NetworkCatalog.all.count)
    for entry in NetworkCatalog.all { #expect(entry.example.name == entry.name) }
  }

  @Test(
    "the output has a score for each class, of each pixel or image",
    arguments: NamedConfiguration.all
  )
  func outputShape(_ test: NamedConfiguration) throws {
    let network = try test.network()
    let (images, _) = test.batch(for: network)
    for context in [Context(.training), Context.inference] {
      let scores = network(images, in: context)
      #expect(scores.shape == test.outputShape(images, network))
      #expect(scores.values.allSatisfy { $0.isFinite })
      #expect(scores.isTracked == (context.mode == .training))
    }
  }

  @Test("every trainable parameter gets a gradient", arguments: NamedConfiguration.all)
  func gradientsReachParameters(_ test: NamedConfiguration) throws {
    let network = try test.network()
    let (images, labels) = test.batch(for: network)
    let loss = test.loss(of: network, images, labels, Context(.training))
    let found = gradients(of: loss)
    let named = network.namedParameters
    #expect(Set(named.map(\.name)).count == named.count)
    for (name, parameter) in named {
      let gradient = found[parameter.key]
      #expect((gradient != nil) == parameter.isTrainable, "\(name)")
      #expect(gradient.map { $0.shape == parameter.shape } ?? true, "\(name)")
      #expect(gradient.map { $0.values.allSatisfy { $0.isFinite } } ?? true, "\(name)")
    }
  }

  @Test("a few steps lower the loss of a toy problem", arguments: NamedConfiguration.all)
  func training(_ test: NamedConfiguration) throws {
    let network = try test.network()
    let (images, labels) = test.batch(for: network)
    let context = Context(.training, random: RandomStream(seed: 3))
    var optimizer = Optimizer(.defaultAdamW, parameters: network.namedParameters)
    var losses: [Float] = []
    for _ in 0..<25 {
      let loss = test.loss(of: network, images, labels, context)
      losses.append(loss.scalar)
      optimizer.step(gradients(of: loss), learningRate: 0.01, clipNorm: 12)
    }
    #expect(losses[24] < 0.6 * losses[0], "\(losses)")
  }

  @Test("predictions do not depend on the number of threads", arguments: NamedConfiguration.all)
  func threads(_ test: NamedConfiguration) throws {
    let network = try test.network()
    let (images, _) = test.batch(for: network)
    let one = Parallelism.$threadCount.withValue(1) { network(images, in: .inference).values }
    let two = Parallelism.$threadCount.withValue(2) { network(images, in: .inference).values }
    #expect(one == two)
  }

  @Test("the fast kernels predict what the reference kernels do", arguments: NamedConfiguration.all)
  func reference(_ test: NamedConfiguration) throws {
    let network = try test.network()
    let (images, _) = test.batch(for: network)
    let fast = network(images, in: .inference)
    let slow = Kernels.$current.withValue(ReferenceKernels()) { network(images, in: .inference) }
    // A dozen layers, each of which adds its rounding.
    expectClose(fast, slow, Tolerance(absolute: 1e-4, relative: 1e-4))
  }

  @Test("the seed decides the weights", arguments: NamedConfiguration.all)
  func seeds(_ test: NamedConfiguration) throws {
    let first = try test.network(seed: 1).weights.encoded()
    let (again, other) = (try test.network(seed: 1), try test.network(seed: 2))
    #expect(try again.weights.encoded() == first)
    #expect(try other.weights.encoded() != first)
  }

  @Test("stored weights give the same predictions", arguments: NamedConfiguration.all)
  func weightsRoundTrip(_ test: NamedConfiguration) throws {
    let (source, target) = (try test.network(seed: 1), try test.network(seed: 2))
    let (images, _) = test.batch(for: source)
    _ = source(images, in: Context(.training))
    let folder = try TemporaryFolder()
    let path = folder.file("weights.safetensors")
    try source.weights.encoded().write(to: URL(fileURLWithPath: path))
    try target.load(Safetensors(contentsOf: path), from: path)
    #expect(target(images, in: .inference).values == source(images, in: .inference).values)
  }

  @Test("configurations survive JSON", arguments: NamedConfiguration.all)
  func json(_ test: NamedConfiguration) throws {
    let data = try JSONEncoder().encode(test.configuration)
    #expect(try JSONDecoder().decode(NetworkConfiguration.self, from: data) == test.configuration)
  }

  @Test("an unknown name in JSON is a missing component")
  func unknownName() throws {
    let data = Data(#"{"name": "nonsense", "configuration": {}}"#.utf8)
    let expected = NetworksError.unknownNetwork(
      name: "nonsense",
      known: NetworkCatalog.all.map(\.name)
    )
    #expect(throws: expected) { try JSONDecoder().decode(NetworkConfiguration.self, from: data) }
    #expect(expected.failure == .missingComponent)
  }
}
