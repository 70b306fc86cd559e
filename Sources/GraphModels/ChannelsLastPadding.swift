/// The two paddings of TensorFlow and Keras, as attributes of a graph's windows.
enum ChannelsLastPadding {
  /// As many outputs as inputs, divided by the stride.
  case same
  /// Windows within the image alone.
  case valid

  typealias Attributes = [String: OperatorGraph.Attribute]

  /// For convolutions and poolings.
  /// - Parameters:
  ///   - window: Cells along each axis.
  ///   - strides: Steps along each axis.
  ///   - dilations: Distances of neighbouring cells, 1 when nil.
  /// - Returns: "pads" where they are the same for every size, otherwise "auto_pad".
  func attributes(window: [Int], strides: [Int], dilations: [Int]? = nil) -> Attributes {
    switch self {
    case .valid: return ["auto_pad": .text("VALID")]
    case .same:
      guard strides.allSatisfy({ $0 == 1 }) else { return ["auto_pad": .text("SAME_UPPER")] }
      return Self.pads(zip(window, dilations ?? strides).map { ($0 - 1) * $1 })
    }
  }

  /// For transposed convolutions, whose results have ("same") the input's size times the stride, or
  /// ("valid") all that a window reaches, but not less.
  /// - Parameters:
  ///   - window: Cells along each axis.
  ///   - strides: Steps along each axis.
  /// - Returns: "output_padding", and "pads" where something is cut off.
  func transposedAttributes(window: [Int], strides: [Int]) -> Attributes {
    var result: Attributes = [
      "output_padding": .integers(zip(window, strides).map { max($1 - $0, 0) })
    ]
    if case .same = self {
      result.merge(Self.pads(zip(window, strides).map { max($0 - $1, 0) })) { $1 }
    }
    return result
  }

  /// Half before, the larger half behind.
  private static func pads(_ all: [Int]) -> Attributes {
    ["pads": .integers(all.map { $0 / 2 } + all.map { $0 - $0 / 2 })]
  }
}
