import Foundation
import Imaging
import ImagingIO
import TestSupport
import Testing

/// `lamina plan` as users run it.
@Suite struct PlanVerbTests {
  /// A data set of four boxes of distinct brightness; the label map of the last is missing when asked.
  private func dataset(faulty: Bool) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for name in ["imagesTr", "labelsTr"] {
      try FileManager.default.createDirectory(
        atPath: folder.file("Boxes/" + name),
        withIntermediateDirectories: true
      )
    }
    try Data(
      #"{"channel_names":{"0":"MRI"},"labels":{"background":0,"box":1},"file_ending":".nii.gz"}"#
        .utf8
    ).write(to: URL(fileURLWithPath: folder.file("Boxes/dataset.json")))
    let geometry = try ImageGeometry(
      size: [16, 16, 12],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: Orientation.ras.direction
    )
    for index in 0..<4 {
      let labels = (0..<geometry.voxelCount).map { UInt16($0 % 7 == index ? 1 : 0) }
      let map = LabelMap(geometry: geometry, labels: labels, table: [])
      if index < 3 || !faulty {
        try NIfTIWriter.write(map, to: folder.file("Boxes/labelsTr/\(index).nii.gz"))
      }
      let voxels = labels.map { Int16(10 + 5 * Int($0) + index) }
      try NIfTIWriter.write(
        .int16(Volume(geometry: geometry, voxels: voxels)),
        to: folder.file("Boxes/imagesTr/\(index)_0000.nii.gz")
      )
    }
    return folder
  }

  @Test func thePlanIsShownWithItsRules() throws {
    let folder = try dataset(faulty: false)
    let result = try Program.run("plan", folder.file("Boxes"), "--minutes", "30", "--no-progress")
    #expect(result.status == 0, "\(result.error)")
    for word in ["4 cases", "0 faults", "spacing", "patch", "channels", "time a step", "nnU-Net"] {
      #expect(result.output.contains(word), "\(word)")
    }
  }

  @Test func theDocumentHoldsPlanAndFingerprint() throws {
    let folder = try dataset(faulty: false)
    let result = try Program.run("plan", folder.file("Boxes"), "--json")
    let json = try #require(result.json as? [String: Any])
    #expect(json["schema"] as? String == "lamina.plan/1")
    #expect((json["findings"] as? [Any])?.isEmpty == true)
    #expect((json["fingerprint"] as? [String: Any])?["medianSize"] as? [Double] == [16, 16, 12])
    let plan = try #require(json["plan"] as? [String: Any])
    #expect((plan["rows"] as? [[String: String]])?.allSatisfy { $0["rule"] != nil } == true)
    #expect(plan["configuration"] is [String: Any])
  }

  @Test func faultsAreListedAndMendedBesideTheDataSet() throws {
    let folder = try dataset(faulty: true)
    let result = try Program.run("plan", folder.file("Boxes"))
    #expect(result.status == 65)
    #expect(result.output.contains("fault: 3 has no label map in labelsTr"))
    #expect(result.errorLines.count == 1)
    let fixed = try Program.run("plan", folder.file("Boxes"), "--fix")
    #expect(fixed.status == 0, "\(fixed.error)")
    #expect(fixed.output.contains("left out: 3: 3 has no label map"))
    #expect(try Program.run("plan", folder.file("Boxes-fixed")).status == 0)
    // The copy is there; it is not replaced unasked.
    #expect(try Program.run("plan", folder.file("Boxes"), "--fix").status == 73)
  }

  @Test(arguments: [
    ["--minutes", "0"], ["--memory", "0"], ["--output", "x"], ["--configuration", "4d"],
    ["--configuration", "3d", "--network", "fcn"],
    ["--configuration", "2d", "--patch", "16", "16", "16"],
  ])
  func wrongOptionsAre64(_ options: [String]) throws {
    #expect(try Program.start(["plan", "/nosuch"] + options).wait().status == 64)
  }
}
