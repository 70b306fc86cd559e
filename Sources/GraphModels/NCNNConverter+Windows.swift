import Tensors

/// Convolutions, and what changes the size of maps.
extension NCNNConverter {
  mutating func convolution(
    _ layer: NCNNModel.Layer,
    _ first: String,
    _ result: String
  ) throws {
    let window = layer.weights[0].shape
    let groups = layer.kind == "ConvolutionDepthWise" ? layer.integer(7, 1) : 1
    var attributes = steps(layer, window)
    attributes["group"] = .integer(groups)
    let left = layer.integer(4)
    if left == -233 || left == -234 {
      attributes["auto_pad"] = .text(left == -233 ? "SAME_UPPER" : "SAME_LOWER")
    } else {
      attributes["pads"] = .integers(pads(layer))
      if layer.number(18) != 0, pads(layer).contains(where: { $0 != 0 }) {
        throw GraphModelsError.unsupportedForm(
          operator: layer.kind,
          node: layer.name,
          reason: "its border is not 0"
        )
      }
    }
    channels[result] = window[0]
    let raw = layer.integer(9) == 0 ? result : layer.name + "/sum"
    emit("Conv", [first] + operands(layer, layer.weights[0]), raw, attributes)
    try finish(layer, raw, result)
  }

  mutating func deconvolution(
    _ layer: NCNNModel.Layer,
    _ first: String,
    _ result: String
  ) throws {
    let window = layer.weights[0].shape
    let groups = layer.kind == "DeconvolutionDepthWise" ? layer.integer(7, 1) : 1
    guard groups == 1, layer.integer(20) == 0, layer.integer(21) == 0, layer.integer(4) >= 0 else {
      throw GraphModelsError.unsupportedForm(
        operator: layer.kind,
        node: layer.name,
        reason: "it has groups or a fixed size"
      )
    }
    // ncnn keeps outputs first, ONNX inputs.
    let turned = StoredTensor(layer.weights[0].tensor.transposed(0, 1))
    var attributes = steps(layer, window)
    attributes["pads"] = .integers(pads(layer))
    attributes["output_padding"] = .integers([
      layer.integer(19, layer.integer(18)), layer.integer(18),
    ])
    channels[result] = window[0]
    let raw = layer.integer(9) == 0 ? result : layer.name + "/sum"
    emit("ConvTranspose", [first] + operands(layer, turned), raw, attributes)
    try finish(layer, raw, result)
  }

  private mutating func operands(_ layer: NCNNModel.Layer, _ weight: StoredTensor) -> [String] {
    [store(weight, layer.name + "/weight")]
      + layer.weights.dropFirst().map { store($0, layer.name + "/bias") }
  }

  private func steps(
    _ layer: NCNNModel.Layer,
    _ window: [Int]
  ) -> [String: OperatorGraph.Attribute] {
    let (stride, dilation) = (layer.integer(3, 1), layer.integer(2, 1))
    return [
      "kernel_shape": .integers(Array(window.suffix(2))),
      "strides": .integers([layer.integer(13, stride), stride]),
      "dilations": .integers([layer.integer(12, dilation), dilation]),
    ]
  }

  /// Top, left, bottom, right.
  private func pads(_ layer: NCNNModel.Layer) -> [Int] {
    let left = layer.integer(4)
    let top = layer.integer(14, left)
    return [top, left, layer.integer(16, top), layer.integer(15, left)]
  }

  mutating func interpolation(
    _ layer: NCNNModel.Layer,
    _ first: String,
    _ result: String
  ) throws {
    let modes = ["", "nearest", "linear", "cubic"]
    let factors = [layer.number(1, 1), layer.number(2, 1)]
    guard let mode = modes.element(at: layer.integer(0)), !mode.isEmpty, layer.inputs.count == 1,
      layer.integer(3) == 0, layer.integer(4) == 0,
      factors.allSatisfy({ $0 > 0 && $0 <= 64 })
    else {
      throw GraphModelsError.unsupportedForm(
        operator: layer.kind,
        node: layer.name,
        reason: "it has no fixed factor"
      )
    }
    let coordinates =
      mode == "nearest"
      ? "asymmetric" : layer.integer(6) != 0 ? "align_corners" : "half_pixel"
    var attributes: [String: OperatorGraph.Attribute] = [
      "mode": .text(mode), "coordinate_transformation_mode": .text(coordinates),
    ]
    if mode == "nearest" { attributes["nearest_mode"] = .text("floor") }
    let scales = Tensor([1, 1] + factors.map { Float($0) }, shape: [4])
    emit(
      "Resize",
      [first, "", store(StoredTensor(scales), layer.name + "/scales")],
      result,
      attributes
    )
  }

  mutating func reorganization(
    _ layer: NCNNModel.Layer,
    _ first: String,
    _ result: String
  ) throws {
    let step = layer.integer(0, 1)
    guard let count = channels[first], (1...Self.largestFactor).contains(step), count > 0,
      count <= Self.largestWidth / (step * step)
    else {
      throw GraphModelsError.unsupportedForm(
        operator: layer.kind,
        node: layer.name,
        reason: "its channels are not known or too many"
      )
    }
    let cells = step * step
    channels[result] = count * cells
    let isDepthFirst = layer.integer(1) != 0
    let moved = isDepthFirst ? result : layer.name + "/moved"
    emit("SpaceToDepth", [first], moved, ["blocksize": .integer(step)])
    if !isDepthFirst {
      // ONNX has the places within a block first, ncnn the channels.
      let order = (0..<count * cells).map { $0 % cells * count + $0 / cells }
      emit(
        "Gather",
        [moved, store(StoredTensor(integers: order), layer.name + "/order")],
        result,
        ["axis": .integer(1)]
      )
    }
  }

  mutating func padding(
    _ layer: NCNNModel.Layer,
    _ first: String,
    _ result: String
  ) throws {
    let modes = ["constant", "edge", "reflect"]
    // Top, bottom, left, right.
    let sides = (0..<4).map { layer.integer($0) }
    guard let mode = modes.element(at: layer.integer(4)), sides.allSatisfy({ $0 >= 0 }),
      layer.integer(6) == 0, layer.integer(7) == 0, layer.integer(8) == 0
    else {
      throw GraphModelsError.unsupportedForm(
        operator: layer.kind,
        node: layer.name,
        reason: "sides of \(sides)"
      )
    }
    let amounts = StoredTensor(integers: [0, 0, sides[0], sides[2], 0, 0, sides[1], sides[3]])
    var operands = [first, store(amounts, layer.name + "/sides")]
    if mode == "constant" { operands.append(number(layer.number(5), layer.name + "/value")) }
    emit("Pad", operands, result, ["mode": .text(mode)])
  }

  mutating func pooling(
    _ layer: NCNNModel.Layer,
    _ first: String,
    _ result: String
  ) throws {
    let isMean = layer.integer(0) == 1
    if layer.integer(4) != 0 {
      emit(isMean ? "GlobalAveragePool" : "GlobalMaxPool", [first], result)
      return
    }
    let (width, stride, left) = (layer.integer(1), layer.integer(2, 1), layer.integer(3))
    let top = layer.integer(13, left)
    let mode = layer.integer(5)
    guard layer.integer(7) == 0, mode == 0 || mode == 1 else {
      throw GraphModelsError.unsupportedForm(
        operator: layer.kind,
        node: layer.name,
        reason: "the padding \(mode)"
      )
    }
    var attributes: [String: OperatorGraph.Attribute] = [
      "kernel_shape": .integers([layer.integer(11, width), width]),
      "strides": .integers([layer.integer(12, stride), stride]),
      "pads": .integers([top, left, layer.integer(15, top), layer.integer(14, left)]),
      // "Full" padding rounds sizes up.
      "ceil_mode": .integer(mode == 0 ? 1 : 0),
    ]
    if isMean { attributes["count_include_pad"] = .integer(layer.integer(6)) }
    emit(isMean ? "AveragePool" : "MaxPool", [first], result, attributes)
  }
}

extension Array {
  /// An element, or nil outside.
  func element(at index: Int) -> Element? {
    indices.contains(index) ? self[index] : nil
  }
}
