import Support
import Tensors

/// What one training step is computed from.
package struct TrainingBatch: Sendable {
  /// `[N, C, spatial…]`.
  package let images: Tensor
  /// `[N, spatial…]`, class numbers.
  package let labels: LabelTensor

  package init(images: Tensor, labels: LabelTensor) {
    self.images = images
    self.labels = labels
  }
}

/// One drawn sample: channels slowest, the last axis fastest.
package struct TrainingSample: Sendable {
  package let values: [Float]
  package let classes: [UInt16]
}

/// Draws training batches.
///
/// Sample i of step t depends on the seed, t and i alone, so that a resumed run sees what an
/// uninterrupted one would have seen.
package protocol TrainingSampler: Sendable {
  /// Channels and spatial axes of one sample.
  var sampleShape: [Int] { get }
  /// Samples of one step.
  var batchSize: Int { get }
  /// Draws one sample.
  func sample(step: Int, index: Int) -> TrainingSample
}

extension TrainingSampler {
  /// The batches of some steps in a row, their samples drawn side by side.
  ///
  /// Where a batch has fewer samples than there are threads, drawing for several steps at once keeps
  /// all of them at work.
  package func batches(from step: Int, count: Int) -> [TrainingBatch] {
    let shape = sampleShape
    let spatial = Array(shape.dropFirst())
    let (values, area) = (shape.reduce(1, *), spatial.reduce(1, *))
    let size = batchSize
    let buffers = (0..<count).map { _ in
      (
        images: AlignedBuffer<Float>(uninitializedCount: size * values),
        classes: AlignedBuffer<Int32>(uninitializedCount: size * area)
      )
    }
    EngineThreads.forEachUnit(count * size) { _, unit in
      let (offset, index) = (unit / size, unit % size)
      let drawn = sample(step: step + offset, index: index)
      precondition(
        drawn.values.count == values && drawn.classes.count == area,
        "a sample of \(drawn.values.count) values and \(drawn.classes.count) classes for \(shape)"
      )
      let (images, classes) = buffers[offset]
      drawn.values.withUnsafeBufferPointer { source in
        if let base = source.baseAddress {
          (images.pointer + index * values).update(from: base, count: values)
        }
      }
      let target = classes.pointer + index * area
      for (place, value) in drawn.classes.enumerated() { target[place] = Int32(value) }
    }
    return buffers.map { images, classes in
      TrainingBatch(
        images: Tensor(shape: [size] + shape, storage: images),
        labels: LabelTensor(Array(classes.elements), shape: [size] + spatial)
      )
    }
  }

  /// Steps to draw at once.
  var stepsAhead: Int { max(1, Parallelism.threadCount / max(1, batchSize)) }
}
