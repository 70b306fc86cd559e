import Foundation
import Imaging

/// Writes Wavefront OBJ (Alias|Wavefront, "Object files", Advanced Visualizer manual, appendix B1).
enum OBJWriter {
  static func data(_ surfaces: [LabelSurface], name: String) -> Data {
    var text = "# lamina surfaces, mm, SPACE=LPS\nmtllib \(name).mtl\n"
    let names = names(surfaces)
    var first = 1
    for (surface, group) in zip(surfaces, names) {
      text += "g \(group)\nusemtl \(group)\n"
      for point in surface.mesh.vertices {
        text += "v \(number(point.x)) \(number(point.y)) \(number(point.z))\n"
      }
      for normal in surface.mesh.vertexNormals {
        text += "vn \(number(normal.x)) \(number(normal.y)) \(number(normal.z))\n"
      }
      for corners in surface.mesh.triangles {
        let places = (0..<3).map { place -> String in
          let index = first + Int(corners[place])
          return "\(index)//\(index)"
        }
        text += "f \(places.joined(separator: " "))\n"
      }
      first += surface.mesh.vertices.count
    }
    return Data(text.utf8)
  }

  static func materials(_ surfaces: [LabelSurface]) -> Data {
    var text = "# lamina\n"
    for (surface, name) in zip(surfaces, names(surfaces)) {
      let color = surface.definition.color
      let channels = [color.red, color.green, color.blue].map { number(Double($0) / 255) }
      text += "newmtl \(name)\nKd \(channels.joined(separator: " "))\nd 1\nillum 1\n"
    }
    return Data(text.utf8)
  }

  /// Names without spaces, each once: the format splits lines at spaces.
  private static func names(_ surfaces: [LabelSurface]) -> [String] {
    var taken = Set<String>()
    return surfaces.map { surface in
      let word = String(
        surface.definition.name.map { $0.isLetter || $0.isNumber || "_-.".contains($0) ? $0 : "_" }
      )
      if !word.isEmpty, taken.insert(word).inserted { return word }
      let numbered = "\(word)_\(surface.definition.id)"
      taken.insert(numbered)
      return numbered
    }
  }

  /// Single precision's digits.
  private static func number(_ value: Double) -> String { "\(Float(value))" }
}
