import Support
import Synchronization

/// Finds what 8-bit convolutions have to represent.
enum PlanCalibration {
  /// The largest input by magnitude of every convolution but the first and the last, which stay in
  /// bfloat16, by the convolution's output.
  ///
  /// The network runs on the examples in bfloat16. An input is what the convolution reads: with its
  /// maker's normalisation.
  static func largestInputs(of graph: PlanGraph, examples: [Tensor]) -> [Int: Float] {
    let convolutions = graph.nodes.filter { node in
      if case .convolution = node.work { true } else { false }
    }
    guard convolutions.count > 2 else { return [:] }
    let inner = convolutions.dropFirst().dropLast()
    let found = Found()
    var options = InferencePlanOptions()
    options.precision = .bfloat16
    var compiler = PlanCompiler(graph: graph, options: options, calibration: nil)
    compiler.observer = { output, value in found.note(output, value) }
    compiler.compile()
    let plan = InferencePlan(compiler: compiler)
    for example in examples { _ = plan(example) }
    let largest = found.largest
    return inner.reduce(into: [:]) { result, node in result[node.output] = largest[node.output] }
  }

  private final class Found: Sendable {
    private let values = Mutex<[Int: Float]>([:])

    var largest: [Int: Float] { values.withLock { $0 } }

    func note(_ output: Int, _ value: Float) {
      values.withLock { $0[output] = max($0[output] ?? 0, value) }
    }
  }
}
