import Evaluation
import Foundation
import Recognition
import Support

extension AugmentationStudy {
  /// Images of which a share of each class keeps its labels; those for testing all stay.
  ///
  /// Groups are not looked at: what is left out is never measured.
  /// - Parameters:
  ///   - images: Images with splits.
  ///   - share: The share, of which at least one image of each class and split stays.
  ///   - seed: The seed.
  /// - Returns: The images that stay.
  package static func part(
    of images: LabelledImages,
    share: Double,
    seed: UInt64
  ) -> LabelledImages {
    var result = images
    let stream = RandomStream(seed: seed).split(0x7368_6172)
    var kept: Set<Int> = []
    for (number, split) in LabelledImages.Split.allCases.enumerated() {
      for label in images.classNames.indices {
        var order = images.items.indices.filter {
          images.items[$0].split == split && images.items[$0].classes.first == label
        }
        guard split != .test, !order.isEmpty else {
          kept.formUnion(order)
          continue
        }
        var random = stream.split(number, label)
        random.shuffle(&order)
        kept.formUnion(order.prefix(ClassShare.count(share, of: order.count)))
      }
    }
    result.items = images.items.indices.filter(kept.contains).map { images.items[$0] }
    return result
  }

  /// Made images among those to train on.
  /// - Parameters:
  ///   - images: Labelled images.
  ///   - made: Images of −1 to 1, plane after plane.
  ///   - labels: Their classes.
  ///   - size: Rows, columns and channels of the made images.
  /// - Returns: Both.
  static func joined(
    _ images: LabelledImages,
    _ made: [[Float]],
    _ labels: [Int],
    size: [Int]
  ) -> LabelledImages {
    let area = size[0] * size[1]
    var bytes: [UInt8] = []
    bytes.reserveCapacity(made.count * area * size[2])
    for image in made {
      for at in 0..<area {
        for channel in 0..<size[2] {
          let value = min(max(image[channel * area + at], -1), 1)
          bytes.append(UInt8(((value + 1) * 127.5).rounded()))
        }
      }
    }
    let stored = StoredImages(height: size[0], width: size[1], channels: size[2], bytes: bytes)
    var result = images
    result.items += labels.indices.map { index in
      LabelledImages.Item(
        id: "made-\(index + 1)",
        source: .stored(stored, index),
        classes: [labels[index]],
        split: .training
      )
    }
    return result
  }

  /// Up to eight labelled and eight made images of each class.
  static func samples(
    _ pictures: GenerationPictures,
    _ made: [[Float]],
    _ labels: [Int]
  ) -> (labelled: [[Float]], made: [[Float]]) {
    func first(_ classes: [Int], _ image: (Int) -> [Float]) -> [[Float]] {
      pictures.classNames.indices.prefix(10).flatMap { label in
        classes.indices.filter { classes[$0] == label }.prefix(8).map(image)
      }
    }
    return (first(pictures.labels) { pictures.values[$0] }, first(labels) { made[$0] })
  }

  /// A repeat's numbers.
  static func round(
    _ without: [Bool],
    _ with: [Bool],
    seed: UInt64,
    labelled: Int,
    made: Int
  ) -> Round {
    let gained = zip(without, with).count { !$0 && $1 }
    let lost = zip(without, with).count { $0 && !$1 }
    func share(_ isRight: [Bool]) -> Double {
      Double(isRight.count { $0 }) / Double(isRight.count)
    }
    return Round(
      seed: seed,
      labelled: labelled,
      made: made,
      accuracy: share(without),
      accuracyWithMade: share(with),
      gained: gained,
      lost: lost,
      p: McNemarTest.p(gained, lost)
    )
  }

  /// What all repeats came to.
  static func result(
    _ rounds: [Round],
    _ gains: [[Double]],
    _ name: String,
    _ request: Request
  ) -> Result {
    let count = Double(rounds.count)
    func mean(_ value: (Round) -> Double) -> Double { rounds.map(value).reduce(0, +) / count }
    let interval = interval(gains, seed: request.seed)
    let verdict =
      interval[0] > 0
      ? "Made images helped."
      : interval[1] < 0
        ? "Made images did harm." : "No effect of made images was found: the interval holds 0."
    return Result(
      dataset: name,
      share: request.share,
      test: gains.first?.count ?? 0,
      rounds: rounds,
      accuracy: mean(\.accuracy),
      accuracyWithMade: mean(\.accuracyWithMade),
      gain: mean { $0.accuracyWithMade - $0.accuracy },
      gainCI95: interval,
      verdict: verdict
    )
  }

  /// The percentile interval of the mean gain, repeats and test images drawn anew.
  ///
  /// Repeats share their test images, so that both are drawn, not pairs of them.
  private static func interval(_ gains: [[Double]], seed: UInt64) -> [Double] {
    guard let count = gains.first?.count, count > 0 else { return [0, 0] }
    var random = RandomStream(seed: seed).split(0x6761_696E)
    var means: [Double] = []
    for _ in 0..<2000 {
      let repeats = gains.indices.map { _ in
        gains[min(gains.count - 1, Int(random.uniform() * Double(gains.count)))]
      }
      var sum = 0.0
      for _ in 0..<count {
        let image = min(count - 1, Int(random.uniform() * Double(count)))
        for gain in repeats { sum += gain[image] }
      }
      means.append(sum / Double(count * gains.count))
    }
    let bounds = MeanBootstrap.interval(
      of: means,
      observed: 0,
      influence: [],
      method: .percentile
    )
    return [bounds.lowerBound, bounds.upperBound]
  }

  /// A repeat in a sentence.
  static func sentence(_ round: Round) -> String {
    func percent(_ value: Double) -> String { "\((value * 1000).rounded() / 10) %" }
    return "\(round.labelled) labelled images: \(percent(round.accuracy)); with \(round.made) made "
      + "ones: \(percent(round.accuracyWithMade)) (p \((round.p * 1000).rounded() / 1000))."
  }
}
