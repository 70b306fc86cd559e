import Foundation
import Support

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// The boxes of one XML file of Pascal VOC.
struct VOCAnnotation {
  /// The stated columns; 0 for none.
  private(set) var width = 0
  /// The stated rows; 0 for none.
  private(set) var height = 0
  /// The objects, their parts left out.
  private(set) var objects: [DetectionDataset.StatedObject] = []

  /// Annotations are a few kB; nothing larger is one.
  private static let largestFile = 16 << 20

  /// Reads a file.
  /// - Parameter path: The file.
  /// - Throws: `RecognitionError.damagedAnnotations`.
  init(contentsOf path: String) throws {
    func damaged(_ reason: String) -> RecognitionError {
      .damagedAnnotations(path: path, reason: reason)
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw damaged("there is no such file")
    }
    guard data.count <= Self.largestFile else { throw damaged("it has \(data.count) bytes") }
    // Entities that a document defines itself could make it as large as they like.
    guard ["<!DOCTYPE", "<!ENTITY"].allSatisfy({ data.range(of: Data($0.utf8)) == nil }) else {
      throw damaged("it has a document type of its own")
    }
    let reader = Reader()
    let parser = XMLParser(data: data)
    parser.shouldResolveExternalEntities = false
    parser.delegate = reader
    guard parser.parse(), parser.parserError == nil, reader.isClosed else {
      throw damaged("it is no well-formed XML (line \(parser.lineNumber))")
    }
    guard reader.root == "annotation" else {
      throw damaged("its outermost element is \(reader.root ?? "missing"), not annotation")
    }
    width = reader.number("annotation/size/width").flatMap(Int.init(exactly:)) ?? 0
    height = reader.number("annotation/size/height").flatMap(Int.init(exactly:)) ?? 0
    objects = reader.objects
  }

  /// Follows the elements.
  private final class Reader: NSObject, XMLParserDelegate {
    private(set) var root: String?
    private(set) var objects: [DetectionDataset.StatedObject] = []
    private var path: [String] = []
    /// Whether everything that began has ended.
    var isClosed: Bool { path.isEmpty }
    private var text = ""
    /// Texts of the document, and since the last object began, by path.
    private var values: [String: String] = [:]
    /// Elements deeper than this do not occur.
    private static let deepest = 32

    func number(_ key: String) -> Double? {
      values[key].flatMap(Double.init).flatMap { $0.isFinite ? $0 : nil }
    }

    func parser(
      _ parser: XMLParser,
      didStartElement elementName: String,
      namespaceURI: String?,
      qualifiedName qName: String?,
      attributes attributeDict: [String: String]
    ) {
      if path.isEmpty { root = elementName }
      path.append(elementName)
      text = ""
      if path.count > Self.deepest { parser.abortParsing() }
      if path == ["annotation", "object"] {
        values = values.filter { !$0.key.hasPrefix("annotation/object/") }
      }
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

    func parser(
      _ parser: XMLParser,
      didEndElement elementName: String,
      namespaceURI: String?,
      qualifiedName qName: String?
    ) {
      let key = path.joined(separator: "/")
      // The first of several counts.
      if values[key] == nil {
        values[key] = text.trimmingCharacters(in: .whitespacesAndNewlines)
      }
      text = ""
      if path == ["annotation", "object"] { closeObject() }
      path.removeLast()
    }

    private func closeObject() {
      let prefix = "annotation/object/"
      let edges = ["xmin", "ymin", "xmax", "ymax"].map { number(prefix + "bndbox/" + $0) }
      let known = edges.compactMap { $0 }
      let name = values[prefix + "name"] ?? ""
      let isSound =
        !name.isEmpty && known.count == 4 && known[2] > known[0] && known[3] > known[1]
      objects.append(
        DetectionDataset.StatedObject(
          className: name,
          box: isSound
            ? DetectionBox(left: known[0] - 1, top: known[1] - 1, right: known[2], bottom: known[3])
            : DetectionBox(left: 0, top: 0, right: 0, bottom: 0),
          kind: values[prefix + "difficult"] == "1" ? .difficult : .counted,
          isSound: isSound
        )
      )
    }
  }
}
