import Support

/// What is known about two images of the same grid.
package struct ImagePair: Sendable {
  /// The values of the image to judge, x fastest.
  package let prediction: [Float]
  /// The values taken as true, x fastest.
  package let reference: [Float]
  /// Voxels along each axis.
  package let size: SIMD3<Int>
  /// The range of the true values, in units of the image.
  package let dataRange: Double?
  /// The voxels that the means are over: all, or those of a mask.
  package let voxelCount: Int
  /// Whether there is a mask.
  package let isMasked: Bool
  /// The mean of the squared differences.
  package let meanSquaredError: Double
  /// The mean of the absolute differences.
  package let meanAbsoluteError: Double
  /// The mean of the squared true values.
  package let meanSquaredReference: Double

  /// Sums the differences in double precision, in pieces that do not depend on the threads.
  /// - Parameters:
  ///   - prediction: The values of the image to judge, x fastest.
  ///   - reference: As many values taken as true.
  ///   - size: Voxels along each axis.
  ///   - dataRange: The range of the true values.
  ///   - mask: As many labels; the means are over those that are not 0. Nil for all voxels.
  package init(
    _ prediction: [Float],
    _ reference: [Float],
    size: SIMD3<Int>,
    dataRange: Double?,
    mask: [UInt16]? = nil
  ) {
    let count = size.x * size.y * size.z
    precondition(
      prediction.count == count && reference.count == count && count > 0
        && (mask.map { $0.count == count } ?? true),
      "images of different size"
    )
    self.prediction = prediction
    self.reference = reference
    self.size = size
    self.dataRange = dataRange
    let piece = 1 << 16
    let pieces = (count + piece - 1) / piece
    let sums = AlignedBuffer<SIMD3<Double>>(repeating: .zero, count: pieces)
    prediction.withUnsafeBufferPointer { prediction in
      reference.withUnsafeBufferPointer { reference in
        nonisolated(unsafe) let prediction = prediction
        nonisolated(unsafe) let reference = reference
        Parallelism.forEach(pieces) { index in
          var sum = SIMD3<Double>.zero
          for at in (index * piece)..<min(count, (index + 1) * piece) {
            if let mask, mask[at] == 0 { continue }
            let truth = Double(reference[at])
            let difference = Double(prediction[at]) - truth
            sum += [difference * difference, abs(difference), truth * truth]
          }
          sums.mutableElements[index] = sum
        }
      }
    }
    isMasked = mask != nil
    voxelCount = mask?.count { $0 != 0 } ?? count
    let total = sums.elements.reduce(.zero, +) / Double(max(1, voxelCount))
    meanSquaredError = total.x
    meanAbsoluteError = total.y
    meanSquaredReference = total.z
  }
}
