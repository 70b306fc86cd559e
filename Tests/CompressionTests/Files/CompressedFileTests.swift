import Compression
import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct CompressedFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func geometry(_ size: SIMD3<Int>) throws -> ImageGeometry {
    try ImageGeometry(
      size: size,
      spacing: SIMD3(0.7, 0.8, 2.5),
      origin: SIMD3(-11.25, 3.5, 1.0 / 3),
      direction: Matrix3(SIMD3(0, 1, 0), SIMD3(1, 0, 0), SIMD3(0, 0, -1))
    )
  }

  private static func values(_ count: Int, seed: UInt64) -> [Double] {
    var random = RandomStream(seed: seed)
    return (0..<count).map { place -> Double in
      let wave: Double = sin(Double(place) / 11)
      return 40 * wave + 5 * random.normal() + 60
    }
  }

  private func restored(_ image: PlanarImage) throws -> PlanarImage {
    let data = try ImageCompressor().compressed(image, path: "image")
    return try CompressedFile(data, path: "image").restored()
  }

  @Test func volumesOfEveryTypeComeBack() throws {
    let size = SIMD3(13, 9, 20)
    let geometry = try Self.geometry(size)
    let values = Self.values(13 * 9 * 20, seed: 1)
    func volume<Scalar>(_ make: (Double) -> Scalar) -> Volume<Scalar> {
      Volume(geometry: geometry, voxels: values.map(make))
    }
    let volumes: [AnyVolume] = [
      .int8(volume { Int8(clamping: Int($0) - 60) }), .uint8(volume { UInt8(clamping: Int($0)) }),
      .int16(volume { Int16($0 * 50 - 4000) }), .uint16(volume { UInt16(clamping: Int($0 * 60)) }),
      .int32(volume { Int32($0 * 1e6) }), .uint32(volume { UInt32(clamping: Int($0 * 1e6)) }),
      .int64(volume { Int64($0) }), .uint64(volume { UInt64(clamping: Int($0)) }),
      .float32(volume { Float($0.rounded()) }), .float64(volume { $0.rounded() }),
      // Neither whole nor finite throughout.
      .float32(volume { $0 > 130 ? .nan : $0 < -2 ? -.infinity : Float($0) / 3 }),
      .float32(volume { $0 > 60 ? 0 : -0.0 }),
    ]
    for volume in volumes {
      let image = try PlanarImage(volume, path: "v")
      let back = try restored(image).volume(path: "v")
      #expect(back.geometry == geometry && back.scalarName == volume.scalarName)
      if case .float32(let a) = back, case .float32(let b) = volume {
        #expect(a.voxels.map(\.bitPattern) == b.voxels.map(\.bitPattern))
      } else {
        #expect(back == volume)
      }
    }
  }

  @Test func whatCannotBeKeptIsRefused() throws {
    let geometry = try Self.geometry(SIMD3(2, 1, 1))
    for volume: AnyVolume in [
      .float64(Volume(geometry: geometry, voxels: [0.5, 1])),
      .int64(Volume(geometry: geometry, voxels: [0, 1 << 40])),
    ] {
      #expect(throws: CompressionError.self) { try PlanarImage(volume, path: "v") }
    }
  }

  @Test(arguments: [1, 2, 3, 4], ["uint8", "uint16"])
  func picturesComeBack(channels: Int, type: String) throws {
    let top: Double = type == "uint8" ? 255 : 65_535
    let samples = (0..<channels).map { channel in
      Self.values(31 * 17, seed: UInt64(channel)).map { UInt16(clamping: Int($0 / 200 * top)) }
    }
    // PNG has no grey with transparency here; that is read from other files.
    guard channels != 2 else { return }
    let interleaved = (0..<31 * 17).flatMap { place in samples.map { $0[place] } }
    let png = try PNGEncoder.encode(
      PNGImage(
        width: 31,
        height: 17,
        channels: channels,
        samples: type == "uint8"
          ? .eightBit(interleaved.map { UInt8(clamping: $0) }) : .sixteenBit(interleaved)
      )
    )
    let path = folder.file("picture.png")
    try png.write(to: URL(fileURLWithPath: path))
    let image = try PlanarImage(path: path)
    let back = try restored(image)
    #expect(back == image && back.type == type && back.depth == channels)
    #expect(try back.png() == png)
  }

  @Test func aNetworksFilesKeepEverythingOrAreNear() throws {
    let model = CompressionModelTests.model()
    let geometry = try Self.geometry(SIMD3(20, 24, 18))
    let voxels = Self.values(20 * 24 * 18, seed: 3).map { Int16($0 * 9) }
    let image = try PlanarImage(.int16(Volume(geometry: geometry, voxels: voxels)), path: "v")
    let exact = try ImageCompressor(model: model, quality: 0.5, isExact: true)
      .compressed(image, path: "v")
    #expect(try CompressedFile(exact, path: "v").restored(model: model) == image)
    let lossy = try ImageCompressor(model: model, quality: 1, isExact: false)
      .compressed(image, path: "v")
    #expect(lossy.count < exact.count)
    let back = try CompressedFile(lossy, path: "v").restored(model: model).volume(path: "v")
    let (low, high) = (voxels.min() ?? 0, voxels.max() ?? 0)
    guard case .int16(let volume) = back else {
      Issue.record("of another type")
      return
    }
    #expect(volume.geometry == geometry && volume.voxels.allSatisfy { (low...high).contains($0) })
    // Another network's weights are not used, and none is no network.
    let file = try CompressedFile(exact, path: "v")
    #expect(throws: CompressionError.needsModel(path: "v", name: "test", found: "test")) {
      try file.restored(model: CompressionModelTests.model(seed: 2))
    }
    #expect(throws: CompressionError.needsModel(path: "v", name: "test", found: nil)) {
      try file.restored()
    }
  }

  @Test func filesAreTheSameForAnyNumberOfThreads() throws {
    let geometry = try Self.geometry(SIMD3(12, 10, 40))
    let voxels = Self.values(12 * 10 * 40, seed: 6).map { Int16($0 * 3) }
    let image = try PlanarImage(.int16(Volume(geometry: geometry, voxels: voxels)), path: "v")
    let files = try [1, 2, 5].map { threads in
      try Parallelism.$threadCount.withValue(threads) {
        try ImageCompressor().compressed(image, path: "v")
      }
    }
    #expect(files[0] == files[1] && files[1] == files[2])
    #expect(try CompressedFile(files[0], path: "v").header.valueCount == 4800)
  }

  @Test func damageIsTold() throws {
    let geometry = try Self.geometry(SIMD3(30, 30, 33))
    let voxels = Self.values(30 * 30 * 33, seed: 6).map { Int16($0 * 3) }
    let image = try PlanarImage(.int16(Volume(geometry: geometry, voxels: voxels)), path: "v")
    let data = try ImageCompressor().compressed(image, path: "v")
    func error(_ data: Data) -> CompressionError? {
      do {
        _ = try CompressedFile(data, path: "f").restored()
        return nil
      } catch { return error as? CompressionError }
    }
    #expect(error(data) == nil)
    #expect(error(Data()) == .unsupported(path: "f", reason: "it is empty"))
    #expect(error(Data("not it, but long enough".utf8))?.description.contains(".lamc") == true)
    for count in [4, 8, 9, 40] {
      #expect(error(data.prefix(count))?.description.contains("header") == true, "\(count)")
    }
    // Three chunks: the last is missing, and a byte of the second is wrong.
    #expect(error(data.dropLast(5))?.description.contains("chunk 3 of 3") == true)
    var wrong = data
    wrong[data.count - data.count / 2] ^= 4
    #expect(error(wrong)?.description.contains("chunk 2 of 3 is not as it was written") == true)
    var later = data
    later[4] = 3
    #expect(error(later)?.description.contains("version is 3") == true)
    #expect(error(data + [0])?.description.contains("1 bytes follow") == true)
    // No bit of the header goes by, not that of a distance or a direction.
    let length = Int(data[5]) | Int(data[6]) << 8
    for place in stride(from: 9, to: 9 + length, by: 7) {
      var turned = data
      turned[place] ^= 2
      #expect(error(turned)?.description.contains("its header") == true, "\(place)")
    }
  }

  @Test func hostileHeadersAreRefused() throws {
    let geometry = try Self.geometry(SIMD3(4, 4, 1))
    let image = try PlanarImage(
      .uint8(Volume(geometry: geometry, voxels: [UInt8](repeating: 3, count: 16))),
      path: "v"
    )
    let data = try ImageCompressor().compressed(image, path: "v")
    func changed(_ old: String, _ new: String) throws -> Data { try changed([(old, new)]) }
    func changed(_ changes: [(old: String, new: String)]) throws -> Data {
      let length = Int(data[5]) | Int(data[6]) << 8
      var text = String(decoding: data[9..<9 + length], as: UTF8.self)
      for (old, new) in changes {
        #expect(text.contains(old))
        text = text.replacingOccurrences(of: old, with: new)
      }
      // A file of version 1, whose header has no digest.
      var result = data.prefix(4) + [1]
      for shift in 0..<4 {
        result.append(UInt8(truncatingIfNeeded: text.utf8.count >> (8 * shift)))
      }
      return result + Data(text.utf8) + data.suffix(from: 9 + length + 16)
    }
    let old = try CompressedFile(try changed("\"size\"", "\"size\""), path: "f").restored()
    #expect(old.planes == image.planes)
    for (old, new) in [
      ("\"size\":[4,4,1]", "\"size\":[900000,900000,1]"),
      ("\"size\":[4,4,1]", "\"size\":[400,4000,1]"), ("\"size\":[4,4,1]", "\"size\":[4,0,1]"),
      ("\"size\":[4,4,1]", "\"size\":[4,4]"), ("\"channels\":1", "\"channels\":3"),
      ("\"range\":[3,3]", "\"range\":[3,2]"), ("\"range\":[3,3]", "\"range\":[3]"),
      ("\"mode\":\"lossless\"", "\"mode\":\"residual\""),
      ("\"planesInChunk\":16", "\"planesInChunk\":0"),
      ("\"planesInChunk\":16", "\"planesInChunk\":9223372036854775807"),
      ("\"spacing\":[", "\"spacing\":[0,"),
      ("\"type\":\"uint8\"", "\"type\":\"uint9\""),
    ] {
      #expect(throws: CompressionError.self, "\(new)") {
        try CompressedFile(try changed(old, new), path: "f")
      }
    }
    // Terabytes of which no byte is there yet.
    let large = try CompressedFile(
      try changed([
        ("\"size\":[4,4,1]", "\"size\":[40000,50000,500]"),
        ("\"planesInChunk\":16", "\"planesInChunk\":1000"), ("\"bytes\":", "\"bytes\":900000000"),
      ]),
      path: "f"
    )
    let error = #expect(throws: CompressionError.self) { try large.restored() }
    #expect(error?.description.contains("than this machine has") == true)
  }
}
