import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

/// Networks for whole images, of which PyTorch computed prediction, loss and gradients.
@Suite("Networks for whole images")
struct VectorNetworkTests {
  /// A dozen layers in single precision against PyTorch in double.
  private static let close = Tolerance(absolute: 1e-4, relative: 1e-4)

  private static let stored: [StoredNetwork] = {
    var basic = ResNetConfiguration(
      inputChannels: 2,
      outputChannels: 3,
      blocks: [1, 2],
      block: .basic,
      stem: .small
    )
    basic.features = 4
    var bottleneck = ResNetConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      blocks: [2, 1, 1],
      block: .bottleneck
    )
    bottleneck.features = 3
    var leNet = LeNetConfiguration(inputChannels: 1, outputChannels: 3, imageSize: [16, 16])
    (leNet.features, leNet.hidden) = ([3, 4], [6, 5])
    let tests: [(name: String, configuration: NetworkConfiguration)] = [
      ("resnet-basic", .resNet(basic)), ("resnet-bottleneck", .resNet(bottleneck)),
      ("lenet", .leNet(leNet)),
    ]
    return tests.map {
      StoredNetwork(name: $0.name, configuration: $0.configuration, folder: "recognition")
    }
  }()

  @Test("predictions, loss and gradients equal PyTorch's", arguments: stored)
  func pyTorch(_ test: StoredNetwork) throws {
    let (stored, weights) = try test.stored()
    let network = try test.network()
    try network.load(weights, from: test.name)
    let input = try #require(stored["input"])
    let output = try #require(stored["output"])
    expectClose(network(input, in: .inference), output, Self.close)
    expectClose(try PlannedNetwork(network)(input), output, Self.close)
    let scores = network(input, in: Context(.training))
    let loss = (scores * scores).mean(axes: nil)
    expectClose(loss.reshaped([1]), try #require(stored["loss"]), Self.close)
    let found = gradients(of: loss)
    for (name, parameter) in network.namedParameters where parameter.isTrainable {
      let gradient = try #require(found[parameter.key])
      expectClose(gradient, try #require(stored["gradients." + name]), Self.close, name)
    }
  }

  @Test func theCatalogueBuildsEveryNameForLargeAndSmallImages() throws {
    for name in VectorNetworkCatalog.names {
      for side in [28, 96] {
        let configuration = try #require(
          VectorNetworkCatalog.configuration(
            named: name,
            inputChannels: 1,
            outputChannels: 2,
            imageSize: [side, side]
          )
        )
        var random = RandomStream(seed: 1)
        let network = try Parameter.withoutRandomWeights {
          try configuration.makeNetwork(random: &random)
        }
        let vectors = try #require(network as? any VectorNetwork)
        let x = Tensor(repeating: 0.5, shape: [1, 1, side, side])
        let features = vectors.features(x, in: .inference)
        let embedding = vectors.embedding(of: features, in: .inference)
        #expect(features.rank == 4 && embedding.rank == 2, "\(name)")
        #expect(vectors(x, in: .inference).shape == [1, 2], "\(name)")
      }
    }
    #expect(
      VectorNetworkCatalog.configuration(
        named: "nonsense",
        inputChannels: 1,
        outputChannels: 2,
        imageSize: [28, 28]
      ) == nil
    )
  }

  /// The published numbers of trainable values (torchvision's documentation), 3 channels, 1000 classes.
  @Test(arguments: [("resnet18", 11_689_512), ("resnet34", 21_797_672), ("resnet50", 25_557_032)])
  func theNumberOfWeightsIsThePublished(_ name: String, _ count: Int) throws {
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
    #expect(network.trainableCount == count)
  }
}
