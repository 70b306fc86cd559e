import OperationCases
import Support
import Tensors

/// An operation to time, with its cost where that is known.
struct TimedOperation {
  /// The operation and its operands.
  let operation: OperationCase
  /// Billions of multiplications and additions forward; nil where memory decides.
  let gigaflop: Double?
}

/// Operations of the sizes that networks of the comparison have.
enum RealisticOperations {
  /// All of them.
  static let all: [TimedOperation] = convolutions + transposed + others + recurrences

  /// Channels in and out, sizes, window, step.
  private static let convolutions: [TimedOperation] =
    [
      (3, 32, [256, 256], 3, 1), (32, 32, [256, 256], 3, 1), (64, 64, [128, 128], 3, 1),
      (128, 128, [64, 64], 3, 1), (256, 256, [32, 32], 3, 1), (512, 512, [16, 16], 3, 1),
      (32, 64, [256, 256], 3, 2), (32, 5, [512, 512], 1, 1), (192, 64, [64, 64], 3, 1),
      (1, 32, [64, 64, 64], 3, 1), (32, 32, [64, 64, 64], 3, 1), (64, 64, [32, 32, 32], 3, 1),
      (128, 128, [16, 16, 16], 3, 1), (320, 320, [8, 8, 8], 3, 1), (32, 64, [64, 64, 64], 3, 2),
      (32, 25, [64, 64, 64], 1, 1),
    ].map { input, output, size, window, step in
      let shape = ConvolutionShape(rank: size.count, stride: step, padding: window / 2)
      let weight = [output, input] + size.map { _ in window }
      let cells = size.map { ($0 + step - 1) / step }.reduce(1, *)
      return TimedOperation(
        operation: OperationCase(
          "convolution \(input)>\(output) \(text(size)) window \(window) stride \(step)",
          [[1, input] + size, weight, [output]]
        ) {
          convolution($0[0], weight: $0[1], bias: $0[2], shape: shape)
        },
        gigaflop: 2e-9 * Double(cells * weight.reduce(1, *))
      )
    }

  private static let transposed: [TimedOperation] =
    [
      (64, 32, [128, 128]), (256, 128, [32, 32]), (64, 32, [32, 32, 32]),
      (320, 256, [8, 8, 8]),
    ].map { input, output, size in
      let shape = ConvolutionShape(rank: size.count, stride: 2, padding: 0)
      let weight = [input, output] + size.map { _ in 2 }
      return TimedOperation(
        operation: OperationCase(
          "transposed \(input)>\(output) \(text(size)) window 2 stride 2",
          [[1, input] + size, weight, [output]]
        ) {
          transposedConvolution($0[0], weight: $0[1], bias: $0[2], shape: shape)
        },
        gigaflop: 2e-9 * Double(size.reduce(1, *) * weight.reduce(1, *))
      )
    }

  private static let others: [TimedOperation] = [[1, 32, 256, 256], [1, 32, 64, 64, 64]].flatMap {
    shape -> [TimedOperation] in
    let label = "\(shape[1]) x \(text(Array(shape.dropFirst(2))))"
    let (channels, axes) = (shape[1], shape.count - 2)
    let pooling = PoolingShape(kernel: [Int](repeating: 2, count: axes))
    func timed(
      _ name: String,
      _ shapes: [[Int]],
      _ body: @escaping @Sendable ([Tensor]) -> Tensor
    ) -> TimedOperation {
      TimedOperation(
        operation: OperationCase("\(name) \(label)", shapes, operation: body),
        gigaflop: nil
      )
    }
    return [
      timed("maximum pooling 2", [shape]) { maxPooling($0[0], shape: pooling) },
      timed("average pooling 2", [shape]) { averagePooling($0[0], shape: pooling) },
      timed("instance normalisation, leaky", [shape, [channels], [channels]]) {
        normalization(
          $0[0],
          extent: .instance,
          scale: $0[1],
          shift: $0[2],
          negativeSlope: 0.01
        ).output
      },
      timed("batch normalisation, ReLU", [shape, [channels], [channels]]) {
        normalization(
          $0[0],
          extent: .batch,
          scale: $0[1],
          shift: $0[2],
          negativeSlope: 0
        ).output
      },
      timed("leaky ReLU", [shape]) { leakyReLU($0[0], negativeSlope: 0.01) },
      timed("addition", [shape, shape]) { $0[0] + $0[1] },
      timed("concatenation of two", [shape, shape]) { concatenation($0) },
    ]
  }

  /// Steps, sequences, values of a step, width; sequences of signals and of frames, and one alone.
  private static let recurrences: [TimedOperation] =
    [(100, 32, 64, 128), (50, 16, 256, 256), (100, 1, 64, 128)].flatMap {
      steps,
      batch,
      inputs,
      width in
      [("lstm", 4), ("gru", 3)].map { name, gates in
        let shapes = [
          [steps, batch, inputs], [gates * width, inputs], [gates * width, width],
          [gates * width], [gates * width],
        ]
        let multiplications = steps * batch * gates * width * (inputs + width)
        return TimedOperation(
          operation: OperationCase("\(name) \(steps) x \(batch) \(inputs)>\(width)", shapes) {
            // As drawn for networks: a state of values around 0.1 to 1, no gate at its end.
            let scale = 1 / Float(width).squareRoot()
            let weights = RecurrentWeights(
              input: $0[1] * scale,
              hidden: $0[2] * scale,
              inputBias: $0[3] * scale,
              hiddenBias: $0[4] * scale
            )
            return name == "lstm"
              ? lstm($0[0], weights: [weights]).output : gru($0[0], weights: [weights]).output
          },
          gigaflop: 2e-9 * Double(multiplications)
        )
      }
    }

  private static func text(_ size: [Int]) -> String {
    size.map(String.init).joined(separator: "x")
  }
}
