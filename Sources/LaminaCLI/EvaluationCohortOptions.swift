import ArgumentParser
import Evaluation
import Foundation
import Pipelines

/// What `lamina evaluate` knows about the cases, and what it compares them with.
struct EvaluationCohortOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "CSV with the columns case and patient: the values of a patient's cases are averaged first "
        + "(default: each case counts by itself).",
      valueName: "file.csv"
    )
  )
  var patients: String?

  @Option(
    help: ArgumentHelp(
      "CSV with the column case and one for each property, such as site, sex, scanner or age: "
        + "statistics of each group, and the gaps between groups. A column patient counts as "
        + "--patients.",
      valueName: "file.csv"
    )
  )
  var subgroups: String?

  @Option(
    help: ArgumentHelp("Groups of fewer cases or patients are marked as small.", valueName: "n")
  )
  var minimumGroupSize = SubgroupAnalysis.defaultMinimumGroupSize

  @Option(
    help: ArgumentHelp(
      "Other predictions of the same cases, or a JSON file of their evaluation: paired tests, effect "
        + "sizes, differences and mean ranks; may be repeated.",
      valueName: "path"
    )
  )
  var compare: [String] = []

  @Option(
    help: ArgumentHelp("How 95 % intervals are made of the bootstrap's resamples.")
  )
  var interval = IntervalMethod.percentile

  func validate() throws {
    if minimumGroupSize < 1 {
      throw ValidationError("--minimum-group-size is \(minimumGroupSize) but must be at least 1.")
    }
  }

  /// What the options' files say.
  func cohort(reference: String) throws -> EvaluationCohort {
    var cohort = EvaluationCohort()
    let groups = try subgroups.map(Self.table)
    cohort.subgroups = groups
    if let patients {
      let table = try Self.table(patients)
      guard !table.content.patients.isEmpty else {
        throw EvaluationError.invalidTable(
          name: table.name,
          reason: "it has no column \"\(CohortTable.patientColumn)\""
        )
      }
      cohort.patients = table
    } else if let groups, !groups.content.patients.isEmpty {
      cohort.patients = groups
    }
    cohort.minimumGroupSize = minimumGroupSize
    cohort.interval = interval
    var titles = Set<String>()
    cohort.others = try compare.map { path in
      let path = OutputPath.normalised(path)
      let name = URL(fileURLWithPath: path).lastPathComponent
      return EvaluationCohort.Other(
        // Two runs' folders may both be called predictions.
        title: titles.insert(name).inserted ? name : path,
        path: path,
        source: try Self.source(path, reference: reference)
      )
    }
    return cohort
  }

  private static func source(
    _ path: String,
    reference: String
  ) throws -> EvaluationCohort.Other.Source {
    guard path.lowercased().hasSuffix(".json") else {
      return .predictions(try CasePairing(prediction: path, reference: reference))
    }
    return .evaluation(try EvaluationReport(json: InputFile.read(path)))
  }

  private static func table(_ path: String) throws -> EvaluationCohort.Table {
    let name = URL(fileURLWithPath: path).lastPathComponent
    return EvaluationCohort.Table(
      name: name,
      content: try CohortTable(csv: InputFile.read(path), name: name)
    )
  }
}

extension IntervalMethod: ExpressibleByArgument {}
