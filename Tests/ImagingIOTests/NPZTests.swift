import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

@Suite("NPZ files")
struct NPZTests {
  @Test("planes come back whatever their order")
  func roundTrip() throws {
    let place = try TemporaryFolder()
    let path = place.file("p.npz")
    let shape = [3, 4, 5, 6]
    let values = (0..<360).map { Float($0) / 7 }
    let writer = try NPZWriter(path: path, key: "probabilities", shape: shape)
    for plane in (0..<12).reversed() {
      try writer.write([Float](values[plane * 30..<plane * 30 + 30]), plane: plane)
    }
    try writer.finish()
    let file = try NPZFile(path)
    #expect(file.keys == ["probabilities"])
    let array = try file.array("probabilities")
    #expect(array.shape == shape && array.type == "<f4")
    #expect(array.floats == values)
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == ["p.npz"])
  }

  @Test("planes of several pieces keep their checksum")
  func largePlanes() throws {
    let place = try TemporaryFolder()
    let path = place.file("p.npz")
    let plane = (0..<600 * 500).map { Float($0 % 977) }
    let writer = try NPZWriter(path: path, key: "a", shape: [2, 600, 500])
    Parallelism.forEach(2) { index in
      #expect(throws: Never.self) { try writer.write(plane, plane: 1 - index) }
    }
    try writer.finish()
    let array = try NPZFile(path).array("a")
    #expect(array.shape == [2, 600, 500])
    #expect(array.floats == plane + plane)
  }

  /// `numpy.npz` holds the same numbers in every type that is read; see the fixture's README.
  @Test("numpy's arrays are read in every type", arguments: ["stored", "deflated"])
  func foreign(_ name: String) throws {
    let file = try NPZFile(Fixtures.path("numpy/\(name).npz"))
    let expected: [Double] = [0, 1, 2, 3, 100, 7]
    let types = [
      "float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32",
      "int64", "uint64",
    ]
    #expect(file.keys == (types + ["bool", "fortran", "text"]).sorted())
    for type in types {
      let array = try file.array(type)
      #expect(array.shape == [2, 3], "\(type)")
      #expect(array.doubles == expected, "\(type)")
      #expect(array.floats == expected.map { Float($0) }, "\(type)")
    }
    #expect(try file.array("bool").doubles == [0, 1, 1])
    for other in ["fortran", "text"] {
      #expect(throws: ImagingIOError.self, "\(other)") { try file.array(other) }
    }
    #expect(throws: ImagingIOError.self) { try file.array("missing") }
  }

  @Test("damaged archives are refused")
  func damaged() throws {
    let place = try TemporaryFolder()
    let path = place.file("p.npz")
    var data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("numpy/stored.npz")))
    try data.prefix(data.count / 2).write(to: URL(fileURLWithPath: path))
    #expect(throws: ImagingIOError.self) { try NPZFile(path) }
    // A byte of a number changes: the checksum tells.
    let number = try #require(data.range(of: Data([0, 0, 0x80, 0x3F])))
    data[number.lowerBound] = 1
    try data.write(to: URL(fileURLWithPath: path))
    let file = try NPZFile(path)
    #expect(throws: ImagingIOError.self) { try file.array("float32") }
    #expect(throws: SupportError.notFound(path: "/nowhere.npz")) { try NPZFile("/nowhere.npz") }
  }
}
