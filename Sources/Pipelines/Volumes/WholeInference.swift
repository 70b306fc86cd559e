import Networks
import Support
import Tensors

/// A network's output on a whole volume, plane by plane.
struct WholeInference {
  private let network: PlannedNetwork

  init(_ network: PlannedNetwork) { self.network = network }

  /// Computes the output and gives it out.
  /// - Parameters:
  ///   - x: `[1, channels, axis 0, axis 1, axis 2]`.
  ///   - interruption: Looked at between steps.
  ///   - receiver: Takes the planes along axis 0 in order.
  /// - Throws: What the receiver throws; `SupportError.interrupted`.
  func infer(
    _ x: Tensor,
    _ interruption: Interruption,
    receiver: ScoreStream.Receiver
  ) throws {
    if let meshNet = network.network as? MeshNet {
      try MeshNetPredictor(meshNet, options: network.options).forEachSlab(of: x) {
        try interruption.check()
        try Self.give($0, from: $1, receiver)
      }
      return
    }
    let output = network(x)
    try interruption.check()
    try Self.give(output, from: 0, receiver)
  }

  /// Gives the planes of `[1, classes, axis 0, axis 1, axis 2]` to a receiver.
  static func give(_ output: Tensor, from first: Int, _ receiver: ScoreStream.Receiver) throws {
    let single = output.single.plain
    let (classes, depth) = (single.shape[1], single.shape[2])
    let area = single.shape[3] * single.shape[4]
    for plane in 0..<depth {
      let scores = single.withElements { values in
        [Float](unsafeUninitializedCapacity: classes * area) { buffer, count in
          for index in 0..<classes {
            let start = (index * depth + plane) * area
            for place in 0..<area { buffer[index * area + place] = values[start + place] }
          }
          count = classes * area
        }
      }
      try receiver(first + plane, scores)
    }
  }
}
