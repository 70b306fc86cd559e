import Evaluation
import Imaging

/// A grid with its first voxel at the origin and axes along the patient's.
func grid(
  _ size: SIMD3<Int>,
  spacing: SIMD3<Double> = [1, 1, 1],
  origin: SIMD3<Double> = [0, 0, 0]
) throws -> ImageGeometry {
  try ImageGeometry(size: size, spacing: spacing, origin: origin, direction: .identity)
}

/// A label map of one slice, drawn with digits; "." is background.
func drawn(_ rows: String..., spacing: SIMD3<Double> = [1, 1, 1]) throws -> LabelMap {
  let digits = rows.map { $0.filter { $0 != " " }.map { UInt16(String($0)) ?? 0 } }
  return LabelMap(
    geometry: try grid([digits[0].count, rows.count, 1], spacing: spacing),
    labels: digits.flatMap(\.self),
    table: []
  )
}

/// A map of one box of label 1.
func box(
  in size: SIMD3<Int>,
  from low: SIMD3<Int>,
  through high: SIMD3<Int>,
  spacing: SIMD3<Double> = [1, 1, 1]
) throws -> LabelMap {
  let geometry = try grid(size, spacing: spacing)
  var map = LabelMap(
    geometry: geometry,
    labels: .init(repeating: 0, count: geometry.voxelCount),
    table: []
  )
  for z in low.z...high.z {
    for y in low.y...high.y {
      for x in low.x...high.x { map[x, y, z] = 1 }
    }
  }
  return map
}

/// The values of the structure "1" of one comparison.
func values(
  _ prediction: LabelMap,
  _ reference: LabelMap,
  policy: EmptyPolicy = .lamina,
  toleranceMM: Double = 1
) throws -> [String: MetricValue] {
  let evaluator = try Evaluator(
    metrics: Metric.segmentation,
    emptyPolicy: policy,
    labels: LabelSet([.init(name: "one", ids: [1])]),
    toleranceMM: toleranceMM
  )
  return try evaluator.evaluate(prediction: prediction, reference: reference, id: "case").labels[0]
    .values
}
