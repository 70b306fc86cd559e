import Foundation
import Support
import Tensors

/// Operators that gather and scatter windows, and cut images to a size.
extension GraphOperator {
  static let patches: [GraphOperator] = [
    GraphOperator("CenterCropPad", 2...2, ["axes"]) { context in
      let (x, wanted) = (try context.operand(0), try context.integers(1))
      let axes = try (try context.integerList("axes") ?? Array(0..<x.rank)).map {
        try context.axis($0, rank: x.rank)
      }
      try context.require(
        axes.count == wanted.count && Set(axes).count == axes.count
          && wanted.allSatisfy { (0...1 << 24).contains($0) },
        "sizes \(wanted) of the axes \(axes) of \(x.shape)"
      )
      var shape = x.shape
      for (axis, size) in zip(axes, wanted) { shape[axis] = size }
      _ = try context.bounded(shape)
      if shape == x.shape { return [x] }
      guard x.count > 0, !shape.contains(0) else {
        return [GraphValue(x.type, Tensor(repeating: 0, shape: shape))]
      }
      // What is too much or too little goes half to each side, the odd cell to the end.
      let taps = x.shape.indices.map { axis in
        let surplus = x.shape[axis] - shape[axis]
        let start = surplus >= 0 ? surplus / 2 : -(-surplus / 2)
        return (start..<start + shape[axis]).map { cell in
          (0..<x.shape[axis]).contains(cell) ? [AxisTap(source: cell, weight: 1)] : []
        }
      }
      return [GraphValue(x.type, mapped("centre", x.tensor, taps: taps))]
    },
    GraphOperator("Col2Im", 3...3, ["dilations", "pads", "strides"]) { context in
      [GraphValue(try context.operand(0).type, try folded(context))]
    },
    GraphOperator(
      "DeformConv",
      3...5,
      ["dilations", "group", "kernel_shape", "offset_group", "pads", "strides"]
    ) { context in
      [GraphValue(try context.operand(0).type, try DeformedWindows(context).result())]
    },
  ]

  /// Numbers of windows added up where the windows lie; the reverse of gathering windows.
  private static func folded(_ context: NodeContext) throws -> Tensor {
    let (x, image, window) = (
      try context.numbers(0), try context.integers(1), try context.integers(2)
    )
    let axes = image.count
    func list(_ name: String, _ count: Int, _ standard: Int) throws -> [Int] {
      try context.integerList(name) ?? [Int](repeating: standard, count: count)
    }
    let dilations = try list("dilations", axes, 1)
    let (strides, pads) = (try list("strides", axes, 1), try list("pads", 2 * axes, 0))
    try context.require(
      x.rank == 3 && x.count > 0 && (1...8).contains(axes) && window.count == axes
        && dilations.count == axes
        && strides.count == axes && pads.count == 2 * axes
        && (image + window + dilations + strides).allSatisfy { (1...1 << 20).contains($0) }
        && pads.allSatisfy { (0...1 << 20).contains($0) },
      "windows \(window) of \(x.shape) for the size \(image)"
    )
    let cells = (0..<axes).map { axis in
      let free =
        image[axis] + pads[axis] + pads[axes + axis] - dilations[axis] * (window[axis] - 1) - 1
      return free < 0 ? 0 : free / strides[axis] + 1
    }
    let (taps, count) = (StoredTensor.count(window) ?? 0, StoredTensor.count(cells) ?? 0)
    try context.require(
      taps > 0 && x.shape[1] % taps == 0 && x.shape[2] == count,
      "windows \(window) of \(x.shape) for the size \(image)"
    )
    let shape = try context.bounded([x.shape[0], x.shape[1] / taps] + image)
    let steps = ElementMaps.steps(image)
    // Where each number of a channel goes; nowhere beyond the border.
    var places: [Int] = []
    places.reserveCapacity(taps * count)
    ElementMaps.forEachIndex(window) { tap in
      ElementMaps.forEachIndex(cells) { cell in
        var place = 0
        for axis in 0..<axes {
          let index = cell[axis] * strides[axis] - pads[axis] + tap[axis] * dilations[axis]
          guard (0..<image[axis]).contains(index), place >= 0 else {
            place = -1
            continue
          }
          place += index * steps[axis]
        }
        places.append(place)
      }
    }
    let size = image.reduce(1, *)
    let targets = places
    return ElementMaps.compute("fold", [x], shape: shape) { values in
      var result = [Float](repeating: 0, count: shape.reduce(1, *))
      for channel in 0..<shape[0] * shape[1] {
        for (index, place) in targets.enumerated() where place >= 0 {
          result[channel * size + place] += values[0][channel * targets.count + index]
        }
      }
      return result
    }
  }
}

/// A convolution whose window's cells are moved by offsets that the network computes.
///
/// Zhu, Hu, Lin and Dai 2019, "Deformable ConvNets v2", equation 1, with bilinear values and zeros outside.
private struct DeformedWindows {
  private let context: NodeContext
  private let x: Tensor
  private let weight: Tensor
  private let offsets: Tensor
  private let bias: Tensor?
  private let mask: Tensor?
  private let groups: Int
  private let offsetGroups: Int
  private let window: [Int]
  private let stride: [Int]
  private let dilation: [Int]
  private let pads: [Int]

  init(_ context: NodeContext) throws {
    self.context = context
    (x, weight, offsets) = (
      try context.numbers(0), try context.numbers(1), try context.numbers(2)
    )
    (bias, mask) = (context.optionalNumbers(3), context.optionalNumbers(4))
    guard x.rank == 4 else { throw context.unsupported("of \(x.rank - 2) spatial axes") }
    try context.require(weight.rank == 4 && offsets.rank == 4, "weights of \(weight.shape)")
    (groups, offsetGroups) = (
      try context.integer("group", 1), try context.integer("offset_group", 1)
    )
    window = try context.integerList("kernel_shape") ?? Array(weight.shape.dropFirst(2))
    stride = try context.integerList("strides") ?? [1, 1]
    dilation = try context.integerList("dilations") ?? [1, 1]
    pads = try context.integerList("pads") ?? [0, 0, 0, 0]
    try context.require(
      window == Array(weight.shape.dropFirst(2)) && stride.count == 2 && dilation.count == 2
        && pads.count == 4
        && (window + stride + dilation).allSatisfy { (1...1 << 16).contains($0) }
        && pads.allSatisfy { (0...1 << 16).contains($0) },
      "windows \(window), strides \(stride), dilations \(dilation), borders \(pads)"
    )
    let channels = x.shape[1]
    try context.require(
      (1...max(1, channels)).contains(groups) && offsetGroups > 0
        && channels == weight.shape[1] * groups
        && weight.shape[0] % groups == 0 && channels % offsetGroups == 0
        && x.count > 0 && weight.count > 0,
      "weights of \(weight.shape) in \(groups) groups for \(x.shape)"
    )
    let taps = window[0] * window[1]
    let output = (0..<2).map { axis in
      let free =
        x.shape[2 + axis] + pads[axis] + pads[2 + axis] - dilation[axis] * (window[axis] - 1) - 1
      return free < 0 ? 0 : free / stride[axis] + 1
    }
    try context.require(
      output.allSatisfy { $0 > 0 }
        && offsets.shape == [x.shape[0], 2 * offsetGroups * taps] + output,
      "offsets of \(offsets.shape) for \(x.shape)"
    )
    try context.require(
      mask.map { $0.shape == [x.shape[0], offsetGroups * taps] + output } ?? true
        && bias.map { $0.shape == [weight.shape[0]] } ?? true,
      "a mask or bias that does not fit"
    )
    _ = try context.bounded([x.shape[0], channels, taps] + output)
  }

  func result() throws -> Tensor {
    let (samples, outputs) = (x.shape[0], weight.shape[0])
    let output = Array(offsets.shape.dropFirst(2))
    let size = output[0] * output[1]
    let inner = weight.shape[1] * window[0] * window[1]
    let columns = gathered(output).reshaped([samples, groups, inner, size])
    let kernels = weight.reshaped([1, groups, outputs / groups, inner])
    let result = matrixProduct(kernels, columns).reshaped([samples, outputs] + output)
    return bias.map { result + $0.reshaped([outputs, 1, 1]) } ?? result
  }

  /// The windows' values: samples, channels, cells of the window, places.
  private func gathered(_ output: [Int]) -> Tensor {
    let (taps, size) = (window[0] * window[1], output[0] * output[1])
    let (channels, height, width) = (x.shape[1], x.shape[2], x.shape[3])
    let shape = [x.shape[0], channels, taps, size]
    let (offsetGroups, window, stride, dilation, pads) = (
      offsetGroups, window, stride, dilation, pads
    )
    let all = [x, offsets] + (mask.map { [$0] } ?? [])
    return operation("deformed-windows", on: all, shape: shape) { operands in
      let source = operands[0].plain.storage
      let moved = operands[1].plain.storage
      let factors = operands.count > 2 ? operands[2].plain.storage : nil
      let result = AlignedBuffer<Float>(uninitializedCount: shape.reduce(1, *))
      EngineThreads.forEachRange(shape[0] * channels * taps, itemCost: 16 * size) { rows in
        for row in rows {
          let (sample, channel, tap) = (
            row / taps / channels, row / taps % channels, row % taps
          )
          let group = sample * offsetGroups + channel / (channels / offsetGroups)
          let plane = source.pointer + (sample * channels + channel) * height * width
          let shifts = moved.pointer + (group * taps + tap) * 2 * size
          for place in 0..<size {
            let y =
              Float(place / output[1] * stride[0] - pads[0] + tap / window[1] * dilation[0])
              + shifts[place]
            let x =
              Float(place % output[1] * stride[1] - pads[1] + tap % window[1] * dilation[1])
              + shifts[size + place]
            var value = Self.bilinear(plane, height, width, y, x)
            if let factors { value *= factors.pointer[(group * taps + tap) * size + place] }
            result.pointer[row * size + place] = value
          }
        }
      }
      return Tensor(shape: shape, storage: result)
    }
  }

  /// A value between cells; zeros lie outside, and where an offset is no number.
  private static func bilinear(
    _ plane: UnsafePointer<Float>,
    _ height: Int,
    _ width: Int,
    _ y: Float,
    _ x: Float
  ) -> Float {
    guard y > -1, x > -1, y < Float(height), x < Float(width) else { return 0 }
    let (top, left) = (Int(y.rounded(.down)), Int(x.rounded(.down)))
    let (below, right) = (y - Float(top), x - Float(left))
    func cell(_ row: Int, _ column: Int) -> Float {
      (0..<height).contains(row) && (0..<width).contains(column) ? plane[row * width + column] : 0
    }
    return (1 - below) * ((1 - right) * cell(top, left) + right * cell(top, left + 1))
      + below * ((1 - right) * cell(top + 1, left) + right * cell(top + 1, left + 1))
  }
}
