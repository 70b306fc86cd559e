import ArgumentParser
import Support
import Tensors

/// `lamina-bench training`: steps of training an exported network.
struct TrainingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "training",
    abstract: "Times training steps of an exported network and prints one line of JSON.",
    discussion: """
      One step is forward in training mode, mean of squares, backward, and SGD with Nesterov's \
      momentum of 0.9 at a learning rate of 1e-6, on BATCH copies of the exported input. Keys as \
      of `lamina-bench network`; gflops counts a step as three predictions; relativeError is 0, or \
      null when a loss was not finite.
      """
  )

  @Argument(help: "The folder of exports.")
  var folder: String

  @Argument(help: "The network's name in the folder.")
  var name: String

  @Argument(help: "Copies of the input in a batch, 1 to 1024.")
  var batch: Int

  @Argument(help: "Numbers to compute in: f32, bf16.")
  var precision: BenchPrecision

  @OptionGroup var recording: RecordOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard (1...1024).contains(batch) else {
      throw ValidationError("BATCH is \(batch) but must be 1 to 1024.")
    }
    guard precision != .int8 else { throw ValidationError("Training is in f32 or bf16.") }
  }

  func run() throws {
    try recording.check()
    let (record, seconds) = try threads.run {
      EngineMemory.keepFreedBlocks()
      let export = try ExportedNetwork(name, in: folder)
      var step = try TrainingStep(export.network, precision: precision)
      var shape = export.arrays.input.shape
      shape[0] *= batch
      let values = export.arrays.input.values
      let x = Tensor((0..<batch).flatMap { _ in values }, shape: shape)
      var isFinite = true
      let timing = Stopwatch().measure {
        isFinite = step(x).isFinite && isFinite
      }
      let record = BenchRecord(
        engine: "lamina-training-batch\(batch)-\(precision.rawValue)",
        network: name,
        timing: timing,
        gigaflop: 3 * Double(batch) * export.arrays.gigaflop,
        relativeError: isFinite ? 0 : nil,
        isRounded: !recording.unrounded
      )
      return (record, timing.seconds)
    }
    try recording.give(record, seconds: seconds, threads: threads.count)
  }
}
