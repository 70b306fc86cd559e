import Foundation
import Support

/// Obtains the files of a Debian package, without being root where possible.
struct StudyPackage: StudySource {
  /// The package and its files.
  let source: StudyDescription.Source
  /// Runs apt and dpkg.
  let tools: StudyToolRunner

  /// Copies the files into a folder, each checked against its hash.
  ///
  /// Files of an installed package are used if they are the expected ones; else the package is
  /// downloaded and unpacked in a folder of its own, which disappears again.
  /// - Returns: `installed` or `downloaded`.
  func copyFiles(into folder: String, progress: any ProgressReporter) throws -> String {
    if try isInstalled() {
      try copy(from: "", into: folder)
      return "installed"
    }
    let workplace = folder + "/.package"
    try OutputGuard.makeFolder(workplace)
    defer { try? FileManager.default.removeItem(atPath: workplace) }
    progress.begin("downloading the Debian package \(source.package)", total: nil)
    let archive = try download(in: workplace)
    progress.end()
    let root = workplace + "/root"
    try OutputGuard.makeFolder(root)
    let unpacking = try tools.run(["dpkg-deb", "-x", archive, root], in: workplace)
    guard unpacking.succeeded else {
      throw StudyError.unobtainable(
        .debianPackage,
        package: source.package,
        reason: unpacking.lastLine
      )
    }
    try copy(from: root, into: folder)
    return "downloaded"
  }

  private func isInstalled() throws -> Bool {
    for file in source.files {
      guard FileManager.default.isReadableFile(atPath: file.path),
        try SHA256.hexDigest(ofFile: file.path) == file.sha256
      else { return false }
    }
    return true
  }

  /// Tries, in this order: the machine's package lists, fresh lists in a folder of our own (neither
  /// needs root), fresh lists of the machine (needs `sudo` without a password).
  private func download(in folder: String) throws -> String {
    let lists = folder + "/lists"
    try OutputGuard.makeFolder(lists + "/partial")
    let own = ["-o", "Dir::State::lists=\(lists)", "-o", "Dir::Cache=\(folder)"]
    let attempts: [[[String]]] = [
      [["apt-get", "download", source.package]],
      [["apt-get"] + own + ["update"], ["apt-get"] + own + ["download", source.package]],
      [["sudo", "-n", "apt-get", "update"], ["apt-get", "download", source.package]],
    ]
    var reason = ""
    for attempt in attempts {
      for command in attempt { reason = try tools.run(command, in: folder).lastLine }
      if let archive = try FileManager.default.contentsOfDirectory(atPath: folder)
        .first(where: { $0.hasPrefix(source.package + "_") && $0.hasSuffix(".deb") })
      {
        return folder + "/" + archive
      }
    }
    throw StudyError.unobtainable(.debianPackage, package: source.package, reason: reason)
  }

  private func copy(from root: String, into folder: String) throws {
    for file in source.files { try copy(file, at: root + file.path, into: folder) }
  }
}
