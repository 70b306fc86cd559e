import Foundation
import Imaging

/// What TotalSegmentator does around one or several nnU-Net models (version 2.18).
///
/// Wasserthal et al. 2023, "TotalSegmentator: robust segmentation of 104 anatomic structures in CT
/// images". The labels of each model are joined to those of the task by the structures' names.
package struct TotalSegmentatorTask: Sendable, Equatable {
  /// How fine the models of one task are.
  package enum Mode: String, Sendable, Codable { case standard, fast, fastest }

  /// What a task's scans are.
  package enum Modality: String, Sendable, Codable { case ct = "CT", mr = "MR" }

  /// A model whose labels are part of the task's.
  package struct Part: Sendable, Equatable {
    /// The data set's name without the number of its subjects, such as
    /// "Dataset298_TotalSegmentator_total_6mm".
    package let dataset: String
    /// The names of its labels 1, 2, ...
    package let structures: [String]

    init(_ dataset: String, _ structures: StructureList) {
      self.dataset = dataset
      self.structures = structures.names
    }

    /// The number in the data set's name.
    package var number: Int { Self.number(ofDataset: dataset) ?? 0 }

    /// The number in a name such as "Dataset298_TotalSegmentator_total_6mm_1559subj".
    static func number(ofDataset name: String) -> Int? {
      guard name.hasPrefix("Dataset") else { return nil }
      return Int(name.dropFirst(7).prefix { $0.isNumber })
    }
  }

  /// A region around structures that another model finds; the task's model sees nothing else.
  package struct Crop: Sendable, Equatable {
    /// The model that finds the structures.
    package enum Finder: String, Sendable {
      case total6mm, total3mm, totalMR3mm, body, craniofacial
    }

    /// The model.
    package let finder: Finder
    /// Its structures.
    package let structures: [String]
    /// What is added on every side, mm.
    package let marginMM: Double

    /// Of a task that names no model of its own for cropping, version 2.18 takes this margin and
    /// leaves the task's own aside.
    private static let usualMarginMM = 20.0

    init(_ finder: Finder, _ structures: [String], marginMM: Double? = nil) {
      self.finder = finder
      self.structures = structures
      self.marginMM = marginMM ?? Self.usualMarginMM
    }

    /// The finder's task.
    package var task: TotalSegmentatorTask? {
      switch finder {
      case .total6mm: TotalSegmentatorTask.named("total", mode: .fastest)
      case .total3mm: TotalSegmentatorTask.named("total", mode: .fast)
      case .totalMR3mm: TotalSegmentatorTask.named("total_mr", mode: .fast)
      case .body: TotalSegmentatorTask.named("body", mode: .fast)
      case .craniofacial: TotalSegmentatorTask.named("craniofacial_structures", mode: .standard)
      }
    }
  }

  /// Structures of the cropping model around which labels are kept.
  package struct Outside: Sendable, Equatable {
    /// The structures.
    package let structures: [String]
    /// How far from them labels are kept, mm.
    package let distanceMM: Double

    init(_ structures: [String], withinMM distanceMM: Double) {
      self.structures = structures
      self.distanceMM = distanceMM
    }
  }

  /// What is mended in every label map of a task, on the models' grid.
  package enum Cleaning: String, Sendable {
    case none
    /// The trunk's largest piece is kept, and of the limbs what is larger than 50 ml.
    case body
    /// Vertebrae that touch are told apart by their order, then grow by 3 mm.
    case vertebrae
  }

  /// The task's name, such as "total".
  package let name: String
  /// How fine the models are.
  package let mode: Mode
  /// The names of the labels 1, 2, ...
  package let structures: [String]
  /// The models; labels of later ones are drawn over those of earlier ones.
  package let parts: [Part]
  /// The grid's spacing along right, anterior, superior, mm; nil where nnU-Net resamples itself.
  package let spacing: [Double]?
  /// nnU-Net's step between tiles.
  package let step: Double
  /// The folds that are averaged; nil for all.
  package let folds: [Int]?
  /// What the scans are.
  package let modality: Modality
  /// Where the models look, or nil for everywhere.
  package let crop: Crop?
  /// Labels that helped in training and are cleared.
  package let auxiliary: ClosedRange<Int>?
  /// Around what labels are kept, or nil for everywhere.
  package let outside: Outside?
  /// What is mended.
  package let cleaning: Cleaning
  /// Whether the weights come with a licence that must be asked for.
  package let needsLicence: Bool

  init(
    name: String,
    mode: Mode = .standard,
    structures: StructureList,
    parts: [Part],
    spacing: [Double]? = nil,
    step: Double = 0.5,
    folds: [Int]? = [0],
    modality: Modality = .ct,
    crop: Crop? = nil,
    auxiliary: ClosedRange<Int>? = nil,
    outside: Outside? = nil,
    cleaning: Cleaning = .none,
    needsLicence: Bool = false
  ) {
    self.name = name
    self.mode = mode
    self.structures = structures.names
    self.parts = parts
    self.spacing = spacing
    self.step = step
    self.folds = folds
    self.modality = modality
    self.crop = crop
    self.auxiliary = auxiliary
    self.outside = outside
    self.cleaning = cleaning
    self.needsLicence = needsLicence
  }

  // MARK: - Finding

  /// The task of a name.
  /// - Parameters:
  ///   - name: Such as "total".
  ///   - mode: How fine its models are.
  /// - Returns: The task, or nil.
  package static func named(_ name: String, mode: Mode) -> TotalSegmentatorTask? {
    all.first { $0.name == name && $0.mode == mode }
  }

  /// The task that a data set belongs to, and as which of its parts.
  ///
  /// The name decides, up to the number of subjects and what follows it; then the labels must be
  /// those of the part, so that a data set of somebody else with the same name is not taken for it.
  /// - Parameters:
  ///   - dataset: The data set's name with its number, as in nnU-Net's plans.
  ///   - labels: The data set's labels by their names, without background.
  /// - Returns: The first task that fits, or nil.
  package static func recognised(
    dataset: String,
    labels: [String: Int]
  ) -> (task: TotalSegmentatorTask, part: Int)? {
    for task in all {
      for (index, part) in task.parts.enumerated() where isNamed(dataset, part.dataset) {
        let numbers = Set(labels.values)
        let own = 1...part.structures.count
        let extra = task.auxiliary.map { Set($0) } ?? []
        guard numbers.isSuperset(of: own), numbers.subtracting(own).isSubset(of: extra) else {
          continue
        }
        return (task, index)
      }
    }
    return nil
  }

  private static func isNamed(_ dataset: String, _ known: String) -> Bool {
    guard dataset.hasPrefix(known) else { return false }
    let rest = dataset.dropFirst(known.count)
    return rest.isEmpty || rest.first == "_"
  }

  // MARK: - Labels

  /// The task's labels with their codes and colours.
  package var definitions: [LabelDefinition] {
    structures.enumerated().map { index, name in
      LabelDefinition(
        id: index + 1,
        name: name,
        color: TotalSegmentatorCodes.color(of: name) ?? LabelDefinition.defaultColor(index),
        code: TotalSegmentatorCodes.code(of: name)
      )
    }
  }

  /// The task's label for each label of a part; auxiliary labels become 0.
  /// - Parameter part: Which part.
  /// - Returns: As many numbers as the part has labels, and 0 for background first.
  package func numbers(ofPart part: Int) -> [UInt16] {
    [0]
      + parts[part].structures.map { name in
        UInt16((structures.firstIndex(of: name) ?? -1) + 1)
      }
  }
}
