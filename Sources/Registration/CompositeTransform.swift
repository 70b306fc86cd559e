import Foundation
import Imaging

/// Transforms one after the other, from the fixed image to the moving one; what is stored as JSON.
///
/// A registration gives [rigid], [affine] or [bspline, affine]: points of the fixed image are
/// deformed first, where the control grid lies, and then carried over.
public struct CompositeTransform: SpatialTransform, Equatable, Codable {
  /// One part.
  public enum Stage: Equatable, Sendable, Codable {
    /// Rotation and shift.
    case rigid(RigidTransform)
    /// Any linear map.
    case affine(AffineTransform)
    /// A free-form deformation.
    case bspline(BSplineTransform)

    /// The transform itself.
    var transform: any SpatialTransform {
      switch self {
      case .rigid(let transform): transform
      case .affine(let transform): transform
      case .bspline(let transform): transform
      }
    }

    private enum Key: String, CodingKey { case kind, transform }

    /// Writes the kind and the numbers.
    /// - Parameter encoder: Where to write.
    /// - Throws: What the encoder throws.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      switch self {
      case .rigid(let transform):
        try container.encode("rigid", forKey: .kind)
        try container.encode(transform, forKey: .transform)
      case .affine(let transform):
        try container.encode("affine", forKey: .kind)
        try container.encode(transform, forKey: .transform)
      case .bspline(let transform):
        try container.encode("bspline", forKey: .kind)
        try container.encode(transform, forKey: .transform)
      }
    }

    /// Reads the kind and the numbers.
    /// - Parameter decoder: Where to read.
    /// - Throws: `DecodingError`; `RegistrationError.damagedTransform` for an unknown kind or numbers
    ///   that are not finite.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      let kind = try container.decode(String.self, forKey: .kind)
      switch kind {
      case "rigid":
        self = .rigid(try container.decode(RigidTransform.self, forKey: .transform))
      case "affine":
        let transform = try container.decode(AffineTransform.self, forKey: .transform)
        guard transform.matrix.columns.count == 3 else {
          throw RegistrationError.damagedTransform(reason: "a matrix without three columns")
        }
        self = .affine(transform)
      case "bspline":
        self = .bspline(try container.decode(BSplineTransform.self, forKey: .transform))
      default:
        throw RegistrationError.damagedTransform(reason: "\(kind) is no kind of transform")
      }
    }
  }

  /// The form of the JSON document.
  public static let schema = "lamina.transform/1"

  /// The parts, in the order in which they are applied to a point of the fixed image.
  public let stages: [Stage]
  /// The fixed image's grid, on which a moved image lies.
  public let geometry: ImageGeometry

  /// Joins transforms.
  /// - Parameters:
  ///   - stages: In the order in which they are applied.
  ///   - geometry: The fixed image's grid.
  public init(_ stages: [Stage], geometry: ImageGeometry) {
    self.stages = stages
    self.geometry = geometry
  }

  /// Where a point of the fixed image lies in the moving one.
  /// - Parameter point: LPS mm.
  /// - Returns: LPS mm.
  public func position(of point: SIMD3<Double>) -> SIMD3<Double> {
    var result = point
    for stage in stages { result = stage.transform.position(of: result) }
    return result
  }

  /// The derivative, by the chain rule.
  /// - Parameter point: LPS mm.
  /// - Returns: Column a is the derivative along axis a.
  public func jacobian(at point: SIMD3<Double>) -> Matrix3 {
    var place = point
    var result = Matrix3.identity
    for stage in stages {
      result = stage.transform.jacobian(at: place) * result
      place = stage.transform.position(of: place)
    }
    return result
  }

  private enum Key: String, CodingKey { case schema, frame, stages, geometry }

  /// Writes the document.
  /// - Parameter encoder: Where to write.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(Self.schema, forKey: .schema)
    try container.encode("LPS, mm; fixed to moving", forKey: .frame)
    try container.encode(stages, forKey: .stages)
    try container.encode(geometry, forKey: .geometry)
  }

  /// Reads a document and checks it.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`; `RegistrationError.damagedTransform`; `ImagingError.invalidGeometry`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let schema = try container.decode(String.self, forKey: .schema)
    guard schema == Self.schema else {
      throw RegistrationError.damagedTransform(
        reason: "its schema is \(schema), not \(Self.schema)"
      )
    }
    stages = try container.decode([Stage].self, forKey: .stages)
    let raw = try container.decode(ImageGeometry.self, forKey: .geometry)
    guard raw.direction.columns.count == 3 else {
      throw RegistrationError.damagedTransform(reason: "the grid's axes are not three")
    }
    geometry = try ImageGeometry(
      size: raw.size,
      spacing: raw.spacing,
      origin: raw.origin,
      direction: raw.direction,
      isPlanar: raw.isPlanar
    )
    let probe = position(of: geometry.origin)
    guard (0..<3).allSatisfy({ probe[$0].isFinite }) else {
      throw RegistrationError.damagedTransform(reason: "it holds numbers that are not finite")
    }
  }

  /// Reads a stored transform.
  /// - Parameter data: A JSON document.
  /// - Returns: The transform.
  /// - Throws: `RegistrationError.damagedTransform` with what is wrong.
  public static func read(_ data: Data) throws -> CompositeTransform {
    do {
      return try JSONDecoder().decode(CompositeTransform.self, from: data)
    } catch let error as DecodingError {
      throw RegistrationError.damagedTransform(reason: Self.reason(of: error))
    } catch let error as ImagingError {
      throw RegistrationError.damagedTransform(reason: String(error.description.dropLast()))
    }
  }

  /// The JSON document.
  /// - Returns: UTF-8 text that ends in a line feed.
  /// - Throws: `EncodingError` for numbers that are not finite.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }

  private static func reason(of error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, _): "the key \(key.stringValue) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "a wrong type at \(context.codingPath.map(\.stringValue).joined(separator: "."))"
    default: "it is not JSON of this form"
    }
  }
}
