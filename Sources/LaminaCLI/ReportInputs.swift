import Evaluation
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Reporting
import Support

/// Results as the report wants them, read from the files that the other verbs wrote.
struct ReportInputs {
  /// What the files do not say.
  struct Options {
    /// The unit of the scans' values; nil for what the scans say.
    var intensityUnit: String?
    /// What is plausible for structures.
    var expectations: [StructureExpectation] = []
  }

  /// The segmented scans on the report's own page, in the order given.
  private(set) var segmentations: [SegmentationReportData] = []
  /// The segmented scans that have pages of their own, in the order given.
  private(set) var linkedCases: [LinkedCase] = []
  /// The evaluations, in the order given.
  private(set) var evaluations: [EvaluationReportData] = []

  /// The training runs, in the order given.
  private(set) var trainings: [TrainingReportData] = []

  /// The benchmarks, in the order given.
  private(set) var benchmarks: [BenchmarkFile] = []

  /// Everything, in the order of the page.
  var items: [ReportItem] {
    segmentations.map(ReportItem.segmentation) + linkedCases.map(ReportItem.linkedCase)
      + evaluations.map(ReportItem.evaluation)
      + trainings.map(ReportItem.training) + benchmarks.map(ReportItem.benchmark)
  }

  /// Reads results.
  ///
  /// More scans than a page shows in pictures get pages of their own, which are handed over as soon
  /// as they are made, so that no more than one scan is held.
  /// - Parameters:
  ///   - paths: Result folders, folders of such, models, files of evaluations and benchmarks.
  ///   - options: What the files do not say.
  ///   - links: Where pages of scans go.
  ///   - progress: Told about each result.
  ///   - interruption: Stops between results.
  /// - Throws: `SupportError.notFound`; `ReportInputError`; what reading throws.
  init(
    _ paths: [String],
    options: Options = Options(),
    links: CasePages,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    progress.begin("reading results", total: paths.count)
    var references: [String: String] = [:]
    var folders: [String] = []
    for (index, path) in paths.enumerated() {
      try interruption.check()
      let isFolder = try FileManager.default.isExistingFolder(path)
      if isFolder, TrainingReportInput.isTraining(path) {
        let (training, evaluation) = try TrainingReportInput.items(path)
        trainings.append(training)
        if let evaluation { evaluations.append(evaluation) }
      } else if isFolder {
        folders += try Self.resultFolders(path)
      } else {
        switch try Self.file(path) {
        case .evaluation(let evaluation):
          for item in evaluation.report.cases {
            references[Self.standard(item.prediction)] = item.reference
          }
          evaluations.append(evaluation)
        case .benchmark(let benchmark): benchmarks.append(benchmark)
        }
      }
      progress.update(index + 1, detail: path)
    }
    progress.end()
    try readScans(folders, references, options, links, progress, interruption)
    addColors()
  }

  /// Reads the segmented scans, with the references of those that were evaluated.
  private mutating func readScans(
    _ folders: [String],
    _ references: [String: String],
    _ options: Options,
    _ links: CasePages,
    _ progress: any ProgressReporter,
    _ interruption: Interruption
  ) throws {
    guard !folders.isEmpty else { return }
    let areLinked = folders.count > ReportBuilder.maximumPictured
    progress.begin("reading scans", total: folders.count)
    for (index, folder) in folders.enumerated() {
      try interruption.check()
      var item = try Self.segmentation(folder, options: options, progress: SilentProgress())
      let file = Self.standard(folder + "/" + CasePairing.resultFileName)
      item.reference = references[file].flatMap { Self.reference($0, of: item) }
      if areLinked {
        linkedCases.append(try links.write(item, number: index + 1))
      } else {
        segmentations.append(item)
      }
      progress.update(index + 1, detail: folder)
    }
    progress.end()
  }

  /// A result folder itself, or the result folders in a batch's folder.
  private static func resultFolders(_ path: String) throws -> [String] {
    func isResult(_ folder: String) -> Bool {
      FileManager.default.fileExists(atPath: folder + "/" + CasePairing.resultFileName)
    }
    let path = path.hasSuffix("/") ? String(path.dropLast()) : path
    if isResult(path) { return [path] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    let folders = names.sorted().map { path + "/" + $0 }.filter(isResult)
    guard !folders.isEmpty else { throw ReportInputError.notAResult(path: path) }
    return folders
  }

  /// Reads a result folder.
  /// - Parameters:
  ///   - folder: The folder.
  ///   - options: What the files do not say.
  ///   - progress: Told about reading the scan.
  /// - Returns: The segmented scan; without the scan's voxels when it cannot be read again.
  /// - Throws: What reading the label map throws.
  static func segmentation(
    _ folder: String,
    options: Options = Options(),
    progress: any ProgressReporter
  ) throws -> SegmentationReportData {
    let record = RunRecord.read(folder + "/" + RunRecord.fileName)
    let file = folder + "/" + CasePairing.resultFileName
    let table = record?.labels ?? LabelTableFile.read(folder + "/labels.json")
    let labelMap = try NIfTIReader.readLabelMap(file, table: table)
    var problems = (record?.problems ?? []).map { "\($0.message) \($0.remedy)" }
    var summary: SeriesSummary?
    let scan = record.flatMap { record in
      do {
        let loaded = try ImageFormats.read(
          record.input,
          selection: record.selection,
          progress: progress
        )
        summary = loaded.summary
        let scan = loaded.volume.asFloat
        if let difference = scan.geometry.difference(from: labelMap.geometry) {
          problems.append(
            "The scan \(record.input) has changed since it was segmented (\(difference)); there "
              + "are no pictures of its slices."
          )
          return Volume<Float>?.none
        }
        return scan
      } catch {
        problems.append(
          "The scan could not be read again, so there are no pictures of its slices: \(error)"
        )
        return nil
      }
    }
    var data = SegmentationReportData(
      caseID: record?.caseID ?? URL(fileURLWithPath: folder).lastPathComponent,
      scan: scan,
      labelMap: labelMap,
      statistics: try StructureStatistics.measure(labelMap, scan: scan),
      provenance: provenance(of: record)
    )
    // Kept by the run alone: the label map does not tell how sure the model was.
    do {
      let stored = try StatisticsFile.read(folder + "/statistics.json")
      data.confidence = Dictionary(
        (stored?.structures ?? []).compactMap { entry in
          entry.uncalibratedConfidence.map { (entry.label, $0) }
        },
        uniquingKeysWith: { first, _ in first }
      )
      data.volumeIntervals = Dictionary(
        (stored?.structures ?? []).compactMap { entry in
          entry.volumeInterval.map { (entry.label, $0) }
        },
        uniquingKeysWith: { first, _ in first }
      )
      data.totals = stored?.totals ?? []
      data.uncertainty = stored?.uncertainty.map {
        UncertaintyReportData(
          statistics: $0,
          map: uncertaintyMap(folder, on: labelMap.geometry)
        )
      }
    } catch {
      problems.append(
        "statistics.json is damaged, so that confidence and sums of volumes are left out."
      )
    }
    let paths = [record?.input, folder].compactMap(\.self)
    data.problems = problems.map { PathNames.shortened($0, known: paths) }
    data.expectations = options.expectations
    // The reader has applied the rescale of DICOM, so that values of CT are Hounsfield units.
    data.intensityUnit = options.intensityUnit ?? (summary?.modality == "CT" ? "HU" : "")
    if let modality = summary?.modality { data.inputFacts = [("Modality", modality)] }
    data.modelCard = record.flatMap { record in
      record.model.path.isEmpty
        ? nil
        : FileManager.default.contents(atPath: record.model.path + "/README.md")
          .map { String(decoding: $0, as: UTF8.self) }
    }
    return data
  }

  /// The map of uncertainty of a result folder; nil where there is none on the labels' grid.
  private static func uncertaintyMap(
    _ folder: String,
    on geometry: ImageGeometry
  ) -> Volume<Float>? {
    let path = folder + "/" + SegmentationRun.Result.uncertaintyName
    // The numbers stand without it.
    guard let map = try? NIfTIReader.read(path).volume.asFloat,
      map.geometry.difference(from: geometry) == nil
    else { return nil }
    return Volume(geometry: geometry, voxels: map.voxels)
  }

  private static func provenance(of record: RunRecord?) -> ProvenanceRecord {
    guard let record else { return ProvenanceRecord(programVersion: Version.current) }
    var provenance = ProvenanceRecord(
      programVersion: record.laminaVersion,
      // Folders may bear patients' names; the page is made to be shown around.
      inputs: [
        .init(
          role: "scan",
          path: URL(fileURLWithPath: record.input).lastPathComponent,
          sha256: record.inputSHA256
        )
      ]
    )
    provenance.modelName = record.model.name
    provenance.modelVersion = record.model.version
    // A classical method has no weights.
    let weights = record.model.weightsSHA256
    provenance.weightsSHA256 = weights.isEmpty ? nil : weights
    provenance.plan = record.model.plan
    provenance.date = try? Date(record.date, strategy: .iso8601)
    provenance.command = record.command
    provenance.elapsedSeconds = record.seconds
    provenance.peakMemoryMB = record.peakMemoryMB
    provenance.threads = record.threads
    provenance.further = [("Precision", record.precision)]
    provenance.further += (record.refinements ?? []).map { ("Refined by", $0.summary) }
    if let hash = record.seedsSHA256 { provenance.further.append(("Seeds, SHA-256", hash)) }
    return provenance
  }

  /// What a file may hold.
  private enum Content {
    case evaluation(EvaluationReportData)
    case benchmark(BenchmarkFile)
  }

  private static func file(_ path: String) throws -> Content {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw SupportError.unreadable(path: path, reason: "the system refuses")
    }
    do {
      return .benchmark(try BenchmarkFile.read(data))
    } catch .invalid(let reason) {
      throw ReportInputError.damagedBenchmark(path: path, reason: reason)
    } catch .foreign {
      return .evaluation(try evaluation(path, data))
    }
  }

  private static func evaluation(_ path: String, _ data: Data) throws -> EvaluationReportData {
    do {
      let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
      return EvaluationReportData(title: name, report: try EvaluationReport(json: data))
    } catch EvaluationError.invalidReport {
      throw ReportInputError.notAResult(path: path)
    }
  }

  /// The reference of an evaluated case, as outlines in its pictures; nil when it is gone or lies on
  /// another grid.
  private static func reference(_ path: String, of item: SegmentationReportData) -> LabelMap? {
    guard let volume = try? ImageFormats.read(path).volume,
      let reference = try? NIfTIReader.labelMap(from: volume, table: [], path: path),
      reference.geometry.difference(from: item.labelMap.geometry) == nil
    else { return nil }
    return reference
  }

  /// Structures of an evaluation have the colours that they have in the segmentations.
  private mutating func addColors() {
    var colors: [String: LabelColor] = [:]
    let tables = segmentations.map(\.labelMap.table) + linkedCases.map(\.table)
    for definition in tables.flatMap({ $0 }) {
      colors["\(definition.id)"] = colors["\(definition.id)"] ?? definition.color
    }
    for index in evaluations.indices where evaluations[index].colors.isEmpty {
      evaluations[index].colors = colors
    }
  }

  /// The path without `.`, `..` and symbolic links, so that two spellings are one.
  private static func standard(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
  }
}

/// What can be wrong with an argument of `lamina report`.
enum ReportInputError: ClassifiedError, Equatable {
  /// The path is neither a result folder nor an evaluation nor a benchmark.
  case notAResult(path: String)
  /// The file says that it is a benchmark, but does not hold what it should.
  case damagedBenchmark(path: String, reason: String)
  /// The file of plausible ranges holds something else.
  case damagedRanges(path: String, reason: String)

  var failure: Failure { .damagedInput }

  var description: String {
    switch self {
    case .notAResult(let path):
      "\(path) is neither a result folder of lamina segment, nor a JSON file of lamina evaluate or "
        + "lamina-bench, nor a model of lamina train; give one of those."
    case .damagedBenchmark(let path, let reason):
      "\(path) is a damaged benchmark: \(reason); measure again."
    case .damagedRanges(let path, let reason):
      "\(path) holds no plausible ranges: \(reason); give a JSON list of {name, volumeML: [low, "
        + "high], position: three such shares, source}."
    }
  }
}
