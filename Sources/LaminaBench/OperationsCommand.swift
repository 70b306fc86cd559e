import ArgumentParser
import Foundation
import OperationCases
import Support
import Tensors

/// `lamina-bench operations`: each operation by itself.
struct OperationsCommand: ParsableCommand {
  /// Which operations.
  enum Sizes: String, CaseIterable, ExpressibleByArgument {
    /// The tests' small cases, which show overheads.
    case small
    /// Sizes as in networks.
    case realistic
  }

  static let configuration = CommandConfiguration(
    commandName: "operations",
    abstract: "Times single operations, forward and backward, and prints a table.",
    discussion: """
      Times are medians in ms of at least three calls, after one that is not timed. Backward is \
      the gradient for all operands of the output's sum, without the forward pass. GFLOP/s counts \
      10⁹ multiplications and additions of convolutions forward.
      """
  )

  @Option(help: ArgumentHelp("Only operations with this text in their name.", valueName: "text"))
  var filter: String?

  @Option(help: "Sizes: small (the tests' cases), realistic (as in networks).")
  var scale = Sizes.small

  @Option(
    help: ArgumentHelp("Time for each operation and direction, s.", valueName: "seconds")
  )
  var seconds = 0.1

  @Option(
    help: ArgumentHelp("Write the times as JSON too, for `lamina report`.", valueName: "file")
  )
  var json: String?

  @Flag(help: "Replace the JSON file if it exists.")
  var force = false

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard (0.001...60).contains(seconds) else {
      throw ValidationError("--seconds is \(seconds) but must be 0.001 to 60.")
    }
  }

  func run() throws {
    let outputs = OutputGuard(mayReplace: force)
    if let json { try outputs.check(json) }
    let all =
      scale == .realistic
      ? RealisticOperations.all
      : OperationCatalog.all.map { TimedOperation(operation: $0, gigaflop: nil) }
    let chosen = all.filter { filter.map($0.operation.name.contains) ?? true }
    guard !chosen.isEmpty else { throw BenchError.noOperation(filter: filter ?? "") }
    let width = chosen.map(\.operation.name.count).max() ?? 0
    try BenchOutput.print(
      "operation".padding(toLength: width, withPad: " ", startingAt: 0)
        + "  forward ms  backward ms  GFLOP/s"
    )
    let rows = try threads.run {
      try chosen.map { timed in
        let row = time(timed)
        try BenchOutput.print(
          row.name.padding(toLength: width, withPad: " ", startingAt: 0)
            + String(format: "  %10.4f  %11.4f", row.forwardMS, row.backwardMS)
            + (row.gflops.map { String(format: "  %7.1f", $0) } ?? "        -")
        )
        return row
      }
    }
    if let json {
      let file = BenchmarkFile(.operations(rows), threads: threads.count)
      try outputs.write(file.json(), to: json)
    }
  }

  private func time(_ timed: TimedOperation) -> OperationTime {
    let operands = timed.operation.operands
    let operation = timed.operation.operation
    let forward = median(prepare: {}, run: { _ in _ = operation(operands) })
    let backward = median(
      prepare: { operation(operands.map { $0.tracked(by: GradientKey()) }).sum },
      run: { _ = gradients(of: $0) }
    )
    return OperationTime(
      name: timed.operation.name,
      forwardMS: BenchStatistics.rounded(1e3 * forward, decimals: 4),
      backwardMS: BenchStatistics.rounded(1e3 * backward, decimals: 4),
      gflops: timed.gigaflop.map { BenchStatistics.rounded($0 / forward, decimals: 1) }
    )
  }

  /// The median time of `run`, s; `prepare` is not timed, but counts for the end.
  private func median<Prepared>(
    prepare: () -> Prepared,
    run: (Prepared) -> Void
  ) -> Double {
    run(prepare())
    let clock = ContinuousClock()
    let start = clock.now
    var times: [Double] = []
    while times.count < 3
      || (Stopwatch.seconds(clock.now - start) < seconds && times.count < 1000)
    {
      let prepared = prepare()
      let begin = clock.now
      run(prepared)
      times.append(Stopwatch.seconds(clock.now - begin))
    }
    return BenchStatistics.median(times)
  }
}
