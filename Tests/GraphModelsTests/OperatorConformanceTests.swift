import Foundation
import GraphModels
import Support
import Tensors
import TestSupport
import Testing

/// One model with inputs and the outputs that they should give, in a folder as ONNX's own tests.
struct OperatorCase {
  let folder: URL

  enum Outcome: Equatable {
    case passed(planned: Bool)
    case unsupported(String)
    case failed(String)
  }

  /// Runs the model as it is, and as a plan where its inputs are not whole numbers.
  func run(_ tolerance: Tolerance) -> Outcome {
    do {
      let graph = try OperatorGraph(contentsOf: folder.appendingPathComponent("model.onnx").path)
      let network = try GraphNetwork(graph)
      var isPlanned = false
      let sets = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { $0.hasPrefix("test_data_set") }.sorted()
      for name in sets {
        let set = folder.appendingPathComponent(name)
        var values: [String: GraphValue] = [:]
        for (index, input) in graph.inputs.enumerated() {
          guard let stored = try Self.tensor(set, "input_\(index).pb") else { continue }
          values[input.name] = GraphValue(stored)
        }
        let results = try network.run(values)
        if let reason = try differences(results, graph, set, tolerance) { return .failed(reason) }
        let free = values.filter { $0.value.type.isFloating && $0.value.count > 0 }
        guard !free.isEmpty else { continue }
        do {
          let plan = try GraphPlan(
            network,
            shapes: free.filter { name, _ in network.inputs.contains { $0.name == name } }
              .mapValues(\.shape),
            fixed: values.filter { !$0.value.type.isFloating || $0.value.count == 0 }
          )
          let results = plan(free.mapValues(\.tensor))
          if let reason = try differences(results, graph, set, tolerance) {
            return .failed("planned: " + reason)
          }
          isPlanned = true
        } catch GraphModelsError.unsupportedForm {
          // Sizes that depend on values cannot be planned.
        }
      }
      return .passed(planned: isPlanned)
    } catch GraphModelsError.unsupportedOperator(let name, _, _) {
      return .unsupported(name)
    } catch GraphModelsError.unsupportedOpset(_, let domain, let version) {
      return .unsupported("version \(version) of \(domain.isEmpty ? "ai.onnx" : domain)")
    } catch GraphModelsError.unsupportedForm(let name, _, let reason) {
      return .unsupported("\(name): \(reason)")
    } catch {
      return .failed("\(error)")
    }
  }

  private static func tensor(_ folder: URL, _ name: String) throws -> StoredTensor? {
    let file = folder.appendingPathComponent(name)
    guard let data = try? Data(contentsOf: file), !data.isEmpty else { return nil }
    return try StoredTensor(file: data, path: file.path)
  }

  private func differences(
    _ results: [String: GraphValue],
    _ graph: OperatorGraph,
    _ set: URL,
    _ tolerance: Tolerance
  ) throws -> String? {
    for (index, output) in graph.outputs.enumerated() {
      guard let stored = try Self.tensor(set, "output_\(index).pb") else { continue }
      guard let value = results[output.name] else { return "\(output.name) is missing" }
      guard value.shape == stored.shape else {
        return "\(output.name) has the shape \(value.shape) instead of \(stored.shape)"
      }
      guard value.type == stored.type else {
        return "\(output.name) has the type \(value.type) instead of \(stored.type)"
      }
      let (actual, expected) = (value.tensor.values, GraphValue(stored).tensor.values)
      for (place, pair) in zip(actual, expected).enumerated() {
        let (a, b) = (Double(pair.0), Double(pair.1))
        if a == b || (a.isNaN && b.isNaN) { continue }
        // The engine does not round to fewer bits on the way.
        let relative = stored.type == .bfloat16 ? 1.0 / 128 : tolerance.relative
        if !(abs(a - b) <= tolerance.absolute + relative * abs(b)) {
          return "\(output.name)[\(place)] is \(a) instead of \(b)"
        }
      }
    }
    return nil
  }
}

/// The tests that come with the Python package `onnx`, when their folders are at hand.
struct OperatorConformanceTests {
  /// Folders that hold folders with `model.onnx`, separated by colons.
  private static let folders = ProcessInfo.processInfo.environment["LAMINA_ONNX_TESTS"]
  /// Whether each case is named before it runs, to find one that crashes.
  private static let isTraced = ProcessInfo.processInfo.environment["LAMINA_ONNX_TRACE"] != nil

  /// With corners aligned, ONNX's definition divides by the size before it is rounded; ONNX Runtime
  /// and PyTorch, whose networks are run here, by the whole size.
  private static let deviations: Set<String> = [
    "test_resize_downsample_scales_cubic_align_corners",
    "test_resize_downsample_scales_linear_align_corners",
  ]

  @Test(
    .enabled(
      if: folders != nil,
      "LAMINA_ONNX_TESTS names no folders with ONNX's tests; see Tests/Fixtures/onnx/README.md"
    )
  )
  func onnxsOwnTestsOfSupportedOperatorsPass() throws {
    var (passed, planned) = (0, 0)
    var unsupported: [String: Int] = [:]
    var failures: [String] = []
    for root in (Self.folders ?? "").split(separator: ":") {
      let names = try FileManager.default.contentsOfDirectory(atPath: String(root)).sorted()
      for name in names where !Self.deviations.contains(name) {
        let folder = URL(fileURLWithPath: String(root)).appendingPathComponent(name)
        guard
          FileManager.default.fileExists(atPath: folder.appendingPathComponent("model.onnx").path)
        else { continue }
        if Self.isTraced { FileHandle.standardError.write(Data("\(name)\n".utf8)) }
        // The engine computes in single precision, and some of the cases are in half precision.
        switch OperatorCase(folder: folder).run(Tolerance(absolute: 1e-5, relative: 1e-3)) {
        case .passed(let isPlanned):
          passed += 1
          if isPlanned { planned += 1 }
        case .unsupported(let what): unsupported[what, default: 0] += 1
        case .failed(let reason):
          failures.append("\(name): \(reason)")
          if Self.isTraced { FileHandle.standardError.write(Data("failed: \(reason)\n".utf8)) }
        }
      }
    }
    print(
      "\(passed) passed (\(planned) also as plans), \(unsupported.values.reduce(0, +)) need what "
        + "is not supported, \(failures.count) failed"
    )
    for (what, count) in unsupported.sorted(by: { $0.key < $1.key }) {
      print("unsupported \(count) x \(what)")
    }
    for failure in failures { print("failed \(failure)") }
    #expect(failures.isEmpty)
    #expect(passed > 0)
  }
}
