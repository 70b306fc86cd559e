import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

@Suite struct PlannedNetworkTests {
  private static func network(_ name: String) throws -> (any Network, channels: Int) {
    let entry = try #require(NetworkCatalog.all.first { $0.name == name })
    var random = RandomStream(seed: 4)
    return (try entry.example.makeNetwork(random: &random), entry.example.inputChannels)
  }

  private static func image(_ shape: [Int], seed: UInt64 = 1) -> Tensor {
    var random = RandomStream(seed: seed)
    return Tensor((0..<shape.reduce(1, *)).map { _ in Float(random.normal()) }, shape: shape)
  }

  /// Winograd's filtering loses about two decimal digits of single precision's seven.
  private static let filtered = Tolerance(absolute: 1e-4, relative: 1e-4)

  @Test(arguments: NetworkCatalog.all.map(\.name))
  func plansComputeWhatTheNetworkDoes(_ name: String) throws {
    let (network, channels) = try Self.network(name)
    let planned = try PlannedNetwork(network)
    let isClip = NetworkCatalog.all.first { $0.name == name }?.example.dimensions == 3
    let frames = isClip ? [3] : []
    for size in [[2, channels] + frames + [32, 32], [1, channels] + frames + [48, 64]] {
      let x = Self.image(size)
      expectClose(planned(x), network(x, in: .inference), Self.filtered, "\(name) of \(size)")
    }
  }

  @Test func thePlansUsedLastAreKept() throws {
    let (network, channels) = try Self.network("unet")
    let planned = try PlannedNetwork(network, capacity: 2)
    #expect(planned.plannedShapes.isEmpty)
    let shapes = [8, 16, 24].map { [1, channels, $0, $0] }
    let first = planned(Self.image(shapes[0]))
    _ = planned(Self.image(shapes[1]))
    let kept = planned.plan(for: shapes[0])
    _ = planned(Self.image(shapes[2]))
    #expect(planned.plannedShapes == [shapes[0], shapes[2]])
    #expect(planned.plan(for: shapes[0]) === kept)
    // A plan that was dropped is made again, with the same result.
    _ = planned(Self.image(shapes[1]))
    #expect(planned.plannedShapes == [shapes[0], shapes[1]])
    _ = planned(Self.image(shapes[2]))
    #expect(planned.plannedShapes == [shapes[1], shapes[2]])
    #expect(planned(Self.image(shapes[0])).values == first.values)
  }

  @Test func callsFromSeveralThreadsGiveTheSame() async throws {
    let (network, channels) = try Self.network("plain-conv-unet")
    let planned = try PlannedNetwork(network, capacity: 1)
    let shapes = [[1, channels, 16, 16], [2, channels, 8, 8]]
    let expected = shapes.map { planned(Self.image($0)).values }
    await withTaskGroup(of: Bool.self) { group in
      for call in 0..<12 {
        group.addTask {
          planned(Self.image(shapes[call % 2])).values == expected[call % 2]
        }
      }
      for await isEqual in group { #expect(isEqual) }
    }
  }

  @Test func int8WithoutScalesIsRefused() throws {
    let (network, _) = try Self.network("unet")
    var options = InferencePlanOptions()
    options.precision = .int8
    let error = #expect(throws: NetworksError.self) {
      try PlannedNetwork(network, options: options)
    }
    #expect(error == .unavailablePrecision(.int8))
    #expect(error?.failure == .missingComponent)
    #expect(error?.description.contains("int8") == true)
  }
}
