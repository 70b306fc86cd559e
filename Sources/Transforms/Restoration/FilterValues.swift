/// The numbers of a filter: one for each of its parameters, all within their ranges.
package struct FilterValues: Sendable, Equatable {
  /// The values by the parameters' names.
  package let all: [String: Double]

  /// Takes what is given, and the standard values for the rest.
  /// - Parameters:
  ///   - given: Values by name.
  ///   - parameters: All parameters of the filter or method.
  ///   - filter: The filter's or method's name, for messages.
  /// - Throws: `TransformsError` when a name is unknown or a value out of its range.
  package init(
    _ given: [String: Double],
    of parameters: [FilterParameter],
    filter: String
  ) throws(TransformsError) {
    let known = parameters.map(\.name)
    if let name = given.keys.filter({ !known.contains($0) }).min() {
      throw .unknownFilterParameter(filter: filter, name: name, known: known)
    }
    var all: [String: Double] = [:]
    for parameter in parameters {
      let value = given[parameter.name] ?? parameter.standard
      guard parameter.range.contains(value), !parameter.isWhole || value == value.rounded() else {
        throw .filterParameterOutOfRange(
          filter: filter,
          name: parameter.name,
          value: value,
          lowest: parameter.range.lowerBound,
          highest: parameter.range.upperBound,
          isWhole: parameter.isWhole
        )
      }
      all[parameter.name] = value
    }
    self.all = all
  }

  /// The value of a parameter.
  /// - Precondition: The filter has it.
  package subscript(_ name: String) -> Double {
    guard let value = all[name] else { preconditionFailure("no parameter \(name)") }
    return value
  }

  /// The value as a whole number.
  package func whole(_ name: String) -> Int { Int(self[name]) }
}
