import Foundation
import Support

extension SegmentationDataset {
  /// Cases that a description lists.
  static func listed(_ pairs: [Header.Pair], in path: String) -> ([Case], [Unpaired]) {
    var cases: [Case] = []
    var unpaired: [Unpaired] = []
    for pair in pairs {
      func resolved(_ name: String) -> String {
        URL(fileURLWithPath: path).appendingPathComponent(name).standardizedFileURL.path
      }
      let id = stem(URL(fileURLWithPath: pair.label).lastPathComponent)
      let (image, label) = (resolved(pair.image), resolved(pair.label))
      let files = FileManager.default
      switch (files.fileExists(atPath: image), files.fileExists(atPath: label)) {
      case (true, true): cases.append(Case(id: id, image: image, label: label))
      case (true, false): unpaired.append(Unpaired(id, has: "no label map"))
      case (false, true): unpaired.append(Unpaired(id, has: "no scan"))
      case (false, false): unpaired.append(Unpaired(id, has: "neither scan nor label map"))
      }
    }
    return (cases.sorted { $0.id < $1.id }, unpaired.sorted { $0.message < $1.message })
  }

  /// Cases of nnU-Net's layout; a case lacks what any of its channels lacks.
  static func found(
    in path: String,
    images imageFolder: String,
    labels labelFolder: String,
    ending: String,
    channels: [String]
  ) throws -> ([Case], [Unpaired]) {
    func names(_ folder: String) throws -> [String] {
      try FileManager.default.names(in: path + "/" + folder).filter { $0.hasSuffix(ending) }
        .map { String($0.dropLast(ending.count)) }
    }
    let labels = Set(try names(labelFolder))
    let scans = Set(try names(imageFolder))
    // nnU-Net's own folder holds channels; what bears no number there is no case.
    let isNumbered = imageFolder == "imagesTr" || channels.count > 1
    var images: [String: [String]] = [:]
    var incomplete: [Unpaired] = []
    for name in scans.sorted() {
      if name.hasSuffix(channelSuffix(0)), isNumbered || !labels.contains(name) {
        let id = String(name.dropLast(channelSuffix(0).count))
        let files = channels.indices.map { id + channelSuffix($0) }
        if let lacking = files.firstIndex(where: { !scans.contains($0) }) {
          incomplete.append(
            Unpaired(id, has: "no channel \(lacking) (\(channels[lacking])) in \(imageFolder)")
          )
        }
        images[id] = files
      } else if !isNumbered {
        images[name] = [name]
      }
    }
    let ids = Set(images.keys)
    let lacking = Set(incomplete.map(\.id))
    func file(_ name: String) -> String { "\(path)/\(imageFolder)/\(name)\(ending)" }
    let cases =
      images.filter { labels.contains($0.key) && !lacking.contains($0.key) }
      .sorted { $0.key < $1.key }.map {
        Case(
          id: $0.key,
          image: file($0.value[0]),
          furtherImages: $0.value.dropFirst().map(file),
          label: "\(path)/\(labelFolder)/\($0.key)\(ending)"
        )
      }
    let unpaired =
      ids.subtracting(labels).map { Unpaired($0, has: "no label map in \(labelFolder)") }
      + labels.subtracting(ids).map { Unpaired($0, has: "no scan in \(imageFolder)") }
      + incomplete.filter { labels.contains($0.id) }
    return (cases, unpaired.sorted { $0.message < $1.message })
  }

  /// What the name of a channel's file ends with before its ending: `_0000`.
  static func channelSuffix(_ number: Int) -> String {
    let digits = String(number)
    return "_" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// Label maps alone.
  static func labelMaps(in path: String, ending: String) throws -> [Case] {
    let files = FileManager.default
    let folder = files.fileExists(atPath: path + "/labelsTr") ? path + "/labelsTr" : path
    return try files.names(in: folder).filter { $0.hasSuffix(ending) }
      .map { name in
        let file = folder + "/" + name
        return Case(id: String(name.dropLast(ending.count)), image: file, label: file)
      }
  }

  /// A file's name without the endings of images.
  static func stem(_ name: String) -> String {
    for ending in [".nii.gz", ".nii", ".hdr", ".img"] where name.hasSuffix(ending) {
      return String(name.dropLast(ending.count))
    }
    return name
  }
}
