import Support
import Synchronization

/// Finds what 8-bit convolutions have to represent.
enum PlanCalibration {
  /// The largest input by magnitude of every convolution, in order; 0 for one whose input is plain.
  static func largestInputs(of graph: PlanGraph, examples: [Tensor]) -> [Float] {
    let found = Found()
    var options = InferencePlanOptions()
    options.precision = .bfloat16
    options.maps = .wide
    var compiler = PlanCompiler(graph: graph, options: options)
    compiler.observer = { output, value in found.note(output, value) }
    compiler.compile()
    let plan = InferencePlan(compiler: compiler)
    for example in examples { _ = plan(example) }
    let largest = found.largest
    return graph.convolutions.map { largest[$0.output] ?? 0 }
  }

  private final class Found: Sendable {
    private let values = Mutex<[Int: Float]>([:])

    var largest: [Int: Float] { values.withLock { $0 } }

    func note(_ output: Int, _ value: Float) {
      values.withLock { $0[output] = max($0[output] ?? 0, value) }
    }
  }
}
