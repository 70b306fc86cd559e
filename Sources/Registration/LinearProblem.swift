import Imaging
import Support

/// The cost of a linear transform of samples, with its derivatives.
struct LinearProblem: Sendable {
  let samples: SampleSet
  let moving: MovingImage
  let cost: any SimilarityCost
  /// The samples' centre about which the matrix acts, LPS mm.
  let center: SIMD3<Double>
  /// Where fewer samples lie in the moving image, the cost is undefined.
  let leastOverlap: Double

  /// The cost, and its derivatives by shift and matrix.
  struct Value {
    let cost: Double
    let translation: SIMD3<Double>
    let matrix: Matrix3
  }

  /// The share of the samples that lie in the moving image.
  func overlap(_ transform: some LinearTransform) -> Double {
    let values = sampled(transform).values
    return Double(values.reduce(0) { $0 + ($1.isNaN ? 0 : 1) }) / Double(max(values.count, 1))
  }

  /// The moving image's values at the samples; not a number outside it.
  func values(_ transform: some LinearTransform) -> [Float] { sampled(transform).values }

  /// The cost and its derivatives; nil where it is undefined.
  func evaluate(_ transform: some LinearTransform) -> Value? {
    let (values, gradients) = sampled(transform)
    guard isEnough(values) else { return nil }
    var slopes: [Float]? = []
    let cost = cost.cost(fixed: samples.values, moving: values, slopes: &slopes)
    guard let cost, let slopes else { return nil }
    let parts = Pieces(count: values.count).map { range in
      var force = SIMD3<Double>.zero
      var moments = (SIMD3<Double>.zero, SIMD3<Double>.zero, SIMD3<Double>.zero)
      for index in range where slopes[index] != 0 {
        let pull = SIMD3<Double>(gradients[index]) * Double(slopes[index])
        let arm = samples.points[index] - center
        force += pull
        moments.0 += pull * arm.x
        moments.1 += pull * arm.y
        moments.2 += pull * arm.z
      }
      return (force, moments.0, moments.1, moments.2)
    }
    var total = (
      SIMD3<Double>.zero, SIMD3<Double>.zero, SIMD3<Double>.zero, SIMD3<Double>.zero
    )
    for part in parts {
      total.0 += part.0
      total.1 += part.1
      total.2 += part.2
      total.3 += part.3
    }
    // Derivatives by indices become such by mm.
    let back = moving.toIndex.matrix.transposed
    return Value(
      cost: cost,
      translation: back * total.0,
      matrix: back * Matrix3(total.1, total.2, total.3)
    )
  }

  private func isEnough(_ values: [Float]) -> Bool {
    let inside = values.reduce(0) { $0 + ($1.isNaN ? 0 : 1) }
    return Double(inside) >= leastOverlap * Double(values.count) && inside > 0
  }

  private func sampled(
    _ transform: some LinearTransform
  ) -> (values: [Float], gradients: [SIMD3<Float>]) {
    let map = moving.toIndex.after(FastLinear(transform))
    return moving.sampled(count: samples.points.count) { map(samples.points[$0]) }
  }
}

extension MovingImage {
  /// Values and index derivatives at many indices.
  @inline(__always)
  func sampled(
    count: Int,
    _ index: @Sendable (Int) -> SIMD3<Double>
  ) -> (values: [Float], gradients: [SIMD3<Float>]) {
    let size = volume.geometry.size
    var gradients: [SIMD3<Float>] = []
    let values = [Float](unsafeUninitializedCapacity: count) { output, valueCount in
      gradients = [SIMD3<Float>](unsafeUninitializedCapacity: count) { slopes, slopeCount in
        volume.voxels.withUnsafeBufferPointer { voxels in
          guard let source = voxels.baseAddress, let target = output.baseAddress,
            let rise = slopes.baseAddress
          else { return }
          let from = SharedPointer(reading: source)
          let (to, slope) = (SharedPointer(target), SharedPointer(rise))
          Parallelism.forEachRange(count, minimumChunk: 4096) { range in
            for place in range {
              let sample = MovingImage.sample(from.pointer, size, index(place))
              to.pointer[place] = sample?.value ?? .nan
              slope.pointer[place] = sample?.slope ?? .zero
            }
          }
        }
        slopeCount = count
      }
      valueCount = count
    }
    return (values, gradients)
  }
}
