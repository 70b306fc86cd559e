import Transforms

/// What stands between a scan and labels where an atlas is fitted to it.
///
/// A small network looks at the whole head coarsely; where it finds structures, their middles are one
/// first guess of the atlas's place among others. The atlas draws the structures.
public struct AtlasPlan: Codable, Equatable, Sendable {
  /// Version of these values.
  public var version = AtlasPlan.currentVersion
  /// What the network expects.
  public var locator: NNUNetPlan
  /// The atlas's file in the package.
  public var atlas = AtlasPlan.fileName
  /// What a fit must tell of a scan, nats a point of the atlas beyond the scan's own histogram; nil where not
  /// measured.
  ///
  /// A scan of which it tells less may show something else or a part only, and a problem is reported.
  public var leastGain: Double?
  /// Steps and iterations of the fit.
  package var fitting = AtlasFitter.Settings()

  /// The version that this program writes and reads.
  public static let currentVersion = 1
  /// The usual name of an atlas's file.
  public static let fileName = "atlas.bin"

  /// Creates a plan of the usual fit.
  /// - Parameter locator: What the network expects.
  public init(locator: NNUNetPlan) { self.locator = locator }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  func check() throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    try require(version == Self.currentVersion, "its atlas plan has the version \(version)")
    try locator.check()
    try require(
      locator.patchSize.count == 3 && locator.spacing.count == 3 && locator.previousLabels.isEmpty,
      "its atlas is not found by a network of volumes"
    )
    try require(!atlas.contains("/") && !atlas.hasPrefix("."), "its atlas is the file \(atlas)")
    try require(leastGain.map(\.isFinite) ?? true, "its least gain is no number")
    let counts = [
      fitting.affineIterations, fitting.coarseIterations, fitting.fineIterations,
    ]
    try require(counts.allSatisfy { (1...200).contains($0) }, "it fits in \(counts) iterations")
    try require(
      (0...20).contains(fitting.placingBlurMM) && (5...100).contains(fitting.biasMM),
      "it blurs by \(fitting.placingBlurMM) and \(fitting.biasMM) mm"
    )
  }
}
