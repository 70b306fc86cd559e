import Foundation

/// The instructions that this machine's processor has, by the system's names for them.
public struct ProcessorFeatures: Sendable, Equatable {
  /// Names as in `/proc/cpuinfo`, such as `avx512f`.
  public let names: Set<String>

  /// Creates a set of instructions.
  /// - Parameter names: Names as in `/proc/cpuinfo`.
  public init(names: Set<String>) { self.names = names }

  /// Reads the first processor's line of instructions.
  /// - Parameter processorList: The text of `/proc/cpuinfo`, or its beginning.
  public init(processorList: String) {
    // "flags : ..." on x86, "Features : ..." on Arm.
    let line = processorList.split(separator: "\n").first {
      $0.hasPrefix("flags") || $0.hasPrefix("Features")
    }
    let words = line?.split(separator: ":").dropFirst().first?.split(separator: " ") ?? []
    names = Set(words.map(String.init))
  }

  /// The processor of this machine; without names where the system does not tell.
  public static let current = ProcessorFeatures(processorList: firstProcessor())

  /// Whether the AVX-512 instructions of the Skylake servers are there.
  public var hasAVX512: Bool {
    names.isSuperset(of: ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])
  }

  /// Whether convolutions of bfloat16 numbers are faster than those of single precision.
  ///
  /// AMX makes them so. The vector instructions alone (`avx512_bf16`) did not on the Xeon that was
  /// measured: single precision by Winograd's filtering needs a quarter of the products.
  public var multipliesBFloat16: Bool { names.contains("amx_bf16") }

  /// Whether convolutions of 8-bit integers are faster than those of single precision; as above.
  public var multipliesInt8: Bool { names.contains("amx_int8") }

  /// The list's beginning: the system makes it as it is read, and one entry is enough.
  private static func firstProcessor() -> String {
    guard let file = FileHandle(forReadingAtPath: "/proc/cpuinfo") else { return "" }
    defer { try? file.close() }
    var data = Data()
    // A read gives at most a page.
    while data.count < 16_384, let piece = try? file.read(upToCount: 4096), !piece.isEmpty {
      data += piece
      if data.range(of: Data("\n\n".utf8)) != nil { break }
    }
    return String(decoding: data, as: UTF8.self)
  }
}
