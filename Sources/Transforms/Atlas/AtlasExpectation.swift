import Foundation
import Support

/// The expectation step: what a model of intensities and a deformed atlas make of an image.
///
/// The image is a byte for each point of a grid: 0 where there is nothing, 255 where nothing is known,
/// else one of 254 levels. With p the atlas's probabilities at the displaced place and L the
/// likelihoods of the point's level, the point's evidence is Σ p L, and pulls on the displacement with
/// the gradient of its logarithm (Ashburner and Friston 2005, "Unified segmentation", NeuroImage 26).
struct AtlasExpectation {
  /// The level of points about which nothing is known.
  static let unknown: UInt8 = 255
  /// Levels with the two special ones.
  static let levelCount = 256

  /// Displacements or forces along each axis.
  struct Field: Sendable {
    var x: [Float]
    var y: [Float]
    var z: [Float]

    init(zeros count: Int) {
      x = [Float](repeating: 0, count: count)
      (y, z) = (x, x)
    }
  }

  /// What a bias field is found from: for each class 1/σ² of the brain's classes, times μ and μ².
  struct BiasTerms {
    var first: SIMD32<Float>
    var second: SIMD32<Float>
  }

  /// The sum of the logarithms of the points' evidence.
  private(set) var logLikelihood = 0.0
  /// Points about which something is known.
  private(set) var pointCount = 0
  /// Points of each level that belong to each class.
  private(set) var counts: [SIMD32<Double>]
  /// The gradient at each point, 1/mm.
  private(set) var forces: Field
  /// Sum of the brain's classes weighted by ``BiasTerms``.
  private(set) var biasFirst: [Float] = []
  private(set) var biasSecond: [Float] = []

  /// Computes all that.
  /// - Parameters:
  ///   - atlas: The atlas, on any grid of the same box.
  ///   - grid: The image's grid.
  ///   - levels: The image.
  ///   - displacement: From a point to its place in the atlas, mm.
  ///   - table: Likelihoods of the classes for each level.
  ///   - bias: What to sum for a bias field, or nil.
  init(
    _ atlas: ProbabilisticAtlas,
    grid: AtlasGrid,
    levels: [UInt8],
    displacement: Field,
    table: [SIMD32<Float>],
    bias: BiasTerms? = nil
  ) {
    forces = Field(zeros: grid.count)
    counts = [SIMD32<Double>](repeating: .zero, count: Self.levelCount)
    if bias != nil {
      biasFirst = [Float](repeating: 0, count: grid.count)
      biasSecond = biasFirst
    }
    let planes = PlaneResults<Sums>(count: grid.size.z)
    forces.x.withUnsafeMutableBufferPointer { forceX in
      forces.y.withUnsafeMutableBufferPointer { forceY in
        forces.z.withUnsafeMutableBufferPointer { forceZ in
          biasFirst.withUnsafeMutableBufferPointer { first in
            biasSecond.withUnsafeMutableBufferPointer { second in
              // Each plane is written by one thread.
              nonisolated(unsafe) let (forceX, forceY, forceZ) = (forceX, forceY, forceZ)
              nonisolated(unsafe) let (first, second) = (first, second)
              Parallelism.forEach(grid.size.z) { z in
                var sums = Sums(
                  counts: [SIMD32<Float>](repeating: .zero, count: Self.levelCount)
                )
                Self.run(
                  Plane(
                    atlas: atlas,
                    grid: grid,
                    levels: levels,
                    displacement: displacement,
                    table: table,
                    bias: bias,
                    z: z
                  ),
                  forces: (forceX, forceY, forceZ),
                  bias: (first, second),
                  into: &sums
                )
                planes.set(z, sums)
              }
            }
          }
        }
      }
    }
    for sums in planes.values {
      logLikelihood += sums.log
      pointCount += sums.points
      for level in counts.indices where sums.counts[level] != .zero {
        for lane in atlas.classes.indices {
          counts[level][lane] += Double(sums.counts[level][lane])
        }
      }
    }
  }

  /// What the points of a plane sum to.
  private struct Sums: Sendable {
    var counts: [SIMD32<Float>]
    var log = 0.0
    var points = 0
  }

  /// A plane of the image and what it is held against.
  private struct Plane {
    let atlas: ProbabilisticAtlas
    let grid: AtlasGrid
    let levels: [UInt8]
    let displacement: Field
    let table: [SIMD32<Float>]
    let bias: BiasTerms?
    let z: Int
  }

  private typealias Room = UnsafeMutableBufferPointer<Float>

  private static func run(
    _ plane: Plane,
    forces: (x: Room, y: Room, z: Room),
    bias: (first: Room, second: Room),
    into sums: inout Sums
  ) {
    let (grid, z) = (plane.grid, plane.z)
    let size = plane.atlas.grid.size
    let scale = Float(grid.step / plane.atlas.grid.step)
    let perMM = Float(1 / plane.atlas.grid.step)
    let steps = GridPlace.steps(size)
    let parts = ClassMixture.parts
    let terms = [plane.bias?.first ?? .zero, plane.bias?.second ?? .zero]
    let hasBias = plane.bias != nil
    var posterior = [SIMD32<Float>.zero]
    var (log, points) = (0.0, 0)
    plane.atlas.probabilities.withFours { maps in
      plane.table.withFours { table in
        terms.withFours { terms in
          sums.counts.withMutableFours { counts in
            posterior.withMutableFours { mixed in
              for y in 0..<grid.size.y {
                let row = grid.size.x * (y + grid.size.y * z)
                for x in 0..<grid.size.x {
                  let index = row + x
                  let level = plane.levels[index]
                  guard level != Self.unknown else { continue }
                  let shift = SIMD3<Float>(
                    plane.displacement.x[index],
                    plane.displacement.y[index],
                    plane.displacement.z[index]
                  )
                  let point = SIMD3<Float>(Float(x), Float(y), Float(z))
                  let place = GridPlace(point * scale + shift * perMM, size: size)
                  let mixture = ClassMixture(
                    maps,
                    place,
                    steps,
                    table + Int(level) * parts,
                    into: mixed
                  )
                  let evidence = mixture.total + 1e-12
                  let inverse = 1 / evidence
                  let pull = Self.gradient(mixture.corners, place.share) * (inverse * perMM)
                  forces.x[index] = pull.x
                  forces.y[index] = pull.y
                  forces.z[index] = pull.z
                  let own = counts + Int(level) * parts
                  for part in 0..<parts { own[part] += mixed[part] * inverse }
                  log += Double(logf(evidence))
                  points += 1
                  if hasBias, level != 0 {
                    var (a, b) = (SIMD4<Float>.zero, SIMD4<Float>.zero)
                    for part in 0..<parts {
                      a += mixed[part] * terms[part]
                      b += mixed[part] * terms[parts + part]
                    }
                    bias.first[index] = ClassMixture.sum(a) * inverse
                    bias.second[index] = ClassMixture.sum(b) * inverse
                  }
                }
              }
            }
          }
        }
      }
    }
    sums.log = log
    sums.points = points
  }

  /// The gradient of what is linear between eight corners.
  @inline(__always)
  private static func gradient(_ s: SIMD8<Float>, _ share: SIMD3<Float>) -> SIMD3<Float> {
    let alongX: SIMD4<Float> = s.oddHalf - s.evenHalf
    let rows: SIMD4<Float> = s.evenHalf + share.x * alongX
    let alongY: SIMD2<Float> = rows.oddHalf - rows.evenHalf
    let planes: SIMD2<Float> = rows.evenHalf + share.y * alongY
    let meanX: SIMD2<Float> = alongX.evenHalf + share.y * (alongX.oddHalf - alongX.evenHalf)
    return SIMD3<Float>(
      meanX.x + share.z * (meanX.y - meanX.x),
      alongY.x + share.z * (alongY.y - alongY.x),
      planes.y - planes.x
    )
  }
}
