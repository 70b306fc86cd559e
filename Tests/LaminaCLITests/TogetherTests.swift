import Foundation
import Pipelines
import TestSupport
import Testing

/// `mpirun lamina train`: several processes, one model.
@Suite struct TogetherTests {
  private static let launcher = "/usr/bin/mpirun"

  private static var hasMPI: Bool { FileManager.default.isExecutableFile(atPath: launcher) }

  /// Open MPI refuses root unless told twice, which containers need.
  private static let environment = [
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
  ]

  private static func start(_ arguments: [String]) throws -> Program.Running {
    try Program.start(
      ["train"] + arguments,
      environment: environment,
      launcher: [launcher, "-n", "2", "--oversubscribe"]
    )
  }

  private func record(_ model: String) throws -> TrainingRecord {
    let data = try Data(contentsOf: URL(fileURLWithPath: model + "/" + TrainingRecord.fileName))
    return try JSONDecoder().decode(TrainingRecord.self, from: data)
  }

  @Test(.enabled(if: hasMPI, "Open MPI's mpirun is not installed (Debian: openmpi-bin)"))
  func twoProcessesLearnAsOneWithTwiceTheBatch() throws {
    let folder = try TemporaryFolder()
    let data = folder.file("Dataset")
    try Samples.writeDataset(to: data)
    let (two, one) = (folder.file("two"), folder.file("one"))
    let values = ["--epochs", "1", "--features", "8"]
    let together = try Self.start([data, "--output", two, "--batch", "4", "--json"] + values).wait()
    #expect(together.status == 0, "\(together.error)")
    // One process speaks.
    #expect((together.json as? [String: Any])?["steps"] as? Int == 100)
    let alone = try Program.start(
      ["train", data, "--output", one, "--batch", "8", "--threads", "1"] + values
    ).wait()
    #expect(alone.status == 0, "\(alone.error)")
    let (found, expected) = (try record(two), try record(one))
    #expect(found.configuration == expected.configuration)
    let losses = (found.epochs.map(\.loss), expected.epochs.map(\.loss))
    try #require(losses.0.count == 1 && losses.1.count == 1)
    // A hundred steps of AdamW in single precision, whose sums have another order.
    #expect(abs(losses.0[0] - losses.1[0]) < 1e-3 * losses.1[0], "\(losses)")
    #expect(!FileManager.default.fileExists(atPath: two + ".training"))
  }

  @Test(.enabled(if: hasMPI, "Open MPI's mpirun is not installed (Debian: openmpi-bin)"))
  func aKilledProcessEndsAllAndTheCheckpointStays() throws {
    let folder = try TemporaryFolder()
    let data = folder.file("Dataset")
    try Samples.writeDataset(to: data)
    let model = folder.file("model")
    // More than anybody waits for.
    let running = try Self.start([
      data, "--output", model, "--epochs", "100000", "--features", "8", "--batch", "1",
    ])
    let checkpoint = model + ".training/checkpoint.safetensors"
    defer { running.process.terminate() }
    for _ in 0..<6000 where !FileManager.default.fileExists(atPath: checkpoint) {
      guard running.process.isRunning else { break }
      Thread.sleep(forTimeInterval: 0.1)
    }
    try #require(FileManager.default.fileExists(atPath: checkpoint))
    let victim = try #require(Self.children(of: running.process.processIdentifier).last)
    #expect(kill(victim, SIGKILL) == 0)
    let result = running.wait()
    #expect(result.status != 0)
    #expect(result.error.contains("signal 9"), "\(result.error)")
    #expect(!FileManager.default.fileExists(atPath: model))
    let names = try FileManager.default.contentsOfDirectory(atPath: model + ".training")
    #expect(names == ["checkpoint.safetensors"])
  }

  @Test(.enabled(if: hasMPI, "Open MPI's mpirun is not installed (Debian: openmpi-bin)"))
  func anErrorOfAllProcessesIsSaid() throws {
    let folder = try TemporaryFolder()
    let result = try Self.start([folder.file("nowhere"), "--output", folder.file("model")]).wait()
    #expect(result.status != 0)
    #expect(result.errorLines.contains { $0.contains("nowhere") }, "\(result.error)")
  }

  private static func children(of process: pid_t) -> [pid_t] {
    let path = "/proc/\(process)/task/\(process)/children"
    return ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "")
      .split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
  }
}
