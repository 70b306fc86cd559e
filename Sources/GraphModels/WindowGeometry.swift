/// The window of a convolution or pooling, with its padding resolved.
struct WindowGeometry {
  let kernel: [Int]
  let stride: [Int]
  let dilation: [Int]
  /// Cells outside the image, in front of and behind each axis.
  let before: [Int]
  let after: [Int]
  /// Spatial size of the result.
  let output: [Int]

  /// The cells that a window reaches over along each axis.
  var reach: [Int] { zip(kernel, dilation).map { ($0 - 1) * $1 + 1 } }

  /// Reads a node's attributes for an input of a spatial size.
  ///
  /// When `isCeiled`, a last window that is only partly there counts (`ceil_mode`).
  init(_ context: NodeContext, input: [Int], kernel: [Int], isCeiled: Bool = false) throws {
    let rank = input.count
    let stride = try context.integerList("strides") ?? [Int](repeating: 1, count: rank)
    let dilation = try context.integerList("dilations") ?? [Int](repeating: 1, count: rank)
    let pads = try context.integerList("pads") ?? [Int](repeating: 0, count: 2 * rank)
    try context.require(
      kernel.count == rank && stride.count == rank && dilation.count == rank
        && pads.count == 2 * rank,
      "windows of \(kernel), \(stride), \(dilation) and \(pads) for \(rank) axes"
    )
    try context.require(
      (kernel + stride + dilation).allSatisfy { (1...1 << 20).contains($0) }
        && pads.allSatisfy { (0...1 << 20).contains($0) },
      "windows of \(kernel), \(stride), \(dilation) and \(pads)"
    )
    let reach = zip(kernel, dilation).map { ($0 - 1) * $1 + 1 }
    var (before, after) = (Array(pads.prefix(rank)), Array(pads.suffix(rank)))
    var output = [Int](repeating: 0, count: rank)
    let mode = try context.text("auto_pad", "NOTSET")
    for axis in 0..<rank {
      switch mode {
      case "NOTSET", "":
        let room = input[axis] + before[axis] + after[axis] - reach[axis]
        try context.require(
          room >= 0 && input[axis] > 0,
          "a window of \(reach[axis]) does not fit \(input[axis]) cells"
        )
        output[axis] = room / stride[axis] + 1
        if isCeiled, room % stride[axis] != 0,
          // The last window has to start inside the image or in front of it.
          output[axis] * stride[axis] < input[axis] + before[axis]
        {
          output[axis] += 1
        }
      case "VALID":
        (before[axis], after[axis]) = (0, 0)
        let room = input[axis] - reach[axis]
        try context.require(
          room >= 0,
          "a window of \(reach[axis]) does not fit \(input[axis]) cells"
        )
        output[axis] = room / stride[axis] + 1
      case "SAME_UPPER", "SAME_LOWER":
        output[axis] = (input[axis] + stride[axis] - 1) / stride[axis]
        let total = max(0, (output[axis] - 1) * stride[axis] + reach[axis] - input[axis])
        before[axis] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
        after[axis] = total - before[axis]
      default: throw context.invalid("auto_pad is \(mode)")
      }
    }
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.before = before
    self.after = after
    self.output = output
  }
}
