import Support

/// The geometry of a convolution.
public struct ConvolutionShape: Equatable, Hashable, Sendable {
  /// Step of the window along each spatial axis.
  public var stride: [Int]
  /// Zeros added on both sides of each spatial axis.
  public var padding: [Int]
  /// Distance of neighbouring window cells along each spatial axis.
  public var dilation: [Int]
  /// Number of groups that channels are split into.
  public var groups: Int

  /// Creates a geometry of the same numbers along every axis.
  /// - Parameters:
  ///   - rank: Spatial axes, 2 or 3.
  ///   - stride: Step of the window.
  ///   - padding: Zeros added on both sides.
  ///   - dilation: Distance of neighbouring window cells.
  ///   - groups: Number of groups.
  public init(rank: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1) {
    self.init(
      stride: [Int](repeating: stride, count: rank),
      padding: [Int](repeating: padding, count: rank),
      dilation: [Int](repeating: dilation, count: rank),
      groups: groups
    )
  }

  /// Creates a geometry.
  /// - Parameters:
  ///   - stride: Step of the window along each spatial axis.
  ///   - padding: Zeros added on both sides of each spatial axis.
  ///   - dilation: Distance of neighbouring window cells along each spatial axis.
  ///   - groups: Number of groups.
  public init(stride: [Int], padding: [Int], dilation: [Int], groups: Int = 1) {
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  /// Spatial size of the result: ⌊(n + 2p − d(k−1) − 1)/s⌋ + 1.
  package func outputSize(_ input: [Int], kernel: [Int]) -> [Int] {
    input.indices.map { axis in
      let reach = dilation[axis] * (kernel[axis] - 1) + 1
      let room = input[axis] + 2 * padding[axis] - reach
      precondition(room >= 0, "a window of \(reach) does not fit \(input[axis]) cells")
      return room / stride[axis] + 1
    }
  }
}

/// The geometry of a pooling window, one entry for each spatial axis.
public struct PoolingShape: Equatable, Hashable, Sendable {
  /// Size of the window.
  public var kernel: [Int]
  /// Step of the window.
  public var stride: [Int]
  /// Cells outside the image on both sides; they never win and never count.
  public var padding: [Int]

  /// Creates a geometry.
  /// - Parameters:
  ///   - kernel: Size of the window.
  ///   - stride: Step of the window, the window's size when nil.
  ///   - padding: Cells outside on both sides, none when nil.
  public init(kernel: [Int], stride: [Int]? = nil, padding: [Int]? = nil) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding ?? [Int](repeating: 0, count: kernel.count)
  }

  package func outputSize(_ input: [Int]) -> [Int] {
    input.indices.map { axis in
      let room = input[axis] + 2 * padding[axis] - kernel[axis]
      precondition(
        room >= 0,
        "a window of \(kernel[axis]) does not fit \(input[axis]) cells"
      )
      return room / stride[axis] + 1
    }
  }
}

/// Over what a normalisation takes its mean and variance.
public enum NormalizationExtent: Sendable, Hashable {
  /// Over space, for each sample and channel.
  case instance
  /// Over samples and space, for each channel.
  case batch
}

/// What a normalisation computed, and what its gradient needs.
package struct NormalizationResult: Sendable {
  package let output: Tensor
  /// Mean and biased variance, `[N, C]` for instance and `[C]` for batch, row-major.
  package let mean: [Float]
  package let variance: [Float]
}

/// Where in its window each maximum was: row-major offsets, in the layout of the maxima.
package struct PoolingPositions: Sendable {
  package let offsets: AlignedBuffer<UInt8>
  package let layout: TensorLayout
}

/// The operations whose speed matters, as one replaceable set.
///
/// All tensors are detached. Implementations may return any layout.
package protocol KernelSet: Sendable {
  /// For messages and tests.
  var name: String { get }
  /// Whether operations outside this protocol should take their definitions too (`Reference/`).
  var isReference: Bool { get }

  /// `[N, I, …] * [O, I/g, …] + [O]` → `[N, O, …]`.
  func convolution(
    _ x: Tensor,
    weight: Tensor,
    bias: Tensor?,
    shape: ConvolutionShape
  ) -> Tensor
  /// The gradient of a convolution's input, of shape `[N, I] + inputSize`.
  func convolutionInputGradient(
    _ gradient: Tensor,
    weight: Tensor,
    inputSize: [Int],
    shape: ConvolutionShape
  ) -> Tensor
  /// The gradient of a convolution's weights, plain, of shape `weightShape`.
  func convolutionWeightGradient(
    _ x: Tensor,
    gradient: Tensor,
    weightShape: [Int],
    shape: ConvolutionShape
  ) -> Tensor

  /// Maxima, and where in its window each was.
  func maxPooling(
    _ x: Tensor,
    shape: PoolingShape
  ) -> (output: Tensor, positions: PoolingPositions)
  func maxPoolingGradient(
    _ gradient: Tensor,
    positions: PoolingPositions,
    inputSize: [Int],
    shape: PoolingShape
  ) -> Tensor
  func averagePooling(_ x: Tensor, shape: PoolingShape) -> Tensor
  func averagePoolingGradient(
    _ gradient: Tensor,
    inputSize: [Int],
    shape: PoolingShape
  ) -> Tensor

  /// y = leaky((x − mean) / √(variance + ε) · scale + shift).
  ///
  /// With `statistics` nil, mean and variance are the input's own.
  func normalization(
    _ x: Tensor,
    extent: NormalizationExtent,
    scale: Tensor?,
    shift: Tensor?,
    epsilon: Float,
    negativeSlope: Float,
    statistics: (mean: [Float], variance: [Float])?
  ) -> NormalizationResult
  /// Gradients of input, scale and shift; `usesOwnStatistics` says whether mean and variance
  /// depended on the input.
  func normalizationGradient(
    _ gradient: Tensor,
    x: Tensor,
    result: NormalizationResult,
    extent: NormalizationExtent,
    scale: Tensor?,
    epsilon: Float,
    negativeSlope: Float,
    usesOwnStatistics: Bool
  ) -> (x: Tensor, scale: Tensor, shift: Tensor)

  /// leaky(v) = v > 0 ? v : slope · v.
  func leakyReLU(_ x: Tensor, negativeSlope: Float) -> Tensor
  func leakyReLUGradient(_ gradient: Tensor, output: Tensor, negativeSlope: Float) -> Tensor

  /// Joins along the channels.
  func concatenation(_ parts: [Tensor]) -> Tensor
  /// The reverse of `concatenation`.
  func split(_ x: Tensor, channels: [Int]) -> [Tensor]
}

extension KernelSet {
  package var isReference: Bool { false }
}

/// The kernel set of the current task.
package enum Kernels {
  @TaskLocal package static var current: any KernelSet = FastKernels.shared
}
