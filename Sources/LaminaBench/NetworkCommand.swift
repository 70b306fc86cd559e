import ArgumentParser
import Support

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

  @OptionGroup var threads: ThreadOptions

  func run() throws {
    let record = try threads.run {
      let export = try ExportedNetwork(name, in: folder)
      let predictor = try Predictor(
        export.network,
        example: export.input,
        precision: precision,
        isEager: eager
      )
      let timing = try Stopwatch().measure { try predictor.predict(export.input) }
      return BenchRecord(
        engine: "lamina-\(precision.rawValue)" + (eager ? "-eager" : ""),
        network: name,
        timing: timing,
        gigaflop: export.gigaflop,
        relativeError: BenchStatistics.relativeError(
          timing.output.values,
          expected: export.output.values
        )
      )
    }
    try BenchOutput.print(try record.line)
  }
}
