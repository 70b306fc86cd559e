import Evaluation
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Reporting
import Support

/// Results as the report wants them, read from the files that the other verbs wrote.
struct ReportInputs {
  /// The segmented scans, in the order given.
  private(set) var segmentations: [SegmentationReportData] = []
  /// The evaluations, in the order given.
  private(set) var evaluations: [EvaluationReportData] = []

  /// The training runs, in the order given.
  private(set) var trainings: [TrainingReportData] = []

  /// The benchmarks, in the order given.
  private(set) var benchmarks: [BenchmarkFile] = []

  /// Everything, in the order of the page.
  var items: [ReportItem] {
    segmentations.map(ReportItem.segmentation) + evaluations.map(ReportItem.evaluation)
      + trainings.map(ReportItem.training) + benchmarks.map(ReportItem.benchmark)
  }

  /// Reads results.
  /// - Parameters:
  ///   - paths: Result folders, folders of such, models, files of evaluations and benchmarks.
  ///   - progress: Told about each result.
  ///   - interruption: Stops between results.
  /// - Throws: `SupportError.notFound`; `ReportInputError`; what reading throws.
  init(
    _ paths: [String],
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    progress.begin("reading results", total: paths.count)
    var references: [String: String] = [:]
    var folders: [String] = []
    for (index, path) in paths.enumerated() {
      try interruption.check()
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
        throw SupportError.notFound(path: path)
      }
      if isFolder.boolValue, TrainingReportInput.isTraining(path) {
        let (training, evaluation) = try TrainingReportInput.items(path)
        trainings.append(training)
        if let evaluation { evaluations.append(evaluation) }
      } else if isFolder.boolValue {
        for folder in try Self.resultFolders(path) {
          segmentations.append(try Self.segmentation(folder, progress: progress))
          folders.append(folder)
        }
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
    addReferences(references, folders: folders)
    addColors()
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
  ///   - progress: Told about reading the scan.
  /// - Returns: The segmented scan; without the scan's voxels when it cannot be read again.
  /// - Throws: What reading the label map throws.
  static func segmentation(
    _ folder: String,
    progress: any ProgressReporter
  ) throws -> SegmentationReportData {
    let record = RunRecord.read(folder + "/" + RunRecord.fileName)
    let file = folder + "/" + CasePairing.resultFileName
    let table = record?.labels ?? LabelTableFile.read(folder + "/labels.json")
    let labelMap = try NIfTIReader.readLabelMap(file, table: table)
    var problems = (record?.problems ?? []).map { "\($0.message) \($0.remedy)" }
    let scan = record.flatMap { record in
      do {
        let scan = try ImageFormats.read(
          record.input,
          selection: record.selection,
          progress: progress
        ).volume.asFloat
        if let difference = scan.geometry.difference(from: labelMap.geometry) {
          problems.append(
            "The scan \(record.input) has changed since it was segmented (\(difference)); there "
              + "are no pictures."
          )
          return Volume<Float>?.none
        }
        return scan
      } catch {
        problems.append("The scan could not be read again, so there are no pictures: \(error)")
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
    data.problems = problems
    data.modelCard = record.flatMap { record in
      FileManager.default.contents(atPath: record.model.path + "/README.md")
        .map { String(decoding: $0, as: UTF8.self) }
    }
    return data
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
    provenance.weightsSHA256 = record.model.weightsSHA256
    provenance.plan = record.model.plan
    provenance.date = try? Date(record.date, strategy: .iso8601)
    provenance.command = record.command
    provenance.elapsedSeconds = record.seconds
    provenance.peakMemoryMB = record.peakMemoryMB
    provenance.threads = record.threads
    provenance.further = [("Precision", record.precision)]
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

  /// The references of evaluated cases, as outlines in their pictures.
  private mutating func addReferences(_ references: [String: String], folders: [String]) {
    for (index, folder) in folders.enumerated() {
      let file = Self.standard(folder + "/" + CasePairing.resultFileName)
      guard let path = references[file],
        let volume = try? ImageFormats.read(path).volume,
        let reference = try? NIfTIReader.labelMap(from: volume, table: [], path: path),
        reference.geometry.difference(from: segmentations[index].labelMap.geometry) == nil
      else { continue }
      segmentations[index].reference = reference
    }
  }

  /// Structures of an evaluation have the colours that they have in the segmentations.
  private mutating func addColors() {
    var colors: [String: LabelColor] = [:]
    for definition in segmentations.flatMap(\.labelMap.table) {
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

  var failure: Failure { .damagedInput }

  var description: String {
    switch self {
    case .notAResult(let path):
      "\(path) is neither a result folder of lamina segment, nor a JSON file of lamina evaluate or "
        + "lamina-bench, nor a model of lamina train; give one of those."
    case .damagedBenchmark(let path, let reason):
      "\(path) is a damaged benchmark: \(reason); measure again."
    }
  }
}
