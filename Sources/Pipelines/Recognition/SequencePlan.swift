import Networks

/// What stands between a sequence and a network that tells its class: saved with the weights.
///
/// Exactly one of `beats`, `clips` and `captions` is there. The classes are the labels of the model's
/// description, in the order of the network's outputs; of captions there are none.
public struct SequencePlan: Codable, Sendable, Equatable {
  /// Windows about the beats of an electrocardiogram.
  public struct Beats: Codable, Sendable, Equatable {
    /// Samples a second that the network sees; records of other frequencies are interpolated.
    public var samplingHz = 180.0
    /// The leads by name, in the order of the network's channels.
    public var leads: [String]
    /// Divides each lead, in the record's unit.
    public var deviations: [Double]
    /// The window's start before the beat, s.
    public var secondsBefore = 0.3
    /// Steps of the network.
    public var steps = 15
    /// Samples of a step.
    public var samplesPerStep = 9

    /// Creates a plan of windows of 0.75 s.
    /// - Parameter leads: The leads by name.
    public init(leads: [String]) {
      self.leads = leads
      deviations = leads.map { _ in 1 }
    }

    /// The window's end after the beat, s.
    public var secondsAfter: Double { Double(samples) / samplingHz - secondsBefore }
    /// Samples of the window.
    public var samples: Int { steps * samplesPerStep }
  }

  /// Sequences of images.
  public struct Clips: Codable, Sendable, Equatable {
    /// How each frame is seen.
    public var frames: RecognitionPlan
    /// Longer clips are thinned out evenly to so many frames.
    public var maximumFrames: Int

    /// Creates a plan.
    /// - Parameters:
    ///   - frames: How each frame is seen.
    ///   - maximumFrames: Longer clips are thinned out evenly to so many frames.
    public init(frames: RecognitionPlan, maximumFrames: Int) {
      self.frames = frames
      self.maximumFrames = maximumFrames
    }
  }

  /// Sentences about images.
  public struct Captions: Codable, Sendable, Equatable {
    /// The marks that come before the words: start, end and an unknown word.
    public static let marks = ["<start>", "<end>", "<unk>"]

    /// How each image is seen.
    public var images: RecognitionPlan
    /// What the network's outputs stand for: `marks`, then the words.
    public var words: [String]
    /// Sentences end after so many words.
    public var maximumWords: Int
    /// Sentences that are kept side by side while one is written.
    public var beams = 4

    /// Creates a plan.
    /// - Parameters:
    ///   - images: How each image is seen.
    ///   - words: What the network's outputs stand for.
    ///   - maximumWords: Sentences end after so many words.
    public init(images: RecognitionPlan, words: [String], maximumWords: Int) {
      self.images = images
      self.words = words
      self.maximumWords = maximumWords
    }
  }

  /// Version of this description.
  public var version = 1
  /// Windows about beats, or nil.
  public var beats: Beats?
  /// Sequences of images, or nil.
  public var clips: Clips?
  /// Sentences about images, or nil.
  public var captions: Captions?
  /// Scores are divided by it before the softmax.
  public var temperature = 1.0

  /// Creates a plan for beats.
  /// - Parameter beats: The windows.
  public init(beats: Beats) { self.beats = beats }

  /// Creates a plan for clips.
  /// - Parameter clips: The sequences of images.
  public init(clips: Clips) { self.clips = clips }

  /// Creates a plan for captions.
  /// - Parameter captions: The sentences.
  public init(captions: Captions) { self.captions = captions }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  public func check() throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    try require(version == 1, "its version is \(version), this program knows 1")
    let kinds = [beats != nil, clips != nil, captions != nil].count { $0 }
    try require(kinds == 1, "it is for \(kinds) of beats, clips and captions")
    try require(temperature > 0 && temperature.isFinite, "temperature is \(temperature)")
    if let beats {
      try require(
        (20...10_000).contains(beats.samplingHz),
        "samplingHz is \(beats.samplingHz)"
      )
      try require(
        (1...64).contains(beats.leads.count) && Set(beats.leads).count == beats.leads.count
          && beats.deviations.count == beats.leads.count
          && beats.deviations.allSatisfy { $0 > 0 && $0.isFinite },
        "leads \(beats.leads) and deviations \(beats.deviations) do not go together"
      )
      try require(
        (1...10_000).contains(beats.steps) && (4...10_000).contains(beats.samplesPerStep)
          && (0...60).contains(beats.secondsBefore) && (0...60).contains(beats.secondsAfter),
        "its window has \(beats.steps) steps of \(beats.samplesPerStep) samples, the first "
          + "\(beats.secondsBefore) s before the beat"
      )
    }
    if let clips {
      try clips.frames.check()
      try require(
        (1...10_000).contains(clips.maximumFrames),
        "maximumFrames is \(clips.maximumFrames)"
      )
    }
    if let captions {
      try captions.images.check(allowsLabelMap: true)
      let (words, marks) = (captions.words, Captions.marks)
      try require(
        words.count > marks.count && Array(words.prefix(marks.count)) == marks
          && Set(words).count == words.count && !words.contains(""),
        "its \(words.count) words are none for captions"
      )
      try require(
        (1...1000).contains(captions.maximumWords) && (1...64).contains(captions.beams),
        "sentences of \(captions.maximumWords) words, \(captions.beams) side by side"
      )
    }
  }

  /// Checks that a network suits the plan.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - channels: Channels of an input.
  ///   - labels: Classes.
  /// - Throws: `PipelinesError.invalidPlan` naming what does not fit.
  func check(_ network: NetworkConfiguration, channels: Int, labels: Int) throws(PipelinesError) {
    // The intervals between beats are one channel more.
    let wanted =
      beats.map { $0.leads.count + 1 } ?? clips?.frames.channels ?? captions?.images.channels ?? 0
    let outputs = captions?.words.count ?? labels
    let suits: Bool
    switch network {
    case .signalClassifier(let values):
      suits = beats.map { $0.samplesPerStep == values.samplesPerStep } ?? false
    case .clipClassifier: suits = clips != nil
    case .captioner: suits = captions != nil && labels == 0
    default: suits = false
    }
    guard suits, network.inputChannels == wanted, network.outputChannels == outputs, channels == 1
    else {
      throw .invalidPlan(
        reason: "the network \(network.name) of \(network.inputChannels) channels and "
          + "\(network.outputChannels) classes is none for \(summary) and \(labels) classes"
      )
    }
  }

  /// Steps and samples, or rows and columns.
  var patchSize: [Int] {
    beats.map { [$0.steps, $0.samplesPerStep] } ?? clips?.frames.imageSize
      ?? captions?.images.imageSize ?? [1, 1]
  }

  /// The plan in a few words.
  public var summary: String {
    if let beats {
      return "beats of an electrocardiogram, leads \(beats.leads.joined(separator: ", "))"
    }
    let size = patchSize.map(String.init).joined(separator: " x ")
    if let captions { return "sentences of \(captions.words.count) words about images at \(size)" }
    return "sequences of up to \(clips?.maximumFrames ?? 0) images at \(size)"
  }
}
