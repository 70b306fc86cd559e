import Foundation
import Tensors

/// Fourier transforms as products with matrices, and windows for them.
extension GraphOperator {
  static let frequencies: [GraphOperator] = [
    GraphOperator("DFT", 1...3, ["axis", "inverse", "onesided"]) { context in
      let x = try context.operand(0)
      let given =
        context.opset < 20
        ? try context.integer("axis", 1) : try context.optionalIntegers(2)?.first ?? -2
      let axis = try context.axis(given, rank: x.rank)
      try context.require(
        x.rank >= 2 && axis < x.rank - 1 && [1, 2].contains(x.shape[x.rank - 1]) && x.count > 0,
        "the axis \(given) of \(x.shape)"
      )
      let result = try transformed(
        context,
        x.tensor,
        axis: axis,
        length: try context.optionalIntegers(1)?.first,
        isInverse: try context.flag("inverse", false),
        isOneSided: try context.flag("onesided", false)
      )
      return [GraphValue(x.type, result)]
    },
    GraphOperator("STFT", 2...4, ["onesided"]) { context in
      let x = try context.operand(0)
      let step = try context.integers(1).first ?? 0
      let window = context.optionalNumbers(2)
      let length = try context.optionalIntegers(3)?.first ?? window?.count ?? 0
      try context.require(
        x.rank == 3 && [1, 2].contains(x.shape[2]) && step > 0 && length > 0
          && length <= x.shape[1] && window.map { $0.shape == [length] } ?? true,
        "pieces of \(length) every \(step) of \(x.shape)"
      )
      let count = (x.shape[1] - length) / step + 1
      let shape = try context.bounded([x.shape[0], count, length, x.shape[2]])
      try context.require(count * length <= 1 << 26, "\(count) pieces of \(length)")
      let places = (0..<count).flatMap { piece in (0..<length).map { piece * step + $0 } }
      var pieces = x.tensor.selecting(places, axis: 1).reshaped(shape)
      if let window { pieces = pieces * window.reshaped([length, 1]) }
      let result = try transformed(
        context,
        pieces,
        axis: 2,
        length: length,
        isInverse: false,
        isOneSided: try context.flag("onesided", true)
      )
      return [GraphValue(x.type, result)]
    },
    window("HannWindow", [0.5, -0.5]),
    window("HammingWindow", [25.0 / 46, -21.0 / 46]),
    window("BlackmanWindow", [0.42, -0.5, 0.08]),
  ]

  /// A sum of cosines of the multiples of one turn.
  private static func window(_ name: String, _ parts: [Double]) -> GraphOperator {
    GraphOperator(name, 1...1, ["output_datatype", "periodic"]) { context in
      let sizes = try context.integers(0)
      let number = try context.integer("output_datatype", 1)
      guard let type = GraphNumberType(rawValue: number), type != .text else {
        throw context.unsupported("of the type \(number) of ONNX")
      }
      try context.require(
        sizes.count == 1 && (0...1 << 24).contains(sizes[0]),
        "the size \(sizes)"
      )
      let turn = try context.flag("periodic", true) ? sizes[0] : sizes[0] - 1
      let values = (0..<sizes[0]).map { index -> Float in
        let angle = turn > 0 ? 2 * Double.pi * Double(index) / Double(turn) : 0
        return Float(
          parts.enumerated().reduce(0) { $0 + $1.element * cos(Double($1.offset) * angle) }
        )
      }
      return [GraphValue(type, Tensor(values, shape: sizes))]
    }
  }

  /// The transform of real or complex numbers, which lie along the last axis.
  private static func transformed(
    _ context: NodeContext,
    _ x: Tensor,
    axis: Int,
    length given: Int?,
    isInverse: Bool,
    isOneSided: Bool
  ) throws -> Tensor {
    let size = x.shape[axis]
    let length = given ?? (isInverse && isOneSided ? 2 * (size - 1) : size)
    let isReal = isInverse && isOneSided
    // Real signals have as many frequencies as make them up; of more, the others are left out.
    let half = length / 2 + 1
    let inputs = min(size, isReal ? half : length)
    let outputs = isOneSided && !isInverse ? half : length
    guard length > 0, inputs <= 1 << 14, outputs <= 1 << 14, inputs * outputs <= 1 << 24 else {
      throw context.unsupported("a transform of \(length) numbers")
    }
    var (cosines, sines): ([Float], [Float]) = ([], [])
    for input in 0..<inputs {
      // A frequency of a real signal stands for its mirror image, too.
      let isOwnMirror = input == 0 || 2 * input == length
      let weight = isReal && !isOwnMirror ? 2.0 : 1
      let factor = isInverse ? weight / Double(length) : 1
      for output in 0..<outputs {
        let angle = 2 * Double.pi * Double(input * output % length) / Double(length)
        cosines.append(Float(factor * cos(angle)))
        sines.append(Float(factor * sin(angle)))
      }
    }
    let matrices = [cosines, sines].map { Tensor($0, shape: [inputs, outputs]) }
    // The axis that is transformed comes last.
    let rest = (0..<x.rank - 1).filter { $0 != axis }
    func part(_ index: Int) -> Tensor {
      x.sliced(axis: x.rank - 1, start: index, end: index + 1)
        .reshaped(Array(x.shape.dropLast())).transposed(rest + [axis])
        .sliced(axis: rest.count, start: 0, end: inputs)
    }
    func product(_ x: Tensor, _ matrix: Int) -> Tensor {
      let outer = Array(x.shape.dropLast())
      return matrixProduct(x.reshaped([outer.reduce(1, *), inputs]), matrices[matrix])
        .reshaped(outer + [outputs])
    }
    let real = part(0)
    var (a, b) = (product(real, 0), isReal ? nil : Optional(product(real, 1)))
    if !isInverse { b = b.map { -$0 } }
    if x.shape[x.rank - 1] == 2 {
      let imaginary = part(1)
      let turned = product(imaginary, 1)
      a = isInverse ? a - turned : a + turned
      b = b.map { $0 + product(imaginary, 0) }
    }
    // Back to where the axis was.
    var order = Array(0..<rest.count)
    order.insert(rest.count, at: axis)
    let parts = [a, b].compactMap { $0?.transposed(order).unsqueezed(x.rank - 1) }
    return parts.count == 1 ? parts[0] : concatenation(parts, axis: x.rank - 1)
  }
}
