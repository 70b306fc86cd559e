import Imaging
import Support

/// The two masks of a structure, cut to the smallest box that holds both.
package struct CroppedMasks: Sendable {
  /// The prediction: one byte for each voxel of the box, x fastest, 1 within.
  package let prediction: [UInt8]
  /// The reference, likewise.
  package let reference: [UInt8]
  /// The box's voxels along each axis.
  package let size: SIMD3<Int>
  /// Distance of voxel centres along each axis, mm.
  package let spacing: SIMD3<Double>
  /// Whether the whole grid has one slice; then shapes are those of a 2-D image.
  package let isPlanar: Bool

  package init(
    prediction: [UInt8],
    reference: [UInt8],
    size: SIMD3<Int>,
    spacing: SIMD3<Double>,
    isPlanar: Bool
  ) {
    let count = size.x * size.y * size.z
    precondition(
      prediction.count == count && reference.count == count,
      "masks of \(prediction.count) and \(reference.count) voxels in a box of \(size)"
    )
    self.prediction = prediction
    self.reference = reference
    self.size = size
    self.spacing = spacing
    self.isPlanar = isPlanar
  }

  /// Cuts the masks of some labels out of two maps of one grid.
  /// - Parameters:
  ///   - prediction: The predicted map.
  ///   - reference: The reference map.
  ///   - predictionIDs: The labels whose union is the predicted mask.
  ///   - referenceIDs: The labels whose union is the reference mask.
  ///   - ignored: Voxels of this reference label belong to neither mask.
  ///   - box: The box to cut, within the grid.
  init(
    prediction: LabelMap,
    reference: LabelMap,
    predictionIDs: Set<Int>,
    referenceIDs: Set<Int>,
    ignored: UInt16?,
    box: LabelBox
  ) {
    let geometry = reference.geometry
    let size = box.high &- box.low &+ 1
    func cut(_ map: LabelMap, _ ids: Set<Int>) -> [UInt8] {
      let table = (0..<65536).map { ids.contains($0) ? 1 : 0 as UInt8 }
      let count = size.x * size.y * size.z
      return [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
        // Every range of rows writes to its own voxels.
        nonisolated(unsafe) let output = buffer
        map.labels.withUnsafeBufferPointer { labels in
          reference.labels.withUnsafeBufferPointer { truth in
            nonisolated(unsafe) let labels = labels
            nonisolated(unsafe) let truth = truth
            Parallelism.forEachRange(
              size.y * size.z,
              minimumChunk: (1 << 16) / size.x + 1
            ) { rows in
              for row in rows {
                let source = geometry.offset(
                  box.low.x,
                  box.low.y + row % size.y,
                  box.low.z + row / size.y
                )
                let target = row * size.x
                for x in 0..<size.x {
                  output[target + x] = table[Int(labels[source + x])]
                  if truth[source + x] == ignored { output[target + x] = 0 }
                }
              }
            }
          }
        }
        initializedCount = count
      }
    }
    self.init(
      prediction: cut(prediction, predictionIDs),
      reference: cut(reference, referenceIDs),
      size: size,
      spacing: geometry.spacing,
      isPlanar: geometry.size.z == 1
    )
  }
}
