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
}
