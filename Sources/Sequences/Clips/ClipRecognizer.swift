import Networks
import Pipelines
import Recognition
import Support

/// Says what clips show, with a model of Lamina's.
public struct ClipRecognizer: Sendable {
  /// A class with its probability.
  public struct Finding: Codable, Sendable, Equatable {
    /// The class.
    public let name: String
    /// Its probability, 0 to 1.
    public let probability: Double
  }

  /// The result for one clip.
  public struct Result: Codable, Sendable, Equatable {
    /// The clip's name.
    public let id: String
    /// Frames that were seen.
    public let frames: Int
    /// The classes, most probable first.
    public let findings: [Finding]
  }

  /// The model.
  public let model: ModelPackage
  private let plan: SequencePlan
  private let clips: SequencePlan.Clips
  private let network: any Network

  /// The classes.
  public var classNames: [String] { model.description.labels.map(\.name) }

  /// Loads a model, whose files are checked against their hashes.
  /// - Parameter model: The model.
  /// - Throws: `SequencesError.otherTask`; `PipelinesError.damagedModel`; `LayersError`.
  public init(_ model: ModelPackage) throws {
    guard let plan = model.description.plan.sequence, let clips = plan.clips else {
      throw SequencesError.otherTask(
        model: model.description.name,
        task: model.description.plan.summary,
        wanted: "telling what image sequences show"
      )
    }
    self.model = model
    self.plan = plan
    self.clips = clips
    network = try model.makeNetwork()
  }

  /// Says what a clip shows.
  /// - Parameters:
  ///   - path: A folder of pictures, or a volume.
  ///   - id: The clip's name in the result.
  /// - Returns: The classes with their probabilities.
  /// - Throws: `SequencesError.unsuitableClip` for colours that a model of grey frames would not see, and as
  ///   reading does; `.infiniteScores`.
  public func recognize(_ path: String, id: String) throws -> Result {
    let (row, frames) = try probabilities(path)
    let order = row.indices.sorted { (row[$0], $1) > (row[$1], $0) }
    return Result(
      id: id,
      frames: frames,
      findings: order.map {
        Finding(name: classNames[$0], probability: (row[$0] * 1e6).rounded() / 1e6)
      }
    )
  }

  /// Measures on labelled clips.
  /// - Parameters:
  ///   - data: The clips, whose classes are matched by name.
  ///   - split: Which of them; all when nil.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  /// - Returns: The results, and clips that were left out, one sentence each.
  /// - Throws: `SequencesError.otherClasses`, `.nothingToUse`; `SupportError.interrupted`.
  public func evaluate(
    _ data: ClipDataset,
    split: LabelledImages.Split?,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (evaluation: ClassificationEvaluation, problems: [String]) {
    let names = classNames
    let unknown = data.classNames.filter { !names.contains($0) }
    guard unknown.isEmpty else {
      throw SequencesError.otherClasses(path: data.name, unknown: unknown, known: names)
    }
    let items = data.items.filter { split == nil || $0.split == split }
    var (rows, truths) = ([[Double]](), [ClassificationEvaluation.Truth]())
    var problems = data.problems
    progress.begin("looking at \(items.count) clips", total: items.count)
    for (index, item) in items.enumerated() {
      try interruption.check()
      do {
        rows.append(try probabilities(item.path).row)
        let label = names.firstIndex(of: data.classNames[item.label]) ?? 0
        truths.append(.init(id: item.id, classes: [label]))
      } catch let error as any ClassifiedError {
        problems.append("\(item.id) was left out. \(error.description)")
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    guard !rows.isEmpty else {
      throw SequencesError.nothingToUse(
        path: data.name,
        reason: problems.first ?? "it has no clips of the split"
      )
    }
    return (
      ClassificationEvaluation(rows, truths: truths, plan: plan.scoring, classNames: names),
      problems
    )
  }

  private func probabilities(_ path: String) throws -> (row: [Double], frames: Int) {
    let frames = try ClipReader.read(path, maximum: clips.maximumFrames)
    let values = frames.lazy.flatMap(\.values).filter(\.isFinite)
    guard let first = values.first, values.contains(where: { $0 != first }) else {
      throw SequencesError.unsuitableClip(
        path: path,
        reason: "none of its frames shows anything: they are constant, or nowhere finite"
      )
    }
    guard
      clips.frames.channels == 3 || clips.frames.takesColours == true
        || !frames.contains(where: \.hasColours)
    else {
      throw SequencesError.unsuitableClip(
        path: path,
        reason: "it has colours, and \(model.description.name) sees grey frames; convert it first"
      )
    }
    let scores = try clips.scores(of: network, clips.values(frames), frames: frames.count)
    return (plan.scoring.probabilities(scores), frames.count)
  }
}
