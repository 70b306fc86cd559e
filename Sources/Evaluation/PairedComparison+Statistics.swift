import Support

extension PairedComparison {
  /// Compares paired values.
  /// - Parameters:
  ///   - structure: The structure's key and name.
  ///   - metric: The metric.
  ///   - pairs: The values of the cases that have one on both sides.
  ///   - undefined: The number of cases left out because a value is undefined on either side.
  ///   - method: How the interval of the mean difference is made.
  ///   - random: The stream of the resamples and permutations.
  package init(
    structure: (key: String, name: String),
    metric: Metric,
    pairs: [Difference],
    undefined: Int,
    method: IntervalMethod,
    random: RandomStream
  ) {
    let differences = pairs.map(\.difference)
    let n = Double(pairs.count)
    let isEmpty = pairs.isEmpty
    let mean = differences.reduce(0, +) / max(1, n)
    let squares = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let sd = pairs.count > 1 ? (squares / (n - 1)).squareRoot() : 0
    let ranks = WilcoxonSignedRank(differences)
    let orders = pairs.map { metric.better.order($0.first, $0.other) }
    let bootstrap =
      pairs.count > 1
      ? MeanBootstrap(
        differences,
        resamples: SummaryStatistics.resamples,
        random: random.split(0)
      ) : nil
    self.init(
      structure: structure.key,
      name: structure.name,
      metric: metric.key,
      differences: pairs,
      undefined: undefined,
      firstMean: isEmpty ? nil : pairs.reduce(0) { $0 + $1.first } / n,
      otherMean: isEmpty ? nil : pairs.reduce(0) { $0 + $1.other } / n,
      meanDifference: isEmpty ? nil : mean,
      ci95: bootstrap?.interval(method),
      medianDifference: isEmpty ? nil : percentile(0.5, of: differences.sorted()),
      firstBetter: orders.count { $0 == true },
      otherBetter: orders.count { $0 == false },
      equal: orders.count { $0 == nil },
      wilcoxon: ranks.test,
      permutation: SignFlipTest.test(differences, random: random.split(1)),
      rankBiserial: ranks.rankBiserial,
      cohensDz: sd > 0 ? mean / sd : nil
    )
  }

  /// The same with other outcomes of the tests.
  func with(wilcoxon: TestResult?, permutation: TestResult?) -> PairedComparison {
    PairedComparison(
      structure: structure,
      name: name,
      metric: metric,
      differences: differences,
      undefined: undefined,
      firstMean: firstMean,
      otherMean: otherMean,
      meanDifference: meanDifference,
      ci95: ci95,
      medianDifference: medianDifference,
      firstBetter: firstBetter,
      otherBetter: otherBetter,
      equal: equal,
      wilcoxon: wilcoxon,
      permutation: permutation,
      rankBiserial: rankBiserial,
      cohensDz: cohensDz
    )
  }
}
