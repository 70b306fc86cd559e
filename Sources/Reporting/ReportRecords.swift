import Evaluation
import Foundation
import Imaging
import Support

/// What made an output: program, model, inputs and run.
public struct ProvenanceRecord: Sendable {
  /// An input file or folder.
  public struct Input: Sendable {
    /// What it is, such as "scan" or "reference".
    public var role: String
    /// The path, as it was given.
    public var path: String
    /// SHA-256 in hexadecimal, when it is known.
    public var sha256: String?

    /// Creates an input.
    /// - Parameters:
    ///   - role: What it is.
    ///   - path: The path, as it was given.
    ///   - sha256: SHA-256 in hexadecimal.
    public init(role: String, path: String, sha256: String? = nil) {
      self.role = role
      self.path = path
      self.sha256 = sha256
    }
  }

  /// The model's name.
  public var modelName: String?
  /// The model's version.
  public var modelVersion: String?
  /// The hash of the model's weights.
  public var weightsSHA256: String?
  /// The inputs.
  public var inputs: [Input]
  /// The seed of everything random.
  public var seed: UInt64?
  /// The plan in a few words, such as "2-D slices of 64 x 64, coronal".
  public var plan: String?
  /// The version of the program that ran.
  public var programVersion: String
  /// When the run ended.
  public var date: Date?
  /// The command to repeat the run.
  public var command: String?
  /// The run's wall time, s.
  public var elapsedSeconds: Double?
  /// The run's peak memory, MB.
  public var peakMemoryMB: Double?
  /// The number of threads.
  public var threads: Int?
  /// Further facts, in order.
  public var further: [(name: String, value: String)]

  /// Creates a record; what is unknown stays nil and is left out of the page.
  /// - Parameters:
  ///   - programVersion: The version of the program that ran.
  ///   - inputs: The inputs.
  public init(programVersion: String, inputs: [Input] = []) {
    self.programVersion = programVersion
    self.inputs = inputs
    further = []
  }
}

/// A segmented scan.
public struct SegmentationReportData: Sendable {
  /// The case's name.
  public var caseID: String
  /// The scan.
  public var scan: Volume<Float>?
  /// The segmentation.
  public var labelMap: LabelMap
  /// A reference on the same grid, shown as white outlines.
  public var reference: LabelMap?
  /// The measurements.
  public var statistics: [StructureStatistics]
  /// The unit of the scan's values, such as "HU"; empty for arbitrary ones.
  public var intensityUnit: String
  /// What is plausible for the structures; without any, volumes and positions are not judged.
  public var expectations: [StructureExpectation]
  /// The mean probability that the model gave to the voxels of a structure, by label; uncalibrated.
  public var confidence: [Int: Double]
  /// Where the true volume of a structure lies in most cases, by label.
  public var volumeIntervals: [Int: VolumeIntervals.Interval]
  /// How unsure the model was; nil where it was not asked for.
  public var uncertainty: UncertaintyReportData?
  /// Volumes of several structures together, such as the intracranial volume.
  public var totals: [VolumeTotal]
  /// Facts about the input, such as modality and description, in order; no patient's data.
  public var inputFacts: [(name: String, value: String)]
  /// What the user should know.
  public var problems: [String]
  /// What moved the scores of structures, by method: pictures with what is said of them.
  public var explanations:
    [(heading: String, note: String, pictures: [RecognitionReportData.Picture])]
  /// What made it.
  public var provenance: ProvenanceRecord
  /// The model card, Markdown.
  public var modelCard: String?

  /// Creates the data of a segmented scan.
  /// - Parameters:
  ///   - caseID: The case's name.
  ///   - scan: The scan; without it there are no pictures.
  ///   - labelMap: The segmentation.
  ///   - statistics: The measurements.
  ///   - provenance: What made it.
  public init(
    caseID: String,
    scan: Volume<Float>?,
    labelMap: LabelMap,
    statistics: [StructureStatistics],
    provenance: ProvenanceRecord
  ) {
    self.caseID = caseID
    self.scan = scan
    self.labelMap = labelMap
    self.statistics = statistics
    self.provenance = provenance
    intensityUnit = ""
    expectations = []
    confidence = [:]
    volumeIntervals = [:]
    totals = []
    inputFacts = []
    problems = []
    explanations = []
  }
}

/// An evaluation against references.
public struct EvaluationReportData: Sendable {
  /// What was compared, such as "Held-out volumes".
  public var title: String
  /// The evaluation.
  public var report: EvaluationReport
  /// The structures' colours by key; others get default colours.
  public var colors: [String: LabelColor]
  /// What made it.
  public var provenance: ProvenanceRecord?

  /// Creates the data of an evaluation.
  /// - Parameters:
  ///   - title: What was compared.
  ///   - report: The evaluation.
  ///   - colors: The structures' colours by key.
  ///   - provenance: What made it.
  public init(
    title: String,
    report: EvaluationReport,
    colors: [String: LabelColor] = [:],
    provenance: ProvenanceRecord? = nil
  ) {
    self.title = title
    self.report = report
    self.colors = colors
    self.provenance = provenance
  }
}

/// A training run.
public struct TrainingReportData: Sendable {
  /// A slice of a scan with labels on it.
  public struct SliceRecord: Sendable {
    /// The slice, a volume of one axial slice.
    public let scan: Volume<Float>
    /// What the network made of it.
    public let labels: LabelMap
    /// The reference.
    public let reference: LabelMap
    /// The caption, such as "step 400".
    public let caption: String
    /// Whether it is a picture, without sides of a patient and without millimetres.
    public let isPicture: Bool

    /// Creates a slice.
    /// - Parameters:
    ///   - scan: The slice, a volume of one axial slice; values from 0, black, to 255, white.
    ///   - labels: What the network made of it, on the same grid.
    ///   - reference: The reference, on the same grid.
    ///   - caption: The caption.
    ///   - isPicture: Whether it is a picture, without sides of a patient and without millimetres.
    public init(
      scan: Volume<Float>,
      labels: LabelMap,
      reference: LabelMap,
      caption: String,
      isPicture: Bool = false
    ) {
      self.scan = scan
      self.labels = labels
      self.reference = reference
      self.caption = caption
      self.isPicture = isPicture
    }
  }

  /// A group of curves that share an axis, such as losses.
  public struct Curves: Sendable {
    /// What the axis shows.
    public var title: String
    /// The lines.
    public var lines: [ReportChart.Line]
    /// The horizontal axis, such as "epoch".
    public var xLabel: String

    /// Creates curves.
    /// - Parameters:
    ///   - title: What the axis shows.
    ///   - lines: The lines.
    ///   - xLabel: The horizontal axis.
    public init(title: String, lines: [ReportChart.Line], xLabel: String) {
      self.title = title
      self.lines = lines
      self.xLabel = xLabel
    }
  }

  /// The model's name.
  public var modelName: String
  /// Facts about the run, such as network and cases, in order.
  public var facts: [(name: String, value: String)]
  /// The learning curves.
  public var curves: [Curves]
  /// Where the time went: what, seconds.
  public var timings: [(name: String, seconds: Double)] = []
  /// One slice of a held-out scan with what the network made of it along the run.
  public var progress: [SliceRecord] = []
  /// Slices of the held-out scans that came out worst, the worst first.
  public var worst: [SliceRecord] = []
  /// What the user should know.
  public var problems: [String]
  /// What made it.
  public var provenance: ProvenanceRecord
  /// The model card, Markdown.
  public var modelCard: String?

  /// Creates the data of a training run.
  /// - Parameters:
  ///   - modelName: The model's name.
  ///   - facts: Facts about the run, in order.
  ///   - curves: The learning curves.
  ///   - provenance: What made it.
  public init(
    modelName: String,
    facts: [(name: String, value: String)],
    curves: [Curves],
    provenance: ProvenanceRecord
  ) {
    self.modelName = modelName
    self.facts = facts
    self.curves = curves
    self.provenance = provenance
    problems = []
  }
}

/// One result on a page.
public enum ReportItem: Sendable {
  case segmentation(SegmentationReportData)
  case linkedCase(LinkedCase)
  case evaluation(EvaluationReportData)
  case training(TrainingReportData)
  case benchmark(BenchmarkFile)
}
