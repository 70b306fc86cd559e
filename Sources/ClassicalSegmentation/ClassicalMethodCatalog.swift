internal import Transforms

/// All classical methods; a new one is one more line.
package enum ClassicalMethodCatalog {
  /// The methods, in the order of help texts.
  package static let all: [any ClassicalMethod.Type] = [
    MultiOtsu.self, RegionGrowing.self, MarkerWatershed.self, RandomWalker.self, GraphCut.self,
    ConvexChanVese.self, GeodesicContour.self, Superpixels.self, DenseRandomField.self,
  ]

  /// Those that improve the labels of a network.
  package static var refinements: [any ClassicalRefinement.Type] {
    all.compactMap { $0 as? any ClassicalRefinement.Type }
  }

  /// The method of a name.
  /// - Parameters:
  ///   - name: One of the catalogue's names.
  ///   - parameters: Values by name; the others are the standard ones.
  /// - Returns: The method.
  /// - Throws: `ClassicalSegmentationError.unknownMethod`; `TransformsError` for parameters that do not
  ///   exist or lie outside their ranges.
  package static func method(
    named name: String,
    parameters: [String: Double] = [:]
  ) throws -> any ClassicalMethod {
    guard let type = all.first(where: { $0.name == name }) else {
      throw ClassicalSegmentationError.unknownMethod(name: name, known: all.map { $0.name })
    }
    return try type.init(parameters: parameters)
  }

  /// The method of a description such as `otsu` or `otsu:classes=3`.
  /// - Parameter text: A name; then, after a colon, values separated by commas.
  /// - Returns: The method.
  /// - Throws: As `method(named:parameters:)`; `TransformsError.unreadableFilterSetting`.
  package static func method(describedBy text: String) throws -> any ClassicalMethod {
    let description = try FilterText(text)
    return try method(named: description.name, parameters: description.parameters)
  }

  /// The refinement of a description such as `crf:iterations=10`.
  /// - Parameter text: A name; then, after a colon, values separated by commas.
  /// - Returns: The method.
  /// - Throws: As `method(describedBy:)`; `ClassicalSegmentationError.cannotRefine`.
  package static func refinement(describedBy text: String) throws -> any ClassicalRefinement {
    let method = try method(describedBy: text)
    guard let refinement = method as? any ClassicalRefinement else {
      throw ClassicalSegmentationError.cannotRefine(
        method: type(of: method).name,
        known: refinements.map { $0.name }
      )
    }
    return refinement
  }

  /// Whether a text names a method, with or without values.
  package static func names(_ text: String) -> Bool {
    let name = text.prefix { $0 != ":" }
    return all.contains { $0.name == name }
  }
}
