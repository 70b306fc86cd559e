import Layers
import Tensors
import TestSupport
import Testing

/// What PyTorch's layer of a name does, from Fixtures/tensors/layers-dense.
struct StoredLayer {
  /// A few dozen products of numbers around 1 in single precision, over up to ten steps.
  static let close = Tolerance(absolute: 1e-5, relative: 1e-5)

  private let name: String
  private let tensors: [String: Tensor]

  init(_ name: String) throws {
    self.name = name
    tensors = try Safetensors(contentsOf: Fixtures.path("tensors/layers-dense.safetensors")).tensors
  }

  subscript(key: String) -> Tensor {
    get throws { try #require(tensors["\(name)/\(key)"], "\(name)/\(key)") }
  }

  /// All tensors of a kind, in the order of their numbers.
  func list(_ kind: String) -> [Tensor] {
    var found: [Tensor] = []
    while let next = tensors["\(name)/\(kind).\(found.count)"] { found.append(next) }
    return found
  }

  /// Gives the layer the stored weights, runs it on the stored inputs and compares its outputs, and
  /// the gradients of half the sum of all squared outputs.
  func expectEqual(
    _ layer: some Layer,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ run: ([Tensor]) -> [Tensor]
  ) throws {
    let prefix = name + "/weights."
    let stored = tensors.keys.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
    #expect(
      Set(stored.map(String.init)) == Set(layer.namedParameters.map(\.name)),
      sourceLocation: sourceLocation
    )
    for (name, parameter) in layer.namedParameters { parameter.value = try self["weights." + name] }
    let inputs = list("input")
    let keys = inputs.map { _ in GradientKey() }
    let outputs = run(zip(inputs, keys).map { $0.tracked(by: $1) })
    let expected = list("output")
    #expect(outputs.count == expected.count, sourceLocation: sourceLocation)
    var loss = Tensor([0], shape: [])
    for (index, pair) in zip(outputs, expected).enumerated() {
      expectClose(pair.0, pair.1, Self.close, "output \(index)", sourceLocation: sourceLocation)
      loss = loss + pair.0.squared().sum * 0.5
    }
    let found = gradients(of: loss)
    for (index, gradient) in list("input-gradient").enumerated() {
      expectClose(
        try #require(found[keys[index]]),
        gradient,
        Self.close,
        "gradient of input \(index)",
        sourceLocation: sourceLocation
      )
    }
    for (name, parameter) in layer.namedParameters {
      expectClose(
        try #require(found[parameter.key]),
        try self["gradients." + name],
        Self.close,
        "gradient of \(name)",
        sourceLocation: sourceLocation
      )
    }
  }
}
