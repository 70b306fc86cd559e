/// The surface of a structure, with what it is.
public struct LabelSurface: Equatable, Sendable {
  /// The structure's number, name and colour.
  public let definition: LabelDefinition
  /// The surface.
  public var mesh: SurfaceMesh

  /// Creates the surface of a structure.
  /// - Parameters:
  ///   - definition: The structure's number, name and colour.
  ///   - mesh: The surface.
  public init(definition: LabelDefinition, mesh: SurfaceMesh) {
    self.definition = definition
    self.mesh = mesh
  }
}
