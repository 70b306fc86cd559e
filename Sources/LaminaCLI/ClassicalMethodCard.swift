import ClassicalSegmentation
import Transforms

/// What `lamina model show` says of a classical method.
struct ClassicalMethodCard: Encodable {
  /// A number that the method can be told.
  struct Parameter: Encodable {
    let name: String
    let standard: Double
    let lowest: Double
    let highest: Double
    let isWhole: Bool
    let meaning: String
  }

  let name: String
  let paper: String
  let seeds: String
  let refinesLabels: Bool
  let bytesPerVoxelOfTwoClasses: Int
  let parameters: [Parameter]

  /// The card of a method.
  /// - Parameter method: The method.
  init(_ method: any ClassicalMethod.Type) {
    name = method.name
    paper = method.paper
    seeds =
      switch method.seeds {
      case .none: "It takes no seeds."
      case .optional: "It takes seeds (--seeds FILE), or finds its own."
      case .required(let automatic):
        "It needs seeds (--seeds FILE), or \(automatic) for automatic ones."
      }
    refinesLabels = method is any ClassicalRefinement.Type
    bytesPerVoxelOfTwoClasses = method.bytesPerVoxel(classes: 2)
    parameters = method.parameters.map {
      Parameter(
        name: $0.name,
        standard: $0.standard,
        lowest: $0.range.lowerBound,
        highest: $0.range.upperBound,
        isWhole: $0.isWhole,
        meaning: $0.meaning
      )
    }
  }

  /// The card for people.
  var text: String {
    let lines = [
      "\(name): a classical method", paper + ".", seeds,
      refinesLabels
        ? "It also improves the labels of a model: --refine \(name)."
        : "It does not improve the labels of a model.",
      "Memory: \(bytesPerVoxelOfTwoClasses) bytes a voxel for two classes, beside scan and labels.",
    ]
    return
      (lines
      + parameters.map { parameter in
        "  \(parameter.name)=\(Self.number(parameter.standard)): \(parameter.meaning) "
          + "(\(Self.number(parameter.lowest)) to \(Self.number(parameter.highest)))"
      }).joined(separator: "\n")
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
  }
}
