import Foundation
import ImagingIO
import Support
import Synchronization

extension DetectionDataset {
  /// An object as its file states it.
  struct StatedObject: Sendable {
    let className: String
    let box: DetectionBox
    let kind: Object.Kind
    /// Whether the file's numbers make a box at all.
    let isSound: Bool
    /// Its outline; nil where the file has none.
    var outline: StatedOutline?
  }

  /// A picture as its annotations state it.
  struct StatedImage: Sendable {
    let id: String
    let path: String
    /// Columns and rows; 0 where nothing is stated.
    let width: Int
    let height: Int
    let objects: [StatedObject]
  }

  /// Opens every picture and fits the boxes into it.
  /// - Parameters:
  ///   - name: The data set's name.
  ///   - classes: The classes' names; nil takes those of the objects, in the order of the alphabet.
  ///   - stated: What the annotations state.
  ///   - problems: What was found before.
  ///   - interruption: Looked at between pictures.
  /// - Returns: The data set.
  /// - Throws: `SupportError.interrupted`.
  static func checked(
    name: String,
    classes: [String]?,
    _ stated: [StatedImage],
    problems: [DetectionProblem],
    interruption: Interruption
  ) throws -> DetectionDataset {
    let names =
      classes ?? Set(stated.flatMap { $0.objects.map(\.className) }).sorted()
    let numbers = Dictionary(
      names.enumerated().map { ($0.element, $0.offset) },
      uniquingKeysWith: { first, _ in first }
    )
    let results = Mutex<[Int: (image: Image?, problems: [DetectionProblem])]>([:])
    Parallelism.forEach(stated.count) { index in
      if interruption.isRaised { return }
      let result = fitted(stated[index], numbers)
      results.withLock { $0[index] = result }
    }
    try interruption.check()
    let found = results.withLock { $0 }
    let ordered = stated.indices.compactMap { found[$0] }
    return DetectionDataset(
      name: name,
      classes: names,
      images: ordered.compactMap(\.image),
      problems: problems + ordered.flatMap(\.problems)
    )
  }

  private static func fitted(
    _ stated: StatedImage,
    _ numbers: [String: Int]
  ) -> (image: Image?, problems: [DetectionProblem]) {
    let picture: ColorImage
    do {
      picture = try ColorImage.read(stated.path)
    } catch {
      let isThere = FileManager.default.fileExists(atPath: stated.path)
      let reason = (error as? any ClassifiedError)?.description ?? "\(error)"
      return (
        nil,
        [
          DetectionProblem(
            isThere ? .unreadablePicture : .missingPicture,
            stated.id,
            isThere ? reason : stated.path
          )
        ]
      )
    }
    var problems: [DetectionProblem] = []
    func note(_ kind: DetectionProblem.Kind, _ detail: String = "") {
      problems.append(DetectionProblem(kind, stated.id, detail))
    }
    if stated.width > 0, stated.height > 0,
      (stated.width, stated.height) != (picture.width, picture.height)
    {
      note(
        .otherSize,
        "\(stated.width) x \(stated.height) stated, \(picture.width) x \(picture.height) found"
      )
    }
    let (width, height) = (Double(picture.width), Double(picture.height))
    let objects = stated.objects.compactMap { object -> Object? in
      guard let label = numbers[object.className] else {
        note(.unknownClass, object.className)
        return nil
      }
      guard object.isSound, object.box.area > 0, object.box.width > 0 else {
        note(.emptyBox, object.className)
        return nil
      }
      let box = object.box.clipped(width: width, height: height)
      guard box.area > 0 else {
        note(.outsideBox, object.className)
        return nil
      }
      if box != object.box { note(.clippedBox, object.className) }
      let mask = object.outline?.mask(width: picture.width, height: picture.height)
      if object.outline != nil, mask == nil, object.kind == .counted {
        note(.damagedMask, object.className)
      }
      return Object(label: label, box: box, kind: object.kind, mask: mask)
    }
    if objects.isEmpty { note(.background) }
    let image = Image(
      id: stated.id,
      path: stated.path,
      width: picture.width,
      height: picture.height,
      objects: objects
    )
    return (image, problems)
  }
}
