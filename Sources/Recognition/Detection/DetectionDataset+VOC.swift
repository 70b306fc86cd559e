import Foundation
import Support

extension DetectionDataset {
  /// Reads a folder in Pascal VOC's layout.
  ///
  /// Everingham et al. 2010, "The Pascal visual object classes challenge": `Annotations/NAME.xml`,
  /// `JPEGImages/NAME.jpg`, `ImageSets/Main/SPLIT.txt` with a name a line. Edges count pixels from 1 and
  /// belong to the box, so that a box from 1 to 10 is ten pixels wide.
  /// - Parameters:
  ///   - folder: The folder, or one that holds it alone.
  ///   - split: The name of the list; nil takes every picture that has annotations.
  ///   - classes: The classes' names; nil takes those found, in the order of the alphabet.
  ///   - interruption: Looked at between pictures.
  /// - Returns: The data set.
  /// - Throws: `RecognitionError.noBoxDataset`; `SupportError.interrupted`.
  public static func voc(
    _ folder: String,
    split: String?,
    classes: [String]? = nil,
    interruption: Interruption = Interruption()
  ) throws -> DetectionDataset {
    let root = try vocRoot(folder)
    let names = try vocNames(root, split: split)
    let pictures = try picturesByStem(in: root + "/JPEGImages")
    var stated: [StatedImage] = []
    var problems: [DetectionProblem] = []
    for name in names {
      try interruption.check()
      do {
        let annotation = try VOCAnnotation(contentsOf: root + "/Annotations/\(name).xml")
        stated.append(
          StatedImage(
            id: name,
            path: pictures[name] ?? root + "/JPEGImages/\(name).jpg",
            width: annotation.width,
            height: annotation.height,
            objects: annotation.objects
          )
        )
      } catch let error as any ClassifiedError {
        problems.append(DetectionProblem(.unreadableAnnotation, name, error.description))
      }
    }
    return try checked(
      name: URL(fileURLWithPath: folder).standardizedFileURL.lastPathComponent,
      classes: classes,
      stated,
      problems: problems,
      interruption: interruption
    )
  }

  private static func vocRoot(_ folder: String) throws -> String {
    let files = FileManager.default
    func isRoot(_ path: String) -> Bool {
      ["Annotations", "JPEGImages"].allSatisfy { files.fileExists(atPath: path + "/" + $0) }
    }
    if isRoot(folder) { return folder }
    let inside = try files.names(in: folder)
      .map { folder + "/" + $0 }.filter(isRoot)
    guard inside.count == 1, let only = inside.first else {
      throw RecognitionError.noBoxDataset(
        path: folder,
        reason: "it has no folders Annotations and JPEGImages"
      )
    }
    return only
  }

  /// The names of a list; the second column of VOC's lists of one class is not read.
  private static func vocNames(_ root: String, split: String?) throws -> [String] {
    let files = FileManager.default
    guard let split else {
      let found = try files.names(in: root + "/Annotations")
        .filter { $0.hasSuffix(".xml") }.map { String($0.dropLast(4)) }
      guard !found.isEmpty else {
        throw RecognitionError.noBoxDataset(path: root, reason: "Annotations holds no XML file")
      }
      return found
    }
    let path = root + "/ImageSets/Main/\(split).txt"
    guard !split.contains("/"), let data = files.contents(atPath: path) else {
      throw RecognitionError.noBoxDataset(
        path: root,
        reason: "it has no ImageSets/Main/\(split).txt"
      )
    }
    // A picture that is listed twice counts once.
    var seen: Set<String> = []
    let names = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
      .compactMap { $0.split(separator: " ").first.map(String.init) }
      .filter { !$0.contains("/") && !$0.hasPrefix(".") && seen.insert($0).inserted }
    guard !names.isEmpty else {
      throw RecognitionError.noBoxDataset(
        path: root,
        reason: "ImageSets/Main/\(split).txt names nothing"
      )
    }
    return names
  }

  private static func picturesByStem(in folder: String) throws -> [String: String] {
    let names = try FileManager.default.names(in: folder)
    return Dictionary(
      names.map { (($0 as NSString).deletingPathExtension, folder + "/" + $0) },
      uniquingKeysWith: { first, _ in first }
    )
  }
}
