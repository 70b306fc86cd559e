import Foundation

/// Environment variables that numeric libraries read when they are loaded, before any of our code.
///
/// Debian's libgomp spins at the end of each parallel loop, for milliseconds. On a machine that does
/// other work too, the spinning thread takes the processor from the one that it waits for. Debian's
/// OpenBLAS 0.3.21 takes AVX-512 processors that it does not know for older ones. Both can be told
/// otherwise only by variables that are there when the program starts: a linked library's
/// constructors run before `main` and before constructors of the program that it belongs to. So the
/// program starts itself once more, in the same process, with the variables set, and removes them as
/// soon as the libraries have read them: programs that it starts see what the user set.
public enum LibraryEnvironment {
  /// Set to anything but an empty text, it keeps the program from starting itself anew.
  public static let optOut = "LAMINA_KEEP_ENVIRONMENT"
  /// Marks the second start, and names what was added.
  static let guardName = "LAMINA_ADDED_ENVIRONMENT"
  /// Turns of libgomp's waiting loop before a thread sleeps: some tens of microseconds.
  ///
  /// Segmenting 38 slices on 2 cores that others kept busy took, by the median of four runs in turn,
  /// 0.75 s with 0 turns, 0.46 with 1000, 0.8 with 10 000 and 3.4 with libgomp's own number.
  static let spinCount = 1000

  /// The variables to add before the libraries are loaded.
  ///
  /// Nothing that the user set is changed, and nothing is set that has no effect here.
  /// - Parameters:
  ///   - environment: The environment as it is.
  ///   - features: The processor's instructions.
  ///   - processorCount: The processors that the process may use.
  /// - Returns: Names and values; empty when nothing is to be done.
  public static func additions(
    to environment: [String: String],
    features: ProcessorFeatures,
    processorCount: Int
  ) -> [String: String] {
    guard environment[optOut, default: ""].isEmpty, environment[guardName] == nil else {
      return [:]
    }
    var result: [String: String] = [:]
    // One thread never waits for another.
    let waiting = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"]
    if processorCount > 1, waiting.allSatisfy({ environment[$0] == nil }) {
      result["GOMP_SPINCOUNT"] = "\(spinCount)"
    }
    // The kernels of later cores need instructions, and have faults, that these do not.
    if features.hasAVX512, environment["OPENBLAS_CORETYPE"] == nil {
      result["OPENBLAS_CORETYPE"] = "SKYLAKEX"
    }
    return result
  }

  /// Starts the program anew with the variables that the libraries should see.
  ///
  /// To be called at the start of `main`, before anything has an effect. The process stays the same,
  /// with its number, files, arguments and signals. Returns when nothing is to be added, in the second
  /// start, and where the system refuses; then the libraries work as they do by themselves.
  public static func relaunchIfUseful() {
    #if os(Linux)
      if let added = getenv(guardName) {
        for name in String(cString: added).split(separator: ",") { unsetenv(String(name)) }
        unsetenv(guardName)
        return
      }
      let additions = additions(
        to: ProcessInfo.processInfo.environment,
        features: .current,
        processorCount: ProcessInfo.processInfo.activeProcessorCount
      )
      guard !additions.isEmpty, let program = executable else { return }
      for (name, value) in additions { setenv(name, value, 1) }
      setenv(guardName, additions.keys.sorted().joined(separator: ","), 1)
      // The arguments as the system gave them: they need not be valid text.
      execv(program, CommandLine.unsafeArgv)
      // Only a failure comes back.
      for name in additions.keys { unsetenv(name) }
      unsetenv(guardName)
    #endif
  }

  /// The program's own file.
  ///
  /// Not "/proc/self/exe" itself, which would name the process "exe".
  private static var executable: String? {
    guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
      access(path, X_OK) == 0
    else { return nil }
    return path
  }
}
