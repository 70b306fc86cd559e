import Foundation
import Layers
import Networks
import Support
import Tensors

/// A network that another program exported: weights, one input, the output that it gave.
package struct ExportedNetwork {
  /// The network with its weights.
  package let network: any Network
  /// All but the network.
  package let arrays: ExportedArrays

  private struct Facts: Decodable {
    let input: [Int]
    let output: [Int]
    let convolutionGFLOP: Double
    let network: NetworkConfiguration?
  }

  /// Reads `FOLDER/networks.json` and `FOLDER/NAME.{safetensors,input.npy,output.npy}`.
  /// - Parameters:
  ///   - name: The network's name in the folder.
  ///   - folder: The folder.
  /// - Throws: `SupportError`, `BenchError`, `LayersError` or `NetworksError` for files that are
  ///   missing, damaged or do not fit.
  package init(_ name: String, in folder: String) throws {
    let base = URL(fileURLWithPath: folder)
    func path(_ file: String) -> String { base.appendingPathComponent(file).path }
    let factsPath = path("networks.json")
    guard let data = FileManager.default.contents(atPath: factsPath) else {
      throw SupportError.notFound(path: factsPath)
    }
    let all: [String: Facts]
    do {
      all = try JSONDecoder().decode([String: Facts].self, from: data)
    } catch let error as any ClassifiedError {
      throw error
    } catch {
      throw BenchError.damagedFacts(
        path: factsPath,
        reason: "it is not JSON of networks with input, output and convolutionGFLOP"
      )
    }
    guard let facts = all[name] else {
      throw BenchError.unknownNetwork(name: name, known: all.keys.sorted())
    }
    guard let configuration = facts.network ?? BenchNetworks.configuration(named: name) else {
      throw BenchError.unknownArchitecture(name: name, known: BenchNetworks.beginnings)
    }
    arrays = ExportedArrays(
      input: try Self.array(path(name + ".input.npy"), shape: facts.input),
      output: try Self.array(path(name + ".output.npy"), shape: facts.output),
      gigaflop: facts.convolutionGFLOP
    )
    var random = RandomStream(seed: 0)
    let network = try Parameter.withoutRandomWeights {
      try configuration.makeNetwork(random: &random)
    }
    let size = facts.input.dropFirst(2)
    guard facts.input.count == configuration.dimensions + 2,
      facts.input[1] == configuration.inputChannels,
      size.allSatisfy({ $0 > 0 && $0 % network.sizeMultiple == 0 })
    else {
      throw BenchError.damagedFacts(
        path: factsPath,
        reason: "the input \(facts.input) of \(name) does not fit a \(configuration.name) of "
          + "\(configuration.inputChannels) channels, whose sizes are multiples of "
          + "\(network.sizeMultiple)"
      )
    }
    let expected: [Int]
    if case .yolo(let values) = configuration {
      let cells = values.strides.map { step in size.map { $0 / step }.reduce(1, *) }
      expected = [facts.input[0], 4 * values.bins + values.classes, cells.reduce(0, +)]
    } else {
      expected =
        [facts.input[0], configuration.outputChannels]
        + (network is any VectorNetwork ? [] : size.map { $0 * network.outputScale })
    }
    guard facts.output == expected else {
      throw BenchError.unfitArray(
        path: path(name + ".output.npy"),
        expected: expected,
        found: facts.output
      )
    }
    let weights = path(name + ".safetensors")
    try network.load(Safetensors(contentsOf: weights, names: .pyTorch), from: weights)
    self.network = network
  }

  private static func array(_ path: String, shape: [Int]) throws -> Tensor {
    let array = try NPYFile.tensor(contentsOf: path)
    guard array.shape == shape else {
      throw BenchError.unfitArray(path: path, expected: shape, found: array.shape)
    }
    return array
  }
}

/// What comes with an exported network.
package struct ExportedArrays {
  /// The input, `[N, C, spatial…]`.
  package let input: Tensor
  /// The expected output.
  package let output: Tensor
  /// Billions of multiplications and additions of the convolutions for one input.
  package let gigaflop: Double
}

/// The networks that engines are compared on, by the beginnings of their exports' names.
package enum BenchNetworks {
  private static let all: [(beginning: String, configuration: NetworkConfiguration)] = [
    (
      "unet2d_",
      .classicUNet(
        ClassicUNetConfiguration(
          inputChannels: 3,
          outputChannels: 1,
          features: [32, 64, 128, 256, 512]
        )
      )
    ),
    (
      "plain2d_",
      .plainConvUNet(
        nnUNet(2, 5, [32, 64, 128, 256, 512, 512, 512, 512], units: nil, decoderUnits: 2)
      )
    ),
    (
      "plain3d_",
      .plainConvUNet(nnUNet(3, 25, [32, 64, 128, 256, 320, 320], units: nil, decoderUnits: 2))
    ),
    (
      "resencM_",
      .residualEncoderUNet(
        nnUNet(
          3,
          25,
          [32, 64, 128, 256, 320, 320],
          units: [1, 3, 4, 6, 6, 6],
          decoderUnits: 1
        )
      )
    ),
    ("rrdb_", .rrdb(RRDBConfiguration())),
    ("dncnn_", .dnCNN(DnCNNConfiguration())),
    (
      "resnet50_",
      .resNet(.resNet50(inputChannels: 3, outputChannels: 1000))
    ),
    ("yolo_", .yolo(YOLOConfiguration(.nano, inputChannels: 3, classes: 80))),
  ]

  /// What names may begin with.
  package static var beginnings: [String] { all.map(\.beginning) }

  /// The network of an export's name, or nil.
  package static func configuration(named name: String) -> NetworkConfiguration? {
    all.first { name.hasPrefix($0.beginning) }?.configuration
  }

  private static func nnUNet(
    _ dimensions: Int,
    _ classes: Int,
    _ features: [Int],
    units: [Int]?,
    decoderUnits: Int
  ) -> NNUNetConfiguration {
    var configuration = NNUNetConfiguration(
      inputChannels: 1,
      outputChannels: classes,
      features: features,
      dimensions: dimensions,
      unitsPerStage: units ?? features.map { _ in 2 },
      decoderUnitsPerStage: features.dropFirst().map { _ in decoderUnits }
    )
    // Exports hold the heads of all stages.
    configuration.hasDeepSupervision = true
    return configuration
  }
}
