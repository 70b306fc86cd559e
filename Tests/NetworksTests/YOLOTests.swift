import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

struct YOLOTests {
  /// Some twenty layers of single precision on values of about 1.
  private static let tolerance = Tolerance(absolute: 1e-4, relative: 1e-4)

  private static func configuration(
    change: (inout YOLOConfiguration) -> Void = { _ in }
  ) -> YOLOConfiguration {
    // Channels 8, 8, 8, 16 and 24, as the fixture's.
    var values = YOLOConfiguration(inputChannels: 1, classes: 2, width: 0.0233, bins: 4)
    change(&values)
    return values
  }

  private static func stored() throws -> [String: Tensor] {
    try Safetensors(contentsOf: Fixtures.path("detection/yolo.safetensors")).tensors
  }

  private static func network(_ stored: [String: Tensor]) throws -> any Network {
    var random = RandomStream(seed: 1)
    let network = try NetworkConfiguration.yolo(configuration()).makeNetwork(random: &random)
    let weights = stored.filter { $0.key.hasPrefix("weight.") }
    try network.load(
      Safetensors(
        tensors: Dictionary(
          uniqueKeysWithValues: weights.map { (String($0.key.dropFirst(7)), $0.value) }
        )
      ),
      from: "the fixture"
    )
    return network
  }

  @Test func predictionsAreThoseOfPyTorch() throws {
    let stored = try Self.stored()
    let network = try Self.network(stored)
    let input = try #require(stored["input"])
    let expected = try #require(stored["prediction"])
    expectClose(network(input, in: .inference), expected, Self.tolerance)
    expectClose(try PlannedNetwork(network)(input), expected, Self.tolerance)
  }

  @Test func gradientsAreThoseOfPyTorch() throws {
    let stored = try Self.stored()
    let network = try Self.network(stored)
    let output = network(try #require(stored["input"]), in: Context(.training))
    expectClose(output, try #require(stored["trained"]), Self.tolerance)
    let found = gradients(of: meanProduct(output, try #require(stored["factors"])))
    let expected = stored.filter { $0.key.hasPrefix("gradient.") }
    #expect(expected.count == 4)
    for (key, gradient) in expected {
      let name = String(key.dropFirst(9))
      let parameter = try #require(network.namedParameters.first { $0.name == name }?.parameter)
      // The mean over 1512 numbers makes gradients small.
      let tolerance = Tolerance(absolute: 1e-6, relative: 1e-3)
      expectClose(try #require(found[parameter.key]), gradient, tolerance, name)
    }
  }

  @Test func theScaleNanoHasTheWeightsOfYOLOv8() throws {
    var random = RandomStream(seed: 1)
    let network = try NetworkConfiguration.yolo(
      YOLOConfiguration(.nano, inputChannels: 3, classes: 80)
    ).makeNetwork(random: &random)
    // 3 157 200 with the 16 fixed weights of the distances' mean, which are no parameters here.
    #expect(network.weightCount == 3_157_184)
  }

  @Test func smallObjectsGetFinerGrids() throws {
    var random = RandomStream(seed: 1)
    let network = try NetworkConfiguration.yolo(
      Self.configuration { $0.strides = [4, 8, 16] }
    ).makeNetwork(random: &random)
    #expect(network.sizeMultiple == 16)
    let output = network(Tensor(repeating: 0.5, shape: [1, 1, 32, 48]), in: .inference)
    #expect(output.shape == [1, 18, 8 * 12 + 4 * 6 + 2 * 3])
  }

  @Test(arguments: [
    "classes", "width", "depth", "bins", "strides", "huge",
  ])
  func impossibleValuesAreRefused(_ which: String) {
    let values = Self.configuration {
      switch which {
      case "classes": $0.classes = 0
      case "width": $0.width = .nan
      case "depth": $0.depth = -1
      case "bins": $0.bins = 1
      case "strides": $0.strides = [8, 16]
      default: ($0.width, $0.depth) = (1e300, 4)
      }
    }
    #expect(throws: NetworksError.self) {
      var random = RandomStream(seed: 1)
      _ = try NetworkConfiguration.yolo(values).makeNetwork(random: &random)
    }
  }
}
