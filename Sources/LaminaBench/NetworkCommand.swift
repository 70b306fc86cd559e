import ArgumentParser
import Foundation
import Support
import Tensors

/// `lamina-bench network`: one exported network's prediction.
struct NetworkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "network",
    abstract: "Times the prediction of an exported network and prints one line of JSON.",
    discussion: """
      FOLDER holds networks.json and, for each network, NAME.safetensors, NAME.input.npy and \
      NAME.output.npy. Keys: engine, network, medianMS and minimumMS (of 3 to 25 calls within \
      8 s, after two that are not timed), runs, gflops (10⁹ multiplications and additions of \
      convolutions per second), firstResultS (since the process began, s), peakMemoryMiB, \
      relativeError (largest difference to NAME.output.npy over its largest value).
      """
  )

  @Argument(help: "The folder of exports.")
  var folder: String

  @Argument(help: "The network's name in the folder.")
  var name: String

  @Argument(help: "Numbers to compute in: f32, bf16, int8.")
  var precision: BenchPrecision

  @Flag(help: "Run each operation by itself, without an inference plan.")
  var eager = false

  @Flag(
    help: ArgumentHelp(
      "Compute convolutions directly, never by Winograd's transformation.",
      discussion: """
        The transformation saves multiplications but rounds differently from sums of products; \
        the record's engine then ends with "-exact". Not with --eager.
        """
    )
  )
  var exact = false

  @Flag(help: "Print what each step of the plan cost to stderr.")
  var profile = false

  @OptionGroup var recording: RecordOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    if exact, eager { throw ValidationError("--exact is for plans; leave out --eager.") }
  }

  func run() throws {
    try recording.check()
    let (record, seconds) = try threads.run {
      let (predictor, export) = try prepared()
      let timing = try Stopwatch().measure { try predictor.predict(export.input) }
      if profile, let plan = predictor.plan { printProfile(plan, export.input) }
      let record = BenchRecord(
        engine: "lamina-\(precision.rawValue)" + (eager ? "-eager" : exact ? "-exact" : ""),
        network: name,
        timing: timing,
        gigaflop: export.gigaflop,
        relativeError: BenchStatistics.relativeError(
          timing.output.values,
          expected: export.output.values
        ),
        isRounded: !recording.unrounded
      )
      return (record, timing.seconds)
    }
    try recording.give(record, seconds: seconds, threads: threads.count)
  }

  /// The predictor and the arrays; the network itself is let go where a plan has taken its weights.
  private func prepared() throws -> (Predictor, ExportedArrays) {
    EngineMemory.returnFreedBlocks()
    let export = try ExportedNetwork(name, in: folder)
    let predictor = try Predictor(
      export.network,
      example: export.arrays.input,
      precision: precision,
      isEager: eager,
      isExact: exact
    )
    return (predictor, export.arrays)
  }

  private func printProfile(_ plan: InferencePlan, _ x: Tensor) {
    let lines = plan.profile(x).lines
    for line in lines {
      let speed = line.operations / line.seconds / 1e9
      printDiagnostic(
        "\(milliseconds(line.seconds)) ms  \(line.name) \(line.shape)"
          + (line.operations > 0 ? "  \(Int(speed)) GFLOP/s" : "")
      )
    }
    let total = lines.reduce(0) { $0 + $1.seconds }
    printDiagnostic("\(milliseconds(total)) ms in \(lines.count) steps")
  }

  private func printDiagnostic(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }

  private func milliseconds(_ seconds: Double) -> Double { (seconds * 1e5).rounded() / 100 }
}
