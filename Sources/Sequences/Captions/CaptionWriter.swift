import Foundation
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// Writes sentences about images, with a model of Lamina's.
public struct CaptionWriter: Sendable {
  /// A word, and where was looked for it.
  public struct Word: Sendable {
    /// The word.
    public let text: String
    /// The share of each place, rows from the top; sums of 1.
    public let attention: [Float]
  }

  /// The result for one input.
  public struct Result: Codable, Sendable, Equatable {
    /// The input's name.
    public let id: String
    /// The sentence.
    public let caption: String
    /// The mean natural logarithm of a word's probability; the end of the sentence counts as a word unless
    /// it was cut at the largest number of words.
    public let logarithm: Double
  }

  /// A sentence with its words' places.
  public struct Shown: Sendable {
    /// The result.
    public let result: Result
    /// The words.
    public let words: [Word]
    /// Rows and columns of places.
    public let gridSize: [Int]
    /// The image as the network sees it, grey levels 0 to 255; of several channels their mean.
    public let grey: [UInt8]
    /// Its rows and columns.
    public let size: [Int]
  }

  /// The model.
  public let model: ModelPackage
  private let plan: SequencePlan.Captions
  private let network: CaptionNetwork
  private let search: BeamSearch

  /// Loads a model, whose files are checked against their hashes.
  /// - Parameters:
  ///   - model: The model.
  ///   - beams: Sentences side by side; the model's own number when nil.
  /// - Throws: `SequencesError.otherTask`; `PipelinesError.damagedModel`; `LayersError`.
  public init(_ model: ModelPackage, beams: Int? = nil) throws {
    guard var plan = model.description.plan.sequence?.captions else {
      throw SequencesError.otherTask(
        model: model.description.name,
        task: model.description.plan.summary,
        wanted: "writing sentences about images"
      )
    }
    guard let network = try model.makeNetwork() as? CaptionNetwork else {
      throw SequencesError.otherTask(
        model: model.description.name,
        task: model.description.network.name,
        wanted: "writing sentences about images"
      )
    }
    plan.beams = beams ?? plan.beams
    self.model = model
    self.plan = plan
    self.network = network
    search = BeamSearch(network: network, plan: plan)
  }

  /// Writes a sentence.
  /// - Parameters:
  ///   - path: A picture, or a volume where the model sees volumes.
  ///   - labels: The image's label map, for a model that sees one beside the image.
  ///   - id: The input's name in the result.
  /// - Returns: The sentence, its words and where was looked.
  /// - Throws: `RecognitionError.unsuitableImage` for an image of another kind, and where a label map is
  ///   missing, too many or not on the image's grid; `SequencesError.infiniteScores`;
  ///   what reading throws.
  public func write(_ path: String, labels: String? = nil, id: String) throws -> Shown {
    let images = plan.images
    guard (labels != nil) == (images.labelMap != nil) else {
      throw RecognitionError.unsuitableImage(
        path: labels ?? path,
        reason: labels == nil
          ? "\(model.description.name) sees a label map beside an image; name it with --labels"
          : "\(model.description.name) sees images without label maps; leave out --labels"
      )
    }
    var source: LabelledImages.Source
    if let stack = images.stack {
      source = .stack(path, stack)
    } else {
      guard FileManager.default.fileExists(atPath: path) else {
        throw SupportError.notFound(path: path)
      }
      guard case .some(.picture) = LabelledImages.sources(path, slicesPerVolume: 1).first?.source
      else {
        throw RecognitionError.unsuitableImage(
          path: path,
          reason: "it is no picture, and the model sees pictures"
        )
      }
      source = .picture(path)
    }
    if let labels, let channels = images.labelMap {
      source = .labelled(source, map: labels, channels)
    }
    let image = try LabelledImages.Item(id: id, source: source, classes: []).read()
    try images.check(image, path: path, model: model.description.name)
    let values = images.fitted(image).values
    let input = Tensor(values, shape: [1, images.channels, images.height, images.width])
    guard let found = search.sentence(input) else {
      throw SequencesError.infiniteScores(model: model.description.name)
    }
    let words = found.words.map { plan.words[$0] }
    let area = images.height * images.width
    let grey = (0..<area).map { place -> UInt8 in
      let sum = (0..<images.imageChannels).reduce(Float(0)) { sum, channel in
        sum + values[channel * area + place] * Float(images.deviations[channel])
          + Float(images.means[channel])
      }
      let mean = sum / Float(images.imageChannels)
      return mean.isFinite ? UInt8((255 * min(max(mean, 0), 1)).rounded()) : 0
    }
    return Shown(
      result: Result(
        id: id,
        caption: CaptionWords.sentence(words),
        logarithm: found.logarithm / Double(max(1, found.scored))
      ),
      words: zip(words, found.attention).map { Word(text: $0, attention: $1) },
      gridSize: network.configuration.gridSize,
      grey: grey,
      size: images.imageSize
    )
  }

  /// Measures on images with sentences.
  /// - Parameters:
  ///   - data: The images.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  /// - Returns: The results, and what could not be read.
  /// - Throws: `SequencesError.noCaptions` for images of the other kind, `.infiniteScores`;
  ///   `RecognitionError.noImages`; `SupportError.interrupted`.
  public func evaluate(
    _ data: CaptionDataset,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (evaluation: CaptionEvaluation, problems: [String]) {
    guard data.areVolumes == (plan.images.stack != nil) else {
      throw SequencesError.noCaptions(
        path: data.name,
        reason: "it names \(data.areVolumes ? "volumes" : "pictures"), and "
          + "\(model.description.name) sees the others"
      )
    }
    guard data.labelMaps.isEmpty == (plan.images.labelMap == nil) else {
      throw SequencesError.noCaptions(
        path: data.name,
        reason: plan.images.labelMap == nil
          ? "it has a column of label maps, and \(model.description.name) sees images alone"
          : "it has no column of label maps, which \(model.description.name) sees beside images"
      )
    }
    let fitted = try FittedImages(
      data.with(plan.images.stack, plan.images.labelMap),
      plan: plan.images,
      progress: progress,
      interruption: interruption
    ).with(plan.images)
    var captions: [[String]] = []
    progress.begin("writing about \(fitted.count) images", total: fitted.count)
    for index in 0..<fitted.count {
      try interruption.check()
      guard let found = search.sentence(fitted.batch([index])) else {
        throw SequencesError.infiniteScores(model: model.description.name)
      }
      captions.append(found.words.map { plan.words[$0] })
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    return (
      CaptionEvaluation(
        ids: fitted.items.map(\.id),
        captions: captions,
        references: fitted.items.map { data.captions[$0.id] ?? [] },
        baselines: []
      ), data.problems + fitted.problems
    )
  }
}
