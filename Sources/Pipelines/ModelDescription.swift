import Foundation
import Imaging
import Networks

/// What a model package's `model.json` says.
public struct ModelDescription: Codable, Sendable, Equatable {
  /// How the weights came about.
  public struct Provenance: Codable, Sendable, Equatable {
    /// The data set's name.
    public var dataset: String
    /// Where the data came from.
    public var source: String
    /// Number of volumes trained on.
    public var trainingCases: Int
    /// Ids of the volumes held out.
    public var heldOut: [String]
    /// The command line that trained it.
    public var command: String
    /// Seed of every random choice; nil where another program trained.
    public var seed: UInt64?
    /// Steps of the optimiser; nil where another program trained.
    public var steps: Int?
    /// Wall time of the training; nil where another program trained.
    public var minutes: Double?
    /// Version of Lamina.
    public var program: String
    /// Day of the training or the import, ISO 8601.
    public var date: String

    package init(
      dataset: String,
      source: String,
      trainingCases: Int,
      heldOut: [String],
      command: String,
      seed: UInt64?,
      steps: Int?,
      minutes: Double?,
      program: String,
      date: String
    ) {
      self.dataset = dataset
      self.source = source
      self.trainingCases = trainingCases
      self.heldOut = heldOut
      self.command = command
      self.seed = seed
      self.steps = steps
      self.minutes = minutes
      self.program = program
      self.date = date
    }
  }

  /// One of several networks whose scores are averaged.
  public struct Member: Codable, Sendable, Equatable {
    /// The name, such as "fold 0".
    public var name: String
    /// The file of its weights.
    public var weights: String

    package init(name: String, weights: String) {
      self.name = name
      self.weights = weights
    }
  }

  /// Networks beside the package's own: of an earlier stage, whose labels are further inputs (nnU-Net's
  /// cascade), or of a companion.
  public struct Stage: Codable, Sendable, Equatable {
    /// The architecture.
    public var network: NetworkConfiguration
    /// What stands between a scan and the network.
    public var plan: ModelPlan
    /// The networks whose scores are averaged.
    public var members: [Member]

    package init(network: NetworkConfiguration, plan: ModelPlan, members: [Member]) {
      self.network = network
      self.plan = plan
      self.members = members
    }
  }

  /// The program and the files that a model was imported from.
  public struct Origin: Codable, Sendable, Equatable {
    /// The format, such as "nnU-Net v2".
    public var format: String
    /// What the source says of itself, such as the trainer's name.
    public var facts: [String: String]
    /// SHA-256 of the imported files by their paths within the source.
    public var files: [String: String]

    package init(format: String, facts: [String: String], files: [String: String]) {
      self.format = format
      self.facts = facts
      self.files = files
    }
  }

  /// A result on cases that the training did not see.
  public struct Result: Codable, Sendable, Equatable {
    /// The structure's name, or "mean".
    public var structure: String
    /// The metric's key, such as "dice".
    public var metric: String
    /// The mean over cases.
    public var mean: Double
    /// The standard deviation over cases.
    public var sd: Double
    /// The number of cases.
    public var cases: Int

    package init(structure: String, metric: String, mean: Double, sd: Double, cases: Int) {
      self.structure = structure
      self.metric = metric
      self.mean = mean
      self.sd = sd
      self.cases = cases
    }
  }

  /// The volume of several structures together, such as the intracranial volume.
  public struct Total: Codable, Sendable, Equatable {
    /// The sum's name, such as "Intracranial volume".
    public var name: String
    /// The labels that it sums.
    public var labels: [Int]
    /// What it is the sum of, in words; nil lists the structures.
    public var definition: String?

    package init(name: String, labels: [Int], definition: String? = nil) {
      self.name = name
      self.labels = labels
      self.definition = definition
    }
  }

  /// Version of this description.
  public var schema = ModelDescription.currentSchema
  /// The package's name.
  public var name: String
  /// The model's own version.
  public var version: String
  /// What it does, one sentence.
  public var summary: String
  /// Names of the input channels, such as "MRI".
  public var channels: [String]
  /// The classes after background, in the order of the network's output.
  public var labels: [LabelDefinition]
  /// The architecture.
  public var network: NetworkConfiguration
  /// What stands between a scan and the network.
  public var plan: ModelPlan
  /// Networks whose scores are averaged; nil for the one in `weights.safetensors`.
  public var members: [Member]?
  /// The stage that runs before, or nil.
  public var previousStage: Stage?
  /// Networks of other plans whose class probabilities are averaged with this one's; nil for none.
  public var companions: [Stage]?
  /// What removes unlikely pieces from label maps on request, or nil.
  public var postprocessing: NNUNetPostprocessing?
  /// Volumes that are reported beside those of the structures; nil for none.
  public var totals: [Total]?
  /// TotalSegmentator's task, or nil: what is done around the network, and its companions.
  public var totalSegmentator: TotalSegmentatorPlan?
  /// Where an imported model comes from; nil for models of Lamina's own.
  public var origin: Origin?
  /// Terms of use.
  public var licence: String
  /// For what the model is meant, and for what not.
  public var intendedUse: String
  /// How the weights came about.
  public var provenance: Provenance
  /// Results on held-out cases.
  public var results: [Result]
  /// What the model computed when it was made; nil for models made before there were self-tests.
  public var selfTest: ModelSelfTest?
  /// SHA-256 of each file of the package by name.
  public var files: [String: String]

  package init(
    name: String,
    version: String,
    summary: String,
    channels: [String],
    labels: [LabelDefinition],
    network: NetworkConfiguration,
    plan: ModelPlan,
    licence: String,
    intendedUse: String,
    provenance: Provenance,
    results: [Result],
    selfTest: ModelSelfTest? = nil,
    files: [String: String]
  ) {
    self.name = name
    self.version = version
    self.summary = summary
    self.channels = channels
    self.labels = labels
    self.network = network
    self.plan = plan
    self.licence = licence
    self.intendedUse = intendedUse
    self.provenance = provenance
    self.results = results
    self.selfTest = selfTest
    self.files = files
  }

  /// The networks whose scores are averaged, at least one.
  public var ensemble: [Member] {
    members ?? [Member(name: "the network", weights: ModelPackage.weightsName)]
  }

  /// The networks beside the package's own: of an earlier stage, of further parts.
  var furtherStages: [Stage] {
    (previousStage.map { [$0] } ?? []) + (companions ?? []) + (totalSegmentator?.stages ?? [])
  }

  /// A scan's file in an example of a command.
  var exampleInput: String { channels.count > 1 ? "CASE_0000.nii.gz" : "SCAN.nii.gz" }

  /// How the files of several channels are named; nil for one channel.
  var channelSentence: String? {
    guard channels.count > 1 else { return nil }
    let files = channels.enumerated().map { number, name in
      "`CASE\(SegmentationDataset.channelSuffix(number)).nii.gz` (\(name))"
    }
    return "Channels are files beside each other, on one grid: \(files.joined(separator: ", "))."
  }

  /// What the model is for.
  public var task: ModelTask {
    if let plan = plan.enhancement { return .enhancement(plan.task) }
    if let plan = plan.recognition { return .recognition(plan.task) }
    if plan.sequence != nil { return .sequence }
    if plan.compression != nil { return .compression }
    if plan.autoencoder != nil { return .autoencoder }
    if plan.stylization != nil { return .stylization }
    return labels.isEmpty ? .start : .segmentation
  }

  /// The schema that this program writes and reads.
  public static let currentSchema = "lamina.model/1"
}
