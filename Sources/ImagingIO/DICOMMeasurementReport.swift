public import Foundation
public import Imaging

/// Measurements of segmented structures, as an Imaging Measurement Report holds them
/// (PS3.16 TID 1500).
public struct MeasurementReport: Sendable, Equatable {
  /// One number of a structure.
  public struct Measurement: Sendable, Equatable {
    /// What was measured.
    public var concept: CodedConcept
    /// Which number of many it is, such as the mean, or nil.
    public var derivation: CodedConcept?
    /// How it was measured, or nil.
    public var method: CodedConcept?
    /// The number; one that is not finite is not written, as readers stumble over numbers without a
    /// value.
    public var value: Double
    /// The unit, a code of UCUM.
    public var unit: CodedConcept

    /// Creates a measurement.
    /// - Parameters:
    ///   - concept: What was measured.
    ///   - derivation: Which number of many it is.
    ///   - method: How it was measured.
    ///   - value: The number.
    ///   - unit: The unit, a code of UCUM.
    public init(
      _ concept: CodedConcept,
      derivation: CodedConcept? = nil,
      method: CodedConcept? = nil,
      value: Double,
      unit: CodedConcept
    ) {
      self.concept = concept
      self.derivation = derivation
      self.method = method
      self.value = value
      self.unit = unit
    }
  }

  /// The measurements of one structure.
  public struct Group: Sendable, Equatable {
    /// The structure; its code is the finding.
    public var definition: LabelDefinition
    /// The layer of the segmentation that it belongs to, from 1.
    public var layer: Int
    /// The numbers.
    public var measurements: [Measurement]

    /// Creates a group.
    /// - Parameters:
    ///   - definition: The structure.
    ///   - layer: The layer of the segmentation that it belongs to, from 1.
    ///   - measurements: The numbers.
    public init(definition: LabelDefinition, layer: Int = 1, measurements: [Measurement]) {
      self.definition = definition
      self.layer = layer
      self.measurements = measurements
    }
  }

  /// The structures.
  public var groups: [Group]
  /// What computed the segmentation, such as a model's name.
  public var algorithmName: String
  /// Its version.
  public var algorithmVersion: String
  /// When the measurements were made.
  public var date: Date
  /// Series Description, to which the notice of research use is added.
  public var seriesDescription = "Measurements"
  /// Series Number.
  public var seriesNumber = 9030
  /// The zone of dates when the source does not state one.
  public var timeZone: TimeZone = .current

  /// Creates a report.
  /// - Parameters:
  ///   - groups: The structures.
  ///   - algorithmName: What computed the segmentation.
  ///   - algorithmVersion: Its version.
  ///   - date: When the measurements were made.
  public init(groups: [Group], algorithmName: String, algorithmVersion: String, date: Date) {
    self.groups = groups
    self.algorithmName = algorithmName
    self.algorithmVersion = algorithmVersion
    self.date = date
  }
}

extension MeasurementReport.Measurement {
  /// Which number of all voxels of a structure is meant.
  public enum Statistic: String, Sendable, CaseIterable, Codable {
    case mean, standardDeviation, minimum, maximum

    /// The code (PS3.16 CID 7464).
    var code: CodedConcept {
      switch self {
      case .mean: CodedConcept(value: "373098007", scheme: "SCT", meaning: "Mean")
      case .standardDeviation:
        CodedConcept(value: "386136009", scheme: "SCT", meaning: "Standard Deviation")
      case .minimum: CodedConcept(value: "255605001", scheme: "SCT", meaning: "Minimum")
      case .maximum: CodedConcept(value: "56851009", scheme: "SCT", meaning: "Maximum")
      }
    }
  }

  /// What the values of voxels are.
  public enum Intensity: String, Sendable, CaseIterable, Codable {
    /// CT in Hounsfield units.
    case hounsfield
    /// Signal of magnetic resonance, without a unit.
    case magneticResonance
    /// PET standardised uptake by body weight, g/ml.
    case uptakeByWeight
    /// Anything else, in arbitrary units.
    case arbitrary

    /// The code of the quantity.
    var code: CodedConcept {
      switch self {
      case .hounsfield:
        CodedConcept(value: "112031", scheme: "DCM", meaning: "Attenuation Coefficient")
      case .magneticResonance:
        CodedConcept(value: "110852", scheme: "DCM", meaning: "MR signal intensity")
      case .uptakeByWeight: CodedConcept(value: "126401", scheme: "DCM", meaning: "SUVbw")
      case .arbitrary:
        CodedConcept(value: "VOXELVALUE", scheme: "99LAMINA", meaning: "Voxel value")
      }
    }

    /// The unit in UCUM, which has a code for Hounsfield units.
    var unit: CodedConcept {
      switch self {
      case .hounsfield:
        CodedConcept(value: "[hnsf'U]", scheme: "UCUM", meaning: "Hounsfield unit")
      case .magneticResonance: CodedConcept(value: "1", scheme: "UCUM", meaning: "no units")
      case .uptakeByWeight:
        CodedConcept(
          value: "g/ml{SUVbw}",
          scheme: "UCUM",
          meaning: "Standardized Uptake Value body weight"
        )
      case .arbitrary:
        CodedConcept(value: "[arb'U]", scheme: "UCUM", meaning: "arbitrary unit")
      }
    }
  }

  /// The volume as the sum of the structure's voxels.
  /// - Parameter value: Millilitres.
  /// - Returns: The measurement.
  public static func volume(ml value: Double) -> Self {
    Self(
      CodedConcept(value: "118565006", scheme: "SCT", meaning: "Volume"),
      method: CodedConcept(
        value: "126030",
        scheme: "DCM",
        meaning: "Sum of segmented voxel method for volume"
      ),
      value: value,
      unit: CodedConcept(value: "ml", scheme: "UCUM", meaning: "milliliter")
    )
  }

  /// The largest distance of two points of the structure's surface.
  /// - Parameter value: Millimetres.
  /// - Returns: The measurement.
  public static func largestDiameter(mm value: Double) -> Self {
    Self(
      CodedConcept(value: "L0JK", scheme: "IBSI", meaning: "Maximum 3D Diameter of a Mesh"),
      value: value,
      unit: CodedConcept(value: "mm", scheme: "UCUM", meaning: "mm")
    )
  }

  /// A statistic of the structure's voxels.
  /// - Parameters:
  ///   - statistic: Which one.
  ///   - value: The number, in the unit of the intensity.
  ///   - intensity: What the values of voxels are.
  /// - Returns: The measurement.
  public static func intensity(
    _ statistic: Statistic,
    value: Double,
    of intensity: Intensity
  ) -> Self {
    Self(intensity.code, derivation: statistic.code, value: value, unit: intensity.unit)
  }
}
