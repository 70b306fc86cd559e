import Imaging

/// What a page shows of a structure's shape beside its measurements.
struct StructureProfile {
  /// The structure's extent to the patient's left, to the back and to the head, mm, along the grid's
  /// axes, voxels counted whole.
  let extentMM: SIMD3<Double>
  /// For each axial slice from the feet on: its distance from the lowest slice, mm, and the area, mm².
  let areas: [SIMD2<Double>]
  /// The share of the voxels that belong to the largest piece (26 neighbours), 0 to 1.
  let largestShare: Double

  /// The profiles of all labels that occur.
  static func profiles(of map: LabelMap) -> [Int: StructureProfile] {
    let geometry = map.geometry
    let view = SliceView(geometry, plane: .axial)
    var counts: [UInt16: [Int]] = [:]
    for slice in 0..<view.sliceCount {
      for y in 0..<view.height {
        for x in 0..<view.width {
          let label = map.labels[view.offset(x, y, slice: slice)]
          guard label != 0 else { continue }
          counts[label, default: Array(repeating: 0, count: view.sliceCount)][slice] += 1
        }
      }
    }
    let parts = ConnectedComponents(
      labels: map.labels,
      size: geometry.size,
      connectivity: .twentySix
    )
    var largest: [UInt16: Int] = [:]
    var seen = [Bool](repeating: false, count: parts.count + 1)
    for (offset, number) in parts.numbers.enumerated() where number != 0 {
      guard !seen[Int(number)] else { continue }
      seen[Int(number)] = true
      let label = map.labels[offset]
      largest[label] = max(largest[label] ?? 0, parts.sizes[Int(number) - 1])
    }
    let boxes = boxes(of: map)
    let pixelArea = view.spacing.x * view.spacing.y
    let thickness = geometry.voxelVolumeML * 1000 / pixelArea
    var profiles: [Int: StructureProfile] = [:]
    for (label, slices) in counts {
      guard let box = boxes[label] else { continue }
      let extent = SIMD3<Double>(box.high &- box.low &+ 1) * geometry.spacing
      var patient = SIMD3<Double>.zero
      for (axis, code) in geometry.orientation.axes.enumerated() {
        patient[code.patientAxis] = extent[axis]
      }
      let total = slices.reduce(0, +)
      profiles[Int(label)] = StructureProfile(
        extentMM: patient,
        areas: slices.enumerated().map { [Double($0) * thickness, Double($1) * pixelArea] },
        largestShare: Double(largest[label] ?? 0) / Double(max(1, total))
      )
    }
    return profiles
  }

  private static func boxes(
    of map: LabelMap
  ) -> [UInt16: (low: SIMD3<Int>, high: SIMD3<Int>)] {
    var boxes: [UInt16: (low: SIMD3<Int>, high: SIMD3<Int>)] = [:]
    var at = 0
    for z in 0..<map.geometry.size.z {
      for y in 0..<map.geometry.size.y {
        for x in 0..<map.geometry.size.x {
          let label = map.labels[at]
          at += 1
          guard label != 0 else { continue }
          let index = SIMD3(x, y, z)
          let box = boxes[label] ?? (index, index)
          boxes[label] = (pointwiseMin(box.low, index), pointwiseMax(box.high, index))
        }
      }
    }
    return boxes
  }
}
