import Imaging
import ImagingIO

/// Scalars that become single precision.
protocol SingleConvertible: BitwiseCopyable, Sendable {
  /// Whether the value is 0; not a number is not.
  var isNull: Bool { get }
  /// The value rounded to single precision.
  var single: Float { get }
  /// The value rounded to double precision.
  var double: Double { get }
}

extension SingleConvertible where Self: BinaryInteger {
  var isNull: Bool { self == 0 }
  var single: Float { Float(self) }
  var double: Double { Double(self) }
}

extension Int8: SingleConvertible {}
extension UInt8: SingleConvertible {}
extension Int16: SingleConvertible {}
extension UInt16: SingleConvertible {}
extension Int32: SingleConvertible {}
extension UInt32: SingleConvertible {}
extension Int64: SingleConvertible {}
extension UInt64: SingleConvertible {}
extension Float: SingleConvertible {
  var isNull: Bool { self == 0 }
  var single: Float { self }
  var double: Double { Double(self) }
}
extension Double: SingleConvertible {
  var isNull: Bool { self == 0 }
  var single: Float { Float(self) }
  var double: Double { self }
}

/// Work on the values of a volume, whatever their type.
protocol ValueVisitor {
  associatedtype Result
  func visit<Scalar: SingleConvertible>(_ values: UnsafeBufferPointer<Scalar>) -> Result
}

extension AnyVolume {
  /// Gives the values, x fastest, to a visitor.
  func accept<Visitor: ValueVisitor>(_ visitor: Visitor) -> Visitor.Result {
    switch self {
    case .int8(let volume): volume.voxels.withUnsafeBufferPointer(visitor.visit)
    case .uint8(let volume): volume.voxels.withUnsafeBufferPointer(visitor.visit)
    case .int16(let volume): volume.voxels.withUnsafeBufferPointer(visitor.visit)
    case .uint16(let volume): volume.voxels.withUnsafeBufferPointer(visitor.visit)
    case .int32(let volume): volume.voxels.withUnsafeBufferPointer(visitor.visit)
    case .uint32(let volume): volume.voxels.withUnsafeBufferPointer(visitor.visit)
    case .int64(let volume): volume.voxels.withUnsafeBufferPointer(visitor.visit)
    case .uint64(let volume): volume.voxels.withUnsafeBufferPointer(visitor.visit)
    case .float32(let volume): volume.voxels.withUnsafeBufferPointer(visitor.visit)
    case .float64(let volume): volume.voxels.withUnsafeBufferPointer(visitor.visit)
    }
  }

  /// The same volume with its axes permuted and flipped.
  func reordered(by reordering: GridReordering) -> AnyVolume {
    if reordering.isIdentity { return self }
    switch self {
    case .int8(let volume): return .int8(volume.reordered(by: reordering))
    case .uint8(let volume): return .uint8(volume.reordered(by: reordering))
    case .int16(let volume): return .int16(volume.reordered(by: reordering))
    case .uint16(let volume): return .uint16(volume.reordered(by: reordering))
    case .int32(let volume): return .int32(volume.reordered(by: reordering))
    case .uint32(let volume): return .uint32(volume.reordered(by: reordering))
    case .int64(let volume): return .int64(volume.reordered(by: reordering))
    case .uint64(let volume): return .uint64(volume.reordered(by: reordering))
    case .float32(let volume): return .float32(volume.reordered(by: reordering))
    case .float64(let volume): return .float64(volume.reordered(by: reordering))
    }
  }
}

extension Volume {
  /// The same volume with its axes permuted and flipped.
  fileprivate func reordered(by reordering: GridReordering) -> Volume {
    Volume(
      geometry: geometry.reordered(by: reordering),
      voxels: reordering.applied(to: voxels, size: geometry.size)
    )
  }
}

/// Voxels of a grid from `low`, `size` of them along each axis.
package struct GridBox: Equatable, Sendable {
  package var low: SIMD3<Int>
  package var size: SIMD3<Int>

  package init(low: SIMD3<Int>, size: SIMD3<Int>) {
    self.low = low
    self.size = size
  }

  var count: Int { size.x * size.y * size.z }

  /// The smallest box around both.
  func union(_ other: GridBox) -> GridBox {
    let first = pointwiseMin(low, other.low)
    let last = pointwiseMax(low &+ size, other.low &+ other.size)
    return GridBox(low: first, size: last &- first)
  }
}

/// Finds the box of all values that are not 0; nil when all are.
struct NonzeroBoxFinder: ValueVisitor {
  let size: SIMD3<Int>

  func visit<Scalar: SingleConvertible>(_ values: UnsafeBufferPointer<Scalar>) -> GridBox? {
    var low = size
    var high = SIMD3(-1, -1, -1)
    var place = 0
    for z in 0..<size.z {
      for y in 0..<size.y {
        let row = place..<place + size.x
        place += size.x
        guard let first = row.first(where: { !values[$0].isNull }) else { continue }
        var last = row.upperBound - 1
        while values[last].isNull { last -= 1 }
        let (from, to) = (first - row.lowerBound, last - row.lowerBound)
        low = pointwiseMin(low, [from, y, z])
        high = pointwiseMax(high, [to, y, z])
      }
    }
    return high.x < 0 ? nil : GridBox(low: low, size: high &- low &+ SIMD3(1, 1, 1))
  }
}

/// Copies a box of the values in single precision, x fastest.
struct BoxReader: ValueVisitor {
  let size: SIMD3<Int>
  let box: GridBox

  func visit<Scalar: SingleConvertible>(_ values: UnsafeBufferPointer<Scalar>) -> [Float] {
    [Float](unsafeUninitializedCapacity: box.count) { target, count in
      var place = 0
      for z in box.low.z..<box.low.z + box.size.z {
        for y in box.low.y..<box.low.y + box.size.y {
          let row = box.low.x + size.x * (y + size.y * z)
          for x in 0..<box.size.x { target[place + x] = values[row + x].single }
          place += box.size.x
        }
      }
      count = box.count
    }
  }
}

/// Marks the values of a box that are not 0 by 1; the others stay.
struct NonzeroMarker: ValueVisitor {
  let size: SIMD3<Int>
  let box: GridBox
  let mask: UnsafeMutableBufferPointer<UInt8>

  func visit<Scalar: SingleConvertible>(_ values: UnsafeBufferPointer<Scalar>) {
    var place = 0
    for z in box.low.z..<box.low.z + box.size.z {
      for y in box.low.y..<box.low.y + box.size.y {
        let row = box.low.x + size.x * (y + size.y * z)
        for x in 0..<box.size.x where !values[row + x].isNull { mask[place + x] = 1 }
        place += box.size.x
      }
    }
  }
}
