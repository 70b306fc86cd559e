import Layers
import Support
import Tensors

/// Every operation of the engine, with operands to test and time it on.
public enum OperationCatalog {
  /// All cases.
  public static let all: [OperationCase] =
    convolutions + transposedConvolutions + poolings + normalizations + channels + elementwise
    + losses + spatial + dense + furtherLosses

  /// The case of a name.
  /// - Parameter name: The name.
  /// - Returns: The case, or nil.
  public static func named(_ name: String) -> OperationCase? { all.first { $0.name == name } }

  /// Channels 1, 3, 5, 8 and 24 do and do not fill blocks of 8 and 16; sizes are odd.
  static let convolutions: [OperationCase] =
    [(1, 8), (3, 5), (5, 3), (8, 1), (8, 24), (24, 8), (5, 24)].map { input, output in
      convolution("\(input)-\(output)", [2, input, 7, 5], [output, input, 3, 3], padding: 1)
    } + [
      convolution("stride-2", [2, 5, 7, 9], [8, 5, 3, 3], stride: 2, padding: 1),
      convolution("stride-2-even", [1, 8, 8, 6], [8, 8, 3, 3], stride: 2, padding: 1),
      convolution("stride-3-unused-border", [1, 3, 9, 7], [4, 3, 2, 2], stride: 3),
      convolution("unpadded", [1, 8, 7, 5], [8, 8, 3, 3]),
      convolution("dilation-2", [1, 5, 9, 7], [8, 5, 3, 3], padding: 2, dilation: 2),
      convolution("one-cell", [2, 24, 5, 7], [3, 24, 1, 1]),
      convolution("window-7", [1, 8, 9, 9], [4, 8, 7, 7], padding: 3),
      convolution("groups-2", [1, 6, 5, 7], [4, 3, 3, 3], padding: 1, groups: 2),
      convolution("groups-2-blocks", [1, 32, 5, 3], [32, 16, 3, 3], padding: 1, groups: 2),
      convolution("depthwise-5", [2, 5, 7, 5], [5, 1, 3, 3], padding: 1, groups: 5),
      convolution("depthwise-24", [1, 24, 5, 7], [24, 1, 3, 3], padding: 1, groups: 24),
      convolution("3d-1-8", [1, 1, 3, 5, 7], [8, 1, 3, 3, 3], padding: 1),
      convolution("3d-5-3", [2, 5, 5, 3, 4], [3, 5, 3, 3, 3], padding: 1),
      convolution("3d-8-24", [1, 8, 3, 4, 5], [24, 8, 3, 3, 3], padding: 1),
      convolution("3d-stride-2", [1, 3, 5, 7, 6], [8, 3, 3, 3, 3], stride: 2, padding: 1),
      convolution("3d-depthwise", [1, 8, 3, 5, 4], [8, 1, 3, 3, 3], padding: 1, groups: 8),
      OperationCase(
        "convolution-3d-uneven",
        [[1, 5, 4, 7, 6], [8, 5, 1, 3, 3], [8]]
      ) {
        Tensors.convolution(
          $0[0],
          weight: $0[1],
          bias: $0[2],
          shape: ConvolutionShape(stride: [1, 2, 1], padding: [0, 1, 2], dilation: [1, 1, 2])
        )
      },
      OperationCase("convolution-no-bias", [[1, 3, 5, 7], [8, 3, 3, 3]]) {
        Tensors.convolution(
          $0[0],
          weight: $0[1],
          bias: nil,
          shape: ConvolutionShape(rank: 2, padding: 1)
        )
      },
    ]

  private static func convolution(
    _ name: String,
    _ input: [Int],
    _ weight: [Int],
    stride: Int = 1,
    padding: Int = 0,
    dilation: Int = 1,
    groups: Int = 1
  ) -> OperationCase {
    let shape = ConvolutionShape(
      rank: input.count - 2,
      stride: stride,
      padding: padding,
      dilation: dilation,
      groups: groups
    )
    return OperationCase("convolution-" + name, [input, weight, [weight[0]]]) {
      Tensors.convolution($0[0], weight: $0[1], bias: $0[2], shape: shape)
    }
  }

  static let transposedConvolutions: [OperationCase] = [
    transposed("2-2", [2, 5, 3, 4], [5, 3, 2, 2], stride: 2),
    transposed("2-2-blocks", [1, 24, 3, 4], [24, 8, 2, 2], stride: 2),
    transposed("2-2-one", [1, 1, 3, 4], [1, 1, 2, 2], stride: 2),
    transposed("4-2-1", [1, 3, 5, 4], [3, 3, 4, 4], stride: 2, padding: 1),
    transposed("4-2-1-blocks", [1, 8, 5, 4], [8, 24, 4, 4], stride: 2, padding: 1),
    transposed("8-4-2", [1, 2, 3, 3], [2, 2, 8, 8], stride: 4, padding: 2),
    transposed("3-1-1", [1, 5, 5, 6], [5, 8, 3, 3], stride: 1, padding: 1),
    transposed("3d", [1, 8, 2, 3, 4], [8, 5, 2, 2, 2], stride: 2),
    transposed("3d-blocks", [1, 16, 2, 3, 2], [16, 8, 2, 2, 2], stride: 2),
    OperationCase("transposed-uneven", [[1, 5, 3, 2, 4], [5, 4, 1, 2, 2], [4]]) {
      transposedConvolution(
        $0[0],
        weight: $0[1],
        bias: $0[2],
        shape: ConvolutionShape(stride: [1, 2, 2], padding: [0, 0, 0], dilation: [1, 1, 1])
      )
    },
    OperationCase("transposed-groups-no-bias", [[1, 6, 3, 4], [6, 2, 2, 2]]) {
      transposedConvolution(
        $0[0],
        weight: $0[1],
        bias: nil,
        shape: ConvolutionShape(rank: 2, stride: 2, groups: 3)
      )
    },
  ]

  private static func transposed(
    _ name: String,
    _ input: [Int],
    _ weight: [Int],
    stride: Int,
    padding: Int = 0
  ) -> OperationCase {
    let shape = ConvolutionShape(rank: input.count - 2, stride: stride, padding: padding)
    return OperationCase("transposed-" + name, [input, weight, [weight[1]]]) {
      transposedConvolution($0[0], weight: $0[1], bias: $0[2], shape: shape)
    }
  }

  static let poolings: [OperationCase] =
    [
      ("2", [2, 5, 7, 6], PoolingShape(kernel: [2, 2])),
      ("2-blocks", [1, 24, 6, 8], PoolingShape(kernel: [2, 2])),
      ("3-2-1", [1, 3, 7, 8], PoolingShape(kernel: [3, 3], stride: [2, 2], padding: [1, 1])),
      ("overlapping", [1, 8, 5, 7], PoolingShape(kernel: [3, 2], stride: [1, 1])),
      ("3d", [1, 5, 4, 5, 6], PoolingShape(kernel: [2, 2, 2])),
      (
        "3d-padded", [1, 8, 3, 5, 4],
        PoolingShape(kernel: [3, 3, 2], stride: [2, 2, 1], padding: [1, 1, 0])
      ),
    ].flatMap { name, size, shape in
      [
        OperationCase("max-" + name, [size], fill: .distinct, course: .smooth) {
          maxPooling($0[0], shape: shape)
        },
        OperationCase("average-" + name, [size]) { averagePooling($0[0], shape: shape) },
      ]
    } + [
      OperationCase("max-ties", [[2, 5, 6, 7]], fill: .ties, course: .broken) {
        maxPooling($0[0], shape: PoolingShape(kernel: [3, 3], stride: [2, 2], padding: [1, 1]))
      }
    ]
}
