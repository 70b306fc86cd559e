import Foundation
import Imaging
import ImagingIO
import Support

/// Cases that show the same scan, found by digests of their values.
struct CopiedScans {
  /// Ids of each group, sorted.
  let groups: [[String]]
  private let digests: [(id: String, digest: String)]

  /// Groups cases.
  /// - Parameter digests: A digest for each case.
  init(_ digests: [(id: String, digest: String)]) {
    self.digests = digests
    groups = Dictionary(grouping: digests, by: \.digest).values.filter { $0.count > 1 }
      .map { $0.map(\.id).sorted() }.sorted { ($0.first ?? "") < ($1.first ?? "") }
  }

  /// One finding for each group.
  var findings: [DatasetFinding] {
    groups.map { ids in
      DatasetFinding(
        .duplicate,
        ids.first,
        fault: false,
        "\(ids.joined(separator: ", ")) show the same scan",
        remedy: "they stay in one fold; --fix keeps the first alone"
      )
    }
  }

  /// Scans to test on that are also scans to train on.
  /// - Parameters:
  ///   - dataset: The data set; `imagesTs` beside its scans.
  ///   - interruption: Looked at before each scan.
  /// - Returns: One finding for each such scan.
  /// - Throws: `SupportError.interrupted`.
  func leaks(
    in dataset: SegmentationDataset,
    interruption: Interruption
  ) throws -> [DatasetFinding] {
    let folder = dataset.path + "/imagesTs"
    let names = try FileManager.default.names(in: folder)
    let known = Dictionary(digests.map { ($0.digest, $0.id) }) { first, _ in first }
    let sizes = Set(
      digests.map { $0.digest.split(separator: ",").prefix(3).joined(separator: ",") }
    )
    var result: [DatasetFinding] = []
    for name in names
    where name.hasSuffix(".nii.gz") || name.hasSuffix(".nii") {
      try interruption.check()
      let path = folder + "/" + name
      // Only a scan of a known size can be a copy; the others' voxels are not read.
      guard
        let size = try? NIfTIFormat().inspect(path, progress: SilentProgress()).first?.volumes
          .first?.size,
        sizes.contains(size.prefix(3).map(String.init).joined(separator: ",")),
        let entry = SegmentationDataset.scan(
          name,
          in: folder,
          ending: dataset.fileEnding,
          channels: dataset.channelNames.count
        ),
        let channels = try? dataset.readChannels(entry),
        let id = known[try CaseCheck.digest(channels)]
      else { continue }
      result.append(
        DatasetFinding(
          .leak,
          id,
          fault: false,
          "imagesTs/\(name) shows the same scan as \(id)",
          remedy: "take one of the two out; results on that scan would be too good"
        )
      )
    }
    return result
  }
}
