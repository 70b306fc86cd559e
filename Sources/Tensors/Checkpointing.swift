import Synchronization

/// A tensor made by a part of a network that is run again on the way back, instead of being remembered.
///
/// Activation checkpointing (Chen et al. 2016, "Training deep nets with sublinear memory cost"):
/// nothing inside the part is kept between the forward and the backward pass, which costs a second
/// forward pass of the part. Values and gradients are the same to the bit as those of `body(x)`.
/// - Parameters:
///   - x: The part's input.
///   - body: The part. It is told whether it runs again; it must then compute the same values, with
///     the same random numbers, and change nothing outside. Of tracked tensors it may use its argument,
///     what it computes from it, and leaves that it tracks itself (`tracked(by:)`), as layers do.
/// - Returns: What the body returns.
public func checkpointed(
  _ x: Tensor,
  _ body: @escaping @Sendable (_ x: Tensor, _ isAgain: Bool) -> Tensor
) -> Tensor {
  if x.symbol != nil { return body(x, false) }
  let pause = RecordingPause()
  let result = RecordingPause.$current.withValue(pause) { body(x.detached, false) }
  let keys = pause.keys
  guard x.isTracked || !keys.isEmpty else { return result }
  let (kernels, input, isTracked) = (Kernels.current, x.detached, x.isTracked)
  let leaves = keys.map { Tensor(repeating: 0, shape: []).tracked(by: $0) }
  return result.recorded(from: [x] + leaves) { gradient in
    let inputKey = GradientKey()
    let start = isTracked ? input.tracked(by: inputKey) : input
    let again = Kernels.$current.withValue(kernels) { body(start, true) }
    precondition(
      again.shape == gradient.shape,
      "a checkpointed part gave \(again.shape) instead of \(gradient.shape) when run again"
    )
    guard let root = again.node else { return [nil] + keys.map { _ in nil } }
    let found = walkedBack(from: root, gradient: gradient)
    return [found[inputKey]] + keys.map { found[$0] }
  }
}

/// While it is current, results are not recorded; the keys of leaves are.
final class RecordingPause: Sendable {
  @TaskLocal static var current: RecordingPause?

  private let noted = Mutex<[GradientKey]>([])

  /// The leaves that were tracked, each once, in order.
  var keys: [GradientKey] { noted.withLock { $0 } }

  func note(_ key: GradientKey) {
    noted.withLock { if !$0.contains(key) { $0.append(key) } }
  }
}
