import Foundation
import Support

extension LabelledImages {
  /// Reads a folder with a folder for each class, perhaps within folders for each split.
  init(folder: String, slicesPerVolume: Int) throws {
    func folders(_ path: String) throws -> [String] {
      try FileManager.default.names(in: path).filter {
        FileManager.default.isFolder(path + "/" + $0)
      }
    }
    let top = try folders(folder)
    let splits = top.filter { Split(name: $0) != nil }
    // A class may be called "test" too: splits are those that hold folders themselves.
    let isSplit = try splits.contains { try !folders(folder + "/" + $0).isEmpty }
    let roots: [(folder: String, split: Split?)] =
      isSplit ? splits.map { (folder + "/" + $0, Split(name: $0)) } : [(folder, nil)]
    let classNames = Set(try roots.flatMap { try folders($0.folder) }).sorted(by: Self.comesBefore)
    guard classNames.count >= 2 else {
      throw RecognitionError.notADataset(
        path: folder,
        reason: classNames.isEmpty
          ? "it has no folders of classes" : "it has only the class \(classNames[0])"
      )
    }
    let numbers = Dictionary(uniqueKeysWithValues: classNames.enumerated().map { ($1, $0) })
    var items: [Item] = []
    var others = 0
    for root in roots {
      for name in try folders(root.folder) {
        let path = root.folder + "/" + name
        for file in try FileManager.default.files(below: path) {
          let found = Self.sources(path + "/" + file, slicesPerVolume: slicesPerVolume)
          if found.isEmpty { others += 1 }
          let id = String(root.folder.dropFirst(folder.count + 1)) + "/" + name + "/" + file
          items += found.map { suffix, source in
            Item(
              id: (id.hasPrefix("/") ? String(id.dropFirst()) : id) + suffix,
              source: source,
              classes: numbers[name].map { [$0] } ?? [],
              split: root.split,
              group: suffix.isEmpty ? nil : id
            )
          }
        }
      }
    }
    var problems: [String] = []
    if others > 0 { problems.append("\(others) files are no images and were left out.") }
    guard !items.isEmpty else {
      throw RecognitionError.noImages(path: folder, reason: "its folders of classes hold none")
    }
    self.init(
      name: URL(fileURLWithPath: folder).standardizedFileURL.lastPathComponent,
      classNames: classNames,
      areFindings: false,
      items: items,
      problems: problems
    )
  }

  /// Numbers by their value, then names by their letters.
  static func comesBefore(_ a: String, _ b: String) -> Bool {
    if let x = Int(a), let y = Int(b) { return x < y }
    return a < b
  }
}
