import Foundation
import Imaging

/// Writes binary STL (3D Systems 1988, "StereoLithography interface specification").
///
/// The header says `SPACE=LPS`, by which 3D Slicer knows the frame of the positions. All structures
/// stand one after the other; each triangle has the structure's colour in its attribute (15 bits,
/// red in the lowest, the highest bit 0, as Materialise Magics has it; others leave it out).
enum STLWriter {
  static func data(
    _ surfaces: [LabelSurface],
    name: String
  ) throws(ImagingIOError) -> Data {
    let count = surfaces.reduce(0) { $0 + $1.mesh.triangles.count }
    guard let stored = UInt32(exactly: count) else {
      throw .unsupported(
        path: "\(name).stl",
        what: "\(count) triangles in one STL file",
        remedy: "write glTF, or fewer structures"
      )
    }
    var data = Data(capacity: 84 + 50 * count)
    // No "solid" at the start, which marks the text form.
    let header = Array("lamina surfaces, mm, SPACE=LPS".utf8)
    data.append(contentsOf: header + Array(repeating: 0x20, count: 80 - header.count))
    data.appendLittle(stored)
    for surface in surfaces {
      let color = surface.definition.color
      let attribute =
        UInt16(color.red >> 3) | UInt16(color.green >> 3) << 5 | UInt16(color.blue >> 3) << 10
      for corners in surface.mesh.triangles {
        let points = (0..<3).map { surface.mesh.vertices[Int(corners[$0])] }
        let normal = cross(points[1] - points[0], points[2] - points[0])
        let length = dot(normal, normal).squareRoot()
        data.appendLittle(length > 0 ? normal / length : .zero)
        for point in points { data.appendLittle(point) }
        data.appendLittle(attribute)
      }
    }
    return data
  }
}
