import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

extension DrawnNetwork {
  /// The networks of classes that torchvision computed predictions with.
  static let torchvision = configurations.map {
    DrawnNetwork(name: $0.0, configuration: $0.1, folder: "torchvision")
  }

  private static let configurations: [(String, NetworkConfiguration)] = [
    ("lenet", .leNet(LeNetConfiguration(inputChannels: 1, outputChannels: 10, inputSize: 28))),
    ("lenet-tanh", .leNet(tanhNet)),
    ("vgg11-bn", .vgg(narrow(.vgg11(outputChannels: 5), [4, 6, 8, 8, 10]))),
    ("vgg16", .vgg(narrow(.vgg16(outputChannels: 5, hasNormalization: false), [4, 6, 8, 8, 10]))),
    ("resnet18", .resNet(.resNet18(outputChannels: 5))),
    ("resnet18-small", .resNet(.resNet18(inputChannels: 1, outputChannels: 5, stem: .small))),
    ("resnet34", .resNet(.resNet34(outputChannels: 5))),
    ("resnet50", .resNet(.resNet50(outputChannels: 5))),
    ("resnet50-small", .resNet(shortResNet)),
    ("densenet121", .denseNet(.denseNet121(outputChannels: 5))),
    ("densenet", .denseNet(shortDenseNet)),
    ("mobilenetv3-small", .mobileNetV3(mobileNet(.small, 1))),
    ("mobilenetv3-large", .mobileNetV3(mobileNet(.large, 1))),
    ("mobilenetv3-narrow", .mobileNetV3(mobileNet(.small, 0.35))),
    ("convnext-tiny", .convNeXt(.tiny(outputChannels: 5))),
    (
      "convnext",
      .convNeXt(
        ConvNeXtConfiguration(
          inputChannels: 3,
          outputChannels: 5,
          features: [8, 12],
          blocksPerStage: [2, 1]
        )
      )
    ),
  ]

  private static var tanhNet: LeNetConfiguration {
    var values = LeNetConfiguration(inputChannels: 3, outputChannels: 4)
    values.activation = .tanh
    values.pooling = .average
    return values
  }

  private static func narrow(_ values: VGGConfiguration, _ features: [Int]) -> VGGConfiguration {
    var values = values
    values.features = features
    values.hiddenFeatures = 12
    return values
  }

  private static var shortResNet: ResNetConfiguration {
    var values = ResNetConfiguration.resNet50(outputChannels: 5, stem: .small)
    values.blocksPerStage = [1, 1, 1, 1]
    return values
  }

  private static var shortDenseNet: DenseNetConfiguration {
    var values = DenseNetConfiguration.denseNet121(outputChannels: 5)
    values.growth = 6
    values.layersPerBlock = [2, 3, 1]
    values.initialFeatures = 10
    return values
  }

  private static func mobileNet(
    _ size: MobileNetV3Configuration.Size,
    _ widthFactor: Double
  ) -> MobileNetV3Configuration {
    var values = MobileNetV3Configuration(outputChannels: 5, size: size)
    values.widthFactor = widthFactor
    return values
  }
}

@Suite("Networks of classes")
struct ClassificationNetworkTests {
  /// Of the largest score: single precision against torchvision's double, through up to 120 layers.
  private static func tolerance(_ expected: Tensor) -> Tolerance {
    Tolerance(absolute: 5e-5 * Double(expected.values.map(abs).max() ?? 1), relative: 5e-5)
  }

  @Test(
    "predictions equal torchvision's from the same state dictionary",
    arguments: DrawnNetwork.torchvision
  )
  func predictions(_ test: DrawnNetwork) throws {
    let (stored, found) = try test.stored()
    var weights = found
    // What torchvision's files hold beside the weights.
    weights.tensors["bn1.num_batches_tracked"] = Tensor([7], shape: [])
    let network = try test.network()
    try network.load(weights, names: test.names)
    let input = try #require(stored["input"])
    let expected = try #require(stored["output"])
    expectClose(network(input, in: .inference), expected, Self.tolerance(expected), "by layers")
    // Winograd's filtering loses about two decimal digits of single precision's seven.
    expectClose(
      try PlannedNetwork(network)(input),
      expected,
      Tolerance(absolute: 1e-4 * Double(expected.values.map(abs).max() ?? 1), relative: 1e-4),
      "planned"
    )
  }

  @Test("scores are the last layer's of the embedding of the features")
  func parts() throws {
    // Networks of sequences have features of another kind.
    let sequences = ["signal-rnn", "clip-rnn", "caption-rnn"]
    for entry in NetworkCatalog.all
    where entry.example.output == .vector && !sequences.contains(entry.name) {
      let test = NamedConfiguration(entry.name, entry.example)
      let network = try #require(try test.network() as? any VectorNetwork)
      let (images, _) = test.batch(for: network)
      let features = network.features(images, in: .inference)
      #expect(features.rank == 4 && features.shape[0] == images.shape[0])
      let embedding = network.embedding(of: features, in: .inference)
      #expect(embedding.rank == 2 && embedding.shape[0] == images.shape[0])
      let scores = network.scores(of: embedding, in: .inference)
      #expect(scores.values == network(images, in: .inference).values)
    }
  }

  @Test("samples do not see each other in prediction")
  func samples() throws {
    for entry in NetworkCatalog.all where entry.example.output == .vector {
      let test = NamedConfiguration(entry.name, entry.example)
      let network = try test.network()
      let (images, _) = test.batch(for: network)
      let all = network(images, in: .inference)
      let last = network(images.sliced(axis: 0, start: 5, end: 6), in: .inference)
      expectClose(
        last,
        all.sliced(axis: 0, start: 5, end: 6),
        Tolerance(absolute: 1e-5, relative: 1e-5),
        entry.name
      )
    }
  }

  @Test("blocks that are left out at random keep the mean, and only while training")
  func stochasticDepth() throws {
    var values = ConvNeXtConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      features: [4],
      blocksPerStage: [2]
    )
    values.layerScale = 1
    values.stochasticDepth = 0.5
    var random = RandomStream(seed: 1)
    let network = ConvNeXt(values, random: &random)
    let one = Tensor((0..<64).map { Float($0 % 7) }, shape: [1, 1, 8, 8])
    let many = concatenation([Tensor](repeating: one, count: 400), axis: 0)
    let kept = network.features(one, in: .inference)
    let found = network.features(many, in: Context(.training, random: RandomStream(seed: 2)))
    // The first block is always there; with the second, or without, two results are possible.
    let size = kept.count
    let kinds = Set((0..<400).map { found.values[$0 * size] })
    #expect(kinds.count == 2)
    let mean = (0..<400).reduce(0) { $0 + found.values[$1 * size] } / 400
    let spread = (kinds.max() ?? 0) - (kinds.min() ?? 0)
    // Of 400 draws, each one or the other; four standard deviations of the mean.
    #expect(abs(mean - kept.values[0]) < 0.1 * spread)
  }

  static let invalid: [NetworkConfiguration] = {
    func changed<Values>(_ values: Values, _ change: (inout Values) -> Void) -> Values {
      var values = values
      change(&values)
      return values
    }
    let leNet = LeNetConfiguration(inputChannels: 1, outputChannels: 2)
    let vgg = VGGConfiguration.vgg11(outputChannels: 2)
    let resNet = ResNetConfiguration.resNet18(outputChannels: 2)
    let denseNet = DenseNetConfiguration.denseNet121(outputChannels: 2)
    let mobileNet = MobileNetV3Configuration(outputChannels: 2, size: .small)
    let convNeXt = ConvNeXtConfiguration.tiny(outputChannels: 2)
    return [
      .leNet(changed(leNet) { $0.inputChannels = 0 }),
      .leNet(changed(leNet) { $0.inputSize = 15 }),
      .leNet(changed(leNet) { $0.inputSize = .max }),
      .leNet(changed(leNet) { $0.features = [6] }),
      .leNet(changed(leNet) { $0.hiddenFeatures = [120, 0] }),
      .leNet(changed(leNet) { $0.padding = -1 }),
      .vgg(changed(vgg) { $0.outputChannels = 0 }),
      .vgg(changed(vgg) { $0.features = [] }),
      .vgg(changed(vgg) { $0.convolutionsPerStage = [1] }),
      .vgg(changed(vgg) { $0.poolings = 6 }),
      .vgg(changed(vgg) { $0.pooledSize = 0 }),
      .vgg(changed(vgg) { $0.hiddenFeatures = 0 }),
      .vgg(changed(vgg) { $0.dropoutProbability = .nan }),
      .vgg(
        changed(vgg) {
          $0.pooledSize = 32; $0.hiddenFeatures = 65536
        }
      ),
      .resNet(changed(resNet) { $0.blocksPerStage = [] }),
      .resNet(changed(resNet) { $0.blocksPerStage = [2, 0, 2, 2] }),
      .resNet(changed(resNet) { $0.features = 0 }),
      .resNet(changed(resNet) { $0.features = .max }),
      .denseNet(changed(denseNet) { $0.growth = 0 }),
      .denseNet(changed(denseNet) { $0.growth = .max }),
      .denseNet(changed(denseNet) { $0.layersPerBlock = [] }),
      .denseNet(changed(denseNet) { $0.bottleneck = 0 }),
      .denseNet(changed(denseNet) { $0.initialFeatures = 0 }),
      .denseNet(changed(denseNet) { $0.dropoutProbability = 1 }),
      .mobileNetV3(changed(mobileNet) { $0.widthFactor = 0 }),
      .mobileNetV3(changed(mobileNet) { $0.widthFactor = .infinity }),
      .mobileNetV3(changed(mobileNet) { $0.dropoutProbability = -0.1 }),
      .convNeXt(changed(convNeXt) { $0.features = [96] }),
      .convNeXt(changed(convNeXt) { $0.patchSize = 0 }),
      .convNeXt(changed(convNeXt) { $0.layerScale = .nan }),
      .convNeXt(changed(convNeXt) { $0.stochasticDepth = 1 }),
    ]
  }()

  @Test("impossible configurations are refused", arguments: invalid.indices)
  func invalidConfigurations(_ index: Int) throws {
    var random = RandomStream(seed: 1)
    let error = #expect(throws: NetworksError.self) {
      try Self.invalid[index].makeNetwork(random: &random)
    }
    #expect(error?.failure == .damagedInput)
  }
}

@Suite("Networks of classes by name")
struct VectorNetworkCatalogTests {
  private static func network(_ name: String, _ size: [Int]) throws -> NetworkConfiguration {
    try #require(
      VectorNetworkCatalog.configuration(
        named: name,
        inputChannels: 1,
        outputChannels: 3,
        imageSize: size
      ),
      "\(name)"
    )
  }

  @Test("every name makes a network for small and for large images")
  func names() throws {
    for name in VectorNetworkCatalog.names {
      for size in [[12, 12], [28, 28], [33, 64], [224, 200]] {
        let configuration = try Self.network(name, size)
        #expect(configuration.output == .vector)
        #expect(configuration.inputChannels == 1 && configuration.outputChannels == 3)
      }
      #expect(
        VectorNetworkCatalog.configuration(
          named: name,
          inputChannels: 1,
          outputChannels: 3,
          imageSize: [7, 64]
        ) == nil
      )
    }
    for name in ["", "resnet", "resnet19", "vgg11-", "vgg11-small", "lenet-small", "unet"] {
      #expect(
        VectorNetworkCatalog.configuration(
          named: name,
          inputChannels: 1,
          outputChannels: 3,
          imageSize: [64, 64]
        ) == nil,
        "\(name)"
      )
    }
  }

  @Test(
    "the smallest images pass through",
    arguments: ["lenet", "resnet18", "vgg16", "densenet121", "mobilenetv3-small", "convnext-tiny"]
  )
  func smallImages(_ name: String) throws {
    let size = name == "lenet" ? 12 : 8
    let configuration = try Self.network(name, [size, size])
    var random = RandomStream(seed: 1)
    let network = try Parameter.withoutRandomWeights {
      try configuration.makeNetwork(random: &random)
    }
    let x = Tensor(repeating: 1, shape: [2, 1, size, size])
    #expect(network(x, in: .inference).shape == [2, 3])
  }

  @Test("the image's size decides the stem")
  func stems() throws {
    #expect(
      try Self.network("resnet18", [64, 64])
        == .resNet(.resNet18(inputChannels: 1, outputChannels: 3, stem: .small))
    )
    #expect(
      try Self.network("resnet18", [65, 65])
        == .resNet(.resNet18(inputChannels: 1, outputChannels: 3, stem: .standard))
    )
    #expect(try Self.network("resnet18-small", [224, 224]) == Self.network("resnet18", [28, 28]))
    guard case .vgg(let small) = try Self.network("vgg16-bn", [28, 28]),
      case .vgg(let large) = try Self.network("vgg16", [224, 224])
    else {
      Issue.record("no VGG")
      return
    }
    // 28 pixels halved three times are 3, four times 1.
    #expect(small.poolings == 3 && small.pooledSize == 1 && small.hasNormalization)
    #expect(large == .vgg16(inputChannels: 1, outputChannels: 3, hasNormalization: false))
  }

  @Test("the networks have as many weights as torchvision's")
  func weights() throws {
    // torchvision's pages give these for 3 channels and 1000 classes.
    let expected = [
      "resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032,
      "densenet121": 7_978_856, "mobilenetv3-small": 2_542_856, "mobilenetv3-large": 5_483_032,
      "convnext-tiny": 28_589_128, "vgg11": 132_863_336,
    ]
    for (name, count) in expected {
      let configuration = try #require(
        VectorNetworkCatalog.configuration(
          named: name,
          inputChannels: 3,
          outputChannels: 1000,
          imageSize: [224, 224]
        )
      )
      var random = RandomStream(seed: 1)
      let network = try Parameter.withoutRandomWeights {
        try configuration.makeNetwork(random: &random)
      }
      #expect(network.weightCount == count, "\(name)")
    }
  }
}
