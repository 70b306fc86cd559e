import Foundation
import Imaging
import ImagingIO
import Testing

struct MeshWriterTests {
  /// A tetrahedron with faces outwards.
  private static let mesh = SurfaceMesh(
    vertices: [[0, 0, 0], [10, 0, 0], [0, 20, 0], [0, 0, 30]],
    triangles: [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]
  )
  private static let surfaces = [
    LabelSurface(
      definition: LabelDefinition(
        id: 4,
        name: "left kidney",
        color: LabelColor(red: 255, green: 128, blue: 0)
      ),
      mesh: mesh
    ),
    LabelSurface(
      definition: LabelDefinition(
        id: 9,
        name: "left kidney",
        color: LabelColor(red: 0, green: 0, blue: 255)
      ),
      mesh: mesh
    ),
  ]

  private func little<Number: FixedWidthInteger>(_ data: Data, _ at: Int) -> Number {
    (0..<MemoryLayout<Number>.size).reduce(Number.zero) { sum, place in
      sum | Number(truncatingIfNeeded: Int(data[at + place])) << Number(8 * place)
    }
  }

  private func float(_ data: Data, _ at: Int) -> Float { Float(bitPattern: little(data, at)) }

  @Test func theEndingChoosesTheFormat() {
    #expect(MeshFormat(path: "a/b.STL") == .stl && MeshFormat(path: "b.glb") == .glb)
    #expect(MeshFormat(path: "b.nii.gz") == nil)
  }

  @Test func stlHoldsEveryTriangleWithItsNormal() throws {
    let files = try MeshWriter.files(of: Self.surfaces, as: .stl, name: "a")
    let data = try #require(files.first?.content)
    #expect(files.count == 1 && data.count == 84 + 8 * 50)
    #expect(!data.starts(with: Data("solid".utf8)))
    #expect(little(data, 80) == UInt32(8))
    // The first face lies at z = 0 and looks down.
    #expect([0, 4, 8].map { float(data, 84 + $0) } == [0, 0, -1])
    #expect((0..<9).map { float(data, 96 + 4 * $0) } == [0, 0, 0, 0, 20, 0, 10, 0, 0])
    #expect(little(data, 132) == UInt16(31 | 16 << 5))
  }

  @Test func objNamesGroupsAndColours() throws {
    let files = try MeshWriter.files(of: Self.surfaces, as: .obj, name: "case 1")
    #expect(files.map(\.ending) == ["obj", "mtl"])
    let text = String(decoding: files[0].content, as: UTF8.self)
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.contains("mtllib case 1.mtl"))
    #expect(lines.filter { $0.hasPrefix("g ") } == ["g left_kidney", "g left_kidney_9"])
    #expect(lines.count { $0.hasPrefix("v ") } == 8 && lines.contains("v 0.0 20.0 0.0"))
    let faces = lines.filter { $0.hasPrefix("f ") }
    #expect(faces.count == 8 && faces[0] == "f 1//1 3//3 2//2" && faces[4] == "f 5//5 7//7 6//6")
    let materials = String(decoding: files[1].content, as: UTF8.self)
    #expect(materials.contains("newmtl left_kidney\nKd 1.0 0.5019608 0.0\n"))
  }

  @Test func gltfIsAWholeContainer() throws {
    let files = try MeshWriter.files(of: Self.surfaces, as: .glb, name: "a")
    let data = try #require(files.first?.content)
    #expect(data.prefix(4) == Data("glTF".utf8))
    #expect(little(data, 4) == UInt32(2) && little(data, 8) == UInt32(data.count))
    let length = Int(little(data, 12) as UInt32)
    #expect(data[16..<20] == Data("JSON".utf8) && length % 4 == 0)
    let object = try JSONSerialization.jsonObject(with: data[20..<(20 + length)])
    let tree = try #require(object as? [String: Any])
    let nodes = try #require(tree["nodes"] as? [[String: Any]])
    #expect(nodes.count == 3 && nodes[0]["children"] as? [Int] == [1, 2])
    #expect(nodes[1]["name"] as? String == "left kidney")
    #expect((nodes[2]["extras"] as? [String: Int])?["label"] == 9)
    let matrix = try #require(nodes[0]["matrix"] as? [Double])
    // The head (z of LPS) is up (y of glTF), the front (-y) towards +z, in metres.
    #expect(matrix[9] == 0.001 && matrix[6] == -0.001 && matrix[0] == 0.001)
    let accessors = try #require(tree["accessors"] as? [[String: Any]])
    #expect(accessors[0]["max"] as? [Double] == [10, 20, 30])
    let views = try #require(tree["bufferViews"] as? [[String: Any]])
    let buffers = try #require(tree["buffers"] as? [[String: Int]])
    let total = try views.map { try #require($0["byteLength"] as? Int) }.reduce(0, +)
    #expect(buffers[0]["byteLength"] == total)
    let start = 20 + length
    #expect(Int(little(data, start) as UInt32) == total && data[start + 4] == 0x42)
    #expect(data.count == start + 8 + total)
    // The second vertex's x.
    #expect(float(data, start + 8 + 12) == 10)
  }

  @Test func gltfOfNothingHasNoEmptyLists() throws {
    let files = try MeshWriter.files(of: [], as: .glb, name: "a")
    let text = String(decoding: files[0].content, as: UTF8.self)
    #expect(!text.contains("[]") && text.contains("\"nodes\""))
  }
}
