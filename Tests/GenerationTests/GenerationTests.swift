import Foundation
import Generation
import Layers
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

@Suite struct GenerationTests {
  /// Bright squares on one of two sides, each of its own brightness.
  private static let pictures = GenerationPictures(
    name: "corners",
    size: [16, 16, 1],
    classNames: ["left", "right"],
    values: (0..<40).map { index in
      (0..<256).map { at in
        let (y, x) = (at / 16, at % 16)
        let start = index % 2 == 0 ? 1 + index % 3 : 9 + index % 3
        return (4..<10).contains(y) && (start..<start + 4).contains(x)
          ? 0.9 - Float(index) / 100 : -0.9
      }
    },
    labels: (0..<40).map { $0 % 2 }
  )

  private static func values(
    _ model: GenerationConfiguration.Model,
    conditional: Bool = false
  ) -> GenerationConfiguration {
    var values = GenerationConfiguration(model: model, height: 16, width: 16, channels: 1)
    (values.latent, values.features, values.batchSize, values.steps) = (4, 8, 8, 6)
    if conditional { values.classNames = ["left", "right"] }
    return values
  }

  private static func stored() throws -> [String: Tensor] {
    try Safetensors(contentsOf: Fixtures.path("generation/generation.safetensors")).tensors
  }

  private static func part(_ all: [String: Tensor], _ prefix: String) -> Safetensors {
    Safetensors(
      tensors: Dictionary(
        uniqueKeysWithValues: all.filter { entry in
          entry.key.hasPrefix(prefix)
            && ![prefix + "x", prefix + "y", prefix + "style"]
              .contains(entry.key)
        }.map { (String($0.key.dropFirst(prefix.count)), $0.value) }
      )
    )
  }

  private static func largest(_ a: Tensor, _ b: Tensor) -> Float {
    zip(a.values, b.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  @Test func dcganGivesPyTorchsValues() throws {
    let all = try Self.stored()
    var random = RandomStream(seed: 1)
    let network = DCGANGenerator(Self.values(.dcgan), random: &random)
    try network.load(Self.part(all, "dcgan."), from: "fixture")
    let (x, wanted) = (try #require(all["dcgan.x"]), try #require(all["dcgan.y"]))
    let found = network(x, in: .inference)
    #expect(found.shape == wanted.shape)
    #expect(Self.largest(found, wanted) < 1e-4)
  }

  @Test func modulatedConvolutionGivesPyTorchsValues() throws {
    let all = try Self.stored()
    var random = RandomStream(seed: 1)
    let layer = ModulatedConvolution(3, 4, window: 3, style: 6, random: &random)
    try layer.load(Self.part(all, "mod."), from: "fixture")
    let (x, style) = (try #require(all["mod.x"]), try #require(all["mod.style"]))
    let wanted = try #require(all["mod.y"])
    #expect(Self.largest(layer(x, style: style, in: .inference), wanted) < 1e-4)
  }

  @Test(
    arguments: GenerationConfiguration.Model.allCases,
    [false, true]
  )
  func resumedTrainingsGiveTheSameBits(
    _ model: GenerationConfiguration.Model,
    conditional: Bool
  ) throws {
    var values = Self.values(model, conditional: conditional)
    values.isAugmented = model != .diffusion
    var whole = try GenerationState(values)
    var stored: Safetensors?
    for step in 0..<values.steps {
      if step == 3 { stored = try whole.stored() }
      try whole.advance(Self.pictures)
    }
    var resumed = try GenerationState(values)
    try resumed.restore(try #require(stored), from: "memory")
    while resumed.step < values.steps { try resumed.advance(Self.pictures) }
    let (a, b) = (try whole.stored(), try resumed.stored())
    #expect(Set(a.tensors.keys) == Set(b.tensors.keys))
    for (name, value) in a.tensors { #expect(b.tensors[name]?.values == value.values, "\(name)") }
  }

  @Test func aStepThatIsNotFiniteTakesBackBothSides() throws {
    let broken = GenerationPictures(
      name: "broken",
      size: [16, 16, 1],
      classNames: [],
      values: [[Float](repeating: .nan, count: 256), [Float](repeating: .nan, count: 256)],
      labels: [0, 0]
    )
    var state = try GenerationState(Self.values(.dcgan))
    try state.advance(Self.pictures)
    let before = try state.stored()
    #expect(throws: PipelinesError.self) { try state.advance(broken) }
    let after = try state.stored()
    for (name, value) in before.tensors { #expect(after.tensors[name]?.values == value.values) }
  }

  @Test func aClassIsLearnt() throws {
    var values = Self.values(.dcgan, conditional: true)
    (values.steps, values.averagingDecay) = (600, 0.9)
    (values.generatorRate, values.criticRate) = (1e-3, 2e-3)
    let trainer = GenerationTrainer(
      pictures: Self.pictures,
      checkpointFolder: "unused",
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let model = try trainer.train(values, resumes: false, saves: false).model
    let made = try model.pictures(count: 32, seed: 3, class: "right", interruption: Interruption())
    let sides = made.values.map { image in
      image.indices.reduce(Float(0)) { $0 + ($1 % 16 < 8 ? -image[$1] : image[$1]) }
    }
    #expect(sides.filter { $0 > 0 }.count >= 26)
    #expect(throws: GenerationError.self) {
      try model.pictures(count: 1, seed: 1, class: "middle", interruption: Interruption())
    }
  }

  @Test func measuresTellEqualFromOther() throws {
    let evaluator = GenerationEvaluator(recognizer: nil, size: [16, 16, 1])
    func measured(_ made: [[Float]]) throws -> GenerationMeasurement {
      try evaluator.measure(
        made: made,
        labels: nil,
        names: [],
        real: Self.pictures,
        training: Self.pictures,
        neighbours: 3,
        interruption: Interruption()
      ).measurement
    }
    let same = try measured((0..<40).map { Self.pictures.picture($0) })
    #expect(same.precision == 1 && same.recall == 1 && same.coverage == 1)
    #expect(same.frechet < 1e-3 && same.nearestTraining < 1e-2)
    let other = try measured((0..<40).map { at in [Float](repeating: Float(at) / 40, count: 256) })
    #expect(other.precision == 0 && other.frechet > 1)
  }

  @Test func impossibleValuesAreRefused() {
    var values = Self.values(.dcgan)
    values.height = 30
    #expect(throws: GenerationError.self) { try values.check() }
  }

  @Test func damagedModelsAreRefused() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/generation-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let state = try GenerationState(Self.values(.styleGAN2))
    let model = try TrainedGenerator(Self.values(.styleGAN2), weights: state.averaged)
    try model.write(to: folder, command: "test", data: "test")
    let read = try TrainedGenerator(folder: folder)
    let (a, b) = (
      try model.pictures(count: 2, seed: 1, interruption: Interruption()).values,
      try read.pictures(count: 2, seed: 1, interruption: Interruption()).values
    )
    #expect(a == b)
    let file = folder + "/weights.safetensors"
    var data = try #require(FileManager.default.contents(atPath: file))
    data[data.count - 1] ^= 1
    try data.write(to: URL(fileURLWithPath: file))
    #expect(throws: GenerationError.self) { try TrainedGenerator(folder: folder) }
  }
}
