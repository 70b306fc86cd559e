import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

@Suite(.serialized) struct VisionDetectTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> String { folder.file(name) }

  /// Pictures with a bright square and its box in Pascal VOC's layout.
  private func squares(_ name: String, count: Int, seed: UInt64) throws -> String {
    for part in ["Annotations", "JPEGImages", "ImageSets/Main"] {
      try FileManager.default.createDirectory(
        atPath: file(name + "/" + part),
        withIntermediateDirectories: true
      )
    }
    for index in 0..<count {
      var random = RandomStream(seed: seed).split(index)
      let (left, top) = (Int(random.uniform() * 40), Int(random.uniform() * 40))
      let pixels = (0..<64 * 64).map { place -> UInt8 in
        let isBright =
          (left..<left + 20).contains(place % 64) && (top..<top + 20).contains(place / 64)
        return UInt8(min(255, max(0, (isBright ? 210 : 60) + 10 * random.normal())))
      }
      let image = PNGImage(width: 64, height: 64, channels: 1, samples: .eightBit(pixels))
      try PNGEncoder.encode(image)
        .write(to: URL(fileURLWithPath: file(name + "/JPEGImages/\(index).png")))
      let text = """
        <annotation><filename>\(index).png</filename><size><width>64</width><height>64</height>\
        <depth>1</depth></size><object><name>square</name><bndbox><xmin>\(left + 1)</xmin>\
        <ymin>\(top + 1)</ymin><xmax>\(left + 20)</xmax><ymax>\(top + 20)</ymax></bndbox></object>\
        </annotation>
        """
      try Data(text.utf8)
        .write(to: URL(fileURLWithPath: file(name + "/Annotations/\(index).xml")))
    }
    return file(name)
  }

  @Test func aDetectorIsTrainedRunAndMeasured() throws {
    let data = try squares("train", count: 12, seed: 1)
    let model = file("squares")
    let trained = try Program.run(
      "vision",
      "detect",
      "train",
      data,
      "--output",
      model,
      "--size",
      "64",
      "--steps",
      "12",
      "--batch",
      "4",
      "--grey"
    )
    #expect(trained.status == 0, "\(trained.error)")
    let card = try Program.run("model", "show", model)
    #expect(card.status == 0 && card.output.contains("square"))

    let new = try squares("new", count: 3, seed: 5)
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: new + "/JPEGImages/broken.png"))
    let run = try Program.run(
      "vision",
      "detect",
      "run",
      new + "/JPEGImages",
      "--model",
      model,
      "--score",
      "0.001",
      "--output",
      file("found")
    )
    #expect(run.status == 2, "\(run.error)")
    let json = try String(contentsOfFile: file("found/detections.json"), encoding: .utf8)
    #expect(json.contains("\"failed\"") && json.contains("\"square\""))
    #expect(json.lowercased().contains("not for clinical use"))
    let page = try String(contentsOfFile: file("found/report.html"), encoding: .utf8)
    #expect(page.contains("Objects found by squares") && page.contains("broken"))

    let measured = try Program.run(
      "vision",
      "detect",
      "evaluate",
      new,
      "--model",
      model,
      "--output",
      file("e.json"),
      "--report",
      file("e.html")
    )
    #expect(measured.status == 0, "\(measured.error)")
    #expect(measured.output.contains("mAP@0.5") && measured.output.contains("(3 objects)"))
    let report = try String(contentsOfFile: file("e.html"), encoding: .utf8)
    #expect(report.contains("Precision against recall"))

    let shown = try Program.run(
      "vision",
      "detect",
      "run",
      new + "/JPEGImages/0.png",
      "--model",
      model,
      "--score",
      "0.0001",
      "--explain",
      "gradcam",
      "--output",
      file("shown")
    )
    #expect(shown.status == 0, "\(shown.error)")
    let explained = try String(contentsOfFile: file("shown/report.html"), encoding: .utf8)
    #expect(
      explained.contains("What moved the scores: Grad-CAM") && explained.contains("not causes")
    )
    #expect(
      FileManager.default.fileExists(atPath: file("shown/explanation-0-1-gradcam.png"))
    )

    let volume = file("scan.nii.gz")
    try Samples.writeNoise(deviation: 20, to: volume, size: [64, 64, 3])
    let solid = try Program.run(
      "vision",
      "detect",
      "run",
      volume,
      "--model",
      model,
      "--output",
      file("solid.json")
    )
    #expect(solid.status == 0, "\(solid.error)")
    // A report of boxes needs DICOM images to refer to.
    let refused = try Program.start(
      ["vision", "detect", "run", volume, "--model", model, "--write", "sr"]
        + ["--output", file("report")]
    ).wait()
    #expect(refused.status == 65, "\(refused.error)")
    let dicom = try Program.run(
      "vision",
      "detect",
      "run",
      Fixtures.path("dicom-rt/series"),
      "--model",
      model,
      "--score",
      "0.0001",
      "--write",
      "sr",
      "--output",
      file("dicom")
    )
    #expect(dicom.status == 0, "\(dicom.error)")
    let read = try ReadMeasurementReport(file("dicom/detections.dcm"))
    #expect(!read.groups.isEmpty && read.groups.allSatisfy { $0.regions.count == 1 })
  }

  /// The squares of a folder in COCO's layout, outlined where asked.
  private func coco(_ data: String, count: Int, seed: UInt64, outlined: Bool) throws -> String {
    var annotations: [String] = []
    for index in 0..<count {
      var random = RandomStream(seed: seed).split(index)
      let (left, top) = (Int(random.uniform() * 40), Int(random.uniform() * 40))
      let (right, bottom) = (left + 20, top + 20)
      let outline =
        outlined
        ? ", \"segmentation\": [[\(left), \(top), \(right), \(top), \(right), \(bottom), \(left), \(bottom)]]"
        : ""
      annotations.append(
        "{\"image_id\": \(index), \"category_id\": 1, \"bbox\": [\(left), \(top), 20, 20]\(outline)}"
      )
    }
    let images = (0..<count).map { "{\"id\": \($0), \"file_name\": \"\($0).png\"}" }
    let path = data + "/JPEGImages/instances_all.json"
    try Data(
      ("{\"images\": [\(images.joined(separator: ","))], \"annotations\": "
        + "[\(annotations.joined(separator: ","))], \"categories\": [{\"id\": 1, \"name\": \"square\"}]}")
        .utf8
    ).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func aMaskRCNNIsTrainedRunAndMeasured() throws {
    let data = try squares("train", count: 6, seed: 1)
    let outlined = try coco(data, count: 6, seed: 1, outlined: true)
    let model = file("outlines")
    let arguments = [
      "vision", "detect", "train", outlined, "--output", model, "--network", "mask-rcnn",
      "--steps", "2", "--batch", "1", "--grey", "--small",
    ]
    let trained = try Program.start(arguments).wait()
    #expect(trained.status == 0, "\(trained.error)")
    let shown = try Program.run("model", "verify", model)
    #expect(shown.status == 0, "\(shown.error)")
    let run = try Program.run(
      "vision",
      "detect",
      "run",
      data + "/JPEGImages/0.png",
      "--model",
      model,
      "--score",
      "0",
      "--output",
      file("outlined")
    )
    #expect(run.status == 0, "\(run.error)")
    let results = try String(contentsOfFile: file("outlined/coco.json"), encoding: .utf8)
    #expect(results.contains("\"segmentation\"") && results.contains("\"category_id\""))
    let measured = try Program.run(
      "vision",
      "detect",
      "evaluate",
      outlined,
      "--model",
      model,
      "--output",
      file("m.json")
    )
    #expect(measured.status == 0, "\(measured.error)")
    #expect(measured.output.contains("masks"))

    let plain = try coco(data, count: 6, seed: 1, outlined: false)
    let refused = try Program.start(
      arguments.map { $0 == outlined ? plain : $0 == model ? file("none") : $0 }
    ).wait()
    #expect(refused.status == 66 && refused.error.contains("have no outline"))
    #expect(try Program.start(arguments + ["--size", "64", "--force"]).wait().status == 64)
    let yolo = [
      "vision", "detect", "train", outlined, "--output", file("y"), "--backbone", "resnet34",
    ]
    #expect(try Program.start(yolo).wait().status == 64)
  }

  @Test func wrongUseAndWrongDataHaveTheirStatus() throws {
    func status(_ arguments: String...) throws -> Int32 {
      try Program.start(["vision", "detect"] + arguments).wait().status
    }
    #expect(try status() == 64)
    #expect(try status("train", file("nothing"), "--output", file("m")) == 66)
    let empty = file("empty")
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
    let refused = try status("train", empty, "--output", file("m"))
    #expect([65, 66].contains(refused))
    #expect(try status("run", empty, "--model", "hippocampus", "--output", file("o.json")) != 0)
    try Data("{".utf8).write(to: URL(fileURLWithPath: file("broken.json")))
    #expect(try status("train", file("broken.json"), "--output", file("m")) == 65)
  }
}
