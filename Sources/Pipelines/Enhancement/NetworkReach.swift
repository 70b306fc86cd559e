import Networks
import Support
import Tensors

/// How far a network's output looks around in its input.
package enum NetworkReach {
  /// A change as large as this shows through many layers in single precision.
  private static let change: Float = 1e3

  /// Measures the reach by changing one place of a random image.
  ///
  /// Places at all distances from the network's own steps are tried, as networks that halve their maps
  /// look farther from some places than from others. Without Winograd's filtering a value that does
  /// not depend on the change has the same bits as before.
  /// - Parameters:
  ///   - network: The network.
  ///   - channels: Channels of its input.
  ///   - dimensions: Its spatial axes, 2 or 3.
  /// - Returns: Places of the input on each side; nil when it is more than 64, in volumes 16, or all.
  /// - Throws: `NetworksError`.
  package static func measured(
    _ network: any Network,
    channels: Int,
    dimensions: Int
  ) throws -> Int? {
    let limit = dimensions == 2 ? 64 : 16
    let multiple = network.axisMultiples.max() ?? 1
    // Beyond the limit one step more, so that a reach of all of the input is told.
    let side = (2 * limit + 2 * multiple + 1 + multiple - 1) / multiple * multiple
    let scale = network.outputScale
    let shape = [1, channels] + [Int](repeating: side, count: dimensions)
    var options = InferencePlanOptions()
    options.usesWinograd = false
    let planned = try PlannedNetwork(network, options: options)
    var random = RandomStream(seed: 1)
    let plane = (0..<dimensions).reduce(1) { result, _ in result * side }
    let image = (0..<channels * plane).map { _ in Float(random.uniform()) }
    let before = planned(Tensor(image, shape: shape)).values
    let wide = side * scale
    let outputPlane = (0..<dimensions).reduce(1) { result, _ in result * wide }
    var reach = 0
    for phase in 0..<multiple {
      let center = side / 2 / multiple * multiple + phase
      let place = (0..<dimensions).reduce(0) { sum, _ in sum * side + center }
      var changed = image
      for channel in 0..<channels { changed[channel * plane + place] += change }
      let after = planned(Tensor(changed, shape: shape)).values
      for index in after.indices where after[index] != before[index] {
        var rest = index % outputPlane
        for _ in 0..<dimensions {
          reach = max(reach, abs(rest % wide / scale - center))
          rest /= wide
        }
      }
      if reach > limit { return nil }
    }
    return reach
  }
}
