import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// Feature maps whose statistics are a picture's style.
public struct StyleFeatures: Sendable {
  /// What they are, for records.
  public let name: String
  /// How many of the maps, the first ones, stand for style; the one after them stands for content.
  let styleCount: Int
  /// A VGG whose convolutions an encoder can take over; nil for others.
  let encoder: StyleEncoder?
  private let find: @Sendable (Tensor) -> [Tensor]

  init(
    name: String,
    styleCount: Int,
    encoder: StyleEncoder? = nil,
    find: @escaping @Sendable (Tensor) -> [Tensor]
  ) {
    (self.name, self.styleCount, self.encoder, self.find) = (name, styleCount, encoder, find)
  }

  /// The maps of pictures.
  /// - Parameter pictures: `[N, 3, H, W]`, 0 to 1.
  /// - Returns: Those of style, then the one of content.
  package func callAsFunction(_ pictures: Tensor) -> [Tensor] { find(pictures) }

  // MARK: - Random

  /// Levels of the pyramid, filters of a level, and their side.
  private static let (levels, filters, window) = (5, 48, 7)

  /// Random filters on a pyramid of the picture, each followed by a ReLU; they need no weights.
  ///
  /// One layer with filters of several sizes is enough for textures (Ustyuzhaninov, Brendel, Gatys
  /// and
  /// Bethge 2016, "Texture synthesis using shallow convolutional networks with random filters").
  /// Here
  /// the sizes come from a pyramid instead of larger filters. A filter's weights sum to 0 in each
  /// colour, so that it sees texture alone; two further maps, of the colours themselves and a
  /// constant,
  /// stand for their means and covariances.
  /// - Parameter seed: Of the filters.
  /// - Returns: The features.
  public static func random(seed: UInt64 = 1) -> StyleFeatures {
    var random = RandomStream(seed: seed).split(0x7374_796C)
    let (size, cells) = ([filters, 3, window, window], window * window)
    let deviation = (2 / Double(3 * cells)).squareRoot()
    let weights = (0..<levels).map { _ in
      let values = (0..<filters * 3).flatMap { _ -> [Float] in
        let drawn = (0..<cells).map { _ in random.normal() * deviation }
        let mean = drawn.reduce(0, +) / Double(cells)
        return drawn.map { Float($0 - mean) }
      }
      return Tensor(values, shape: size)
    }
    return StyleFeatures(name: "random filters, seed \(seed)", styleCount: levels + 2) { pictures in
      var (level, maps) = (pictures * 2 - 1, [Tensor]())
      var colours = [withConstant(level)]
      for (index, weight) in weights.enumerated() {
        if index > 0 {
          guard min(level.shape[2], level.shape[3]) >= 2 * window + 2 else {
            maps.append(maps[index - 1])
            continue
          }
          level = halved(level)
        }
        if index == 2 { colours.append(withConstant(level)) }
        let around = [window / 2, window / 2]
        let mirrored = padded(level, before: around, after: around, mode: .reflect)
        maps.append(
          relu(convolution(mirrored, weight: weight, bias: nil, shape: ConvolutionShape(rank: 2)))
        )
      }
      if colours.count < 2 { colours.append(colours[0]) }
      return maps + colours + [maps[1]]
    }
  }

  /// Smoothed by 1, 3, 3, 1 along both axes, then every second pixel.
  private static func halved(_ x: Tensor) -> Tensor {
    let smooth = PoolingShape(kernel: [2, 2], stride: [1, 1])
    let around = padded(x, before: [1, 1], after: [1, 1], mode: .reflect)
    return averagePooling(
      averagePooling(averagePooling(around, shape: smooth), shape: smooth),
      shape: PoolingShape(kernel: [2, 2])
    )
  }

  private static func withConstant(_ x: Tensor) -> Tensor {
    let ones = Tensor(repeating: 1, shape: [x.shape[0], 1, x.shape[2], x.shape[3]])
    return concatenation([x, ones], axis: 1)
  }

  // MARK: - VGG

  /// Means and deviations of ImageNet's colours, which torchvision's networks expect.
  private static let imageNet = (means: [0.485, 0.456, 0.406], deviations: [0.229, 0.224, 0.225])

  /// A classifier of this program, or a file with a state dictionary of torchvision's VGG.
  /// - Parameter path: A model's name or folder, or a file.
  /// - Returns: The features.
  /// - Throws: `StylizationError.unfitFeatures`; what opening the model or the file throws.
  public static func stored(_ path: String) throws -> StyleFeatures {
    if path.hasSuffix(".pth") || path.hasSuffix(".pt") || path.hasSuffix(".safetensors") {
      return try torchvision(path)
    }
    let package = try ModelStore().model(path)
    let description = package.description
    guard case .vgg(let values) = description.network, let plan = description.plan.recognition,
      plan.channels == 3
    else {
      throw StylizationError.unfitFeatures(
        path: path,
        reason: "it is a \(description.network.name) for \(description.channels.count) channels"
      )
    }
    guard let network = try package.makeNetwork() as? VGG else {
      throw StylizationError.unfitFeatures(path: path, reason: "its network is no VGG")
    }
    return try vgg(
      network,
      values,
      name: description.name,
      path: path,
      means: plan.means,
      deviations: plan.deviations
    )
  }

  private static func torchvision(_ path: String) throws -> StyleFeatures {
    let stored = try StateDictionary(contentsOf: path) { $0.hasPrefix("classifier.") }
    func unfit(_ reason: String) -> StylizationError { .unfitFeatures(path: path, reason: reason) }
    let count = stored.tensors.count { $0.key.hasPrefix("features.") && $0.value.rank == 4 }
    let kinds = [
      8: [1, 1, 2, 2, 2], 10: [2, 2, 2, 2, 2], 13: [2, 2, 3, 3, 3], 16: [2, 2, 4, 4, 4],
    ]
    guard let units = kinds[count] else {
      throw unfit("it has \(count) convolutions named features, not those of a VGG")
    }
    var values = VGGConfiguration(
      inputChannels: 3,
      outputChannels: 1,
      convolutionsPerStage: units,
      hasNormalization: stored.tensors["features.1.weight"] != nil
    )
    // The layers after the features are not used, so they are small.
    (values.pooledSize, values.hiddenFeatures) = (1, 1)
    let network = Parameter.withoutRandomWeights {
      var random = RandomStream(seed: 0)
      return VGG(values, random: &random)
    }
    for (name, parameter) in network.namedParameters where name.hasPrefix("features.") {
      guard let tensor = stored.tensors[name], tensor.shape == parameter.shape else {
        throw unfit("\(name) is missing or not of the shape \(parameter.shape)")
      }
      parameter.value = tensor
    }
    return try vgg(
      network,
      values,
      name: "VGG with \(count) convolutions",
      path: path,
      means: imageNet.means,
      deviations: imageNet.deviations
    )
  }

  /// After Gatys, Ecker and Bethge 2016: style at the first unit of every stage, content at the
  /// second of
  /// the fourth stage, or of the last one that has two.
  private static func vgg(
    _ network: VGG,
    _ values: VGGConfiguration,
    name: String,
    path: String,
    means: [Double],
    deviations: [Double]
  ) throws -> StyleFeatures {
    let layers = Dictionary(uniqueKeysWithValues: network.children.map { ($0.name, $0.layer) })
    let stages = min(values.features.count, 5)
    let contentStage =
      (0..<min(stages, 4)).last { values.convolutionsPerStage[$0] > 1 } ?? min(stages, 4) - 1
    guard means.count == 3, deviations.count == 3, stages > 0 else {
      throw StylizationError.unfitFeatures(path: path, reason: "its colours have no means")
    }
    let scale = Tensor(deviations.map { Float(1 / $0) }, shape: [1, 3, 1, 1])
    let shift = Tensor(zip(means, deviations).map { Float(-$0 / $1) }, shape: [1, 3, 1, 1])
    let encoder = StyleEncoder(network, values, means: means, deviations: deviations)
    return StyleFeatures(name: name, styleCount: stages, encoder: encoder) { pictures in
      var (y, place) = (pictures * scale + shift, 0)
      var (styles, content) = ([Tensor](), [Tensor]())
      let context = Context.inference
      for stage in 0..<stages {
        let units = values.convolutionsPerStage[stage]
        for unit in 0..<units {
          y = layers["features.\(place)"]?(y, in: context) ?? y
          y = layers["features.\(place + 1)"].map { $0(y, in: context) } ?? relu(y)
          place += values.hasNormalization ? 3 : 2
          if unit == 0 { styles.append(y) }
          if stage == contentStage, unit == min(1, units - 1) { content = [y] }
        }
        place += 1
        // A picture too small for a pooling goes on as it is.
        if stage < values.poolings, min(y.shape[2], y.shape[3]) >= 2 {
          y = maxPooling(y, shape: PoolingShape(kernel: [2, 2]))
        }
      }
      return styles + content
    }
  }
}
