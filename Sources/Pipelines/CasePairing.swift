import Evaluation
import Foundation
import Support

/// One case of an evaluation: a prediction and its reference.
public struct CasePair: Equatable, Sendable {
  /// The case's name.
  public let id: String
  /// The prediction's file.
  public let prediction: String
  /// The reference's file.
  public let reference: String
  /// Why files of different names belong together, as a clause; nil for equal names.
  public let rule: String?
}

/// Which predictions belong to which references, by their names.
///
/// A side is a file, a result folder of `lamina segment` (its case is the folder's name), or a
/// folder of files and of such result folders. Hidden files and other files of a folder are passed
/// over. Names are matched by `CaseMatching`'s rules, which every output shows.
public struct CasePairing: Equatable, Sendable {
  /// The cases that are there on both sides, by name.
  public let pairs: [CasePair]
  /// Predictions without a reference, and references without a prediction, by name.
  public let unpaired: [PairingRecord.Unpaired]
  /// Whether both sides are one case, which belong together whatever their names.
  public let isSingle: Bool

  /// The label map of a result folder of `lamina segment`.
  public static let resultFileName = "segmentation.nii.gz"

  /// Pairs what two paths hold.
  ///
  /// Two single cases belong together whatever their names. A single prediction takes its own
  /// reference out of a folder and leaves the others alone.
  /// - Parameters:
  ///   - prediction: A file or folder.
  ///   - reference: A file or folder.
  /// - Throws: `SupportError.notFound`; `PairingError` when a folder holds no case, when two files
  ///   of a folder have one case name, or when nothing fits.
  public init(prediction: String, reference: String) throws {
    let predictions = try CaseListing(prediction)
    let references = try CaseListing(reference)
    isSingle = predictions.isSingle && references.isSingle
    if isSingle {
      pairs = zip(predictions.cases, references.cases).map {
        CasePair(id: $0.id, prediction: $0.path, reference: $1.path, rule: nil)
      }
      unpaired = []
      return
    }
    if references.isSingle {
      throw PairingError.oneReference(prediction: prediction, reference: reference)
    }
    let matching = CaseMatching(
      predictions: predictions.cases.map(\.id),
      references: references.cases.map(\.id),
      usesNumbers: !predictions.isSingle
    )
    guard !matching.matches.isEmpty else {
      throw PairingError.nothingInCommon(
        prediction: prediction,
        reference: reference,
        example: predictions.cases[0].id
      )
    }
    let predicted = Self.paths(predictions)
    let known = Self.paths(references)
    pairs = matching.matches.map { match in
      CasePair(
        id: match.id,
        prediction: predicted[match.prediction, default: ""],
        reference: known[match.reference, default: ""],
        rule: match.rule
      )
    }
    let lonely =
      matching.unmatchedPredictions.map { name, reason in
        PairingRecord.Unpaired(
          id: name,
          side: .prediction,
          path: predicted[name, default: ""],
          reason: "The prediction \(name) has no partner in \(reference): \(reason)."
        )
      }
      + (predictions.isSingle ? [] : matching.unmatchedReferences).map { name, reason in
        PairingRecord.Unpaired(
          id: name,
          side: .reference,
          path: known[name, default: ""],
          reason: "The reference \(name) has no partner in \(prediction): \(reason)."
        )
      }
    unpaired = lonely.sorted { ($0.id, $0.side.rawValue) < ($1.id, $1.side.rawValue) }
  }

  /// The same cases under the names that another pairing gives their references, so that two sets of
  /// predictions can be compared although their own names differ.
  /// - Parameter other: The pairing whose names count.
  /// - Returns: The renamed pairing.
  public func named(as other: CasePairing) -> CasePairing {
    let names = Dictionary(
      other.pairs.map { ($0.reference, $0.id) },
      uniquingKeysWith: { first, _ in first }
    )
    let renamed = pairs.map { pair in
      CasePair(
        id: names[pair.reference] ?? pair.id,
        prediction: pair.prediction,
        reference: pair.reference,
        rule: pair.rule
      )
    }
    return CasePairing(pairs: renamed, unpaired: unpaired, isSingle: isSingle)
  }

  private init(pairs: [CasePair], unpaired: [PairingRecord.Unpaired], isSingle: Bool) {
    self.pairs = pairs
    self.unpaired = unpaired
    self.isSingle = isSingle
  }

  /// How the cases found their partners, for outputs; nil for two single cases.
  public var record: PairingRecord? {
    guard !isSingle else { return nil }
    return PairingRecord(
      exact: pairs.count { $0.rule == nil },
      byRule: pairs.compactMap { pair in
        pair.rule.map {
          .init(id: pair.id, prediction: pair.prediction, reference: pair.reference, rule: $0)
        }
      },
      unpaired: unpaired
    )
  }

  private static func paths(_ listing: CaseListing) -> [String: String] {
    Dictionary(uniqueKeysWithValues: listing.cases.map { ($0.id, $0.path) })
  }
}
