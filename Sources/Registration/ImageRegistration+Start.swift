import Imaging
import Support

extension ImageRegistration {
  /// Steps of the short search from each candidate.
  private static let trialIterations = 15
  /// The start: the one that was asked for, or the best of all but the axes of inertia.
  ///
  /// Headers tell how patients lie; axes of inertia can point the wrong way in bodies that look alike
  /// from both sides, so that they are used only where they are asked for.
  func findStart(
    _ level: RegistrationLevel,
    _ steps: inout [RegistrationResult.Step]
  ) throws -> (RegistrationSettings.Start, RigidTransform) {
    let search = StartSearch(fixed: level.fixed, moving: level.moving.volume, mask: level.mask)
    let problem = try linearProblem(level, center: StartSearch.center(of: level.fixed.geometry))
    let kinds: [RegistrationSettings.Start] =
      settings.start == .automatic ? [.header, .center, .mass] : [settings.start]
    var best: (score: Double, start: RegistrationSettings.Start, transform: RigidTransform)?
    var step: RegistrationResult.Step?
    var share = 0.0
    progress.begin("looking for a start", total: kinds.count)
    defer { progress.end() }
    for (number, kind) in kinds.enumerated() {
      for candidate in search.candidates(kind) {
        let overlap = problem.overlap(candidate)
        share = max(share, overlap)
        guard overlap >= settings.leastOverlap else { continue }
        var transform = candidate
        guard
          let found = try? minimize(
            problem,
            from: &transform,
            radius: Self.radius(of: level.fixed.geometry),
            spacing: level.spacingMM,
            iterations: Self.trialIterations
          )
        else {
          try interruption.check()
          continue
        }
        // Similarity in a corner of the image must not count as much as in all of it.
        let part = problem.overlap(transform)
        let score =
          settings.measure.growsWithLikeness
          ? -found.result.value * part : -found.result.value / max(part * part, 1e-6)
        guard score > best?.score ?? -.infinity else { continue }
        best = (score, kind, transform)
        step = RegistrationResult.Step(
          stage: "start",
          spacingMM: level.spacingMM,
          controlSpacingMM: nil,
          samples: problem.samples.values.count,
          before: similarity(found.before),
          after: similarity(found.result.value),
          costs: found.result.history
        )
      }
      progress.update(number + 1, detail: nil)
    }
    guard let best, let step else {
      // Enough overlap, but the similarity is undefined, as where an image is constant under the mask.
      throw share < settings.leastOverlap
        ? RegistrationError.noOverlap(share: share) : .noProgress(stage: "start")
    }
    steps.append(step)
    return (best.start, best.transform)
  }

  /// The least correlation of images of one contrast.
  private static let leastCorrelation = 0.5
  /// Images that correlate like this are aligned already when no step helps.
  private static let alignedCorrelation = 0.9
  /// Information that hardly any two scans of one body fall short of, nats.
  private static let leastInformation = 0.01

  /// Whether the aligned images belong together at all.
  /// - Throws: `RegistrationError.nothingInCommon`, `.differentContrast`, `.noProgress`.
  func checkLikeness(
    _ level: RegistrationLevel,
    _ transform: AffineTransform,
    moved: Bool
  ) throws {
    let problem = try linearProblem(level, center: transform.center)
    let fixed = problem.samples.values
    let moving = problem.values(transform)
    let correlation =
      PairSums(
        fixed: fixed,
        moving: moving,
        fixedOrigin: Double(fixed.first ?? 0),
        movingOrigin: Double(moving.first { !$0.isNaN } ?? 0)
      ).correlation ?? 0
    if settings.measure == .mutualInformation {
      var none: [Float]?
      let information = -(problem.cost.cost(fixed: fixed, moving: moving, slopes: &none) ?? 0)
      // Independent values share about (rows − 1)(columns − 1) / 2n by chance (Roulston, 1999,
      // "Estimating the errors on measured entropy and mutual information"); a search finds a little more.
      let count = Double(moving.reduce(0) { $0 + ($1.isNaN ? 0 : 1) })
      let bins = Double(settings.bins(samples: fixed.count) - 4)
      let floor = Self.leastInformation + 1.2 * bins * bins / (2 * max(count, 1))
      guard information > floor else {
        throw RegistrationError.nothingInCommon(information: information, floor: floor)
      }
    } else if correlation < Self.leastCorrelation {
      throw RegistrationError.differentContrast(
        measure: settings.measure.name,
        correlation: correlation
      )
    }
    guard moved || abs(correlation) >= Self.alignedCorrelation else {
      throw RegistrationError.noProgress(stage: settings.kind == .rigid ? "rigid" : "affine")
    }
  }
}
