import Foundation

/// A filter or method in words: `nlm`, or with values `nlm:h=0.8,patch=2`.
package struct FilterText: Equatable, Sendable {
  /// What stands before the colon.
  package let name: String
  /// The values by the parameters' names.
  package let parameters: [String: Double]

  /// Reads a description.
  /// - Parameter text: A name; then, after a colon, values separated by commas.
  /// - Throws: `TransformsError.unreadableFilterSetting` for what is no name, "=" and number, or stands
  ///   there twice.
  package init(_ text: String) throws(TransformsError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    var parameters: [String: Double] = [:]
    for setting in parts.count > 1 ? parts[1].split(separator: ",") : [] {
      let sides = setting.split(separator: "=", omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      guard sides.count == 2, let value = Double(sides[1]), parameters[sides[0]] == nil else {
        throw .unreadableFilterSetting(String(setting))
      }
      parameters[sides[0]] = value
    }
    name = String(parts[0])
    self.parameters = parameters
  }
}
