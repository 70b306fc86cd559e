import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import Synchronization
import TestSupport
import Testing

@Suite struct SegmentationBatchTests {
  private let folder: TemporaryFolder
  private let package: ModelPackage
  private let cases: [SegmentationInputs.Case]

  init() throws {
    folder = try TemporaryFolder()
    let place = folder.path + "/model"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    package = try ModelImporter.run(
      Fixtures.path("nnunet/models/slices"),
      options: ImportOptions(name: "slices"),
      to: place,
      progress: SilentProgress(),
      interruption: Interruption()
    ).package
    let scan = Fixtures.path("nnunet/models/slices_0000.nii.gz")
    let broken = folder.path + "/broken.nii.gz"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: scan))
    try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: broken))
    cases = [
      SegmentationInputs.Case(id: "first", path: scan),
      SegmentationInputs.Case(id: "broken", path: broken),
      SegmentationInputs.Case(id: "last", path: scan),
    ]
  }

  private func run(_ change: (inout SegmentationRun.Options) -> Void = { _ in }) throws
    -> SegmentationRun
  {
    var options = SegmentationRun.Options()
    change(&options)
    return try SegmentationRun(
      model: package,
      options: options,
      progress: SilentProgress(),
      interruption: Interruption()
    )
  }

  private func process(
    _ run: SegmentationRun,
    into output: String,
    overlaps: Bool,
    resumes: Bool = false,
    fails: String? = nil
  ) throws -> (statuses: [String], written: [String], reports: Int) {
    let written = Mutex<[String]>([])
    var reports = 0
    let batch = SegmentationBatch(
      run: run,
      overlaps: overlaps,
      progress: SilentProgress(),
      interruption: Interruption(),
      sentence: { "\($0)" },
      write: { result, place in
        if result.record.caseID == fails { throw SupportError.unwritable(path: place, reason: "x") }
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try SegmentationRun.write(result, to: place)
        written.withLock { $0.append(result.record.caseID) }
      }
    )
    let manifest = try batch.process(cases, into: output, resumes: resumes, model: "m") {
      reports += 1
      #expect($0.cases.count == reports)
    }
    #expect(manifest.cases.map(\.id) == cases.map(\.id))
    #expect(manifest.cases.allSatisfy { ($0.error != nil) == ($0.status == .failed) })
    return (manifest.cases.map(\.status.rawValue), written.withLock { $0 }, reports)
  }

  @Test(arguments: [true, false])
  func whatFailsStopsNothing(_ overlaps: Bool) throws {
    let output = folder.path + "/out"
    let found = try process(try run(), into: output, overlaps: overlaps)
    #expect(found.statuses == ["done", "failed", "done"])
    #expect(found.written == ["first", "last"])
    #expect(found.reports == 3)
    let unwritten = try process(
      try run(),
      into: folder.path + "/other",
      overlaps: overlaps,
      fails: "first"
    )
    #expect(unwritten.statuses == ["failed", "failed", "done"])
  }

  @Test func aResumedBatchLeavesOutWhatTheSameOptionsMade() throws {
    let output = folder.path + "/out"
    _ = try process(try run(), into: output, overlaps: true)
    let again = try process(try run(), into: output, overlaps: true, resumes: true)
    #expect(again.statuses == ["skipped", "failed", "skipped"])
    #expect(again.written.isEmpty)
    let changed = try process(
      try run { $0.usesMirroring = false },
      into: output,
      overlaps: true,
      resumes: true
    )
    #expect(changed.statuses == ["done", "failed", "done"])
  }
}
