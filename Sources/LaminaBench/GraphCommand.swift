import ArgumentParser
import Foundation
import GraphModels
import Layers
import Support
import Tensors

/// `lamina-bench graph`: an ONNX file's prediction.
struct GraphCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph",
    abstract: "Times the prediction of an ONNX file and prints one line of JSON.",
    discussion: """
      VALUES is a safetensors file with a tensor for each input of the network, by name, and \
      one for each output that another program made of them. The keys are those of `network`; \
      relativeError is the largest one of the outputs.
      """
  )

  @Argument(help: "The ONNX file.")
  var file: String

  @Argument(help: "Inputs and outputs by name (safetensors).")
  var values: String

  @Flag(help: "Compute convolutions directly, never by Winograd's transformation.")
  var exact = false

  @Flag(help: "Run each operation by itself, without an inference plan.")
  var eager = false

  @OptionGroup var recording: RecordOptions
  @OptionGroup var threads: ThreadOptions

  func run() throws {
    try recording.check()
    let (record, seconds) = try threads.run {
      let network = try GraphNetwork(contentsOf: file)
      let tensors = try Safetensors(contentsOf: values).tensors
      let inputs = tensors.filter { name, _ in network.inputs.contains { $0.name == name } }
      let expected = tensors.filter { name, _ in network.outputs.contains { $0.name == name } }
      var options = InferencePlanOptions()
      options.usesWinograd = !exact
      let plan =
        eager
        ? nil : try GraphPlan(network, shapes: inputs.mapValues(\.shape), options: options)
      var results: [String: GraphValue] = [:]
      let timing = try Stopwatch().measure { () -> Tensor in
        results =
          try plan.map { $0(inputs) } ?? network.run(inputs.mapValues { GraphValue($0) })
        return results[network.output]?.tensor.plain ?? Tensor([], shape: [0])
      }
      let errors = try expected.compactMap { name, tensor -> Double? in
        guard let value = results[name], value.shape == tensor.shape else {
          throw BenchError.unfitArray(
            path: values,
            expected: results[name]?.shape ?? [],
            found: tensor.shape
          )
        }
        return BenchStatistics.relativeError(value.tensor.values, expected: tensor.values)
      }
      let record = BenchRecord(
        engine: "lamina-f32" + (eager ? "-eager" : exact ? "-exact" : ""),
        network: URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent,
        timing: timing,
        gigaflop: 0,
        relativeError: errors.max(),
        isRounded: !recording.unrounded
      )
      return (record, timing.seconds)
    }
    try recording.give(record, seconds: seconds, threads: threads.count)
  }
}
