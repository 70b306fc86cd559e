import Foundation
import Imaging
import ImagingIO
import Networks
import Pipelines
import Recognition
import Support
import TestSupport
import Testing

struct VolumeTrainingTests {
  /// Boxes are those of the parts in each slice, edges counted from the first voxel's own.
  @Test func boxesAreThoseOfConnectedParts() throws {
    let folder = try TemporaryFolder()
    let root = folder.file("set")
    for name in ["imagesTr", "labelsTr"] {
      try FileManager.default.createDirectory(
        atPath: root + "/" + name,
        withIntermediateDirectories: true
      )
    }
    let text = #"""
      {"name": "two", "channel_names": {"0": "CT"}, "labels": {"background": 0, "a": 1, "b": 4},
       "file_ending": ".nii.gz"}
      """#
    try Data(text.utf8).write(to: URL(fileURLWithPath: root + "/dataset.json"))
    let geometry = try ImageGeometry(
      size: [5, 4, 2],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    // The two voxels of "a" below touch at a corner and are one part; "b" beside them is another.
    let labels: [UInt16] = [
      0, 1, 0, 0, 1, 1, 0, 4, 0, 1, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]
    try NIfTIWriter.write(
      .float32(Volume(geometry: geometry, voxels: labels.map { Float($0) })),
      to: root + "/imagesTr/x_0000.nii.gz"
    )
    try NIfTIWriter.write(
      LabelMap(geometry: geometry, labels: labels, table: []),
      to: root + "/labelsTr/x.nii.gz"
    )
    let data = try DetectionDataset.open(root)
    #expect(data.classes == ["a", "b"] && data.images.map(\.slice) == [0, 1])
    #expect(data.images.map(\.id) == ["x slice 1", "x slice 2"] && data.cases == ["x"])
    let boxes = data.images[0].objects.map {
      [$0.box.left, $0.box.top, $0.box.right, $0.box.bottom]
    }
    #expect(boxes == [[0, 0, 2, 2], [4, 0, 5, 2], [2, 1, 3, 3]])
    #expect(data.images[0].objects.map(\.label) == [0, 0, 1])
    #expect(data.images[1].objects.isEmpty)
    #expect(data.problemCounts[.background] == 1)

    // Classes of a model go by name; others are told.
    let other = try DetectionDataset.open(root, classes: ["b"])
    #expect(other.images[0].objects.map(\.label) == [0])
    #expect(other.problemCounts[.unknownClass] == 1)
    // A label map on another grid leaves its case out.
    let wider = try ImageGeometry(
      size: [5, 4, 2],
      spacing: [1, 2, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    try NIfTIWriter.write(
      LabelMap(geometry: wider, labels: labels, table: []),
      to: root + "/labelsTr/x.nii.gz"
    )
    let damaged = try DetectionDataset.open(root)
    #expect(damaged.images.isEmpty && damaged.problemCounts[.unreadableAnnotation] == 1)
  }

  @Test func casesAreHeldOutWhole() throws {
    let made = try MadeLesions(5)
    let data = try withExtendedLifetime(made) { try DetectionDataset.open(made.root) }
    #expect(data.images.count == 40 && data.cases.count == 5)
    let (training, heldOut) = data.split(heldOut: 0.4, seed: 3)
    #expect(heldOut.cases.count == 2 && training.cases.count == 3)
    #expect(Set(training.cases).isDisjoint(with: heldOut.cases))
    #expect(training.images.count == 24 && heldOut.images.count == 16)
    #expect(data.without(heldOut).images == training.images)
    #expect(data.only(heldOut.cases).images == heldOut.images)
    // Of 8 slices 3 to 6 show something; as many others stay at most.
    for name in training.cases {
      let own = training.withFewerEmptySlices.only([name]).images
      let filled = own.count { !$0.objects.isEmpty }
      #expect(filled == training.only([name]).images.count { !$0.objects.isEmpty })
      #expect(own.count - filled <= filled)
    }
  }

  @Test func matchesAreCountedOneToOne() throws {
    typealias Box = VolumeDetectionMeasurement.Box
    let cube = Box(label: 0, lower: [0, 0, 0], upper: [4, 4, 4])
    let half = Box(label: 0, lower: [0, 0, 0], upper: [4, 4, 2], score: 0.9)
    #expect(half.overlap(cube) == 0.5)
    let twice = Box(label: 0, lower: [0, 0, 0], upper: [4, 4, 1], score: 0.8)
    let far = Box(label: 0, lower: [9, 9, 9], upper: [10, 10, 10], score: 0.7)
    let summary = VolumeDetectionMeasurement.summary(
      [([half, twice, far], [cube]), ([], [cube])],
      classes: ["x", "y"]
    )
    let result = try #require(summary.classes.first)
    #expect(result.leastOverlap == 0.1 && result.sensitivity?.hits == 1)
    #expect(result.sensitivity?.count == 2 && result.precision?.count == 3)
    #expect(result.falseFindingsPerVolume == 1 && result.meanOverlap == 0.5)
    let other = try #require(summary.classes.last)
    #expect(other.name == "y" && other.sensitivity == nil && other.precision == nil)
  }

  /// From volumes to a model that finds lesions in new ones as boxes in space.
  @Test func lesionsOfVolumesAreLearned() throws {
    let made = try MadeLesions(30)
    let data = try DetectionDataset.open(made.root)
    let (training, heldOut) = data.split(heldOut: 0.2, seed: 1)
    var values = DetectionConfiguration(
      network: YOLOConfiguration(inputChannels: 1, classes: 1, width: 0.125, bins: 8),
      imageSize: [64, 64]
    )
    values.plan.intensity = .percentiles(low: 0.5, high: 99.5)
    values.learning.steps = 300
    values.learning.batchSize = 8
    values.learning.learningRate = 3e-3
    values.learning.warmupSteps = 20
    values.learning.averagingDecay = 0.97
    values.augmentation.mosaic = 0
    let outcome = try DetectionTrainer(
      training: training.withFewerEmptySlices,
      heldOut: heldOut,
      checkpointFolder: made.folder.file("checkpoints"),
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: Interruption()
    ).run(values, budget: .steps, resumes: false)
    #expect(outcome.heldOutNames == heldOut.cases)
    #expect((outcome.heldOut?.map50 ?? 0) > 0.8, "\(outcome.heldOut?.map50 ?? 0)")

    let new = try MadeLesions(6, seed: 9)
    let detector = try Detector(
      outcome.network,
      configuration: outcome.configuration.network,
      plan: outcome.configuration.plan,
      classes: outcome.classes,
      name: "lesions"
    )
    let found = try withExtendedLifetime(new) {
      try VolumeDetectionMeasurement(detector, on: new.root).summary
    }
    #expect(found.volumes == 6 && found.notes.isEmpty)
    let result = try #require(found.classes.first { $0.leastOverlap == 0.5 })
    #expect((result.sensitivity?.value ?? 0) > 0.8, "\(result)")
    #expect(result.falseFindingsPerVolume < 0.5, "\(result)")
  }
}
