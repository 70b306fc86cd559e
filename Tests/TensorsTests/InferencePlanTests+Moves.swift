import Tensors
import Testing

/// Networks that move numbers between their convolutions.
extension InferencePlanTests {
  static let moves: [Network] = [
    Network("halves of the channels", [2, 3, 12, 10]) { x in
      let a = silu(convolved(x, 64, kernel: [3, 3], seed: 1))
      let (left, right) = (a.sliced(axis: 1, end: 32), a.sliced(axis: 1, start: 32))
      let b = silu(convolved(right, 32, kernel: [3, 3], seed: 3))
      return convolved(concatenation([left, right, b]), 40, kernel: [1, 1], seed: 5)
    },
    Network("parts that share blocks", [1, 3, 9, 9]) { x in
      let a = convolved(x, 40, kernel: [3, 3], seed: 1)
      let parts = [a.sliced(axis: 1, end: 10), a.sliced(axis: 1, start: 10, end: 21)]
      return convolved(concatenation(parts, axis: 1), 8, kernel: [3, 3], seed: 3)
    },
    Network("a part of normalised channels", [2, 8, 10, 12]) { x in
      let a = instance(convolved(x, 64, kernel: [3, 3], seed: 1), seed: 3)
      let b = convolved(a.sliced(axis: 1, start: 32, end: 64), 32, kernel: [1, 1], seed: 5)
      return convolved(a.sliced(axis: 1, end: 32) + b, 8, kernel: [1, 1], seed: 7)
    },
    Network("a part of the input", [1, 6, 8, 8]) { x in
      convolved(x.sliced(axis: 1, start: 2, end: 5), 16, kernel: [3, 3], seed: 1)
    },
    Network("a part of each sample", [3, 6, 8, 8]) { x in
      convolved(x.sliced(axis: 1, start: 2, end: 5), 16, kernel: [3, 3], seed: 1)
    },
    Network("rows of scores of three grids", [2, 3, 32, 32]) { x in
      let fine = silu(convolved(x, 32, kernel: [3, 3], stride: 2, seed: 1))
      let coarse = silu(convolved(fine, 32, kernel: [3, 3], stride: 2, seed: 3))
      let scores = [fine, coarse].map { map in
        concatenation([
          convolved(map, 32, kernel: [1, 1], seed: 5), convolved(map, 5, kernel: [1, 1], seed: 7),
        ]).reshaped([map.shape[0], 37, map.shape[2] * map.shape[3]])
      }
      return concatenation(scores, axis: 2)
    },
    Network("products of cells of several maps", [2, 16, 14, 14]) { x in
      let a = relu(convolved(x, 96, kernel: [1, 1], seed: 1))
      let b = relu(convolved(a, 48, kernel: [1, 1], seed: 3))
      let joined = concatenation([x, b, a])
      return convolved(
        relu(convolved(joined, 80, kernel: [1, 1], seed: 5)),
        9,
        kernel: [1, 1],
        seed: 7
      )
    },
  ]

  @Test("parts and shapes of maps cost no step of a plan")
  func partsAreReadWhereTheyLie() throws {
    let network = try #require(Self.moves.first { $0.testDescription == "halves of the channels" })
    let plan = InferencePlan(inputShape: network.input, network: network.run)
    let names = plan.profile(Self.random(network.input, seed: 99)).lines.map(\.name)
    #expect(!names.contains { ["slice", "reshape", "concatenation"].contains($0) }, "\(names)")
    let rows = try #require(
      Self.moves.first { $0.testDescription == "rows of scores of three grids" }
    )
    let second = InferencePlan(inputShape: rows.input, network: rows.run)
    let steps = second.profile(Self.random(rows.input, seed: 99)).lines.map(\.name)
    #expect(!steps.contains("reshape") && steps.contains("concatenate"), "\(steps)")
  }

  @Test("a reshaped input is a result")
  func aPlanMayComputeNothing() {
    let x = Self.random([2, 3, 4], seed: 1)
    let plan = InferencePlan(inputShape: x.shape) { $0.reshaped([6, 4]) }
    #expect(plan(x).values == x.values && plan.outputShape == [6, 4])
  }
}
