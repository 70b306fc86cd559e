import Imaging
import Support

/// Finds the transform that lays a moving image over a fixed one.
///
/// Rigid, affine and free-form stages each go through a Gaussian pyramid, coarse to fine, and minimise
/// a cost of samples of the fixed image by `LBFGS`. The same inputs and settings give the same bits for
/// every number of threads.
public struct ImageRegistration: Sendable {
  /// What is done.
  public let settings: RegistrationSettings
  let interruption: Interruption
  let progress: any ProgressReporter

  /// Creates a registration.
  /// - Parameters:
  ///   - settings: What is done.
  ///   - interruption: Looked at before each evaluation of the cost.
  ///   - progress: Told about stages and levels.
  public init(
    settings: RegistrationSettings,
    interruption: Interruption = Interruption(),
    progress: any ProgressReporter = SilentProgress()
  ) {
    self.settings = settings
    self.interruption = interruption
    self.progress = progress
  }

  /// Aligns two images.
  /// - Parameters:
  ///   - moving: The image that is to be moved.
  ///   - fixed: The image onto which it is moved.
  ///   - mask: Where in the fixed image similarity counts (labels other than 0); nil for everywhere.
  /// - Returns: The transform from the fixed image's points to the moving one's, and the report.
  /// - Throws: `RegistrationError` for unfit images and settings, without overlap, and where the aligned
  ///   images have nothing in common; `SupportError.interrupted`.
  public func register(
    _ moving: Volume<Float>,
    to fixed: Volume<Float>,
    mask: LabelMap? = nil
  ) throws -> RegistrationResult {
    try settings.check()
    if settings.kind == .bspline {
      // The finest grid, so that too many control points are told before the search.
      let spacing = SIMD3<Double>(repeating: settings.controlSpacingMM)
      _ = try BSplineTransform(over: fixed.geometry, spacing: spacing)
    }
    let levels = try pyramid(moving, fixed, mask)
    var steps: [RegistrationResult.Step] = []
    let (start, rigidStart) = try findStart(levels[0], &steps)
    let rigid = try linearStage("rigid", from: rigidStart, levels, &steps)
    var stages: [CompositeTransform.Stage] = [.rigid(rigid)]
    var linear = AffineTransform(rigid)
    if settings.kind != .rigid {
      linear = try linearStage("affine", from: linear, levels, &steps)
      stages = [.affine(linear)]
    }
    try checkLikeness(levels[levels.count - 1], linear, moved: steps.contains { !$0.costs.isEmpty })
    if settings.kind == .bspline {
      let grid = try splineStage(after: linear, fixed.geometry, levels, &steps)
      stages.insert(.bspline(grid), at: 0)
    }
    let transform = CompositeTransform(stages, geometry: fixed.geometry)
    return RegistrationResult(
      transform: transform,
      start: start,
      steps: steps,
      folding: FoldCheck(transform, on: fixed.geometry)
    )
  }

  private func pyramid(
    _ moving: Volume<Float>,
    _ fixed: Volume<Float>,
    _ mask: LabelMap?
  ) throws -> [RegistrationLevel] {
    progress.begin("preparing the images", total: nil)
    defer { progress.end() }
    return try RegistrationLevel.pyramid(
      fixed: fixed,
      moving: moving,
      mask: mask,
      settings: settings
    )
  }

  /// Half the field of view's diagonal, to which angles and matrix elements are scaled; three quarters
  /// of it, as most of the image is nearer.
  static func radius(of geometry: ImageGeometry) -> Double { 0.375 * geometry.diagonalMM }

  /// One linear transform through all levels.
  private func linearStage<Transform: LinearParameters>(
    _ name: String,
    from start: Transform,
    _ levels: [RegistrationLevel],
    _ steps: inout [RegistrationResult.Step]
  ) throws -> Transform {
    var transform = start
    for (number, level) in levels.enumerated() {
      progress.begin(
        "\(name), level \(number + 1) of \(levels.count)",
        total: settings.linearIterations
      )
      defer { progress.end() }
      let problem = try linearProblem(level, center: transform.center)
      let step = try minimize(
        problem,
        from: &transform,
        radius: Self.radius(of: level.fixed.geometry),
        spacing: level.spacingMM,
        iterations: settings.linearIterations,
        stepped: { progress.update($0, detail: detail($1)) }
      )
      steps.append(
        RegistrationResult.Step(
          stage: name,
          spacingMM: level.spacingMM,
          controlSpacingMM: nil,
          samples: problem.samples.values.count,
          before: similarity(step.before),
          after: similarity(step.result.value),
          costs: step.result.history
        )
      )
    }
    return transform
  }

  func linearProblem(_ level: RegistrationLevel, center: SIMD3<Double>) throws -> LinearProblem {
    let samples = try level.samples(
      limit: settings.linearSamples,
      random: RandomStream(seed: settings.seed).split(1)
    )
    return LinearProblem(
      samples: samples,
      moving: level.moving,
      cost: level.cost(settings, samples: samples.values.count),
      center: center,
      leastOverlap: settings.leastOverlap
    )
  }

  /// A search over one level's samples.
  func minimize<Transform: LinearParameters>(
    _ problem: LinearProblem,
    from transform: inout Transform,
    radius: Double,
    spacing: Double,
    iterations: Int,
    stepped: (Int, Double) -> Void = { _, _ in }
  ) throws -> (before: Double, result: LBFGS.Result) {
    let start = transform
    var before: Double?
    let search = LBFGS(
      iterations: iterations,
      largestStep: 2 * spacing,
      smallestStep: 1e-3 * spacing,
      tolerance: 1e-6
    )
    let result = try search.minimize(
      from: start.parameters(radius: radius),
      stop: stepped
    ) { parameters in
      try interruption.check()
      let trial = start.with(parameters, radius: radius)
      guard let value = problem.evaluate(trial) else { return nil }
      if before == nil { before = value.cost }
      return (value.cost, trial.gradient(value, radius: radius))
    }
    guard let result, let before else {
      throw RegistrationError.noOverlap(share: problem.overlap(start))
    }
    transform = start.with(result.parameters, radius: radius)
    return (before, result)
  }

  /// The free-form deformation through all levels, the control grid twice as fine at each.
  private func splineStage(
    after linear: AffineTransform,
    _ geometry: ImageGeometry,
    _ levels: [RegistrationLevel],
    _ steps: inout [RegistrationResult.Step]
  ) throws -> BSplineTransform {
    let coarsest = settings.controlSpacingMM * Double(1 << (levels.count - 1))
    var grid = try BSplineTransform(over: geometry, spacing: SIMD3(repeating: coarsest))
    for (number, level) in levels.enumerated() {
      if number > 0 { grid = try grid.refined(over: geometry) }
      progress.begin(
        "bspline, level \(number + 1) of \(levels.count)",
        total: settings.splineIterations
      )
      defer { progress.end() }
      let samples = try level.samples(
        limit: settings.splineSamples,
        random: RandomStream(seed: settings.seed).split(2)
      )
      let problem = BSplineProblem(
        grid: grid,
        linear: linear,
        samples: samples,
        moving: level.moving,
        cost: level.cost(settings, samples: samples.values.count),
        bendingWeight: settings.bendingWeight,
        leastOverlap: settings.leastOverlap
      )
      let start = BSplineProblem.parameters(of: grid)
      let before = problem.similarityCost(start)
      let search = LBFGS(
        iterations: settings.splineIterations,
        largestStep: level.spacingMM,
        smallestStep: 1e-2 * level.spacingMM,
        tolerance: 2e-5
      )
      let result = try search.minimize(
        from: start,
        stop: { count, value in progress.update(count, detail: detail(value)) }
      ) { parameters in
        try interruption.check()
        return problem.evaluate(parameters)
      }
      guard let result, let before, let after = problem.similarityCost(result.parameters) else {
        throw RegistrationError.noProgress(stage: "bspline")
      }
      grid = problem.grid(result.parameters)
      steps.append(
        RegistrationResult.Step(
          stage: "bspline",
          spacingMM: level.spacingMM,
          controlSpacingMM: grid.spacing.x,
          samples: problem.samples.values.count,
          before: similarity(before),
          after: similarity(after),
          costs: result.history
        )
      )
    }
    return grid
  }

  /// The measure of a cost.
  func similarity(_ cost: Double) -> Double {
    settings.measure.growsWithLikeness ? -cost : cost
  }

  private func detail(_ cost: Double) -> String {
    let digits = (cost * 1e5).rounded() / 1e5
    return "cost \(digits)"
  }
}
