import Layers
import Support
import Tensors

extension OperationCatalog {
  /// Upsampling, padding, further pooling, normalisation and activations.
  static let spatial: [OperationCase] =
    [
      adaptivePoolings, furtherNormalizations, activations, softmaxes, upsamplings, paddings,
      shuffles, gridSamplings, regionAlignments,
    ].flatMap { $0 }

  static let adaptivePoolings: [OperationCase] =
    [
      ("", [2, 5, 7, 6], [3, 4]),
      ("-blocks", [1, 24, 5, 7], [2, 3]),
      ("-larger", [1, 3, 3, 4], [5, 7]),
      ("-mixed", [1, 16, 5, 3], [2, 7]),
      ("-3d", [1, 3, 5, 4, 7], [2, 3, 3]),
    ].flatMap { name, shape, size in
      [
        OperationCase("adaptive-average" + name, [shape]) {
          adaptiveAveragePooling($0[0], to: size)
        },
        OperationCase("adaptive-max" + name, [shape], fill: .distinct, course: .smooth) {
          adaptiveMaxPooling($0[0], to: size)
        },
      ]
    } + [
      OperationCase("adaptive-max-ties", [[2, 5, 6, 7]], fill: .ties, course: .broken) {
        adaptiveMaxPooling($0[0], to: [4, 3])
      },
      OperationCase("global-average", [[2, 5, 7, 5]]) { globalAveragePooling($0[0]) },
      OperationCase("global-average-3d", [[1, 16, 3, 5, 4]]) { globalAveragePooling($0[0]) },
    ]

  static let furtherNormalizations: [OperationCase] =
    groupNormalizations + layerNormalizations + [
      OperationCase(
        "group-normalization-plain",
        [[2, 6, 3, 5]],
        fill: .alternating,
        course: .smooth
      ) { groupNormalization($0[0], groups: 2) },
      OperationCase(
        "group-normalization-shift",
        [[2, 6, 3, 5], [6]],
        fill: .alternating,
        course: .smooth
      ) { groupNormalization($0[0], groups: 2, shift: $0[1]) },
      OperationCase(
        "layer-normalization-plain",
        [[2, 3, 4, 5]],
        fill: .alternating,
        course: .smooth
      ) { layerNormalization($0[0], dimensions: 1) },
    ]

  private static let groupNormalizations: [OperationCase] = [
    ("", [2, 6, 5, 3], 3),
    ("-blocks", [1, 24, 3, 5], 4),
    ("-one", [2, 5, 3, 4], 1),
    ("-each", [2, 8, 3, 5], 8),
    ("-3d", [1, 8, 3, 2, 5], 2),
  ].map { name, shape, groups in
    OperationCase(
      "group-normalization" + name,
      [shape, [shape[1]], [shape[1]]],
      fills: [.alternating, .positive, .normal],
      course: .smooth
    ) {
      groupNormalization($0[0], groups: groups, scale: $0[1], shift: $0[2], epsilon: 1e-3)
    }
  }

  private static let layerNormalizations: [OperationCase] = [
    ("-1", [3, 4, 7], 1),
    ("-2", [2, 3, 4, 5], 2),
    ("-3", [2, 5, 3, 4], 3),
    ("-long", [5, 37], 1),
    ("-3d", [1, 8, 3, 2, 5], 3),
  ].map { (name: String, shape: [Int], dimensions: Int) in
    let row = Array(shape.suffix(dimensions))
    return OperationCase(
      "layer-normalization" + name,
      [shape, row, row],
      fills: [.alternating, .positive, .normal],
      course: .smooth
    ) {
      layerNormalization($0[0], dimensions: dimensions, scale: $0[1], shift: $0[2], epsilon: 1e-3)
    }
  }

  static let activations: [OperationCase] =
    [("", [2, 5, 7, 3]), ("-blocks", [1, 24, 3, 5]), ("-3d", [1, 16, 3, 2, 5])].flatMap {
      name,
      shape in
      // Quarters and an eighth stay clear of the kinks of the hard swish at −3 and 3.
      let eighth = Tensor(repeating: 0.125, shape: shape)
      return [
        OperationCase("sigmoid" + name, [shape], course: .smooth) { sigmoid($0[0]) },
        OperationCase("tanh" + name, [shape], course: .smooth) { Tensors.tanh($0[0]) },
        OperationCase("softplus" + name, [shape], course: .smooth) { softplus($0[0]) },
        OperationCase("softplus-2" + name, [shape], course: .smooth) {
          softplus($0[0], beta: 2)
        },
        OperationCase("elu" + name, [shape], fill: .alternating, course: .smooth) {
          elu($0[0], alpha: 0.5)
        },
        OperationCase("gelu" + name, [shape], course: .smooth) { gelu($0[0]) },
        OperationCase("gelu-tanh" + name, [shape], course: .smooth) {
          gelu($0[0], form: .tanh)
        },
        OperationCase("silu" + name, [shape], course: .smooth) { silu($0[0]) },
        OperationCase("hard-swish" + name, [shape], fill: .distinct, course: .smooth) {
          hardSwish($0[0] * 0.5 + eighth)
        },
        OperationCase(
          "prelu-channels" + name,
          [shape, [shape[1]]],
          fills: [.alternating, .positive],
          course: .smooth
        ) { parametricReLU($0[0], slope: $0[1]) },
        OperationCase(
          "prelu-one" + name,
          [shape, [1]],
          fills: [.alternating, .positive],
          course: .smooth
        ) { parametricReLU($0[0], slope: $0[1]) },
      ]
    }

  static let softmaxes: [OperationCase] =
    [
      ("last", [2, 3, 4, 5], -1),
      ("first", [3, 2, 4], 0),
      ("long", [3, 37], 1),
      ("wide", [1, 5, 9, 8], 1),
      ("depth", [1, 8, 3, 2, 5], 2),
    ].flatMap { name, shape, axis in
      [
        OperationCase("softmax-axis-" + name, [shape], course: .smooth) {
          softmax($0[0], axis: axis)
        },
        OperationCase("log-softmax-" + name, [shape], course: .smooth) {
          logSoftmax($0[0], axis: axis)
        },
      ]
    }

  static let upsamplings: [OperationCase] = {
    let sizes: [(name: String, shape: [Int], size: [Int])] = [
      ("", [2, 5, 3, 4], [7, 9]),
      ("-blocks", [1, 24, 3, 2], [6, 4]),
      ("-smaller", [1, 3, 7, 8], [4, 5]),
      ("-mixed", [1, 8, 5, 3], [3, 5]),
      ("-to-one", [1, 3, 3, 4], [1, 1]),
      ("-from-one", [1, 3, 1, 2], [3, 4]),
      ("-3d", [1, 5, 2, 3, 4], [5, 3, 6]),
      ("-3d-blocks", [1, 16, 2, 2, 3], [4, 4, 6]),
    ]
    var cases: [OperationCase] = []
    for (name, shape, size) in sizes {
      for interpolation in FeatureInterpolation.allCases {
        for aligned in interpolation == .nearest ? [false] : [false, true] {
          let kind = interpolation.rawValue + (aligned ? "-aligned" : "")
          cases.append(
            OperationCase("upsample-" + kind + name, [shape]) {
              upsampled($0[0], to: size, interpolation: interpolation, alignCorners: aligned)
            }
          )
        }
      }
    }
    return cases
  }()

  static let paddings: [OperationCase] =
    [
      ("zero", PaddingMode.constant(0)), ("constant", .constant(1.5)), ("reflect", .reflect),
      ("replicate", .replicate),
    ].flatMap { name, mode in
      [
        ("", [2, 5, 4, 5], [1, 3], [0, 2]),
        ("-blocks", [1, 24, 3, 4], [2, 0], [1, 3]),
        ("-3d", [1, 5, 3, 4, 2], [1, 0, 1], [2, 3, 0]),
      ].map { suffix, shape, before, after in
        OperationCase("pad-" + name + suffix, [shape]) {
          padded($0[0], before: before, after: after, mode: mode)
        }
      }
    }

  static let shuffles: [OperationCase] = [
    OperationCase("pixel-shuffle", [[2, 12, 3, 2]]) { pixelShuffled($0[0], factor: 2) },
    OperationCase("pixel-shuffle-3", [[1, 9, 2, 3]]) { pixelShuffled($0[0], factor: 3) },
    OperationCase("pixel-shuffle-3d", [[1, 16, 2, 3, 2]]) { pixelShuffled($0[0], factor: 2) },
    OperationCase("pixel-unshuffle", [[2, 3, 4, 6]]) { pixelUnshuffled($0[0], factor: 2) },
    OperationCase("pixel-unshuffle-3", [[1, 5, 6, 3]]) { pixelUnshuffled($0[0], factor: 3) },
    OperationCase("pixel-unshuffle-3d", [[2, 8, 4, 2, 6]]) { pixelUnshuffled($0[0], factor: 2) },
  ]

  static let gridSamplings: [OperationCase] = {
    let sizes: [(name: String, shape: [Int], size: [Int])] = [
      ("", [2, 5, 4, 5], [3, 6]),
      ("-blocks", [1, 24, 5, 3], [4, 5]),
      ("-3d", [1, 4, 3, 4, 5], [2, 3, 5]),
      ("-3d-blocks", [1, 16, 2, 3, 4], [2, 2, 3]),
    ]
    var cases: [OperationCase] = []
    for (name, shape, size) in sizes {
      for padding in GridPadding.allCases {
        for aligned in [false, true] {
          for interpolation in [FeatureInterpolation.linear, .nearest] {
            let kind = "\(interpolation.rawValue)-\(padding.rawValue)"
            let gridShape = [shape[0]] + size + [size.count]
            cases.append(
              OperationCase(
                "grid-" + kind + (aligned ? "-aligned" : "") + name,
                [shape, gridShape],
                fills: [.normal, .positive],
                course: interpolation == .linear ? .smooth : .broken
              ) {
                gridSampled(
                  $0[0],
                  grid: places($0[1], in: shape, aligned: aligned),
                  interpolation: interpolation,
                  padding: padding,
                  alignCorners: aligned
                )
              }
            )
          }
        }
      }
    }
    return cases
  }()

  /// A grid whose points lie at whole cells from −2 to n plus 0.35 plus a fifth of the operand; the
  /// fixtures' generator has the same formula.
  private static func places(_ operand: Tensor, in shape: [Int], aligned: Bool) -> Tensor {
    let axes = shape.count - 2
    var (factors, base): ([Float], [Float]) = ([], [])
    for place in 0..<operand.count {
      let (point, coordinate) = (place / axes, place % axes)
      let n = shape[shape.count - 1 - coordinate]
      let cell = Float((point * 7 + coordinate * 3) % (n + 3) - 2) + 0.35
      let rate = 2 / Float(aligned ? n - 1 : n)
      factors.append(0.2 * rate)
      base.append((aligned ? cell : cell + 0.5) * rate - 1)
    }
    return operand * Tensor(factors, shape: operand.shape) + Tensor(base, shape: operand.shape)
  }
}
