import Foundation
import Support

/// The program of the interactive viewer, which works on the data that a page holds.
///
/// One file per concern: reading the packed data, the slices of the three planes, the surfaces, the
/// controls. It is plain JavaScript of our own, loads nothing, and draws on two-dimensional canvases
/// only. Where it cannot run, the page keeps its pictures.
enum ViewerScript {
  /// The whole program, without indentation and remarks.
  static let source: String = {
    let program = "(() => {\n\"use strict\";\n" + data + planes + surfaces + controls + "})();"
    return program.split(separator: "\n").map { $0.drop { $0 == " " } }
      .filter { !$0.isEmpty && !$0.hasPrefix("//") }.joined(separator: "\n") + "\n"
  }()

  /// What a content security policy says to allow this program and no other; nothing when the digest
  /// cannot be computed, so that the page is then without a program.
  static let policySource: String = {
    guard let digest = try? SHA256.hexDigest(of: Data(source.utf8)) else { return "'none'" }
    var bytes = Data()
    var rest = digest[...]
    while let byte = UInt8(rest.prefix(2), radix: 16) {
      bytes.append(byte)
      rest = rest.dropFirst(2)
    }
    return "'sha256-\(bytes.base64EncodedString())'"
  }()
}
