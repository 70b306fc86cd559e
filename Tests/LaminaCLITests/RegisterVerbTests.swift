import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// `lamina register`, and `lamina segment --model atlas:FOLDER`.
@Suite struct RegisterVerbTests {
  /// A head of three blobs, shifted; the labels are the two inner ones.
  private struct Phantom {
    let geometry: ImageGeometry
    let image: Volume<Int16>
    let labels: LabelMap

    init(shift: SIMD3<Double>, inverted: Bool = false) throws {
      let geometry = try ImageGeometry(
        size: [28, 26, 24],
        spacing: [2, 2, 2],
        origin: [-27, -25, -23],
        direction: .identity
      )
      var values: [Int16] = []
      var labels: [UInt16] = []
      for z in 0..<24 {
        for y in 0..<26 {
          for x in 0..<28 {
            let p =
              geometry.position(ofIndex: SIMD3(Double(x), Double(y), Double(z))) - shift
            func distance(_ center: SIMD3<Double>, _ radii: SIMD3<Double>) -> Double {
              let arm = (p - center) / radii
              return (arm * arm).sum().squareRoot()
            }
            let body = distance(.zero, [18, 16, 14])
            let left = distance([6, 2, 1], [6, 5, 5])
            let right = distance([-7, -3, -2], [5, 5, 4])
            func soft(_ distance: Double) -> Double { 1 / (1 + exp(6 * (distance - 1))) }
            let value = 200 * soft(body) + 150 * soft(left) - 120 * soft(right)
            values.append(Int16(inverted ? 400 - value : value))
            labels.append(left < 1 ? 1 : right < 1 ? 2 : 0)
          }
        }
      }
      self.geometry = geometry
      image = Volume(geometry: geometry, voxels: values)
      self.labels = LabelMap(geometry: geometry, labels: labels, table: [])
    }
  }

  private func dice(_ a: [UInt16], _ b: [UInt16], _ label: UInt16) -> Double {
    let both = zip(a, b).count { $0 == label && $1 == label }
    return 2 * Double(both) / Double(a.count { $0 == label } + b.count { $0 == label })
  }

  private func write(_ phantom: Phantom, _ name: String, in folder: TemporaryFolder) throws {
    try NIfTIWriter.write(.int16(phantom.image), to: folder.file(name + ".nii.gz"))
    try NIfTIWriter.write(phantom.labels, to: folder.file(name + "-labels.nii.gz"))
  }

  @Test func imageAndLabelsAreMovedAndTheTransformIsUsedAgain() throws {
    let folder = try TemporaryFolder()
    let fixed = try Phantom(shift: .zero)
    try write(fixed, "fixed", in: folder)
    try write(try Phantom(shift: [6, -4, 4], inverted: true), "moving", in: folder)
    // The head alone: how much background lies in both images must not count.
    let mask = LabelMap(
      geometry: fixed.geometry,
      labels: fixed.image.voxels.map { $0 > 4 ? 1 : 0 },
      table: []
    )
    try NIfTIWriter.write(mask, to: folder.file("mask.nii.gz"))
    let result = try Program.run(
      "register",
      "moving.nii.gz",
      "fixed.nii.gz",
      "--output",
      "out.nii.gz",
      "--transform",
      "rigid",
      "--mask",
      "mask.nii.gz",
      "--labels",
      "moving-labels.nii.gz",
      "--write-labels",
      "labels.nii.gz",
      "--write-transform",
      "t.json",
      "--json",
      in: folder.path
    )
    #expect(result.status == 0, "\(result.error)")
    let answer = try #require(result.json as? [String: Any])
    #expect((answer["files"] as? [String]) == ["out.nii.gz", "labels.nii.gz", "t.json"])
    #expect((answer["steps"] as? [Any])?.isEmpty == false)
    #expect((answer["folding"] as? [String: Any])?["foldedShare"] as? Double == 0)
    let moved = try NIfTIReader.read(folder.file("out.nii.gz")).volume
    #expect(moved.scalarName == "int16")
    #expect(moved.geometry.difference(from: fixed.geometry) == nil)
    let labels = try NIfTIReader.readLabelMap(folder.file("labels.nii.gz"), table: [])
    for label in [UInt16(1), 2] {
      // Moved by whole voxels, so that labels can come back; unmoved their overlap is below 0.4.
      #expect(dice(labels.labels, fixed.labels.labels, label) > 0.9)
    }
    let again = try Program.run(
      "register",
      "moving.nii.gz",
      "fixed.nii.gz",
      "--output",
      "again.nii.gz",
      "--apply",
      "t.json",
      in: folder.path
    )
    #expect(again.status == 0, "\(again.error)")
    #expect(try NIfTIReader.read(folder.file("again.nii.gz")).volume == moved)
  }

  @Test func unfitInputsHaveTheirOwnStatus() throws {
    let folder = try TemporaryFolder()
    try write(try Phantom(shift: .zero), "fixed", in: folder)
    try write(try Phantom(shift: .zero, inverted: true), "inverted", in: folder)
    let flat = try Phantom(shift: .zero).image.map { _ in Int16(4) }
    try NIfTIWriter.write(.int16(flat), to: folder.file("flat.nii.gz"))
    try Data("{}".utf8).write(to: URL(fileURLWithPath: folder.file("bad.json")))
    func status(_ arguments: String...) throws -> (Int32, String) {
      let words = ["register"] + arguments + ["--output", "out.nii.gz"]
      let result = try Program.start(words, in: folder.path).wait()
      #expect(!FileManager.default.fileExists(atPath: folder.file("out.nii.gz")))
      #expect(result.status == 0 || result.errorLines.count == 1)
      return (result.status, result.error)
    }
    let constant = try status("flat.nii.gz", "fixed.nii.gz")
    #expect(constant.0 == 65 && constant.1.contains("one value"))
    let contrast = try status(
      "inverted.nii.gz",
      "fixed.nii.gz",
      "--metric",
      "ms",
      "--start",
      "header"
    )
    #expect(contrast.0 == 65 && contrast.1.contains("one contrast"))
    #expect(try status("fixed.nii.gz", "fixed.nii.gz", "--apply", "bad.json").0 == 65)
    #expect(try status("none.nii.gz", "fixed.nii.gz").0 == 66)
    #expect(try status("fixed.nii.gz", "fixed.nii.gz", "--labels", "fixed.nii.gz").0 == 64)
    #expect(try status("fixed.nii.gz", "fixed.nii.gz", "--spacing", "5").0 == 64)
  }

  @Test(arguments: ["majority", "staple", "locally-weighted"])
  func atlasesSegmentAScan(_ fusion: String) throws {
    let folder = try TemporaryFolder()
    for name in ["imagesTr", "labelsTr"] {
      try FileManager.default.createDirectory(
        atPath: folder.file("atlases/" + name),
        withIntermediateDirectories: true
      )
    }
    let shifts: [SIMD3<Double>] = [[4, 0, 0], [0, -4, 2], [-3, 3, -3]]
    for (number, shift) in shifts.enumerated() {
      let phantom = try Phantom(shift: shift)
      try NIfTIWriter.write(
        .int16(phantom.image),
        to: folder.file("atlases/imagesTr/a\(number)_0000.nii.gz")
      )
      try NIfTIWriter.write(
        phantom.labels,
        to: folder.file("atlases/labelsTr/a\(number).nii.gz")
      )
    }
    let description = """
      {"name": "Phantoms", "channel_names": {"0": "MRI"}, "file_ending": ".nii.gz",
       "numTraining": 3, "labels": {"background": 0, "left": 1, "right": 2}}
      """
    try Data(description.utf8).write(
      to: URL(fileURLWithPath: folder.file("atlases/dataset.json"))
    )
    let scan = try Phantom(shift: .zero)
    try write(scan, "scan", in: folder)
    let result = try Program.run(
      "segment",
      "scan.nii.gz",
      "--model",
      "atlas:atlases,transform=rigid,fusion=\(fusion)",
      "--output",
      "result",
      in: folder.path
    )
    #expect(result.status == 0, "\(result.error)")
    let labels = try NIfTIReader.readLabelMap(
      folder.file("result/segmentation.nii.gz"),
      table: []
    )
    for label in [UInt16(1), 2] {
      #expect(dice(labels.labels, scan.labels.labels, label) > 0.9)
    }
    let record = try #require(
      FileManager.default.contents(atPath: folder.file("result/run.json"))
    )
    #expect(String(decoding: record, as: UTF8.self).contains("3 atlases, rigid by"))
    let bad = try Program.run(
      "segment",
      "scan.nii.gz",
      "--model",
      "atlas:atlases,fusion=other",
      "--output",
      "bad",
      in: folder.path
    )
    #expect(bad.status == 64 && bad.error.contains("locally-weighted"))
  }
}
