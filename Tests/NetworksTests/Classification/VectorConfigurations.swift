import Networks
import Support
import Tensors

extension NamedConfiguration {
  /// Each switch of the networks of classes thrown once.
  static var vectorVariants: [NamedConfiguration] {
    var tanhNet = LeNetConfiguration(inputChannels: 2, outputChannels: 4, inputSize: 28)
    tanhNet.activation = .tanh
    tanhNet.pooling = .average
    var plain = VGGConfiguration(
      inputChannels: 2,
      outputChannels: 4,
      convolutionsPerStage: [1, 1, 2],
      hasNormalization: false
    )
    plain.features = [6, 8, 9]
    plain.poolings = 1
    plain.pooledSize = 1
    plain.hiddenFeatures = 24
    plain.dropoutProbability = 0.2
    var basic = ResNetConfiguration(
      inputChannels: 3,
      outputChannels: 4,
      block: .basic,
      blocksPerStage: [2, 1]
    )
    basic.features = 9
    var dense = DenseNetConfiguration(
      inputChannels: 2,
      outputChannels: 4,
      growth: 5,
      layersPerBlock: [2, 1]
    )
    dense.dropoutProbability = 0.1
    var large = MobileNetV3Configuration(inputChannels: 2, outputChannels: 4, size: .large)
    large.widthFactor = 0.2
    var deep = ConvNeXtConfiguration(
      inputChannels: 2,
      outputChannels: 4,
      features: [8, 12, 9],
      blocksPerStage: [1, 1, 1]
    )
    deep.patchSize = 2
    deep.layerScale = 1
    return [
      NamedConfiguration("lenet-tanh", .leNet(tanhNet)),
      NamedConfiguration("vgg-plain", .vgg(plain)),
      NamedConfiguration("resnet-basic", .resNet(basic)),
      NamedConfiguration("densenet-standard", .denseNet(dense)),
      NamedConfiguration("mobilenetv3-large", .mobileNetV3(large)),
      NamedConfiguration("convnext-patches", .convNeXt(deep)),
    ]
  }

  /// Six images of an uneven size, noise with a bright square at the left, at the right, or without.
  func vectorBatch() -> (images: Tensor, labels: LabelTensor) {
    var random = RandomStream(seed: 2)
    let (samples, rows, columns) = (6, 40, 32)
    let channels = configuration.inputChannels
    let images = (0..<samples * channels * rows * columns).map { index -> Float in
      let sample = index / (channels * rows * columns)
      let (row, column) = (index / columns % rows, index % columns)
      let start = sample % 3 == 1 ? 4 : 20
      let isInside =
        sample % 3 > 0 && (8..<24).contains(row) && (start..<start + 8).contains(column)
      return (isInside ? 2 : 0) + Float(random.normal()) * 0.3
    }
    return (
      Tensor(images, shape: [samples, channels, rows, columns]),
      LabelTensor((0..<samples).map { Int32($0 % 3) }, shape: [samples])
    )
  }
}
