import ArgumentParser
import Foundation
import ImagingIO
import Pipelines
import Support

/// `lamina deidentify`: DICOM without identity.
struct DeidentifyCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "deidentify",
    abstract: "Removes identity from DICOM files by the basic profile of PS3.15.",
    discussion: """
      Names and identifiers become pseudonyms, UIDs new ones that still refer to each other, \
      private elements go; pixel data stays bit for bit. Names of output files and folders are \
      new too, and no message names an input file: "file 12" is the twelfth of the sorted input. \
      Objects that may show identity in pixels or free text are not written (exit status 2). \
      Without --key or --seed each run makes other pseudonyms.
      """
  )

  /// What `--keep-dates` takes.
  enum KeptDates: String, ExpressibleByArgument, CaseIterable { case shifted }

  @Argument(help: "A DICOM file or a folder.")
  var input: String

  @Argument(help: "The folder to make; for a single file also a path ending in .dcm.")
  var output: String

  @Option(
    help: ArgumentHelp(
      "Keep dates, all of a patient moved by the same 1 to 3650 days (default: no dates).",
      valueName: "shifted"
    )
  )
  var keepDates: KeptDates?

  @Option(
    help: ArgumentHelp(
      "What to keep, with commas: characteristics (sex, age, size, weight), device, institution, "
        + "descriptors (descriptions of technical words alone) (default: none).",
      valueName: "a,b"
    )
  )
  var keep: String?

  @Option(help: ArgumentHelp("Name and identifier of the only patient.", valueName: "name"))
  var subject: String?

  @Option(
    help: ArgumentHelp(
      "Derive pseudonyms, UIDs and shifts from this secret file of 16 bytes or more.",
      valueName: "file"
    )
  )
  var key: String?

  @Option(
    help: ArgumentHelp("Derive them from a number; anyone can guess it.", valueName: "number")
  )
  var seed: UInt64?

  @Option(
    name: .customLong("protocol"),
    help: ArgumentHelp(
      "Write what was done to each file, without original values.",
      valueName: "file.json"
    )
  )
  var protocolFile: String?

  @Flag(help: "Write the key into the protocol, which then must be kept secret.")
  var protocolKey = false

  @Flag(help: "Write objects too that may show identity in pixels or free text.")
  var allowBurnedIn = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  private var kept: [String] { (keep ?? "").split(separator: ",").map(String.init) }

  var mayReplaceOutputs: Bool { outputOptions.force }

  func validate() throws {
    let known = DICOMDeidentificationOptions.Retention.allCases.map(\.rawValue)
    if let odd = kept.first(where: { !known.contains($0) }) {
      let choices = known.joined(separator: ", ")
      throw ValidationError("--keep knows no \(odd); choose of \(choices).")
    }
    if key != nil, seed != nil { throw ValidationError("--key and --seed exclude each other.") }
    if protocolKey, protocolFile == nil {
      throw ValidationError("--protocol-key needs --protocol.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    var options = DICOMDeidentificationOptions()
    options.dates = keepDates == .shifted ? .shifted : .removed
    options.kept = Set(kept.compactMap(DICOMDeidentificationOptions.Retention.init(rawValue:)))
    options.subject = subject
    options.allowsFlagged = allowBurnedIn
    if let protocolFile { try context.outputs.check(protocolFile) }
    let job = try Deidentification(
      engine: DICOMDeidentification(options: options, key: try chosenKey()),
      outputs: context.outputs,
      interruption: context.interruption,
      progress: context.progress
    )
    let report = try job.run(
      input,
      to: output,
      showsKey: protocolKey,
      encode: { try JSONOutput.data($0) }
    )
    if let protocolFile {
      try context.outputs.write(try JSONOutput.data(report), to: protocolFile)
    }
    let left = report.count(.withheld) + report.count(.failed)
    try context.confirm(report.manifest) {
      var lines = "\(output): "
      lines += "\(report.count(.done)) of \(report.files.count) DICOM files written"
      if report.count(.withheld) > 0 {
        lines += "\n\(report.count(.withheld)) withheld; look at them, and add --allow-burned-in"
        lines += " if they show no identity"
      }
      if report.count(.failed) > 0 {
        lines += "\n\(report.count(.failed)) damaged or unsupported"
      }
      if report.count(.skipped) > 0 { lines += "\n\(report.count(.skipped)) DICOMDIR left out" }
      if report.otherFiles > 0 { lines += "\n\(report.otherFiles) other files not copied" }
      return lines
    }
    return left == 0 ? .complete : .partial
  }

  private func chosenKey() throws -> DICOMDeidentificationKey {
    if let key { return try Deidentification.key(ofFile: key) }
    return seed.map { DICOMDeidentificationKey(seed: $0) } ?? .random()
  }
}
