import Support
import Tensors

/// Functions of single numbers that the engine has no kernel for, by plain loops.
enum ElementMaps {
  /// f of every number.
  static func map(
    _ name: String,
    _ x: Tensor,
    cost: Int = 8,
    _ function: @escaping @Sendable (Float) -> Float
  ) -> Tensor {
    operation(name, on: [x], shape: x.shape) { operands in
      let source = operands[0].plain.storage
      let result = AlignedBuffer<Float>(uninitializedCount: source.count)
      EngineThreads.forEachRange(source.count, itemCost: cost) { range in
        for place in range { result.pointer[place] = function(source.pointer[place]) }
      }
      return Tensor(shape: operands[0].shape, storage: result)
    }
  }

  /// f of every two numbers of operands that go together by NumPy's rules.
  static func map(
    _ name: String,
    _ a: Tensor,
    _ b: Tensor,
    shape: [Int],
    _ function: @escaping @Sendable (Float, Float) -> Float
  ) -> Tensor {
    operation(name, on: [a, b], shape: shape) { operands in
      let left = operands[0].broadcasted(to: shape).plain.storage
      let right = operands[1].broadcasted(to: shape).plain.storage
      let result = AlignedBuffer<Float>(uninitializedCount: left.count)
      EngineThreads.forEachRange(left.count, itemCost: 8) { range in
        for place in range {
          result.pointer[place] = function(left.pointer[place], right.pointer[place])
        }
      }
      return Tensor(shape: shape, storage: result)
    }
  }

  /// Numbers that plain loops compute from whole tensors.
  static func compute(
    _ name: String,
    _ operands: [Tensor],
    shape: [Int],
    _ body: @escaping @Sendable (_ values: [[Float]]) -> [Float]
  ) -> Tensor {
    operation(name, on: operands, shape: shape) { operands in
      Tensor(body(operands.map(\.values)), shape: shape)
    }
  }

  /// The steps of a row-major shape.
  static func steps(_ shape: [Int]) -> [Int] {
    var steps = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      steps[axis] = steps[axis + 1] * shape[axis + 1]
    }
    return steps
  }

  /// Calls the body with every index of a shape, the last axis fastest.
  static func forEachIndex(_ shape: [Int], _ body: ([Int]) throws -> Void) rethrows {
    guard !shape.contains(0) else { return }
    var index = [Int](repeating: 0, count: shape.count)
    while true {
      try body(index)
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
