import CKernels
import Support

/// What a step does with a gradient first: times the factor, then cut to ± the limit.
package struct GradientScale: Sendable {
  package var factor: Float
  package var limit: Float

  package init(factor: Float = 1, limit: Float = .infinity) {
    self.factor = factor
    self.limit = limit
  }

  var kernel: ck_gradient_scale { ck_gradient_scale(scale: factor, limit: limit) }
}

/// Steps of optimisers, each in one pass over a parameter.
///
/// Moments are changed in place and must not be shared; the new value is returned. Every value is
/// computed by itself: results do not depend on the number of threads.
package enum ParameterSteps {
  package static func sgd(
    _ value: Tensor,
    _ gradient: Tensor,
    velocity: AlignedBuffer<Float>?,
    scale: GradientScale,
    rate: Float,
    momentum: Float,
    decay: Float,
    isNesterov: Bool
  ) -> Tensor {
    run(value, gradient) { w, g, result, start, count in
      ck_step_sgd(
        w,
        g,
        velocity.map { $0.pointer + start },
        result,
        scale.kernel,
        rate,
        momentum,
        decay,
        isNesterov ? 1 : 0,
        count
      )
    }
  }

  package static func adam(
    _ value: Tensor,
    _ gradient: Tensor,
    first: AlignedBuffer<Float>,
    second: AlignedBuffer<Float>,
    scale: GradientScale,
    rate: Float,
    beta1: Float,
    beta2: Float,
    epsilon: Float,
    correction: Float,
    decay: Float,
    shrink: Float
  ) -> Tensor {
    run(value, gradient) { w, g, result, start, count in
      ck_step_adam(
        w,
        g,
        first.pointer + start,
        second.pointer + start,
        result,
        scale.kernel,
        rate,
        beta1,
        beta2,
        epsilon,
        correction,
        decay,
        shrink,
        count
      )
    }
  }

  package static func rmsprop(
    _ value: Tensor,
    _ gradient: Tensor,
    square: AlignedBuffer<Float>,
    velocity: AlignedBuffer<Float>?,
    scale: GradientScale,
    rate: Float,
    smoothing: Float,
    epsilon: Float,
    momentum: Float,
    decay: Float
  ) -> Tensor {
    run(value, gradient) { w, g, result, start, count in
      ck_step_rmsprop(
        w,
        g,
        square.pointer + start,
        velocity.map { $0.pointer + start },
        result,
        scale.kernel,
        rate,
        smoothing,
        epsilon,
        momentum,
        decay,
        count
      )
    }
  }

  package static func lion(
    _ value: Tensor,
    _ gradient: Tensor,
    first: AlignedBuffer<Float>,
    scale: GradientScale,
    rate: Float,
    beta1: Float,
    beta2: Float,
    shrink: Float
  ) -> Tensor {
    run(value, gradient) { w, g, result, start, count in
      ck_step_lion(
        w,
        g,
        first.pointer + start,
        result,
        scale.kernel,
        rate,
        beta1,
        beta2,
        shrink,
        count
      )
    }
  }

  /// average ← decay · average + (1 − decay) · value, in place.
  package static func average(_ value: Tensor, into average: AlignedBuffer<Float>, decay: Float) {
    let source = value.single.plain.storage
    precondition(source.count == average.count, "\(average.count) averages of \(value.shape)")
    EngineThreads.forEachRange(source.count) { range in
      let start = range.lowerBound
      ck_average(source.pointer + start, average.pointer + start, decay, Int64(range.count))
    }
  }

  private static func run(
    _ value: Tensor,
    _ gradient: Tensor,
    _ step:
      @Sendable (
        UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int, Int64
      ) -> Void
  ) -> Tensor {
    precondition(
      value.shape == gradient.shape,
      "a gradient of \(gradient.shape) for a parameter of \(value.shape)"
    )
    let (source, slope) = (value.single.plain.storage, gradient.single.plain.storage)
    let result = AlignedBuffer<Float>(uninitializedCount: source.count)
    EngineThreads.forEachRange(source.count, itemCost: 4) { range in
      let start = range.lowerBound
      step(
        source.pointer + start,
        slope.pointer + start,
        result.pointer + start,
        start,
        Int64(range.count)
      )
    }
    return Tensor(shape: value.shape, storage: result)
  }
}

extension Tensor {
  /// The sum of squared values, in pieces of a fixed length.
  package var sumOfSquares: Double {
    let source = single.storage
    return FixedChunks.sum(source.count, itemCost: 1) { range in
      ck_sum_squares(source.pointer + range.lowerBound, Int64(range.count))
    }
  }

  /// Whether no value is infinite or not a number.
  package var isFinite: Bool {
    let source = single.storage
    return FixedChunks.sum(source.count, itemCost: 1) { range in
      ck_all_finite(source.pointer + range.lowerBound, Int64(range.count)) == 1 ? 0 : 1
    } == 0
  }
}
