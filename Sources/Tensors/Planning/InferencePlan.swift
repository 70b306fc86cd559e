import Support
import Synchronization

/// The numbers that a plan computes with between its input and its output.
public enum InferencePrecision: String, Sendable, Hashable, CaseIterable, Codable {
  /// Single precision.
  case float32 = "f32"
  /// bfloat16 maps, single-precision sums; weights of either type, as the processor likes.
  case bfloat16 = "bf16"
  /// 8-bit maps and weights with scales found on example inputs, 32-bit sums.
  case int8
}

/// How a plan may compute.
public struct InferencePlanOptions: Sendable, Hashable {
  /// Whether 3 x 3 windows may be computed by Winograd's filtering, which is faster and rounds more.
  public var usesWinograd = true
  /// The numbers that convolutions compute with.
  public var precision = InferencePrecision.float32
  /// For 8-bit integers, the largest input of each convolution by magnitude, in the order of the
  /// network, from `InferencePlan.largestInputs(inputShape:examples:network:)`.
  ///
  /// Where it is empty or its count is not that of the convolutions, such a plan computes in
  /// bfloat16. The first and the last convolution, which see and make the numbers that matter most,
  /// always do.
  public var largestInputs: [Float] = []

  /// What the plan's maps hold; `nil` for what is fastest for the precision on this processor.
  package var maps: PlanMaps?

  /// Creates the default options.
  public init() {}
}

/// What feature maps in blocks of channels hold.
package enum PlanMaps: Sendable, Hashable {
  /// Single precision, in blocks of the processor's width.
  case single
  /// bfloat16 in the same blocks: the convolutions of single precision load and store it.
  case half
  /// bfloat16 in blocks of 32 channels, for the convolutions of CKernelsHalf.h.
  case wide
}

/// A network for one shape of input, prepared to run many times.
///
/// The network is traced once. Convolutions take in their bias, stored normalisation, rectifier and
/// residual; instance normalisation is applied by whoever reads the map; joined maps are read where
/// they are; weights are packed once; all maps share one block of memory. Results equal those of the
/// operations one by one, up to rounding, and do not depend on the number of threads.
public final class InferencePlan: Sendable {
  /// The shapes of the inputs.
  public let inputShapes: [[Int]]
  /// The shapes of the outputs.
  public let outputShapes: [[Int]]
  private let instructions: [PlanInstruction]
  private let offsets: [Int]
  private let inputBuffers: [Int]
  private let outputBuffers: [Int]
  private let arenaCount: Int
  private let workspaceCount: Int
  private let scratch: PlanScratch

  /// Traces a network and prepares its plan.
  /// - Parameters:
  ///   - inputShape: `[N, C, H, W]` or with depth.
  ///   - options: How the plan may compute.
  ///   - scratch: Memory for feature maps, which plans may share.
  ///   - network: The network; called once, with a tensor that has a shape and no values.
  public convenience init(
    inputShape: [Int],
    options: InferencePlanOptions = InferencePlanOptions(),
    scratch: PlanScratch = PlanScratch(),
    network: (Tensor) -> Tensor
  ) {
    let graph = PlanGraph(tracing: network, inputShape: inputShape)
    var compiler = PlanCompiler(graph: graph, options: options)
    compiler.compile()
    self.init(compiler: compiler, scratch: scratch)
  }

  /// Traces a network of several inputs and outputs and prepares its plan.
  /// - Parameters:
  ///   - inputShapes: The shape of each input.
  ///   - options: How the plan may compute.
  ///   - network: The network; called once, with tensors that have shapes and no values. Each of its
  ///     results depends on an input.
  /// - Throws: What the network throws.
  public convenience init(
    inputShapes: [[Int]],
    options: InferencePlanOptions = InferencePlanOptions(),
    network: ([Tensor]) throws -> [Tensor]
  ) rethrows {
    let graph = try PlanGraph(tracing: network, inputShapes: inputShapes)
    var compiler = PlanCompiler(graph: graph, options: options)
    compiler.compile()
    self.init(compiler: compiler)
  }

  /// The shape of the first input.
  public var inputShape: [Int] { inputShapes[0] }
  /// The shape of the first output.
  public var outputShape: [Int] { outputShapes[0] }

  /// Finds what convolutions of 8-bit integers have to represent (post-training quantisation).
  ///
  /// The network runs on the examples in bfloat16. An input is what a convolution reads: with the
  /// normalisation and the rectifier of whoever made it.
  /// - Parameters:
  ///   - inputShape: `[N, C, H, W]` or with depth.
  ///   - examples: Inputs of that shape, with values as they will be predicted on.
  ///   - network: The network.
  /// - Returns: A number for each convolution, for `InferencePlanOptions.largestInputs`.
  public static func largestInputs(
    inputShape: [Int],
    examples: [Tensor],
    network: (Tensor) -> Tensor
  ) -> [Float] {
    PlanCalibration.largestInputs(
      of: PlanGraph(tracing: network, inputShape: inputShape),
      examples: examples
    )
  }

  /// A plan of compiled instructions.
  init(compiler: PlanCompiler, scratch: PlanScratch = PlanScratch()) {
    self.scratch = scratch
    let graph = compiler.graph
    inputShapes = graph.inputs.map { graph.shapes[$0] }
    outputShapes = graph.outputs.map { graph.shapes[$0] }
    instructions = compiler.instructions
    offsets = compiler.buffers.all.map(\.offset)
    inputBuffers = compiler.inputBuffers
    outputBuffers = compiler.outputBuffers
    arenaCount = compiler.buffers.arenaCount
    workspaceCount = instructions.map(\.workspaceCount).max() ?? 0
  }

  /// Bytes of the feature maps' shared memory.
  public var arenaBytes: Int { arenaCount * MemoryLayout<Float>.stride }

  /// Runs the network.
  ///
  /// Runs of plans that share memory wait for one another.
  /// - Parameter x: The input, of the plan's shape.
  /// - Returns: The output.
  public func callAsFunction(_ x: Tensor) -> Tensor { run([x]) { _, work in work() }[0] }

  /// Runs a network of several inputs and outputs.
  /// - Parameter inputs: The inputs, of the plan's shapes.
  /// - Returns: The outputs.
  public func callAsFunction(_ inputs: [Tensor]) -> [Tensor] { run(inputs) { _, work in work() } }

  /// Runs the network and times every instruction.
  /// - Parameter x: The input, of the plan's shape.
  /// - Returns: The output, and a line for each instruction.
  public func profile(_ x: Tensor) -> (output: Tensor, lines: [PlanProfileLine]) {
    var lines: [PlanProfileLine] = []
    let clock = ContinuousClock()
    let output = run([x]) { instruction, work in
      let elapsed = clock.measure(work)
      lines.append(
        PlanProfileLine(
          name: instruction.name,
          shape: instruction.shape,
          seconds: elapsed / .seconds(1),
          operations: instruction.operations
        )
      )
    }
    return (output[0], lines)
  }

  private func run(
    _ inputs: [Tensor],
    _ step: (PlanInstruction, () -> Void) -> Void
  ) -> [Tensor] {
    precondition(
      inputs.map(\.shape) == inputShapes,
      "the inputs \(inputs.map(\.shape)) for a plan of \(inputShapes)"
    )
    let sources = inputs.map(\.single.plain)
    let outputs = outputShapes.map {
      AlignedBuffer<Float>(uninitializedCount: $0.reduce(1, *))
    }
    var external: [Int: UnsafeMutablePointer<Float>] = [:]
    for (buffer, source) in zip(inputBuffers, sources) { external[buffer] = source.storage.pointer }
    for (buffer, output) in zip(outputBuffers, outputs) { external[buffer] = output.pointer }
    let places = external
    let workspaces = workspaceCount * Parallelism.threadCount
    scratch.withMemory(arenaCount: arenaCount, workspaceCount: workspaces) { arena, workspace in
      withExtendedLifetime((sources, outputs, arena, workspace)) {
        let memory = PlanMemory(
          arena: arena.pointer,
          workspace: workspace.pointer,
          workspaceCount: workspaceCount,
          offsets: offsets,
          external: places
        )
        for instruction in instructions { step(instruction) { instruction.run(memory) } }
      }
    }
    return zip(outputShapes, outputs).map { Tensor(shape: $0, storage: $1) }
  }
}

/// What one instruction of a plan cost.
public struct PlanProfileLine: Sendable {
  /// The operation and its kernel.
  public let name: String
  /// The shape that it made.
  public let shape: [Int]
  /// Elapsed time.
  public let seconds: Double
  /// Multiplications and additions by the operation's definition; 0 where they do not matter.
  public let operations: Double
}
