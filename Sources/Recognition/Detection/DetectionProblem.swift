/// Something in a data set of boxes that was mended or left out.
public struct DetectionProblem: Codable, Sendable, Equatable {
  /// What was found.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// A picture is not there; it was left out.
    case missingPicture
    /// A picture cannot be read; it was left out.
    case unreadablePicture
    /// A file with annotations is missing or damaged; its picture was left out.
    case unreadableAnnotation
    /// A box reaches out of the picture; it was cut.
    case clippedBox
    /// A box lies outside the picture; it was left out.
    case outsideBox
    /// A box has no area, or edges that are no numbers; it was left out.
    case emptyBox
    /// An outline is damaged, of another size than the picture, or empty; the box was kept without it.
    case damagedMask
    /// A box of a class that is not one of the data set's; it was left out.
    case unknownClass
    /// A picture without boxes; it was kept as an example of nothing.
    case background
    /// The stated size is not the picture's; the picture's was taken.
    case otherSize
    /// Boxes that refer to no picture of the list; they were left out.
    case orphanedBox
  }

  /// What was found.
  public let kind: Kind
  /// The picture's name, or the file's.
  public let place: String
  /// More about it, or empty.
  public let detail: String

  /// Notes something.
  /// - Parameters:
  ///   - kind: What was found.
  ///   - place: The picture's name, or the file's.
  ///   - detail: More about it.
  public init(_ kind: Kind, _ place: String, _ detail: String = "") {
    self.kind = kind
    self.place = place
    self.detail = detail
  }

  /// How often each thing was found, in words.
  static func words(_ kind: Kind, _ count: Int) -> String {
    func many(_ one: String, _ several: String) -> String { count == 1 ? one : several }
    switch kind {
    case .missingPicture: return "\(count) \(many("picture is", "pictures are")) missing"
    case .unreadablePicture:
      return "\(count) \(many("picture", "pictures")) cannot be read and "
        + "\(many("was", "were")) left out"
    case .unreadableAnnotation:
      return "\(count) \(many("annotation", "annotations")) cannot be read, and the pictures were "
        + "left out"
    case .clippedBox:
      return "\(count) \(many("box reaches", "boxes reach")) out of the picture and "
        + "\(many("was", "were")) cut"
    case .outsideBox:
      return "\(count) \(many("box lies", "boxes lie")) outside the picture and "
        + "\(many("was", "were")) left out"
    case .emptyBox:
      return "\(count) \(many("box has", "boxes have")) no area and \(many("was", "were")) left out"
    case .damagedMask:
      return
        "\(count) \(many("outline", "outlines")) cannot be used and \(many("was", "were")) left out"
    case .unknownClass:
      return "\(count) \(many("box is", "boxes are")) of an unknown class and "
        + "\(many("was", "were")) left out"
    case .background:
      return "\(count) \(many("picture has", "pictures have")) no box and "
        + "\(many("is an example", "are examples")) of nothing"
    case .otherSize:
      return "\(count) \(many("picture has", "pictures have")) another size than stated"
    case .orphanedBox:
      return "\(count) \(many("box refers", "boxes refer")) to no picture of the list and "
        + "\(many("was", "were")) left out"
    }
  }
}
