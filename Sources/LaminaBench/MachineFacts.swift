import Foundation
import Support
import Tensors

extension BenchMachine {
  /// The machine that runs this, without its name or its user's.
  /// - Parameter threads: How many threads are used.
  /// - Returns: The description; "unknown" for a processor that the system does not name.
  package static func current(threads: Int) -> BenchMachine {
    let text = ProcessFacts.text("/proc/cpuinfo") ?? ""
    let facts = processorFacts(text)
    let version = ProcessInfo.processInfo.operatingSystemVersion
    let numbers = [version.majorVersion, version.minorVersion].map(String.init)
    return BenchMachine(
      processor: facts.name ?? "unknown",
      cores: ProcessInfo.processInfo.activeProcessorCount,
      features: facts.features,
      threads: threads,
      versions: [
        "lamina": Version.current,
        "oneDNN": EngineVersions.oneDNN,
        system: numbers.joined(separator: "."),
      ]
    )
  }

  /// What Linux tells of the first processor (`/proc/cpuinfo`).
  /// - Parameter text: The file's text.
  /// - Returns: The model's name, and the features that matter to the engine, in rising order.
  package static func processorFacts(_ text: String) -> (name: String?, features: [String]) {
    var name: String?
    var found: Set<String> = []
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      switch line[..<colon].trimmingCharacters(in: .whitespaces) {
      case "model name": name = name ?? String(value.prefix(BenchRecord.longestName))
      // x86 and Arm.
      case "flags", "Features": found.formUnion(value.split(separator: " ").map(String.init))
      default: break
      }
    }
    return (name, telling.filter(found.contains))
  }

  /// Instructions that decide about speed, as Linux names them.
  private static let telling = [
    "sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "asimd", "asimdhp", "asimddp", "sve", "sve2",
    "i8mm", "bf16",
  ]

  #if os(Linux)
    private static let system = "Linux"
  #else
    private static let system = "macOS"
  #endif
}

extension BenchmarkFile {
  /// What was measured just now on this machine.
  /// - Parameters:
  ///   - content: What was measured.
  ///   - threads: How many threads were used.
  init(_ content: Content, threads: Int) {
    self.init(date: Date(), machine: .current(threads: threads), content: content)
  }
}
