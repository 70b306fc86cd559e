import ArgumentParser
import Foundation
import ImagingIO
import Pipelines
import Support

/// `lamina info`: what is in an input.
struct InfoCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Shows what an image file or folder holds, and everything odd about it.",
    discussion: """
      Series, volumes, size in voxels, spacing in mm, orientation (the sides towards which the \
      indices grow, such as RAS), range of the values, an estimate of the noise where it can be \
      told, and every problem with its remedy.
      """
  )

  @Argument(help: "A NIfTI, DICOM or PNG file, or a folder of such files.")
  var input: String

  @OptionGroup var global: GlobalOptions

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let inspection = try InputInspection(
      input,
      progress: context.progress,
      interruption: context.interruption
    )
    try context.answer(InfoAnswer(inspection)) { InfoText.describe(inspection) }
    return .complete
  }
}

/// The JSON of `lamina info`; unknown values are null, never absent.
private struct InfoAnswer: Encodable {
  let inspection: InputInspection

  init(_ inspection: InputInspection) { self.inspection = inspection }

  private enum Keys: String, CodingKey { case series }
  private enum SeriesKeys: String, CodingKey {
    case uid, modality, description, slices, transferSyntax, problems, volumes
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    var list = container.nestedUnkeyedContainer(forKey: .series)
    for item in inspection.series {
      let series = item.summary
      var entry = list.nestedContainer(keyedBy: SeriesKeys.self)
      try entry.encode(series.uid, forKey: .uid)
      try entry.encode(series.modality, forKey: .modality)
      try entry.encode(series.description, forKey: .description)
      try entry.encode(series.slices, forKey: .slices)
      try entry.encode(series.transferSyntax, forKey: .transferSyntax)
      try entry.encode(series.problems, forKey: .problems)
      try entry.encode(
        series.volumes.map { VolumeAnswer(summary: $0, noise: item.noise[$0.number]) },
        forKey: .volumes
      )
    }
  }
}

/// A volume with its noise, null where it cannot be told.
private struct VolumeAnswer: Encodable {
  let summary: VolumeSummary
  let noise: InputInspection.Noise?

  private enum Keys: String, CodingKey { case noise }

  func encode(to encoder: any Encoder) throws {
    try summary.encode(to: encoder)
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(noise, forKey: .noise)
  }
}

/// The words of `lamina info`.
private enum InfoText {
  static func describe(_ inspection: InputInspection) -> String {
    let count = inspection.series.count
    var lines = ["\(inspection.path): \(count) series"]
    for (index, item) in inspection.series.enumerated() {
      lines.append(contentsOf: describe(item, place: index + 1))
    }
    return lines.joined(separator: "\n")
  }

  private static func describe(_ item: InputInspection.Series, place: Int) -> [String] {
    let series = item.summary
    var heading = ["\(place). \(item.format)"]
    if let modality = series.modality { heading.append(modality) }
    if let description = series.description { heading.append("\"\(description)\"") }
    heading.append(series.slices == 1 ? "1 slice" : "\(series.slices) slices")
    var lines = ["", heading.joined(separator: ", ")]
    if !series.uid.isEmpty { lines.append("   series UID       \(series.uid)") }
    if let syntax = series.transferSyntax { lines.append("   transfer syntax  \(syntax)") }
    if let file = item.file { lines.append("   file             \(file)") }
    for volume in series.volumes {
      let size = volume.size.map(String.init).joined(separator: " x ")
      let spacing = volume.spacingMM.map(number).joined(separator: " x ")
      lines.append(
        "   volume \(volume.number): \(size) voxels of \(spacing) mm, orientation "
          + "\(volume.orientation), \(volume.why)"
      )
      if let range = item.ranges[volume.number] {
        lines.append(
          "     values \(number(range.minimum)) to \(number(range.maximum))"
            + " (\(range.scalarName))"
        )
      }
      if let noise = item.noise[volume.number] {
        lines.append("     noise: sigma \(figures(noise.sigma)) (\(noise.explanation))")
      }
    }
    for problem in series.problems {
      lines.append("   problem (\(problem.code)): \(problem.message) \(problem.remedy)")
    }
    return lines
  }

  /// Three significant figures.
  private static func figures(_ value: Double) -> String {
    value >= 1000 ? number(value.rounded()) : String(format: "%.3g", value)
  }

  /// Up to four decimals, without trailing zeros.
  private static func number(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
    if abs(value) >= 1e6 || abs(value) < 1e-3 { return "\(value)" }
    return "\((value * 10_000).rounded() / 10_000)"
  }
}
