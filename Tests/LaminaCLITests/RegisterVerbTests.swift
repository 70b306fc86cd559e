import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

struct RegisterVerbTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> String { folder.file(name) }

  private static let side = 24

  /// Two soft blobs of different brightness, so far from where they usually lie, in voxels of 2 mm.
  private func write(_ name: String, shift: SIMD3<Double>, labels: String? = nil) throws {
    let side = Self.side
    let geometry = try ImageGeometry(
      size: [side, side, side],
      spacing: [2, 2, 2],
      origin: [0, 0, 0],
      direction: .identity
    )
    var (voxels, marks): ([Float], [UInt16]) = ([], [])
    for place in 0..<side * side * side {
      let point =
        SIMD3(Double(place % side), Double(place / side % side), Double(place / side / side))
        - shift
      func square(_ center: SIMD3<Double>) -> Double {
        let offset = point - center
        return (offset * offset).sum()
      }
      let (first, second) = (square([9, 11, 12]), square([16, 13, 9]))
      voxels.append(Float(200 * exp(-first / 18) + 120 * exp(-second / 8)))
      marks.append(first <= 16 ? 1 : second <= 6 ? 2 : 0)
    }
    try NIfTIWriter.write(.float32(Volume(geometry: geometry, voxels: voxels)), to: file(name))
    guard let labels else { return }
    let map = LabelMap(
      geometry: geometry,
      labels: marks,
      table: (1...2).map {
        LabelDefinition(id: $0, name: "blob \($0)", color: LabelDefinition.defaultColor($0 - 1))
      }
    )
    try NIfTIWriter.write(map, to: file(labels))
  }

  private func values(_ name: String) throws -> [Float] {
    try ImageFormats.read(file(name)).volume.asFloat.voxels
  }

  @Test func aShiftedImageAndItsLabelsComeBackAndTheTransformIsUsedAgain() throws {
    try write("fixed.nii.gz", shift: .zero, labels: "truth.nii.gz")
    try write("moving.nii.gz", shift: [2, -1, 1], labels: "labels.nii.gz")
    let run = try Program.run(
      "register",
      file("moving.nii.gz"),
      file("fixed.nii.gz"),
      "--output",
      file("moved.nii.gz"),
      "--transform",
      "rigid",
      "--labels",
      file("labels.nii.gz"),
      "--write-labels",
      file("moved-labels.nii.gz"),
      "--write-transform",
      file("t.json")
    )
    #expect(run.status == 0, "\(run.error)")
    let (fixed, moving, moved) = (
      try values("fixed.nii.gz"), try values("moving.nii.gz"), try values("moved.nii.gz")
    )
    func error(_ other: [Float]) -> Float {
      zip(fixed, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    #expect(error(moved) < 0.02 * error(moving))
    let (truth, marks) = (try values("truth.nii.gz"), try values("moved-labels.nii.gz"))
    let wrong = zip(truth, marks).count { $0 != $1 }
    // A voxel's shell of a ball of radius 4 is about 100 voxels; half a voxel's error is a few dozen.
    #expect(wrong < 40, "\(wrong)")

    let again = try Program.run(
      "register",
      file("moving.nii.gz"),
      file("fixed.nii.gz"),
      "--output",
      file("again.nii.gz"),
      "--apply",
      file("t.json")
    )
    #expect(again.status == 0, "\(again.error)")
    #expect(try values("again.nii.gz") == moved)
  }

  @Test func wrongUseAndWrongImagesHaveTheirStatus() throws {
    try write("fixed.nii.gz", shift: .zero)
    let geometry = try ImageGeometry(
      size: [8, 8, 8],
      spacing: [2, 2, 2],
      origin: [0, 0, 0],
      direction: .identity
    )
    let constant = Volume(geometry: geometry, voxels: [Float](repeating: 3, count: 512))
    try NIfTIWriter.write(.float32(constant), to: file("constant.nii.gz"))
    func status(_ arguments: String...) throws -> Int32 {
      try Program.start(["register"] + arguments).wait().status
    }
    let (fixed, out) = (file("fixed.nii.gz"), file("out.nii.gz"))
    #expect(try status(fixed, fixed) == 64)
    #expect(try status(fixed, fixed, "--output", out, "--spacing", "5") == 64)
    #expect(try status(fixed, fixed, "--output", out, "--labels", fixed) == 64)
    #expect(try status(file("nothing.nii.gz"), fixed, "--output", out) == 66)
    #expect(try status(file("constant.nii.gz"), fixed, "--output", out) == 65)
    #expect(try status(fixed, fixed, "--output", out, "--apply", file("no.json")) == 66)
    #expect(!FileManager.default.fileExists(atPath: out))
  }
}
