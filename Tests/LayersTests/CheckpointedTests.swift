import Layers
import Support
import Synchronization
import Tensors
import Testing

@Suite("Checkpointed layers")
struct CheckpointedTests {
  /// Two units with dropout and batch statistics.
  private struct Part: Layer {
    let units: [ConvolutionUnit]

    init(_ channels: Int, random: inout RandomStream) {
      units = (0..<2).map { _ in
        ConvolutionUnit(
          inputChannels: channels,
          outputChannels: channels,
          kernelSize: [3, 3],
          normalization: .batch,
          negativeSlope: 0.1,
          dropoutProbability: 0.3,
          random: &random
        )
      }
    }

    var children: [(name: String, layer: any Layer)] {
      units.enumerated().map { ("\($0.offset)", $0.element as any Layer) }
    }

    func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
      units.reduce(x) { $1($0, in: context) }
    }
  }

  private static let input = Tensor(
    (0..<2 * 16 * 12 * 10).map { Float($0 % 37) / 18 - 1 },
    shape: [2, 16, 12, 10]
  )

  /// A step through four parts: loss, gradients and running statistics, all as values.
  private static func step(isCheckpointed: Bool) -> (loss: Float, values: [[Float]]) {
    var random = RandomStream(seed: 3)
    let parts = (0..<4).map { _ -> any Layer in
      let part = Part(16, random: &random)
      return isCheckpointed ? Checkpointed(part) : part
    }
    let context = Context(.training, random: RandomStream(seed: 5))
    let key = GradientKey()
    let y = parts.reduce(input.tracked(by: key)) { $1($0, in: context) }
    let loss = (y * y).mean
    let found = gradients(of: loss)
    let parameters = parts.flatMap(\.namedParameters)
    let values =
      [found[key]?.values ?? []]
      + parameters.map { entry in
        entry.parameter.isTrainable
          ? found[entry.parameter.key]?.values ?? [] : entry.parameter.value.values
      }
    return (loss.scalar, values)
  }

  @Test("gradients and running statistics equal those without, to the bit, dropout included")
  func changesNothing() {
    let (usual, checked) = (Self.step(isCheckpointed: false), Self.step(isCheckpointed: true))
    #expect(usual.loss == checked.loss)
    #expect(usual.values.count == 1 + 4 * 2 * 6)
    #expect(!usual.values.contains { $0.isEmpty })
    #expect(usual.values == checked.values)
  }

  @Test("parameters keep their names")
  func keepsNames() {
    var random = RandomStream(seed: 3)
    let part = Part(4, random: &random)
    #expect(Checkpointed(part).namedParameters.map(\.name) == part.namedParameters.map(\.name))
  }

  @Test("fewer values live at the peak of a step")
  func savesMemory() {
    func peak(_ isCheckpointed: Bool) -> Int {
      let meter = MeteringKernels()
      _ = Kernels.$current.withValue(meter) { Self.step(isCheckpointed: isCheckpointed) }
      return meter.peak
    }
    let (usual, checked) = (peak(false), peak(true))
    // 16 results of 3840 values are kept otherwise; here 4, and those of the one part at work.
    #expect(checked * 10 < usual * 8, "\(checked) values instead of \(usual)")
  }
}

/// The fast kernels, counting the values of their results that are still referred to.
private final class MeteringKernels: KernelSet {
  private struct Entry {
    weak var storage: AlignedBuffer<Float>?
  }
  private struct State: @unchecked Sendable {
    // Sendable invariant: lives behind the mutex.
    var entries: [Entry] = []
    var peak = 0
  }

  let name = "metering"
  private let inner = FastKernels.shared
  private let state = Mutex(State())

  var peak: Int { state.withLock { $0.peak } }

  private func metered(_ result: Tensor) -> Tensor {
    state.withLock { state in
      state.entries = state.entries.filter { $0.storage != nil }
      state.entries.append(Entry(storage: result.storage))
      let live = state.entries.reduce(0) { $0 + ($1.storage?.count ?? 0) }
      state.peak = max(state.peak, live)
    }
    return result
  }

  func convolution(
    _ x: Tensor,
    weight: Tensor,
    bias: Tensor?,
    shape: ConvolutionShape
  ) -> Tensor {
    metered(inner.convolution(x, weight: weight, bias: bias, shape: shape))
  }

  func convolutionInputGradient(
    _ gradient: Tensor,
    weight: Tensor,
    inputSize: [Int],
    shape: ConvolutionShape
  ) -> Tensor {
    metered(
      inner.convolutionInputGradient(
        gradient,
        weight: weight,
        inputSize: inputSize,
        shape: shape
      )
    )
  }

  func convolutionWeightGradient(
    _ x: Tensor,
    gradient: Tensor,
    weightShape: [Int],
    shape: ConvolutionShape
  ) -> Tensor {
    inner.convolutionWeightGradient(
      x,
      gradient: gradient,
      weightShape: weightShape,
      shape: shape
    )
  }

  func maxPooling(
    _ x: Tensor,
    shape: PoolingShape
  ) -> (output: Tensor, positions: PoolingPositions) { inner.maxPooling(x, shape: shape) }

  func maxPoolingGradient(
    _ gradient: Tensor,
    positions: PoolingPositions,
    inputSize: [Int],
    shape: PoolingShape
  ) -> Tensor {
    inner.maxPoolingGradient(gradient, positions: positions, inputSize: inputSize, shape: shape)
  }

  func averagePooling(_ x: Tensor, shape: PoolingShape) -> Tensor {
    inner.averagePooling(x, shape: shape)
  }

  func averagePoolingGradient(_ gradient: Tensor, inputSize: [Int], shape: PoolingShape) -> Tensor {
    inner.averagePoolingGradient(gradient, inputSize: inputSize, shape: shape)
  }

  func normalization(
    _ x: Tensor,
    extent: NormalizationExtent,
    scale: Tensor?,
    shift: Tensor?,
    epsilon: Float,
    negativeSlope: Float,
    statistics: (mean: [Float], variance: [Float])?
  ) -> NormalizationResult {
    let result = inner.normalization(
      x,
      extent: extent,
      scale: scale,
      shift: shift,
      epsilon: epsilon,
      negativeSlope: negativeSlope,
      statistics: statistics
    )
    _ = metered(result.output)
    return result
  }

  func normalizationGradient(
    _ gradient: Tensor,
    x: Tensor,
    result: NormalizationResult,
    extent: NormalizationExtent,
    scale: Tensor?,
    epsilon: Float,
    negativeSlope: Float,
    usesOwnStatistics: Bool
  ) -> (x: Tensor, scale: Tensor, shift: Tensor) {
    let back = inner.normalizationGradient(
      gradient,
      x: x,
      result: result,
      extent: extent,
      scale: scale,
      epsilon: epsilon,
      negativeSlope: negativeSlope,
      usesOwnStatistics: usesOwnStatistics
    )
    _ = metered(back.x)
    return back
  }

  func leakyReLU(_ x: Tensor, negativeSlope: Float) -> Tensor {
    metered(inner.leakyReLU(x, negativeSlope: negativeSlope))
  }

  func leakyReLUGradient(_ gradient: Tensor, output: Tensor, negativeSlope: Float) -> Tensor {
    metered(inner.leakyReLUGradient(gradient, output: output, negativeSlope: negativeSlope))
  }

  func concatenation(_ parts: [Tensor]) -> Tensor { metered(inner.concatenation(parts)) }

  func split(_ x: Tensor, channels: [Int]) -> [Tensor] { inner.split(x, channels: channels) }
}
