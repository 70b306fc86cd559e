/// All restoration filters; a new one is one more line.
package enum VolumeFilterCatalog {
  /// The filters, in the order of help texts.
  package static let all: [any VolumeFilter.Type] = [
    NonLocalMeans.self, BlockMatching.self, BilateralFilter.self, TotalVariation.self,
    AnisotropicDiffusion.self, WaveletShrinkage.self, GaussianFilter.self, MedianFilter.self,
    UnsharpMask.self, BiasCorrection.self, GibbsRemoval.self,
  ]

  /// The filter of a name.
  /// - Parameters:
  ///   - name: One of the catalogue's names.
  ///   - parameters: Values by name; the others are the standard ones.
  /// - Returns: The filter.
  /// - Throws: `TransformsError` that lists what there is when a name is unknown, or a range when a
  ///   value lies outside.
  package static func filter(
    named name: String,
    parameters: [String: Double] = [:]
  ) throws(TransformsError) -> any VolumeFilter {
    guard let type = all.first(where: { $0.name == name }) else {
      throw .unknownFilter(name: name, known: all.map { $0.name })
    }
    return try type.init(parameters: parameters)
  }

  /// The filter of a description such as `nlm` or `nlm:h=0.8,patch=2`.
  /// - Parameter text: A name; then, after a colon, values separated by commas.
  /// - Returns: The filter.
  /// - Throws: `TransformsError` when the text has another form or names what does not exist.
  package static func filter(describedBy text: String) throws(TransformsError) -> any VolumeFilter {
    let description = try FilterText(text)
    return try filter(named: description.name, parameters: description.parameters)
  }
}
