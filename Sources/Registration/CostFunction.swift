import Imaging
import Support

/// The cost at the finest level as a function of a transform's numbers, with derivatives.
///
/// What the searches minimise, by itself: for tests and measurements.
package struct CostFunction: Sendable {
  private let settings: RegistrationSettings
  private let level: RegistrationLevel
  private let registration: ImageRegistration

  /// Prepares a pair of images.
  /// - Parameters:
  ///   - fixed: The fixed image.
  ///   - moving: The moving image.
  ///   - mask: Where samples may lie; nil for everywhere.
  ///   - settings: Measure, samples, seed and bending weight.
  /// - Throws: `RegistrationError` for unfit images.
  package init(
    fixed: Volume<Float>,
    moving: Volume<Float>,
    mask: LabelMap? = nil,
    settings: RegistrationSettings
  ) throws {
    var settings = settings
    settings.levels = 1
    self.settings = settings
    level = try RegistrationLevel.pyramid(
      fixed: fixed,
      moving: moving,
      mask: mask,
      settings: settings
    )[0]
    registration = ImageRegistration(settings: settings)
  }

  /// The cost of a rigid transform.
  /// - Parameter transform: The transform.
  /// - Returns: The cost, and its derivatives by three angles (radians) and three shifts (mm); nil where
  ///   the images hardly overlap.
  /// - Throws: `RegistrationError.emptyMask`.
  package func evaluate(_ transform: RigidTransform) throws -> (value: Double, gradient: [Double])?
  {
    try evaluateLinear(transform)
  }

  /// The cost of an affine transform.
  /// - Parameter transform: The transform.
  /// - Returns: The cost, and its derivatives by the matrix, column by column, and the shift.
  /// - Throws: `RegistrationError.emptyMask`.
  package func evaluate(
    _ transform: AffineTransform
  ) throws -> (value: Double, gradient: [Double])? {
    try evaluateLinear(transform)
  }

  private func evaluateLinear(
    _ transform: some LinearParameters
  ) throws -> (value: Double, gradient: [Double])? {
    let problem = try registration.linearProblem(level, center: transform.center)
    guard let value = problem.evaluate(transform) else { return nil }
    return (value.cost, transform.gradient(value, radius: 1))
  }

  /// The cost of a free-form deformation before an affine transform.
  /// - Parameters:
  ///   - grid: The deformation.
  ///   - linear: What follows it.
  /// - Returns: The cost, and its derivatives by the displacements, three for each control point.
  /// - Throws: `RegistrationError.emptyMask`.
  package func evaluate(
    _ grid: BSplineTransform,
    before linear: AffineTransform
  ) throws -> (value: Double, gradient: [Double])? {
    let samples = try level.samples(
      limit: settings.splineSamples,
      random: RandomStream(seed: settings.seed)
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
    return problem.evaluate(BSplineProblem.parameters(of: grid))
  }
}
