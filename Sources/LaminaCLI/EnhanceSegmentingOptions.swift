import ArgumentParser
import Enhancement
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Reporting
import Support

/// The options by which `lamina enhance` looks at what it does to a segmentation.
struct EnhanceSegmentingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A model by which the scan is segmented before and after, to see what becomes of structures.",
      discussion: "With --degrade or --reference the clean scan is segmented too.",
      valueName: "model"
    )
  )
  var segmentWith: String?

  @Option(
    name: .customLong("labels"),
    help: ArgumentHelp(
      "The label map that the segmentations should be, on the scan's grid.",
      valueName: "file"
    )
  )
  var labels: String?

  func validate() throws {
    if labels != nil, segmentWith == nil {
      throw ValidationError("--labels is for --segment-with.")
    }
  }

  /// Segments a scan before and after.
  struct Comparison {
    private let run: SegmentationRun
    private let name: String
    private let labels: String?

    /// Loads the model.
    init?(_ options: EnhanceSegmentingOptions, in context: CommandContext) throws {
      guard let text = options.segmentWith else { return nil }
      let model = try ModelStore().model(text)
      run = try SegmentationRun(
        model: model,
        options: .init(),
        progress: context.progress,
        interruption: context.interruption
      )
      name = model.description.name
      labels = options.labels
    }

    /// Compares the segmentations of a scan before and after.
    /// - Parameters:
    ///   - before: The scan before; the segmentations lie on its grid.
    ///   - after: The scan after.
    ///   - clean: What the scan should be, or nil.
    ///   - problems: What was odd about the scan's file.
    ///   - path: The scan's name.
    /// - Returns: What became of the structures.
    /// - Throws: What segmenting throws; `EnhancementError.unfitReference` for labels on another grid.
    func change(
      _ before: Volume<Float>,
      _ after: Volume<Float>,
      clean: Volume<Float>?,
      problems: [InputProblem],
      path: String
    ) throws -> SegmentationChange {
      let grid = before.geometry
      var (truth, kind) = (LabelMap?.none, SegmentationChange.Truth.reference)
      if let labels {
        let volume = try ImageFormats.read(labels).volume
        if let difference = volume.geometry.difference(from: grid) {
          throw EnhancementError.unfitReference(path: labels, reason: difference)
        }
        truth = try NIfTIReader.labelMap(from: volume, table: [], path: labels)
      }
      func segmented(_ scan: Volume<Float>) throws -> LabelMap {
        try run.labelMap(of: scan, onto: grid, problems: problems, path: path)
      }
      if truth == nil, let clean { (truth, kind) = (try segmented(clean), .clean) }
      return SegmentationChange(
        model: name,
        before: try segmented(before),
        after: try segmented(after),
        truth: truth,
        kind: kind
      )
    }
  }
}

extension SegmentationChange {
  /// What Dice is against, in words.
  var words: String {
    switch truth {
    case .reference: "Dice is against the label map that was given."
    case .clean: "Dice is against the clean scan's segmentation by the same model."
    case .before:
      "Dice is between after and before: it says how much changed, not what became better."
    }
  }

  /// The structures for the terminal.
  var lines: [String] {
    func number(_ value: Double?) -> String {
      value.map { ReportNumber.fixed($0, 4) } ?? ReportNumber.undefined
    }
    let rows = structures.map { structure in
      [
        "    \(structure.name)", number(structure.diceBefore), number(structure.diceAfter),
        ReportNumber.millilitres(structure.volumeBeforeML),
        ReportNumber.millilitres(structure.volumeAfterML),
        ReportNumber.millilitres(structure.volumeChangeML),
      ]
    }
    let head = ["", "Dice before", "after", "ml before", "after", "change"]
    return ["  segmented with \(model). \(words)"] + TextTable.lines([head] + rows)
      + warnings.map { "  warning: \($0)" }
  }

  /// The structures as the report wants them.
  var report: EnhancementReportData.Structures {
    EnhancementReportData.Structures(
      explanation: "Segmented with \(model). \(words)",
      warnings: warnings,
      rows: structures.map { structure in
        EnhancementReportData.StructureRow(
          name: structure.name,
          dice: [structure.diceBefore, structure.diceAfter, structure.diceChange],
          volumesML: [
            structure.volumeBeforeML, structure.volumeAfterML, structure.volumeChangeML,
          ]
        )
      }
    )
  }
}
