import Layers
import Networks
import Support
import Tensors

/// Averages over processes what a training step changes weights by.
///
/// Gradients, running statistics and the loss travel in one buffer. Of running variances the mean is
/// taken, so that batch normalisation leaves out how the processes' means differ.
struct GradientMean {
  private let parameters: [(name: String, parameter: Parameter)]
  private let exchange: any GradientExchange

  init(
    _ parameters: [(name: String, parameter: Parameter)],
    over exchange: any GradientExchange
  ) {
    self.parameters = parameters
    self.exchange = exchange
  }

  /// The mean loss and gradients; running statistics are averaged in place.
  /// - Parameters:
  ///   - loss: This process's loss.
  ///   - gradients: Its gradients.
  /// - Returns: The same in every process.
  /// - Throws: `DistributedError.failed`.
  func callAsFunction(
    loss: Tensor,
    gradients: Gradients
  ) throws -> (loss: Tensor, gradients: Gradients) {
    let parts: [(parameter: Parameter, value: Tensor)] = parameters.compactMap { entry in
      let value =
        entry.parameter.isTrainable
        ? gradients[entry.parameter.key] : entry.parameter.value
      return value.map { (entry.parameter, $0.single.plain) }
    }
    let total = parts.reduce(1) { $0 + $1.value.count }
    let buffer = AlignedBuffer<Float>(uninitializedCount: total)
    buffer.pointer[0] = loss.scalar
    var place = 1
    for part in parts {
      (buffer.pointer + place).update(from: part.value.storage.pointer, count: part.value.count)
      place += part.value.count
    }
    try exchange.sum(buffer.mutableElements)
    let scale = 1 / Float(exchange.count)
    EngineThreads.forEachRange(total) { range in
      for index in range { buffer.mutableElements[index] *= scale }
    }
    let meanLoss = buffer.pointer[0]
    var means: [GradientKey: Tensor] = [:]
    place = 1
    for part in parts {
      let storage = AlignedBuffer<Float>(uninitializedCount: part.value.count)
      storage.pointer.update(from: buffer.pointer + place, count: part.value.count)
      place += part.value.count
      let mean = Tensor(shape: part.value.shape, storage: storage)
      if part.parameter.isTrainable {
        means[part.parameter.key] = mean
      } else {
        part.parameter.value = mean
      }
    }
    return (Tensor([meanLoss], shape: []), Gradients(means))
  }
}
