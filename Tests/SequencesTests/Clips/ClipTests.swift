import Foundation
import Imaging
import ImagingIO
import Layers
import Pipelines
import Recognition
import Sequences
import Support
import TestSupport
import Testing

@Suite(.serialized) struct ClipTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A bright bar, which is no digit, but moves as well.
  private static let digits: [ImagePlanes] = (0..<10).map { number in
    ImagePlanes(
      height: 12,
      width: 12,
      values: (0..<144).map { place in
        (2..<10).contains(place / 12) && (4..<5 + number % 4).contains(place % 12) ? 250 : 0
      }
    )
  }

  /// A bell, whose middle sampling does not move.
  private static let bell = ImagePlanes(
    height: 28,
    width: 28,
    values: (0..<784).map { place in
      let (y, x) = (Double(place / 28) - 13.5, Double(place % 28) - 13.5)
      return Float(250 * exp(-(x * x + y * y) / 50))
    }
  )

  private func makeClips(
    _ motions: [MovingDigits.Motion] = MovingDigits.Motion.allCases,
    training: Int,
    test: Int
  ) throws -> String {
    let path = folder.file("clips")
    try MovingDigits(digits: Self.digits).write(
      to: path,
      motions: motions,
      training: training,
      test: test,
      seed: 1,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    return path
  }

  @Test func framesAreSortedByNumberAndThinnedOutEvenly() {
    let names = ["10.png", "2.png", "1.png", "a1.png", "a.png"]
    #expect(
      names.sorted { ClipDataset.comesBefore($0, $1) }
        == ["1.png", "2.png", "10.png", "a.png", "a1.png"]
    )
    #expect(ClipReader.thinned(4, 9) == [0, 1, 2, 3])
    #expect(ClipReader.thinned(9, 3) == [0, 4, 8])
    #expect(ClipReader.thinned(100, 4) == [0, 33, 66, 99])
    #expect(ClipReader.thinned(7, 1) == [3])
  }

  @Test func digitsMoveAsTheirClassSays() {
    func middles(_ motion: MovingDigits.Motion) -> [SIMD2<Double>] {
      var random = RandomStream(seed: 4)
      return MovingDigits.clip(of: Self.bell, motion, &random).map { frame in
        // The mean direction on the torus.
        func middle(_ angle: (Int) -> Int) -> Double {
          var (x, y) = (0.0, 0.0)
          for (place, value) in frame.enumerated() {
            let turn = 2 * Double.pi * Double(angle(place)) / 32
            x += Double(value) * cos(turn)
            y += Double(value) * sin(turn)
          }
          return atan2(y, x) * 32 / (2 * .pi)
        }
        return SIMD2(middle { $0 / 32 }, middle { $0 % 32 })
      }
    }
    func steps(_ motion: MovingDigits.Motion) -> [SIMD2<Double>] {
      let all = middles(motion)
      return zip(all, all.dropFirst()).map { before, after in
        let step = after - before
        return step - 32 * (step / 32).rounded(.toNearestOrEven)
      }
    }
    for (motion, row, column) in [
      (MovingDigits.Motion.left, 0.0, -1.0), (.right, 0, 1), (.up, -1, 0), (.down, 1, 0),
      (.upLeft, -1, -1), (.upRight, -1, 1), (.downLeft, 1, -1), (.downRight, 1, 1),
    ] {
      for step in steps(motion) {
        for (moved, sign) in [(step[0], row), (step[1], column)] {
          #expect(sign == 0 ? abs(moved) < 0.15 : (0.9...3.1).contains(sign * moved))
        }
      }
    }
  }

  @Test func aFolderOfClassesIsADataSet() throws {
    let path = try makeClips(training: 3, test: 2)
    let data = try ClipDataset(path: path)
    #expect(data.classNames == MovingDigits.Motion.allCases.map(\.rawValue).sorted())
    #expect(data.items(.training).count == 24 && data.items(.test).count == 16)
    let clip = try ClipReader.read(data.items[0].path, maximum: 32)
    #expect((8...14).contains(clip.count) && clip[0].height == 32 && clip[0].channels == 1)
    // Without folders for splits they are drawn, class by class.
    let plain = try ClipDataset(path: path + "/train")
      .divided(testShare: 1.0 / 3, validationShare: 0.5, seed: 1)
    for label in plain.classNames.indices {
      let own = plain.items.filter { $0.label == label }.compactMap(\.split)
      #expect(Set(own) == [.training, .validation, .test] && own.count == 3)
    }
    #expect(throws: SequencesError.self) { try ClipDataset(path: path + "/train/left") }
    #expect(throws: SupportError.self) { try ClipDataset(path: path + "/none") }
  }

  @Test func volumesAreClipsToo() throws {
    let geometry = try ImageGeometry(
      size: SIMD3(9, 8, 5),
      spacing: SIMD3(1, 1, 1),
      origin: SIMD3(0, 0, 0),
      direction: .identity
    )
    let volumes = (0..<4).map { time in
      AnyVolume.float32(
        Volume<Float>(geometry: geometry, voxels: (0..<360).map { Float($0 + 1000 * time) })
      )
    }
    let path = folder.file("cine.nii.gz")
    try NIfTIWriter.write(volumes[0], to: path)
    let frames = try ClipReader.read(path, maximum: 3)
    #expect(frames.count == 3 && frames[0].width == 9 && frames[0].height == 8)
    #expect(frames.map { $0.values[0] } == [0, 144, 288])
    // Of time points the middle slice.
    let dynamic = folder.file("dynamic.nii.gz")
    try NIfTIWriter.write(timePoints: volumes, secondsApart: 1, to: dynamic)
    #expect(
      try ClipReader.read(dynamic, maximum: 9).map { $0.values[0] } == [144, 1144, 2144, 3144]
    )
  }

  @Test func clipsThatCannotBeUsedAreRefusedByName() throws {
    let path = folder.file("odd")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    #expect(throws: (any Error).self) { try ClipReader.read(path, maximum: 9) }
    for (name, side) in [("0.png", 8), ("1.png", 9)] {
      let image = PNGImage(
        width: side,
        height: side,
        channels: 1,
        samples: .eightBit([UInt8](repeating: 7, count: side * side))
      )
      try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path + "/" + name))
    }
    let error = #expect(throws: SequencesError.self) { try ClipReader.read(path, maximum: 9) }
    #expect(error?.description.contains("8 x 8 and 9 x 9") == true)
  }

  @Test func paddingIsNotLookedAt() throws {
    var clips = SequencePlan.Clips(
      frames: RecognitionPlan(task: .classification, imageSize: [8, 8], channels: 1),
      maximumFrames: 9
    )
    clips.frames.means = [0.5]
    clips.frames.deviations = [2]
    let values = (0..<2 * 64).map { Float($0) }
    let filled = clips.normalized(values, steps: 4)
    #expect(filled.count == 4 * 64 && filled[0] == -0.25 && filled[64] == 31.75)
    #expect(Array(filled[128..<192]) == Array(filled[64..<128]))
  }

  @Test func aTrainedModelTellsMotionsAndABlindOneDoesNot() throws {
    let path = try makeClips([.left, .right], training: 60, test: 20)
    func accuracy(_ joining: ClipTrainer.Request) throws -> Double {
      var learning = LearningConfiguration()
      (learning.steps, learning.batchSize, learning.warmupSteps) = (160, 16, 10)
      learning.learningRate = 3e-3
      learning.averagingDecay = 0.9
      let trainer = ClipTrainer(
        data: try ClipDataset(path: path),
        request: joining,
        checkpointFolder: folder.file("checkpoints"),
        outputs: OutputGuard(mayReplace: true),
        progress: SilentProgress(),
        interruption: Interruption()
      )
      let outcome = try trainer.train(learning, budget: .steps, resumes: false)
      trainer.discardCheckpoints()
      let package = folder.file(joining.joining.rawValue)
      try FileManager.default.createDirectory(atPath: package, withIntermediateDirectories: true)
      try TrainedSequenceModel(
        outcome: outcome,
        origin: ModelOrigin(
          name: "motion",
          dataset: "made up",
          licence: "own",
          source: "own",
          command: "lamina"
        )
      ).write(to: package)
      let exported = try ModelPackage(path: package).exportedNetwork()
      #expect(exported.inputShape.count == 5 && exported.outputs.map(\.name) == ["output"])
      let (evaluation, problems) = try ClipRecognizer(try ModelPackage(path: package)).evaluate(
        ClipDataset(path: path),
        split: .test,
        progress: SilentProgress(),
        interruption: Interruption()
      )
      #expect(problems.isEmpty && evaluation.confusion == outcome.evaluation.confusion)
      return evaluation.accuracy?.value ?? 0
    }
    var request = ClipTrainer.Request()
    (request.features, request.width, request.augmentation) = ([8, 16], 48, .none)
    let seeing = try accuracy(request)
    request.joining = .mean
    let blind = try accuracy(request)
    // Of 40 clips one that guesses tells 31 and more in one test of two thousand.
    #expect(seeing > 0.85 && blind < 0.76, "\(seeing) and \(blind)")
  }
}
