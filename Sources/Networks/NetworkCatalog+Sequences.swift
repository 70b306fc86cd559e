extension NetworkCatalog {
  /// The architectures that look at sequences.
  static let sequenceNetworks: [NetworkEntry] = [
    NetworkEntry(
      name: "signal-rnn",
      paper: "Hochreiter and Schmidhuber 1997, Schuster and Paliwal 1997",
      example: .signalClassifier(smallSignalClassifier)
    ),
    NetworkEntry(
      name: "clip-rnn",
      paper: "Donahue et al. 2015",
      example: .clipClassifier(smallClipClassifier)
    ),
    NetworkEntry(
      name: "caption-rnn",
      paper: "Xu et al. 2015, Bahdanau, Cho and Bengio 2015",
      example: .captioner(smallCaptioner)
    ),
  ]

  private static var smallSignalClassifier: SignalClassifierConfiguration {
    var values = SignalClassifierConfiguration(
      inputChannels: 1,
      outputChannels: 3,
      samplesPerStep: 8,
      recurrence: RecurrentConfiguration(width: 9)
    )
    values.recurrence.isBidirectional = true
    values.dropoutProbability = 0
    return values
  }

  private static var smallClipClassifier: ClipClassifierConfiguration {
    var values = ClipClassifierConfiguration(inputChannels: 1, outputChannels: 3)
    values.features = [6, 8]
    values.frameFeatures = 12
    values.recurrence = RecurrentConfiguration(width: 10)
    return values
  }

  private static var smallCaptioner: CaptionConfiguration {
    var values = CaptionConfiguration(inputChannels: 1, outputChannels: 5)
    values.features = [6, 8]
    values.gridSize = [3, 4]
    (values.wordFeatures, values.width, values.attentionWidth) = (7, 10, 6)
    values.dropoutProbability = 0
    return values
  }
}
