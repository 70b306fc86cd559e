import Foundation
import Lamina
import Testing

/// The program that README shows, built as a package of its own and run as its user would.
struct TrainClassifierTests {
  /// The executable, which the build puts beside the test bundle.
  private static let program: URL = {
    let folder =
      Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
      .deletingLastPathComponent()
      ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    return folder.appendingPathComponent("TrainClassifier")
  }()

  /// Noisy pictures of 24 x 24 pixels, a disc or a cross somewhere in each; made here, of a fixed seed.
  private static func pictures(of shape: String, count: Int, seed: UInt64) throws -> AnyVolume {
    let side = 24
    var random = RandomStream(seed: seed)
    var values: [Float] = []
    for _ in 0..<count {
      let (x, y) = (8 + random.uniform() * 8, 8 + random.uniform() * 8)
      for row in 0..<side {
        for column in 0..<side {
          let (dx, dy) = (abs(Double(column) - x), abs(Double(row) - y))
          let isInside =
            shape == "disc" ? dx * dx + dy * dy < 30 : min(dx, dy) < 1.5 && max(dx, dy) < 7
          values.append(Float((isInside ? 160 : 60) + 40 * random.uniform()))
        }
      }
    }
    let geometry = try ImageGeometry(
      size: SIMD3(side, side, count),
      spacing: SIMD3(1, 1, 1),
      origin: SIMD3(0, 0, 0),
      direction: .identity
    )
    return .float32(Volume(geometry: geometry, voxels: values))
  }

  @Test func theProgramOfTheReadmeLearnsAndTells() throws {
    let files = FileManager.default
    let scratch = files.temporaryDirectory.appendingPathComponent("example-\(UUID().uuidString)")
    defer { try? files.removeItem(at: scratch) }
    for (index, shape) in ["cross", "disc"].enumerated() {
      let folder = scratch.appendingPathComponent("pictures/\(shape)").path
      try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try PNGSliceWriter.write(
        Self.pictures(of: shape, count: 60, seed: UInt64(index + 1)),
        toFolder: folder
      )
    }
    let question = scratch.appendingPathComponent("question").path
    try files.createDirectory(atPath: question, withIntermediateDirectories: true)
    let names = try PNGSliceWriter.write(
      Self.pictures(of: "disc", count: 1, seed: 9),
      toFolder: question
    )

    let process = Process()
    process.executableURL = Self.program
    process.arguments = [
      scratch.appendingPathComponent("pictures").path,
      scratch.appendingPathComponent("model").path,
      question + "/" + names[0],
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()

    #expect(process.terminationStatus == 0)
    let lines = output.split(separator: "\n").map(String.init)
    let accuracy = lines.first?.split(separator: " ").last.flatMap { Double($0) }
    #expect((accuracy ?? 0) >= 0.9, "\(output)")
    #expect(lines.dropFirst().first?.hasPrefix("disc ") == true, "\(output)")
  }

  @Test func theReadmeShowsTheProgramAsItIs() throws {
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<5 { root.deleteLastPathComponent() }
    let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    let program = try String(
      contentsOf: root.appendingPathComponent(
        "Tests/Examples/Sources/TrainClassifier/main.swift"
      ),
      encoding: .utf8
    )
    #expect(readme.contains("```swift\n" + program + "```"))
  }
}
