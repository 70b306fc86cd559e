package import Support
package import Transforms

/// Whether a method works from seeds: voxels whose label is known beforehand.
package enum SeedNeed: Sendable, Equatable {
  /// It takes none.
  case none
  /// It uses seeds where there are some, and finds its own otherwise.
  case optional
  /// It needs seeds, or a setting such as `auto=2` that makes automatic ones.
  case required(automatic: String)
}

/// A classical way from an image to labels.
///
/// Conforming types hold nothing but their parameters' values. Results do not depend on the number of
/// threads.
package protocol ClassicalMethod: Codable, Sendable {
  /// How the method is called in `lamina segment --model NAME`.
  static var name: String { get }
  /// Where it comes from: authors, year, title.
  static var paper: String { get }
  /// What it can be told, with units.
  static var parameters: [FilterParameter] { get }
  /// Whether it works from seeds.
  static var seeds: SeedNeed { get }

  /// What the labels count, such as "object"; nil where they are classes.
  /// - Parameter isSeeded: Whether seeds were given.
  /// - Returns: The name of one of them.
  static func objectName(isSeeded: Bool) -> String?

  /// The values of the parameters.
  var values: FilterValues { get }

  /// Makes the method of values for all parameters.
  init(_ values: FilterValues)

  /// How much memory a voxel takes beside the image and the result, at most.
  /// - Parameter classes: How many classes are told apart.
  /// - Returns: Bytes.
  static func bytesPerVoxel(classes: Int) -> Int

  /// Finds the labels.
  /// - Parameters:
  ///   - image: The image.
  ///   - seeds: One label for each voxel, 0 where nothing is known; nil for no seeds.
  ///   - interruption: Looked at between pieces of work.
  /// - Returns: A label for each voxel.
  /// - Throws: `ClassicalSegmentationError`; `SupportError.interrupted`.
  func labels(
    of image: ClassicalImage,
    seeds: [UInt16]?,
    interruption: Interruption
  ) throws -> ClassicalLabels
}

/// A classical method that improves the labels of another one, such as a network, by the image.
package protocol ClassicalRefinement: ClassicalMethod {
  /// Whether it makes use of class probabilities.
  static var usesProbabilities: Bool { get }

  /// How many classes it tells apart when it improves labels, for `bytesPerVoxel`.
  /// - Parameter prior: The labels.
  /// - Returns: The number of classes.
  static func classCount(of prior: PriorLabels) -> Int

  /// Improves labels.
  /// - Parameters:
  ///   - prior: The labels, and class probabilities where they are known.
  ///   - image: The image.
  ///   - interruption: Looked at between pieces of work.
  /// - Returns: A label for each voxel, each one of the prior's.
  /// - Throws: `ClassicalSegmentationError`; `SupportError.interrupted`.
  func refined(
    _ prior: PriorLabels,
    by image: ClassicalImage,
    interruption: Interruption
  ) throws -> [UInt16]
}

extension ClassicalRefinement {
  /// Most do.
  package static var usesProbabilities: Bool { true }

  /// Every label that occurs is one.
  package static func classCount(of prior: PriorLabels) -> Int { prior.occurring.count }
}

extension ClassicalMethod {
  /// Classes, not objects.
  package static func objectName(isSeeded: Bool) -> String? { nil }

  /// Makes the method of some values; the others are the standard ones.
  /// - Parameter parameters: Values by name.
  /// - Throws: `TransformsError` when a name is unknown or a value out of its range.
  package init(parameters: [String: Double] = [:]) throws(TransformsError) {
    self.init(try FilterValues(parameters, of: Self.parameters, filter: Self.name))
  }

  /// Reads the parameters, an object of numbers; missing ones are the standard ones.
  package init(from decoder: any Decoder) throws {
    try self.init(parameters: decoder.singleValueContainer().decode([String: Double].self))
  }

  /// Writes the parameters, an object of numbers.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(values.all)
  }

  /// The method with all its values in words, such as "otsu:classes=3".
  package var text: String {
    let values = values.all.sorted { $0.key < $1.key }.map { name, value in
      value == value.rounded() && abs(value) < 1e15
        ? "\(name)=\(Int(value))" : "\(name)=\(value)"
    }
    return values.isEmpty ? Self.name : Self.name + ":" + values.joined(separator: ",")
  }

  /// Checks that the method gets the seeds that it needs, before anything is read.
  /// - Parameter hasSeeds: Whether there are seeds.
  /// - Throws: `ClassicalSegmentationError.needsSeeds`, `.takesNoSeeds`.
  package func checkSeeds(_ hasSeeds: Bool) throws(ClassicalSegmentationError) {
    switch Self.seeds {
    case .none where hasSeeds: throw .takesNoSeeds(method: Self.name)
    case .required(let automatic) where !hasSeeds && values.all["auto"] ?? 0 == 0:
      throw .needsSeeds(method: Self.name, automatic: automatic)
    default: return
    }
  }
}

extension FilterParameter {
  /// Which label of the seeds marks the background.
  static let background = FilterParameter(
    "background",
    0,
    0...65535,
    isWhole: true,
    "label of the seeds that mark the background; 0: no label does"
  )

  /// Automatic seeds.
  static let automatic = FilterParameter(
    "auto",
    0,
    0...5,
    isWhole: true,
    "classes of brightness whose middle values are automatic seeds, the darkest one background; "
      + "0 takes --seeds, 1 counts as 2"
  )

  /// How sure a network must be of what becomes a seed.
  static let certain = FilterParameter(
    "certain",
    0.9,
    0...1,
    "with --refine: probability from which on a voxel keeps its label"
  )

  /// How far from other labels seeds lie.
  static let margin = FilterParameter(
    "margin",
    2,
    0...1000,
    "with --refine and no probabilities: distance from other labels from which on a voxel keeps "
      + "its own, voxels of the finest axis"
  )
}
