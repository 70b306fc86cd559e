import Foundation
import Imaging
import Support

/// The formats in which surfaces of structures can be written.
public enum MeshFormat: String, CaseIterable, Sendable {
  /// Binary STL: triangles alone, LPS mm; names are lost.
  case stl
  /// Wavefront OBJ with one group for each structure and colours in an MTL file, LPS mm.
  case obj
  /// Binary glTF 2.0 with a named mesh, colour and normals for each structure.
  case glb

  /// The format of a file, by its ending.
  /// - Parameter path: The file.
  public init?(path: String) {
    self.init(rawValue: URL(fileURLWithPath: path).pathExtension.lowercased())
  }
}

/// Writes surfaces of structures as files.
public enum MeshWriter {
  /// The files of a format.
  /// - Parameters:
  ///   - surfaces: The structures' surfaces, LPS mm.
  ///   - format: The format.
  ///   - name: The file's name without its ending, which an OBJ file needs to name its MTL file.
  /// - Returns: Endings and contents; the first is the file asked for.
  /// - Throws: `ImagingIOError.unsupported` when there are more triangles or bytes than the format
  ///   can count.
  public static func files(
    of surfaces: [LabelSurface],
    as format: MeshFormat,
    name: String
  ) throws(ImagingIOError) -> [(ending: String, content: Data)] {
    switch format {
    case .stl: [("stl", try STLWriter.data(surfaces, name: name))]
    case .obj:
      [
        ("obj", OBJWriter.data(surfaces, name: name)),
        ("mtl", OBJWriter.materials(surfaces)),
      ]
    case .glb: [("glb", try GLTFWriter.data(surfaces, name: name))]
    }
  }
}

extension Data {
  /// Appends a value, the least significant byte first.
  mutating func appendLittle(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  /// Appends three numbers in single precision.
  mutating func appendLittle(_ vector: SIMD3<Double>) {
    for axis in 0..<3 { appendLittle(Float(vector[axis]).bitPattern) }
  }
}
