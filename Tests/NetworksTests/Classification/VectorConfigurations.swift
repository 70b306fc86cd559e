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
    var mean = ClipClassifierConfiguration(inputChannels: 1, outputChannels: 4)
    mean.features = [6, 8]
    mean.frameFeatures = 12
    mean.joining = .mean
    var gated = SignalClassifierConfiguration(
      inputChannels: 2,
      outputChannels: 3,
      samplesPerStep: 8,
      recurrence: RecurrentConfiguration(width: 10)
    )
    gated.recurrence.cell = .gru
    gated.recurrence.layers = 2
    gated.recurrence.isBidirectional = true
    gated.dropoutProbability = 0
    return [
      NamedConfiguration("clip-mean", .clipClassifier(mean)),
      NamedConfiguration("signal-gru", .signalClassifier(gated)),
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
    // Clips of four frames, in which the square shows from the second on.
    let frames = configuration.dimensions == 3 ? 4 : 1
    let (samples, rows, columns) = (6, 40, 32)
    let channels = configuration.inputChannels
    let area = rows * columns
    let images = (0..<samples * channels * frames * area).map { index -> Float in
      let sample = index / (channels * frames * area)
      let (row, column) = (index % area / columns, index % columns)
      let start = sample % 3 == 1 ? 4 : 20
      let isInside =
        sample % 3 > 0 && (8..<24).contains(row) && (start..<start + 8).contains(column)
        && (frames == 1 || index / area % frames > 0)
      return (isInside ? 2 : 0) + Float(random.normal()) * 0.3
    }
    let size = (frames > 1 ? [frames] : []) + [rows, columns]
    return (
      Tensor(images, shape: [samples, channels] + size),
      LabelTensor((0..<samples).map { Int32($0 % 3) }, shape: [samples])
    )
  }
}
