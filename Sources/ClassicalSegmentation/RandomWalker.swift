package import Support
package import Transforms

/// Each voxel gets the label whose seed a random walk from it reaches first most probably.
///
/// Grady 2006, "Random walks for image segmentation". The probabilities are harmonic: L x = −Bᵀ m for
/// the voxels without seeds (equation 8), one system a label, the last one's probabilities being what is
/// left. Edges weigh exp(−beta (Δ/σ)²) / d² (equation 1), Δ being the difference of neighbours that share
/// a face, σ the image's standard deviation and d their distance in units of the finest, so that the
/// systems are those of a diffusion in mm. Solved by conjugate gradients with an incomplete Cholesky
/// factor (`GridSystem`).
package struct RandomWalker: ClassicalRefinement {
  package static let name = "random-walker"
  package static let paper = "Grady 2006, Random walks for image segmentation"
  package static let parameters = [
    FilterParameter(
      "beta",
      13,
      0...1e6,
      "how strongly differences of neighbours, in standard deviations of the image, hinder the walk"
    ),
    FilterParameter("tolerance", 1e-4, 1e-12...0.1, "relative residual at which solving ends"),
    .background, .automatic, .certain, .margin,
  ]
  package static let seeds = SeedNeed.required(automatic: "auto=2")

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package static func bytesPerVoxel(classes: Int) -> Int { 92 }

  package func labels(
    of image: ClassicalImage,
    seeds: [UInt16]?,
    interruption: Interruption
  ) throws -> ClassicalLabels {
    let seeds = try SeedMarks(
      seeds,
      method: Self.name,
      values: values,
      image: image,
      needed: 2
    )
    return try seeds.labelled(winners(seeds, image, interruption))
  }

  package func refined(
    _ prior: PriorLabels,
    by image: ClassicalImage,
    interruption: Interruption
  ) throws -> [UInt16] {
    guard prior.occurring.count > 1 else { return prior.labels }
    let seeds = prior.seeds(
      certain: Float(values["certain"]),
      marginMM: values["margin"] * image.finestSpacing,
      image: image
    )
    return try seeds.labelled(winners(seeds, image, interruption)).labels
  }

  /// The probabilities of each class in turn.
  /// - Parameters:
  ///   - seeds: The class of each voxel from 1 on, 0 where nothing is known.
  ///   - classes: How many there are, at least two.
  ///   - image: The image.
  ///   - interruption: Looked at between steps of the solver.
  ///   - body: Gets a class, from 0, and its probability at every voxel.
  /// - Throws: `SupportError.interrupted`; what the body throws.
  package func forEachClass(
    _ seeds: [UInt16],
    classes: Int,
    of image: ClassicalImage,
    interruption: Interruption,
    _ body: (Int, [Double]) throws -> Void
  ) throws {
    let system = GridSystem(image, beta: values["beta"], isFixed: seeds.map { $0 > 0 })
    var rest = [Double](repeating: 1, count: image.count)
    for index in 0..<classes - 1 {
      let solution = try system.solved(
        boundary: seeds.map { Int($0) == index + 1 ? 1 : 0 },
        tolerance: values["tolerance"],
        interruption: interruption
      )
      for place in rest.indices { rest[place] -= solution[place] }
      try body(index, solution)
    }
    try body(classes - 1, rest)
  }

  /// The class of the largest probability, the first of equal ones.
  private func winners(
    _ seeds: SeedMarks,
    _ image: ClassicalImage,
    _ interruption: Interruption
  ) throws -> [UInt16] {
    var best = [Float](repeating: -1, count: image.count)
    var winner = [UInt16](repeating: 0, count: image.count)
    try forEachClass(
      seeds.marks,
      classes: seeds.count,
      of: image,
      interruption: interruption
    ) { index, probabilities in
      for place in best.indices where Float(probabilities[place]) > best[place] {
        best[place] = Float(probabilities[place])
        winner[place] = UInt16(index)
      }
    }
    // Seeds keep their class, whatever rounding did.
    for place in winner.indices where seeds.marks[place] > 0 {
      winner[place] = seeds.marks[place] - 1
    }
    return winner
  }
}
