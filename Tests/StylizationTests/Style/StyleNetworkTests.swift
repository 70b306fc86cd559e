import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Stylization
import Support
import Tensors
import TestSupport
import Testing

@Suite struct StyleNetworkTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for (name, stripes) in [("a", 12), ("b", 9), ("style-1", 3), ("style-2", 17)] {
      try drawing(80, 72, stripes: stripes).png()
        .write(to: URL(fileURLWithPath: folder.file(name + ".png")))
    }
  }

  private func train(
    _ kind: StyleNetworkTrainer.Kind,
    styles: [String],
    steps: Int
  ) throws -> TrainedPictureNetwork {
    var request = StyleNetworkTrainer.Request()
    (request.kind, request.side, request.features, request.blocks) = (kind, 32, 4, 1)
    let trainer = try StyleNetworkTrainer(
      photographs: ["a", "b"].map { folder.file($0 + ".png") },
      styles: styles.map { folder.file($0 + ".png") },
      features: .random(),
      request: request,
      checkpointFolder: folder.file("checkpoints-\(kind.rawValue)"),
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    var learning = LearningConfiguration()
    (learning.batchSize, learning.steps, learning.learningRate) = (2, steps, 5e-3)
    return try trainer.train(learning, budget: .steps, resumes: false)
  }

  private func written(_ trained: TrainedPictureNetwork, _ name: String) throws -> PictureModel {
    let path = folder.file(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let origin = ModelOrigin(name: name, dataset: "", command: "")
    try trained.write(to: path, origin, notes: [])
    // It is a model package like others.
    #expect(try ModelPackage(path: path).description.task == .stylization)
    return try PictureModel(path: path, task: .style)
  }

  @Test func oneStyleIsLearnt() throws {
    let trained = try train(.feedForward, styles: ["style-1"], steps: 200)
    #expect(try #require(trained.losses.last) < 0.7 * #require(trained.losses.first))
    let model = try written(trained, "one")
    let network = try StyleNetwork(model, largestSide: 64, keepsColours: false)
    let (content, painted, _) = try network.run(folder.file("a.png"))
    #expect(painted.width == content.width && painted.height == content.height)
    #expect(painted != content)
    #expect(throws: StylizationError.needlessStyle(path: model.path)) {
      try StyleNetwork(
        model,
        style: folder.file("style-1.png"),
        largestSide: 64,
        keepsColours: false
      )
    }
    #expect(throws: StylizationError.severalStyles(count: 2)) {
      try train(.feedForward, styles: ["style-1", "style-2"], steps: 1)
    }
  }

  @Test func anyStyleIsLearnt() throws {
    let trained = try train(.adain, styles: ["style-1", "style-2"], steps: 400)
    let losses = trained.losses
    let (start, end) = (try #require(losses.first), try #require(losses.last))
    #expect(end < 0.7 * start, "\(losses)")
    let model = try written(trained, "any")
    func painted(_ style: String?, _ strength: Double) throws -> [Float] {
      try StyleNetwork(
        model,
        style: style.map { folder.file($0 + ".png") },
        strength: strength,
        largestSide: 64,
        keepsColours: false
      ).run(folder.file("a.png")).painted.values
    }
    let first = try painted("style-1", 1)
    #expect(try first != painted("style-2", 1))
    // Without strength no style matters.
    #expect(try painted("style-1", 0) == painted("style-2", 0))
    #expect(throws: StylizationError.missingStyle(path: model.path)) { try painted(nil, 1) }
  }

  @Test func publishedWeightsOfOneStyleAreUsed() throws {
    var random = RandomStream(seed: 3)
    let values = StyleTransferConfiguration(features: 4, blocks: 2)
    let network = StyleTransferNet(values, random: &random)
    let path = folder.file("candy.safetensors")
    var tensors = network.weights.tensors
    // Early files hold statistics that nothing uses.
    tensors["in1.running_mean"] = Tensor(repeating: 0, shape: [4])
    try Safetensors(tensors: tensors).encoded(as: .float32)
      .write(to: URL(fileURLWithPath: path))
    let model = try PictureModel(path: path, task: .style)
    #expect(model.plan.style?.range == [0, 255])
    let painted = try StyleNetwork(model, largestSide: 64, keepsColours: false)
      .run(folder.file("a.png"))
    let input = painted.content.tensor * 255
    // The picture of 64 x 58 pixels is mirrored to multiples of 8.
    let padded = padded(input, before: [0, 0], after: [6, 0], mode: .reflect)
    let wanted = network(padded, in: .inference).sliced(axis: 2, end: 58).values
    let worst = zip(painted.painted.values, wanted).map { abs($0 - min(max($1, 0), 255)) }.max()
    #expect(try #require(worst) < 0.01)
  }

  @Test func anEncoderIsTheVGGWithinItsBorders() throws {
    var random = RandomStream(seed: 5)
    var values = VGGConfiguration(
      inputChannels: 3,
      outputChannels: 2,
      convolutionsPerStage: [1, 2, 1, 1, 1],
      hasNormalization: false
    )
    values.features = [4, 5, 6, 7, 8]
    (values.pooledSize, values.hiddenFeatures) = (1, 1)
    let vgg = VGG(values, random: &random)
    let (means, deviations) = ([0.4, 0.5, 0.6], [0.2, 0.25, 0.3])
    let encoder = try #require(StyleEncoder(vgg, values, means: means, deviations: deviations))
    #expect(encoder.configuration.features == [4, 5, 6, 7])
    let network = AdaINNetwork(encoder.configuration, random: &random)
    encoder.copy(to: network, range: [-1, 1])
    let pictures = Tensor(
      (0..<3 * 96 * 96).map { _ in Float(random.uniform()) },
      shape: [1, 3, 96, 96]
    )
    let found = network.encoded(pictures * 2 - 1, in: .inference)

    let layers = Dictionary(uniqueKeysWithValues: vgg.children.map { ($0.name, $0.layer) })
    func layer(_ place: Int, _ x: Tensor) throws -> Tensor {
      let found = try #require(layers["features.\(place)"])
      return relu(found(x, in: .inference))
    }
    func halved(_ x: Tensor) -> Tensor { maxPooling(x, shape: PoolingShape(kernel: [2, 2])) }
    let scale = Tensor(deviations.map { Float(1 / $0) }, shape: [1, 3, 1, 1])
    let shift = Tensor(zip(means, deviations).map { Float(-$0 / $1) }, shape: [1, 3, 1, 1])
    let first = try layer(0, pictures * scale + shift)
    let second = try layer(5, try layer(3, halved(first)))
    let third = try layer(8, halved(second))
    let wanted = try layer(11, halved(third))
    func inner(_ x: Tensor) -> Tensor {
      x.sliced(axis: 2, start: 3, end: 9).sliced(axis: 3, start: 3, end: 9)
    }
    expectClose(inner(found), inner(wanted), Tolerance(absolute: 1e-4, relative: 1e-4))
    values.hasNormalization = true
    #expect(StyleEncoder(vgg, values, means: means, deviations: deviations) == nil)
  }
}
