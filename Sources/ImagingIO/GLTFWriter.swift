import Foundation
import Imaging

/// Writes binary glTF 2.0 (Khronos Group, "glTF 2.0 Specification", sections 3.4 to 3.9 and 4).
///
/// Positions are stored in LPS mm; the root's matrix turns them into glTF's frame, metres with +Y to
/// the head and +Z to the front. Names and label numbers stand at the nodes.
enum GLTFWriter {
  private struct File: Encodable {
    struct Asset: Encodable {
      let version = "2.0"
      let generator = "lamina"
    }
    struct Scene: Encodable {
      let name: String
      let nodes: [Int]
    }
    struct Node: Encodable {
      var name: String
      var mesh: Int?
      var children: [Int]?
      var matrix: [Double]?
      var extras: [String: Int]?
    }
    struct Mesh: Encodable {
      struct Primitive: Encodable {
        let attributes: [String: Int]
        let indices: Int
        let material: Int
        let mode = 4
      }
      let name: String
      let primitives: [Primitive]
    }
    struct Material: Encodable {
      struct Surface: Encodable {
        let baseColorFactor: [Double]
        let metallicFactor = 0.0
        let roughnessFactor = 0.7
      }
      let name: String
      let pbrMetallicRoughness: Surface
    }
    struct View: Encodable {
      let buffer = 0
      let byteOffset: Int
      let byteLength: Int
      let target: Int
    }
    struct Accessor: Encodable {
      let bufferView: Int
      let componentType: Int
      let count: Int
      let type: String
      var min: [Float]?
      var max: [Float]?
    }
    struct Buffer: Encodable { let byteLength: Int }

    let asset = Asset()
    let scene = 0
    var scenes: [Scene] = []
    var nodes: [Node] = []
    var meshes: [Mesh] = []
    var materials: [Material] = []
    var bufferViews: [View] = []
    var accessors: [Accessor] = []
    var buffers: [Buffer] = []
  }

  /// Columns: the patient's left stays +x, posterior becomes -z, the head +y; mm become metres.
  private static let matrix: [Double] = [
    0.001, 0, 0, 0, 0, 0, -0.001, 0, 0, 0.001, 0, 0, 0, 0, 0, 1,
  ]

  static func data(_ surfaces: [LabelSurface], name: String) throws(ImagingIOError) -> Data {
    // An accessor may not be empty.
    let surfaces = surfaces.filter { !$0.mesh.triangles.isEmpty }
    var file = File()
    var buffer = Data()
    var root = File.Node(name: name, matrix: matrix)
    if !surfaces.isEmpty { root.children = Array(1...surfaces.count) }
    file.nodes = [root]
    file.scenes = [File.Scene(name: name, nodes: [0])]
    for (place, surface) in surfaces.enumerated() { add(surface, place, to: &file, &buffer) }
    if !buffer.isEmpty { file.buffers = [File.Buffer(byteLength: buffer.count)] }
    return try packed(try json(file), buffer, name)
  }

  private static func add(
    _ surface: LabelSurface,
    _ place: Int,
    to file: inout File,
    _ buffer: inout Data
  ) {
    let mesh = surface.mesh
    let definition = surface.definition
    func view(_ target: Int, _ write: (inout Data) -> Void) -> Int {
      let start = buffer.count
      write(&buffer)
      file.bufferViews.append(
        File.View(byteOffset: start, byteLength: buffer.count - start, target: target)
      )
      return file.bufferViews.count - 1
    }
    let positions = view(34962) { data in for point in mesh.vertices { data.appendLittle(point) } }
    let normals = view(34962) { data in
      // A normal must have unit length, also where there is no area.
      for normal in mesh.vertexNormals {
        data.appendLittle(normal == .zero ? SIMD3(0, 0, 1) : normal)
      }
    }
    let indices = view(34963) { data in
      for corners in mesh.triangles { for axis in 0..<3 { data.appendLittle(corners[axis]) } }
    }
    func bound(_ choose: (Float, Float) -> Float, _ start: Float) -> [Float] {
      (0..<3).map { axis in mesh.vertices.reduce(start) { choose($0, Float($1[axis])) } }
    }
    let first = file.accessors.count
    file.accessors += [
      File.Accessor(
        bufferView: positions,
        componentType: 5126,
        count: mesh.vertices.count,
        type: "VEC3",
        min: bound(min, .infinity),
        max: bound(max, -.infinity)
      ),
      File.Accessor(
        bufferView: normals,
        componentType: 5126,
        count: mesh.vertices.count,
        type: "VEC3"
      ),
      File.Accessor(
        bufferView: indices,
        componentType: 5125,
        count: 3 * mesh.triangles.count,
        type: "SCALAR"
      ),
    ]
    file.meshes.append(
      File.Mesh(
        name: definition.name,
        primitives: [
          .init(
            attributes: ["POSITION": first, "NORMAL": first + 1],
            indices: first + 2,
            material: place
          )
        ]
      )
    )
    let channels = [definition.color.red, definition.color.green, definition.color.blue]
    file.materials.append(
      File.Material(
        name: definition.name,
        pbrMetallicRoughness: .init(baseColorFactor: channels.map(linear) + [1])
      )
    )
    file.nodes.append(
      File.Node(name: definition.name, mesh: place, extras: ["label": definition.id])
    )
  }

  /// A channel of sRGB as a share of light, rounded to six digits (IEC 61966-2-1).
  private static func linear(_ channel: UInt8) -> Double {
    let value = Double(channel) / 255
    let light = value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    return (light * 1e6).rounded() / 1e6
  }

  private static func json(_ file: File) throws(ImagingIOError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Empty lists are not allowed; absent ones are.
    do {
      let data = try encoder.encode(file)
      guard var tree = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
        return data
      }
      for key in Array(tree.keys) where (tree[key] as? [Any])?.isEmpty == true {
        tree.removeValue(forKey: key)
      }
      return try JSONSerialization.data(
        withJSONObject: tree,
        options: [.sortedKeys, .withoutEscapingSlashes]
      )
    } catch {
      throw .unsupported(
        path: "surfaces.glb",
        what: "surfaces with positions that are not finite",
        remedy: "check the label map's geometry"
      )
    }
  }

  /// The container: header, JSON chunk, binary chunk, each filled up to four bytes.
  private static func packed(
    _ json: Data,
    _ buffer: Data,
    _ name: String
  ) throws(ImagingIOError) -> Data {
    let text = json + Data(repeating: 0x20, count: (4 - json.count % 4) % 4)
    let binary = buffer + Data(repeating: 0, count: (4 - buffer.count % 4) % 4)
    let total = 12 + 8 + text.count + (binary.isEmpty ? 0 : 8 + binary.count)
    guard let length = UInt32(exactly: total) else {
      throw .unsupported(
        path: "\(name).glb",
        what: "\(total) bytes of surfaces in one glTF file",
        remedy: "write fewer structures"
      )
    }
    var data = Data("glTF".utf8)
    data.appendLittle(UInt32(2))
    data.appendLittle(length)
    data.appendLittle(UInt32(text.count))
    data.append(contentsOf: Array("JSON".utf8))
    data += text
    if !binary.isEmpty {
      data.appendLittle(UInt32(binary.count))
      data.append(contentsOf: [0x42, 0x49, 0x4E, 0x00])
      data += binary
    }
    return data
  }
}
