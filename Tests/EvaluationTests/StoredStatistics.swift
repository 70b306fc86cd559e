import Foundation
import TestSupport

/// What other programs say about samples: `Fixtures/statistics/statistics.json`.
struct StoredStatistics: Decodable {
  struct Test: Decodable, Sendable {
    let name: String
    let differences: [Double]
    let statistic: Double
    let p: Double
    let method: String
    let rankBiserial: Double?
  }

  struct Holm: Decodable, Sendable {
    let p: [Double]
    let adjusted: [Double]
  }

  struct Bootstrap: Decodable, Sendable {
    let name: String
    let samples: [[Double]]
    let resampled: [Double]
    let percentile: [Double]
    let bca: [Double]
    let bcaOfMany: [Double]
  }

  struct Volumes: Decodable, Sendable {
    let name: String
    let prediction: [Double]
    let reference: [Double]
    let bias: Double
    let sd: Double
    let biasCI95: [Double]
    let limits: [Double]
    let lowerLimitCI95: [Double]
    let upperLimitCI95: [Double]
    let pearson: Double
    let pearsonCI95: [Double]
    let concordance: Double
    let concordanceCI95: [Double]
  }

  struct Effect: Decodable, Sendable {
    let first: [Double]
    let other: [Double]
    let dz: Double
  }

  struct Summary: Decodable, Sendable {
    let values: [Double]
    let mean: Double
    let sd: Double
    let median: Double
    let q1: Double
    let q3: Double
    let min: Double
    let max: Double
  }

  struct Distributions: Decodable, Sendable {
    let shares: [Double]
    let normalQuantiles: [Double]
    let zs: [Double]
    let normalCumulative: [Double]
    let freedoms: [Int]
    let studentQuantiles: [[Double]]
    let studentCumulative: [[Double]]
  }

  let wilcoxon: [Test]
  let signFlip: [Test]
  let holm: [Holm]
  let bootstrap: [Bootstrap]
  let volumes: [Volumes]
  let effects: [Effect]
  let summaries: [Summary]
  let distributions: Distributions

  static func read() throws -> StoredStatistics {
    let data = try Data(
      contentsOf: URL(fileURLWithPath: Fixtures.path("statistics/statistics.json"))
    )
    return try JSONDecoder().decode(StoredStatistics.self, from: data)
  }
}
