import Foundation
import GraphModels
import Layers
import Support
import Tensors
import TestSupport
import Testing

/// Small graphs with what ONNX Runtime makes of them; see Tests/Fixtures/onnx.
struct OperatorFixture {
  let name: String
  let graph: OperatorGraph
  let inputs: [String: Tensor]
  let outputs: [String: Tensor]

  static func all() throws -> [OperatorFixture] {
    let folder = Fixtures.folder.appendingPathComponent("onnx")
    let values = try Safetensors(
      contentsOf: folder.appendingPathComponent("operators.safetensors").path
    )
    let graphs = folder.appendingPathComponent("operators")
    return try FileManager.default.contentsOfDirectory(atPath: graphs.path).sorted().map { file in
      let name = String(file.dropLast(".onnx".count))
      func named(_ kind: String) -> [String: Tensor] {
        let prefix = "\(name)/\(kind)/"
        let found = values.tensors.filter { $0.key.hasPrefix(prefix) }
        return Dictionary(
          uniqueKeysWithValues: found.map { (String($0.key.dropFirst(prefix.count)), $0.value) }
        )
      }
      return OperatorFixture(
        name: name,
        graph: try OperatorGraph(contentsOf: graphs.appendingPathComponent(file).path),
        inputs: named("in"),
        outputs: named("out")
      )
    }
  }
}

struct OperatorTests {
  /// Sums of some hundred products in single precision, in another order.
  private static let tolerance = Tolerance(absolute: 2e-5, relative: 1e-4)

  @Test func everyGraphGivesWhatONNXRuntimeGives() throws {
    let fixtures = try OperatorFixture.all()
    #expect(fixtures.count > 100)
    for fixture in fixtures {
      let network = try GraphNetwork(fixture.graph)
      let results = try network.run(fixture.inputs.mapValues { GraphValue($0) })
      for (name, expected) in fixture.outputs {
        guard let value = results[name] else {
          Issue.record("\(fixture.name) has no \(name)")
          continue
        }
        expectClose(value.tensor, expected, Self.tolerance, fixture.name)
      }
    }
  }

  @Test func everyGraphGivesTheSameAsAPlan() throws {
    for fixture in try OperatorFixture.all() {
      let network = try GraphNetwork(fixture.graph)
      let plan = try GraphPlan(network, shapes: fixture.inputs.mapValues(\.shape))
      let results = plan(fixture.inputs)
      for (name, expected) in fixture.outputs {
        guard let value = results[name] else {
          Issue.record("\(fixture.name) has no \(name)")
          continue
        }
        expectClose(value.tensor, expected, Self.tolerance, "\(fixture.name) planned")
      }
    }
  }

  @Test func graphsAreWrittenBackUnchanged() throws {
    for fixture in try OperatorFixture.all().prefix(20) {
      let again = try OperatorGraph(try fixture.graph.encoded(), path: fixture.name)
      let network = try GraphNetwork(again)
      let results = try network.run(fixture.inputs.mapValues { GraphValue($0) })
      for (name, expected) in fixture.outputs {
        if let value = results[name] {
          expectClose(value.tensor, expected, Self.tolerance, fixture.name)
        }
      }
    }
  }
}
