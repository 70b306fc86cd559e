import Foundation
import ImagingIO
import Networks
import Pipelines
import Recognition
import Support
import Tensors
import TestSupport
import Testing

@Suite(.serialized) struct ClassificationTrainerTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func trainer(
    _ images: LabelledImages,
    change: (inout ClassificationRequest) -> Void = { _ in }
  ) -> ClassificationTrainer {
    var request = ClassificationRequest()
    request.network = "lenet"
    change(&request)
    return ClassificationTrainer(
      images: images,
      request: request,
      checkpointFolder: folder.file("run"),
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: Interruption()
    )
  }

  private var learning: LearningConfiguration {
    var values = LearningConfiguration()
    (values.steps, values.batchSize, values.warmupSteps) = (60, 16, 5)
    values.averagingDecay = 0.9
    return values
  }

  /// A package of a network that learnt where the blob is.
  private func package(
    classNames: [String] = ["left", "right"]
  ) throws -> ModelPackage {
    let outcome = try trainer(BlobPictures.images(60, classNames: classNames)).train(
      learning,
      budget: .steps,
      resumes: false
    )
    let model = TrainedClassifier(
      outcome: outcome,
      origin: ModelOrigin(
        name: "blobs",
        dataset: "made blobs",
        command: "lamina vision classify train"
      )
    )
    try FileManager.default.createDirectory(
      atPath: folder.file("blobs"),
      withIntermediateDirectories: true
    )
    try model.write(to: folder.file("blobs"))
    return try ModelPackage(path: folder.file("blobs"))
  }

  @Test func aClassifierLearnsIsStoredAndTellsPictures() throws {
    let package = try package()
    try package.verify()
    let description = package.description
    #expect(description.labels.map(\.name) == ["left", "right"])
    let accuracy = try #require(description.results.first { $0.metric == "accuracy" })
    // 24 test pictures, which an untrained network tells by chance.
    #expect(accuracy.mean >= 0.95 && accuracy.cases == 24)
    #expect(description.plan.recognition?.conformal?.coverage == 0.9)
    let card = try String(contentsOfFile: folder.file("blobs/README.md"), encoding: .utf8)
    #expect(card.lowercased().contains("not for clinical use") && card.contains("parity = odd"))

    try BlobPictures.write(4, to: folder.file("new"), seed: 9)
    let recognizer = try ImageRecognizer(package)
    let result = try recognizer.recognize(folder.file("new/right/1.png"), id: "a")
    #expect(result.findings[0].name == "right" && result.findings[0].isTold)
    #expect(result.findings[0].probability > 0.8 && result.slices == 1)
    let sum = result.findings.reduce(0) { $0 + $1.probability }
    #expect(abs(sum - 1) < 1e-4)

    // The classes of another order are matched by name.
    let (evaluation, problems) = try recognizer.evaluate(
      LabelledImages(path: folder.file("new")),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    #expect(problems.isEmpty && evaluation.accuracy?.value == 1 && evaluation.cases.count == 8)
    #expect(evaluation.confusion == [[4, 0], [0, 4]] && evaluation.meanArea == 1)
    let data = try JSONEncoder().encode(evaluation)
    #expect(try JSONDecoder().decode(ClassificationEvaluation.self, from: data) == evaluation)
  }

  @Test func everyMethodFindsTheBlobThatTheNetworkLooksAt() throws {
    // With a class of pictures without a blob, hiding the blob takes the class away.
    let recognizer = try ImageRecognizer(try package(classNames: ["left", "right", "none"]))
    try BlobPictures.write(1, to: folder.file("new"), seed: 11)
    for method in ExplanationMethod.allCases {
      let shown = try recognizer.explain(
        folder.file("new/right/0.png"),
        method: method,
        isMeasured: true,
        interruption: Interruption()
      )
      #expect(shown.className == "right" && shown.evidence.count == 24 * 24)
      // The mean evidence within the quarter of the blob exceeds that elsewhere.
      var (inside, outside) = (Float(0), Float(0))
      for y in 0..<24 {
        for x in 0..<24 {
          if y >= 12, x >= 12 {
            inside += shown.evidence[y * 24 + x] / 144
          } else {
            outside += shown.evidence[y * 24 + x] / 432
          }
        }
      }
      #expect(inside > 1.5 * outside, "\(method): \(inside) and \(outside)")
      let deletion = try #require(shown.explanation.deletion)
      let insertion = try #require(shown.explanation.insertion)
      #expect((0...1).contains(deletion) && (0...1).contains(insertion))
    }
    #expect(throws: RecognitionError.self) {
      try recognizer.explain(
        folder.file("new/right/0.png"),
        className: "nowhere",
        method: .gradCAM,
        isMeasured: false,
        interruption: Interruption()
      )
    }
  }

  @Test func findingsAreLearntOneByOne() throws {
    var images = BlobPictures.images(40)
    // The first class is a blob on the left; the second is always there.
    images = LabelledImages(
      name: images.name,
      classNames: ["left", "any"],
      areFindings: true,
      items: images.items.map { item in
        var item = item
        item.classes = item.classes == [0] ? [0, 1] : [1]
        return item
      },
      problems: []
    )
    let outcome = try trainer(images).train(learning, budget: .steps, resumes: false)
    let evaluation = try #require(outcome.evaluation)
    #expect(evaluation.classResults[0].area ?? 0 > 0.95)
    // Nothing lacks the second finding: its area is undefined, not 1.
    #expect(evaluation.classResults[1].area == nil)
    #expect(evaluation.accuracy?.value ?? 0 > 0.9)
  }

  @Test(arguments: [
    ClassificationConfiguration.Loss.arcFace(margin: 0.3, scale: 16), .triplet(margin: 0.3),
  ])
  func embeddingsBringTheSameTogether(_ loss: ClassificationConfiguration.Loss) throws {
    let outcome = try trainer(BlobPictures.images(50)) {
      $0.embeds = true
      $0.loss = loss
      $0.purpose = "tests of blobs"
    }.train(learning, budget: .steps, resumes: false)
    let result = try #require(outcome.verification)
    #expect(result.area > 0.95 && result.rank1?.value ?? 0 > 0.95, "\(result)")
    let model = TrainedClassifier(
      outcome: outcome,
      origin: ModelOrigin(name: "x", dataset: "blobs", command: "")
    )
    #expect(model.card.contains("Forbidden") && model.card.contains("tests of blobs"))

    try FileManager.default.createDirectory(
      atPath: folder.file("x"),
      withIntermediateDirectories: true
    )
    try model.write(to: folder.file("x"))
    try BlobPictures.write(3, to: folder.file("gallery"), seed: 21)
    try BlobPictures.write(1, to: folder.file("query"), seed: 22)
    var gallery = try ImageGallery(try ModelPackage(path: folder.file("x")))
    for file in try LabelledFolder.files(folder.file("gallery")) {
      let identity = file.hasPrefix("left") ? "left" : "right"
      try gallery.add(folder.file("gallery/" + file), id: file, identity: identity)
    }
    let found = try gallery.search(folder.file("query/left/0.png"), id: "q", limit: 2)
    #expect(found.matches.count == 2 && found.matches.allSatisfy { $0.identity == "left" })
    #expect(throws: RecognitionError.self) {
      try ImageRecognizer(try ModelPackage(path: folder.file("x")))
    }
  }

  @Test func whatDoesNotGoTogetherIsRefused() throws {
    #expect(throws: RecognitionError.self) {
      try trainer(BlobPictures.images(4)) { $0.network = "nonsense" }
        .train(learning, budget: .steps, resumes: false)
    }
    #expect(throws: RecognitionError.self) {
      try trainer(BlobPictures.images(4)) { $0.loss = .triplet(margin: 1) }
        .train(learning, budget: .steps, resumes: false)
    }
    let recognizer = try ImageRecognizer(try package())
    func refused(_ image: PNGImage) throws {
      let path = folder.file("odd.png")
      try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path))
      #expect(throws: RecognitionError.self) { try recognizer.recognize(path, id: "odd") }
    }
    let size = 8 * 8
    try refused(
      PNGImage(
        width: 8,
        height: 8,
        channels: 1,
        samples: .eightBit([UInt8](repeating: 7, count: size))
      )
    )
    try refused(
      PNGImage(
        width: 8,
        height: 8,
        channels: 3,
        samples: .eightBit((0..<3 * size).map { UInt8($0 % 251) })
      )
    )
    #expect(throws: SupportError.self) {
      try recognizer.recognize(folder.file("nothing.png"), id: "x")
    }
  }
}
