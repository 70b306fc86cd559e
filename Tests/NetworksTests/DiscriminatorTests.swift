import Foundation
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

@Suite("Discriminators")
struct DiscriminatorTests {
  /// A fixture and its values.
  struct Stored: Sendable, CustomTestStringConvertible {
    let name: String
    let configuration: DiscriminatorConfiguration
    var testDescription: String { name }
  }

  static let all: [Stored] = {
    var spectral = VGGDiscriminatorConfiguration.srgan(inputChannels: 1, inputSize: 16, features: 2)
    spectral.isSpectral = true
    return [
      Stored(
        name: "patch",
        configuration: .patch(
          PatchDiscriminatorConfiguration(inputChannels: 3, features: 4, layers: 2)
        )
      ),
      Stored(
        name: "patch-spectral",
        configuration: .patch(
          PatchDiscriminatorConfiguration(
            inputChannels: 2,
            features: 4,
            layers: 2,
            normalization: .none,
            isSpectral: true
          )
        )
      ),
      Stored(
        name: "vgg-esrgan",
        configuration: .vgg(.esrgan(inputSize: 32, features: 3))
      ), Stored(name: "vgg-srgan", configuration: .vgg(spectral)),
    ]
  }()

  private func loaded(_ test: Stored) throws -> (any Layer, [String: Tensor]) {
    let path = Fixtures.path("restoration/\(test.name).safetensors")
    let stored = try Safetensors(contentsOf: path).tensors
    var weights: [String: Tensor] = [:]
    for (name, tensor) in stored where name.hasPrefix("weights.") {
      weights[String(name.dropFirst("weights.".count))] = tensor
    }
    var random = RandomStream(seed: 1)
    let layer = try test.configuration.makeDiscriminator(random: &random)
    try layer.load(Safetensors(tensors: weights), from: path)
    return (layer, stored)
  }

  @Test("scores equal PyTorch's", arguments: all)
  func scores(_ test: Stored) throws {
    let (layer, stored) = try loaded(test)
    expectClose(
      layer(try #require(stored["input"]), in: .inference),
      try #require(stored["output"]),
      Tolerance(absolute: 1e-5, relative: 1e-5)
    )
  }

  @Test("loss and gradients equal PyTorch's", arguments: all)
  func gradientsOfAll(_ test: Stored) throws {
    let (layer, stored) = try loaded(test)
    let output = layer(try #require(stored["input"]), in: Context(.training))
    let loss = (output * output).mean
    expectClose(loss, try #require(stored["loss"]), Tolerance(absolute: 2e-5, relative: 2e-5))
    let found = gradients(of: loss)
    for (name, parameter) in layer.namedParameters where parameter.isTrainable {
      // The last normalisations are over two values, which magnifies rounding.
      expectClose(
        try #require(found[parameter.key], "\(name)"),
        try #require(stored["gradients." + name], "\(name)"),
        Tolerance(absolute: 2e-4, relative: 1e-4),
        name
      )
    }
  }

  @Test("configurations survive JSON", arguments: all)
  func json(_ test: Stored) throws {
    let data = try JSONEncoder().encode(test.configuration)
    let again = try JSONDecoder().decode(DiscriminatorConfiguration.self, from: data)
    #expect(again == test.configuration)
  }

  @Test("volumes are judged too")
  func volumes() throws {
    var random = RandomStream(seed: 1)
    let patch = try PatchDiscriminator(
      PatchDiscriminatorConfiguration(inputChannels: 1, features: 2, layers: 1, dimensions: 3),
      random: &random
    )
    let x = Tensor((0..<1024).map { _ in Float(random.normal()) }, shape: [2, 1, 8, 8, 8])
    #expect(patch(x, in: .inference).shape == [2, 1, 2, 2, 2])
    var values = VGGDiscriminatorConfiguration.srgan(inputChannels: 1, inputSize: 16, features: 1)
    values.stages = 2
    values.inputSize = 8
    values.dimensions = 3
    let vgg = try VGGDiscriminator(values, random: &random)
    #expect(vgg(x, in: .inference).shape == [2, 1])
  }

  @Test("impossible configurations are refused")
  func impossible() {
    var window = VGGDiscriminatorConfiguration.srgan()
    window.halvingWindow = 2
    let wrong: [DiscriminatorConfiguration] = [
      .patch(PatchDiscriminatorConfiguration(inputChannels: 0)),
      .patch(PatchDiscriminatorConfiguration(inputChannels: 1, layers: 0)),
      .patch(
        PatchDiscriminatorConfiguration(
          inputChannels: 1,
          features: 4,
          normalization: .group(groups: 3)
        )
      ), .vgg(.srgan(inputSize: 20)), .vgg(window),
    ]
    for configuration in wrong {
      var random = RandomStream(seed: 1)
      let error = #expect(throws: NetworksError.self) {
        try configuration.makeDiscriminator(random: &random)
      }
      #expect(error?.failure == .damagedInput)
    }
  }
}
