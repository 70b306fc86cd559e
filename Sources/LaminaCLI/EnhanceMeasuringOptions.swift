import ArgumentParser
import Enhancement

/// The options by which `lamina enhance` measures: clean images are degraded, improved and compared.
struct EnhanceMeasuringOptions: ParsableArguments {
  @Option(
    name: .customLong("degrade"),
    parsing: .singleValue,
    help: ArgumentHelp(
      "Take the inputs as clean, degrade them so, and compare what the steps bring back; repeatable.",
      discussion: """
        gaussian:25 is noise of 25 grey levels of 8 bits (pictures); gaussian:5%, rician:5% and \
        poisson-gaussian:5% are of the range of intensities (scans: from the least to the 99.5th \
        percentile). low-dose-ct:40 is noise of a CT scan's projections with a deviation of 40 HU in the \
        body. old-photograph:60% and other damage (see lamina train --damage) have a strength up to \
        100%. reduce:2 makes planes coarser by an antialiased cubic, reduce:1x1x4 slices thicker. \
        Several are done in order. OUT/evaluation.json has means, intervals and every image.
        """,
      valueName: "what"
    )
  )
  var degradation: [String] = []

  @Option(
    help: ArgumentHelp("Seed of the noise, from which each image's own follows.", valueName: "n")
  )
  var seed: UInt64 = 1

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "A model or filter to measure on the same degraded images; repeatable.",
      valueName: "model"
    )
  )
  var against: [String] = []

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Compare colours by their luma alone (Y of ITU-R BT.601, 16 to 235).",
      discussion: "On by default for pictures that --degrade reduces."
    )
  )
  var luma: Bool?

  /// Whether something is to be degraded.
  var isOn: Bool { !degradation.isEmpty }

  func validate() throws {
    if isOn {
      do {
        _ = try ImageDegradation(degradation)
      } catch {
        throw ValidationError(error.description)
      }
    } else if !against.isEmpty {
      throw ValidationError("--against measures on degraded images; say how with --degrade.")
    }
  }
}
