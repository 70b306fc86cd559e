import Layers
import OperationCases
import Support
import Tensors
import TestSupport
import Testing

/// What every operation of the catalogue must fulfil.
@Suite("Operations")
struct OperationTests {
  /// Sums of up to a few hundred products of normal numbers in single precision: √n · 2⁻²⁴ · √n ≈ 2e-5.
  static let singlePrecision = Tolerance(absolute: 2e-5, relative: 2e-5)

  /// Rounding of the weighted sum over the step, and the fifth derivative's share, h⁴/30 · f⁽⁵⁾.
  static let differences = Tolerance(absolute: 3e-4, relative: 3e-4)

  /// How the operands that can be blocked lie in memory.
  static let layouts: [TensorLayout] = [.plain, .blocked(8), .blocked(16)]

  @Test(
    "the fast kernels equal the reference kernels, forward and backward, in every layout",
    arguments: OperationCatalog.all
  )
  func fastEqualsReference(_ test: OperationCase) {
    let operands = test.operands
    let expected = Kernels.$current.withValue(ReferenceKernels()) { test.run(operands) }
    for layout in Self.layouts {
      let actual = test.run(operands.map { $0.rank >= 3 ? $0.relaid(layout) : $0 })
      expectClose(actual.output, expected.output, Self.singlePrecision, "output of \(layout)")
      for (index, pair) in zip(actual.gradients, expected.gradients).enumerated() {
        guard let found = pair.0, let wanted = pair.1 else {
          Issue.record("operand \(index) has no gradient in layout \(layout)")
          continue
        }
        expectClose(found, wanted, Self.singlePrecision, "gradient \(index) of \(layout)")
      }
    }
  }

  @Test(
    "padding lanes of blocked results stay zero",
    arguments: OperationCatalog.all
  )
  func paddingLanesStayZero(_ test: OperationCase) {
    let output = test.operation(
      test.operands.map { $0.rank >= 3 ? $0.relaid(FastKernels.preferredLayout) : $0 }
    )
    guard case .blocked = output.layout else { return }
    let again = output.plain.relaid(output.layout)
    #expect(output.storage.elements.elementsEqual(again.storage.elements))
  }

  @Test(
    "gradients equal central differences",
    arguments: OperationCatalog.all.filter { $0.course != .broken }
  )
  func gradientsEqualDifferences(_ test: OperationCase) {
    let operands = test.operands
    let (output, gradients) = test.run(operands)
    let weights = test.weights(for: output.shape).values
    func weighted(_ operands: [Tensor]) -> Double {
      zip(test.operation(operands).values, weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    for (index, operand) in operands.enumerated() {
      guard let gradient = gradients[index] else {
        Issue.record("operand \(index) has no gradient")
        continue
      }
      let found = gradient.values
      let stride = max(1, operand.count / 24)
      var (expected, actual): ([Double], [Double]) = ([], [])
      for place in Swift.stride(from: 0, to: operand.count, by: stride) {
        func moved(_ step: Float) -> Double {
          var values = operand.values
          values[place] += step
          var changed = operands
          changed[index] = Tensor(values, shape: operand.shape)
          return weighted(changed)
        }
        actual.append(Double(found[place]))
        switch test.course {
        case .linear: expected.append(moved(0.5) - moved(-0.5))
        default:
          // Five points: the error is h⁴ f⁽⁵⁾ / 30.
          let h: Float = 1 / 32
          let near = moved(h) - moved(-h)
          let far = moved(2 * h) - moved(-2 * h)
          expected.append((8 * near - far) / (12 * Double(h)))
        }
      }
      expectClose(actual, expected, Self.differences, "operand \(index)")
    }
  }

  @Test(
    "output and gradients equal PyTorch's",
    arguments: OperationCatalog.all.filter { Golden.names.contains($0.name) }
  )
  func equalsPyTorch(_ test: OperationCase) throws {
    let stored = try #require(Golden.cases[test.name])
    for kernels in [FastKernels.shared, ReferenceKernels()] as [any KernelSet] {
      let actual = Kernels.$current.withValue(kernels) {
        test.run(stored.operands, weights: stored.weights)
      }
      let name = kernels.name
      expectClose(actual.output, stored.output, Self.singlePrecision, "output, \(name)")
      for (index, pair) in zip(actual.gradients, stored.gradients).enumerated() {
        let found = try #require(pair.0)
        expectClose(found, pair.1, Self.singlePrecision, "gradient \(index), \(name)")
      }
    }
  }

  @Test("every stored case is in the catalogue, with the same shapes")
  func storedCasesAreTested() throws {
    #expect(Golden.names.count >= 60)
    for (name, stored) in Golden.cases {
      let test = try #require(OperationCatalog.named(name), "\(name) is not in the catalogue")
      #expect(stored.operands.map(\.shape) == test.shapes, "\(name)")
    }
  }

  @Test("names are unique")
  func namesAreUnique() {
    #expect(Set(OperationCatalog.all.map(\.name)).count == OperationCatalog.all.count)
  }
}

/// What PyTorch computed, from Fixtures/tensors.
private enum Golden {
  struct Case: Sendable {
    let operands: [Tensor]
    let gradients: [Tensor]
    let weights: Tensor
    let output: Tensor
  }

  /// One file for each group of the catalogue, each with its generator.
  static let files = [
    "operations", "operations-spatial", "operations-dense", "operations-losses",
    "operations-regions",
  ]

  static let cases: [String: Case] = {
    var tensors: [String: Tensor] = [:]
    for file in files {
      let path = Fixtures.path("tensors/\(file).safetensors")
      guard let stored = try? Safetensors(contentsOf: path).tensors else { continue }
      tensors.merge(stored) { first, _ in first }
    }
    let names = Set(tensors.keys.compactMap { $0.split(separator: "/").first.map(String.init) })
    return names.reduce(into: [:]) { cases, name in
      func list(_ kind: String) -> [Tensor] {
        var found: [Tensor] = []
        while let next = tensors["\(name)/\(kind).\(found.count)"] { found.append(next) }
        return found
      }
      guard let weights = tensors[name + "/weights"], let output = tensors[name + "/output"] else {
        return
      }
      cases[name] = Case(
        operands: list("operand"),
        gradients: list("gradient"),
        weights: weights,
        output: output
      )
    }
  }()

  static let names = Set(cases.keys)
}
