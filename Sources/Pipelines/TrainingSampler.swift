import Support
import Tensors

/// What one training step is computed from.
struct TrainingBatch: Sendable {
  /// `[N, C, spatial…]`.
  let images: Tensor
  /// `[N, spatial…]`, class numbers.
  let labels: LabelTensor
}

/// One drawn sample: channels slowest, the last axis fastest.
struct TrainingSample: Sendable {
  let values: [Float]
  let classes: [UInt16]
}

/// Draws training batches.
///
/// Sample i of step t depends on the seed, t and i alone, so that a resumed run sees what an
/// uninterrupted one would have seen.
protocol TrainingSampler: Sendable {
  /// Channels and spatial axes of one sample.
  var sampleShape: [Int] { get }
  /// Samples of one step.
  var batchSize: Int { get }
  /// Draws one sample.
  func sample(step: Int, index: Int) -> TrainingSample
}

extension TrainingSampler {
  /// The samples of a step, drawn side by side.
  func batch(step: Int) -> TrainingBatch {
    let (count, shape) = (batchSize, sampleShape)
    let spatial = Array(shape.dropFirst())
    let (values, area) = (shape.reduce(1, *), spatial.reduce(1, *))
    let images = AlignedBuffer<Float>(uninitializedCount: count * values)
    let classes = AlignedBuffer<Int32>(uninitializedCount: count * area)
    EngineThreads.forEachUnit(count) { _, index in
      let drawn = sample(step: step, index: index)
      precondition(drawn.values.count == values && drawn.classes.count == area)
      drawn.values.withUnsafeBufferPointer { source in
        guard let base = source.baseAddress else { return }
        (images.pointer + index * values).update(from: base, count: values)
      }
      let target = classes.pointer + index * area
      for (offset, value) in drawn.classes.enumerated() { target[offset] = Int32(value) }
    }
    return TrainingBatch(
      images: Tensor(shape: [count] + shape, storage: images),
      labels: LabelTensor(Array(classes.elements), shape: [count] + spatial)
    )
  }
}
