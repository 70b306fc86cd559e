import Foundation
import Generation
import GraphModels
import Layers
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

@Suite struct GeneratorExportTests {
  private static func model(
    _ kind: GenerationConfiguration.Model,
    classes: [String]
  ) throws -> TrainedGenerator {
    var values = GenerationConfiguration(model: kind, height: 16, width: 24, channels: 3)
    (values.latent, values.features, values.classNames) = (5, 8, classes)
    var random = RandomStream(seed: 3)
    let model = try GeneratorModel(values, random: &random)
    return try TrainedGenerator(values, weights: model.layer.weights)
  }

  @Test(
    arguments: GenerationConfiguration.Model.allCases.filter { $0 != .diffusion },
    [[], ["left", "right"]]
  )
  func aGeneratorComesBackFromItsFile(
    _ kind: GenerationConfiguration.Model,
    classes: [String]
  ) throws {
    let model = try Self.model(kind, classes: classes)
    let export = try model.exportedNetwork(name: "generator")
    #expect(export.inputShape == [1, 5 + classes.count])
    #expect(export.outputs.map(\.shape) == [[1, 3, 16, 24]])
    let file = try export.encoded()
    let graph = try OperatorGraph(file, path: "generator")
    #expect(graph.inputs.first?.dimensions?.map(\.size) == [nil, 5 + classes.count])
    #expect(graph.metadata["classes"] == (classes.isEmpty ? nil : #"["left","right"]"#))
    let imported = try GraphNetwork(graph)
    var random = RandomStream(seed: 4)
    let x = Tensor(
      (0..<4 * (5 + classes.count)).map { _ in Float(random.normal()) },
      shape: [4, 5 + classes.count]
    )
    let wanted = model.images(of: x)
    let found = imported(x, in: .inference)
    #expect(found.shape == [4, 3, 16, 24])
    #expect(zip(found.values, wanted.values).allSatisfy { abs($0 - $1) < 1e-5 })
    // Images of equal vectors would tell nothing.
    #expect(Set(wanted.values).count > 1000)
    try ExportedFiles.write(
      file,
      Safetensors(tensors: ["input": x, "image": wanted]).encoded(),
      "generator-\(kind.rawValue)-\(classes.count)"
    )
  }

  @Test func aDiffusionModelIsNoGraph() throws {
    let error = #expect(throws: GenerationError.self) {
      try Self.model(.diffusion, classes: []).exportedNetwork(name: "generator")
    }
    #expect(error?.description.contains("many steps") == true)
  }
}
