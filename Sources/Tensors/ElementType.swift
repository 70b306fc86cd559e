import CKernels
import Support

/// The type of a tensor's numbers.
public enum ElementType: String, Sendable, Hashable, CaseIterable {
  /// IEEE 754 single precision.
  case float32
  /// The upper half of a single-precision number: 8 bits of exponent, 7 of fraction.
  case bfloat16
}

extension Tensor {
  /// The tensor in another type; gradients come back in this tensor's own type.
  ///
  /// Rounding to bfloat16 is to the nearest, ties to even; NaN stays NaN.
  /// - Parameter type: The type.
  /// - Returns: The same shape and layout.
  public func cast(to type: ElementType) -> Tensor {
    guard elementType != type else { return self }
    let original = elementType
    let result = type == .bfloat16 ? rounded : single
    return result.recorded(from: [self]) { gradient in [gradient.cast(to: original)] }
  }

  /// The values in single precision, without a past.
  package var single: Tensor {
    guard let halfStorage else { return detached }
    let target = AlignedBuffer<Float>(uninitializedCount: halfStorage.count)
    EngineThreads.forEachRange(target.count) { range in
      let start = range.lowerBound
      ck_widen(halfStorage.pointer + start, target.pointer + start, Int64(range.count))
    }
    return Tensor(shape: shape, layout: layout, storage: target)
  }

  /// The values in bfloat16, without a past.
  package var rounded: Tensor {
    guard halfStorage == nil, symbol == nil else { return detached }
    let source = storage
    let target = AlignedBuffer<UInt16>(uninitializedCount: source.count)
    EngineThreads.forEachRange(target.count) { range in
      let start = range.lowerBound
      ck_narrow(source.pointer + start, target.pointer + start, Int64(range.count))
    }
    return Tensor(shape: shape, layout: layout, halfStorage: target)
  }
}
