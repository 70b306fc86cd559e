import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// `lamina study` with a small study whose package is, as it were, installed.
@Suite struct StudyTests {
  /// A folder with `Studies/tiny`, and the package's files beside it.
  private func makeStudy(hashOfScan: String? = nil) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder.file("Studies/tiny"),
      withIntermediateDirectories: true
    )
    let size = SIMD3(12, 12, 12)
    let geometry = try ImageGeometry(
      size: size,
      spacing: [1, 2, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    try NIfTIWriter.write(
      .int16(
        Volume(geometry: geometry, voxels: (0..<geometry.voxelCount).map { Int16($0) })
      ),
      to: folder.file("scan.nii")
    )
    var atlas = LabelMap(
      geometry: geometry,
      labels: [UInt16](repeating: 0, count: geometry.voxelCount),
      table: []
    )
    atlas[5, 6, 7] = 9
    atlas[6, 6, 7] = 9
    atlas[1, 1, 1] = 3
    try NIfTIWriter.write(atlas, to: folder.file("atlas.nii"))
    let files = try ["scan.nii", "atlas.nii"].map { name in
      let hash = try SHA256.hexDigest(ofFile: folder.file(name))
      return """
        {"name": "\(name)", "path": "\(folder.file(name))", "what": "test",
         "sha256": "\(name == "scan.nii" ? hashOfScan ?? hash : hash)"}
        """
    }
    let text = """
      {"schema": "lamina.study/1", "name": "tiny", "title": "Tiny", "description": "A test.",
       "citations": [], "licence": {"name": "none", "holder": "none", "statement": "made here"},
       "source": {"kind": "debian-package", "package": "lamina-no-such-package", "version": "1",
                  "homepage": "", "files": [\(files.joined(separator: ","))]},
       "labels": {"thing": 1},
       "regions": [{"name": "part", "scan": "scan.nii", "atlas": "atlas.nii", "atlasLabel": 9,
                    "atlasName": "thing", "orientation": "RAS",
                    "marginsMM": {"L": 1, "R": 2, "P": 2, "A": 4, "I": 0, "S": 3}}]}
      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("Studies/tiny/study.json")))
    return folder
  }

  @Test func fetchCutsTheRegionWithItsMarginsAndVerifies() throws {
    let folder = try makeStudy()
    #expect(try Program.run("study", "verify", "tiny", in: folder.path).status == 66)
    let fetched = try Program.run("study", "fetch", "tiny", "--json", in: folder.path)
    #expect(fetched.status == 0, "\(fetched.error)")
    #expect((fetched.json as? [String: Any])?["fetched"] as? Bool == true)
    // In LPS indices the label spans x 5...6, y 6, z 7; x grows to the left, y (2 mm) to the back.
    // With the margins: x 3...7, y 4...7, z 7...10; RAS turns x and y around.
    let part = try NIfTIReader.read(folder.file("Studies/tiny/files/part.nii.gz")).volume
    #expect(part.geometry.size == [5, 4, 4])
    #expect(part.geometry.orientation.code == "RAS")
    #expect(part.asFloat[0, 0, 0] == Float(7 + 12 * (7 + 12 * 7)))
    #expect(part.geometry.position(ofIndex: [0, 0, 0]) == [7, 14, 7])
    let reference = try NIfTIReader.readLabelMap(
      folder.file("Studies/tiny/files/reference/part.nii.gz"),
      table: []
    )
    #expect(reference.geometry.difference(from: part.geometry) == nil)
    #expect(reference.voxelCounts == [0: 78, 1: 2])
    #expect(try Program.run("study", "verify", "tiny", in: folder.path).status == 0)
    let again = try Program.run("study", "fetch", "tiny", "--json", in: folder.path)
    #expect((again.json as? [String: Any])?["fetched"] as? Bool == false)
  }

  @Test func changedFileIsFound() throws {
    let folder = try makeStudy()
    #expect(try Program.run("study", "fetch", "tiny", in: folder.path).status == 0)
    try Data("other".utf8).write(
      to: URL(fileURLWithPath: folder.file("Studies/tiny/files/part.nii.gz"))
    )
    #expect(try Program.run("study", "verify", "tiny", in: folder.path).status == 65)
    #expect(try Program.run("study", "fetch", "tiny", in: folder.path).status == 65)
    #expect(try Program.run("study", "fetch", "tiny", "--force", in: folder.path).status == 0)
    #expect(try Program.run("study", "verify", "tiny", in: folder.path).status == 0)
  }

  @Test func listTellsWhatIsThere() throws {
    let folder = try makeStudy()
    let result = try Program.run("study", "list", "--json", in: folder.path)
    let studies = (result.json as? [String: [[String: Any]]])?["studies"]
    let tiny = try #require(studies?.first { $0["name"] as? String == "tiny" })
    #expect(tiny["fetched"] as? Bool == false)
  }

  @Test func anAtlasUnderOtherNumbersIsTheReferenceOfAWholeScan() throws {
    let folder = try makeStudy()
    try edit(folder) {
      // Copies need the ending that they get.
      $0.replacingOccurrences(of: "scan.nii", with: "scan.nii.gz")
        .replacingOccurrences(
          of: "\"regions\"",
          with: """
            "cases": [{"name": "whole", "scan": "scan.nii.gz", "labels": {"thing": 17},
                       "reference": {"atlas": {"file": "atlas.nii", "labels": {"9": 17}}}}],
            "regions"
            """
        )
    }
    try NIfTIWriter.write(
      try NIfTIReader.read(folder.file("scan.nii")).volume,
      to: folder.file("scan.nii.gz")
    )
    let hash = try SHA256.hexDigest(ofFile: folder.file("scan.nii.gz"))
    let old = try SHA256.hexDigest(ofFile: folder.file("scan.nii"))
    try edit(folder) { $0.replacingOccurrences(of: old, with: hash) }
    let fetched = try Program.run("study", "fetch", "tiny", in: folder.path)
    #expect(fetched.status == 0, "\(fetched.error)")
    let files = folder.file("Studies/tiny/files")
    #expect(try SHA256.hexDigest(ofFile: files + "/whole.nii.gz") == hash)
    let reference = try NIfTIReader.readLabelMap(files + "/reference/whole.nii.gz", table: [])
    #expect(reference.voxelCounts == [0: 1726, 17: 2])
    #expect(reference[5, 6, 7] == 17 && reference[1, 1, 1] == 0)
    // An atlas without the label is said, not made an empty reference.
    try edit(folder) { $0.replacingOccurrences(of: "{\"9\": 17}", with: "{\"8\": 17}") }
    let failed = try Program.run("study", "fetch", "tiny", "--force", in: folder.path)
    #expect(failed.status == 65)
    #expect(failed.error.contains("the atlas holds no voxel of label 8"))
  }

  private func edit(_ folder: TemporaryFolder, _ change: (String) -> String) throws {
    let path = folder.file("Studies/tiny/study.json")
    try change(String(contentsOfFile: path, encoding: .utf8))
      .write(toFile: path, atomically: true, encoding: .utf8)
  }

  @Test func unknownStudyIs66() throws {
    #expect(try Program.run("study", "fetch", "no-such-study").status == 66)
  }

  @Test func damagedDescriptionIs65() throws {
    let folder = try makeStudy()
    try Data("{".utf8).write(to: URL(fileURLWithPath: folder.file("Studies/tiny/study.json")))
    #expect(try Program.run("study", "fetch", "tiny", in: folder.path).status == 65)
  }

  @Test func filesOfTwoPackagesAreFetchedTogether() throws {
    let folder = try makeStudy()
    let path = folder.file("Studies/tiny/study.json")
    var study = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        as? [String: Any]
    )
    var first = try #require(study["source"] as? [String: Any])
    var second = first
    let files = try #require(first["files"] as? [[String: Any]])
    first["files"] = [files[0].merging(["licence": "CC0-1.0", "author": "nobody"]) { $1 }]
    second["files"] = [files[1]]
    func write(_ change: [String: Any]) throws {
      study.merge(change) { $1 }
      try JSONSerialization.data(withJSONObject: study).write(to: URL(fileURLWithPath: path))
    }
    try write(["sources": [first, second]])
    // A source beside sources would leave open which of the two holds.
    let refused = try Program.run("study", "fetch", "tiny", in: folder.path)
    #expect(refused.status != 0 && refused.error.contains("not both"))
    study["source"] = nil
    try write([:])
    let fetched = try Program.run("study", "fetch", "tiny", in: folder.path)
    #expect(fetched.status == 0, "\(fetched.error)")
    for name in ["scan.nii", "atlas.nii", "part.nii.gz"] {
      #expect(FileManager.default.fileExists(atPath: folder.file("Studies/tiny/files/\(name)")))
    }
    #expect(try Program.run("study", "verify", "tiny", in: folder.path).status == 0)
  }
}
