import Evaluation
import Pipelines

/// How well a network tells the classes of images that it did not see before.
public struct ClassificationEvaluation: Codable, Sendable, Equatable {
  /// One image.
  public struct Case: Codable, Sendable, Equatable {
    /// The image's name.
    public let id: String
    /// The true classes.
    public let truth: [String]
    /// The classes that were told: the most probable one, or the findings above their thresholds.
    public let prediction: [String]
    /// The classes' probabilities, in the order of the classes.
    public let probabilities: [Double]
  }

  /// One class against the others.
  public struct ClassResult: Codable, Sendable, Equatable {
    /// The class.
    public let name: String
    /// Images that show it.
    public let count: Int
    /// The share of these that were told so.
    public let sensitivity: ShareWithInterval?
    /// The share of the others that were not.
    public let specificity: ShareWithInterval?
    /// The share of those told so that show it.
    public let precision: ShareWithInterval?
    /// The area under the receiver operating curve; nil unless there are images of both kinds.
    public let area: Double?
    /// Its 95 % interval (DeLong).
    public let areaCI95: [Double]?
    /// The average precision.
    public let averagePrecision: Double?
  }

  /// Probabilities against what happened.
  public struct CalibrationResult: Codable, Sendable, Equatable {
    /// A bin of the reliability diagram.
    public struct Bin: Codable, Sendable, Equatable {
      /// Images in it.
      public let count: Int
      /// Their mean probability.
      public let confidence: Double
      /// The share of them that were right.
      public let accuracy: Double
    }

    /// The expected calibration error, of 15 bins.
    public let expectedError: Double
    /// The largest error of a bin.
    public let maximumError: Double
    /// The Brier score, summed over classes.
    public let brierScore: Double
    /// The mean negative logarithmic likelihood.
    public let negativeLogLikelihood: Double
    /// The bins.
    public let bins: [Bin]
  }

  /// The images that share a value of a column, such as a sex or a scanner.
  public struct Subgroup: Codable, Sendable, Equatable {
    /// The column.
    public let property: String
    /// The value.
    public let value: String
    /// The share that was told rightly.
    public let accuracy: ShareWithInterval?
  }

  /// What remains when the least certain images are left to people.
  public struct Selection: Codable, Sendable, Equatable {
    /// The share of images that are kept, the most certain ones.
    public let coverage: Double
    /// The share of these that was told rightly.
    public let accuracy: Double
  }

  /// What is known of an image, or of something else that has classes.
  package struct Truth: Sendable {
    /// Its name.
    package let id: String
    /// The classes that it shows: one, or any number where findings are told.
    package let classes: [Int]
    /// What else is known of it, for results by subgroup.
    package let attributes: [String: String]

    package init(id: String, classes: [Int], attributes: [String: String] = [:]) {
      self.id = id
      self.classes = classes
      self.attributes = attributes
    }
  }

  /// Version of this record.
  public private(set) var schema = "lamina.classification/1"
  /// The classes.
  public let classes: [String]
  /// The share of images told rightly (for findings: of findings, over all images).
  public let accuracy: ShareWithInterval?
  /// The mean sensitivity over classes; nil for findings.
  public let balancedAccuracy: Double?
  /// The mean F1 score over classes; nil for findings.
  public let macroF1: Double?
  /// Agreement beyond chance (Cohen); nil for findings.
  public let kappa: Double?
  /// The mean area under the curve over classes; of two classes that of the second.
  public let meanArea: Double?
  /// One class against the others, each.
  public let classResults: [ClassResult]
  /// `[truth][prediction]` images; nil for findings.
  public let confusion: [[Int]]?
  /// Probabilities against what happened; nil for findings.
  public let calibration: CalibrationResult?
  /// The share of images whose true class is in the conformal set; nil without a threshold.
  public let conformalCoverage: ShareWithInterval?
  /// The mean number of classes in it.
  public let conformalSize: Double?
  /// Results by subgroup; groups of fewer than 10 images are told with their interval all the same.
  public let subgroups: [Subgroup]
  /// Accuracy when the least certain are left out, from all to one in ten.
  public let selection: [Selection]
  /// Every image.
  public let cases: [Case]

  /// Measures.
  /// - Parameters:
  ///   - probabilities: Of each image its classes'.
  ///   - items: The images.
  ///   - plan: The task and its thresholds.
  ///   - classNames: The classes.
  package init(
    _ probabilities: [[Double]],
    items: [LabelledImages.Item],
    plan: RecognitionPlan,
    classNames: [String]
  ) {
    self.init(
      probabilities,
      truths: items.map { Truth(id: $0.id, classes: $0.classes, attributes: $0.attributes) },
      plan: plan,
      classNames: classNames
    )
  }

  /// Measures on anything that has classes.
  /// - Parameters:
  ///   - probabilities: Of each its classes'.
  ///   - items: What is known of each.
  ///   - plan: The task and its thresholds.
  ///   - classNames: The classes.
  package init(
    _ probabilities: [[Double]],
    truths items: [Truth],
    plan: RecognitionPlan,
    classNames: [String]
  ) {
    precondition(probabilities.count == items.count, "as many images as probabilities")
    classes = classNames
    let areFindings = plan.task == .findings
    let told = probabilities.map { plan.told($0) }
    cases = items.indices.map { index in
      Case(
        id: items[index].id,
        truth: items[index].classes.map { classNames[$0] },
        prediction: told[index].map { classNames[$0] },
        probabilities: probabilities[index].map { ($0 * 1e6).rounded() / 1e6 }
      )
    }
    classResults = classNames.indices.map { label in
      Self.result(
        classNames[label],
        scores: probabilities.map { $0[label] },
        truth: items.map { $0.classes.contains(label) },
        told: told.map { $0.contains(label) }
      )
    }
    let areas = classResults.compactMap(\.area)
    meanArea =
      classNames.count == 2 && !areFindings
      ? classResults[1].area
      : areas.isEmpty ? nil : areas.reduce(0, +) / Double(areas.count)
    if areFindings {
      let right = items.indices.reduce(0) { sum, index in
        sum
          + classNames.indices.count {
            items[index].classes.contains($0) == told[index].contains($0)
          }
      }
      accuracy = ShareWithInterval(right, of: items.count * classNames.count)
      (balancedAccuracy, macroF1, kappa, confusion, calibration) = (nil, nil, nil, nil, nil)
      (conformalCoverage, conformalSize, selection) = (nil, nil, [])
      subgroups = []
      return
    }
    let truth = items.map { $0.classes.first ?? 0 }
    let first = told.map { $0[0] }
    let matrix = ConfusionMatrix(truth: truth, prediction: first, classCount: classNames.count)
    let right = zip(truth, first).map { $0 == $1 }
    accuracy = ShareWithInterval(right.count { $0 }, of: items.count)
    balancedAccuracy = matrix.balancedAccuracy
    macroF1 = matrix.macroF1
    kappa = matrix.kappa
    confusion = matrix.counts
    calibration = Evaluation.Calibration(
      probabilities: probabilities.flatMap(\.self),
      classCount: classNames.count,
      truth: truth
    ).map(CalibrationResult.init)
    let sets = plan.conformal.map { threshold in
      probabilities.map { row in row.indices.filter { row[$0] >= threshold.leastProbability } }
    }
    conformalCoverage = sets.flatMap { sets in
      ShareWithInterval(zip(sets, truth).count { $0.contains($1) }, of: items.count)
    }
    conformalSize = sets.flatMap { sets in
      sets.isEmpty ? nil : Double(sets.reduce(0) { $0 + $1.count }) / Double(sets.count)
    }
    subgroups = Self.subgroups(items, right)
    selection = Self.selection(zip(probabilities, right).map { ($0.max() ?? 0, $1) })
  }

  private static func result(
    _ name: String,
    scores: [Double],
    truth: [Bool],
    told: [Bool]
  ) -> ClassResult {
    let curve = ReceiverOperatingCurve(scores: scores, isPositive: truth)
    let both = zip(truth, told)
    let positives = truth.count { $0 }
    return ClassResult(
      name: name,
      count: positives,
      sensitivity: ShareWithInterval(both.count { $0 && $1 }, of: positives),
      specificity: ShareWithInterval(both.count { !$0 && !$1 }, of: truth.count - positives),
      precision: ShareWithInterval(both.count { $0 && $1 }, of: told.count { $0 }),
      area: curve?.area,
      areaCI95: curve?.areaInterval.map { [$0.lowerBound, $0.upperBound] },
      averagePrecision: curve?.averagePrecision
    )
  }

  private static func subgroups(_ items: [Truth], _ right: [Bool]) -> [Subgroup] {
    let properties = Set(items.flatMap(\.attributes.keys)).sorted()
    return properties.flatMap { property -> [Subgroup] in
      let values = Set(items.compactMap { $0.attributes[property] }).sorted()
      // A column in which every image differs makes no groups.
      guard values.count > 1, values.count <= 20 else { return [] }
      return values.map { value in
        let members = items.indices.filter { items[$0].attributes[property] == value }
        return Subgroup(
          property: property,
          value: value,
          accuracy: ShareWithInterval(members.count { right[$0] }, of: members.count)
        )
      }
    }
  }

  private static func selection(_ cases: [(certainty: Double, isRight: Bool)]) -> [Selection] {
    let sorted = cases.sorted { $0.certainty > $1.certainty }
    guard !sorted.isEmpty else { return [] }
    return stride(from: 100, through: 10, by: -10).map { percent in
      let kept = sorted.prefix(max(1, (sorted.count * percent + 50) / 100))
      return Selection(
        coverage: Double(percent) / 100,
        accuracy: Double(kept.count { $0.isRight }) / Double(kept.count)
      )
    }
  }
}

extension ClassificationEvaluation.CalibrationResult {
  fileprivate init(_ result: Evaluation.Calibration) {
    self.init(
      expectedError: result.expectedError,
      maximumError: result.maximumError,
      brierScore: result.brierScore,
      negativeLogLikelihood: result.negativeLogLikelihood,
      bins: result.bins.map {
        Bin(count: $0.count, confidence: $0.confidence, accuracy: $0.accuracy)
      }
    )
  }
}

extension RecognitionPlan {
  /// The classes that probabilities tell: the most probable one, or the findings above their thresholds.
  package func told(_ probabilities: [Double]) -> [Int] {
    if task == .findings {
      return probabilities.indices.filter { probabilities[$0] >= threshold($0) }
    }
    let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] }
    return [best ?? 0]
  }
}
