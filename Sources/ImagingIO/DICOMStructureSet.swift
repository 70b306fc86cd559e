public import Foundation
import Imaging

/// How a DICOM radiotherapy structure set is named and who made it.
public struct DICOMStructureSetOptions: Sendable, Equatable {
  /// What the structure is to treatment planning (RT ROI Interpreted Type, PS3.3 C.8.8.8).
  ///
  /// Nothing is assumed of a structure: without an entry the attribute is empty.
  public enum InterpretedType: String, Sendable, Codable, CaseIterable {
    case organ = "ORGAN"
    case externalContour = "EXTERNAL"
    case grossTumorVolume = "GTV"
    case clinicalTargetVolume = "CTV"
    case planningTargetVolume = "PTV"
    case avoidance = "AVOIDANCE"
    case cavity = "CAVITY"
    case contrastAgent = "CONTRAST_AGENT"
    case support = "SUPPORT"
    case control = "CONTROL"
  }

  /// Structure Set Label, at most 16 characters.
  public var label: String
  /// Series Description; the notice of research use is added.
  public var seriesDescription: String
  /// Series Number.
  public var seriesNumber: Int
  /// What computed the labels, such as a model's name.
  public var algorithmName: String
  /// Its version.
  public var algorithmVersion: String
  /// When the labels were computed.
  public var date: Date
  /// By label number, what structures are to treatment planning.
  public var interpretedTypes: [Int: InterpretedType]
  /// The zone of dates when the source does not state one.
  public var timeZone: TimeZone = .current

  /// Describes a structure set.
  /// - Parameters:
  ///   - label: Structure Set Label, at most 16 characters.
  ///   - seriesDescription: Series Description without the notice.
  ///   - seriesNumber: Series Number.
  ///   - algorithmName: What computed the labels.
  ///   - algorithmVersion: Its version.
  ///   - date: When the labels were computed.
  ///   - interpretedTypes: What structures are to treatment planning, by label number.
  public init(
    label: String = "Lamina",
    seriesDescription: String = "Contours",
    seriesNumber: Int = 9020,
    algorithmName: String,
    algorithmVersion: String,
    date: Date,
    interpretedTypes: [Int: InterpretedType] = [:]
  ) {
    self.label = label
    self.seriesDescription = seriesDescription
    self.seriesNumber = seriesNumber
    self.algorithmName = algorithmName
    self.algorithmVersion = algorithmVersion
    self.date = date
    self.interpretedTypes = interpretedTypes
  }
}

/// Elements of structure sets (PS3.3 C.8.8.5, C.8.8.6, C.8.8.8).
enum StructureSetTag {
  static let classUID = "1.2.840.10008.5.1.4.1.1.481.3"

  static let label: UInt32 = 0x3006_0002
  static let description: UInt32 = 0x3006_0006
  static let date: UInt32 = 0x3006_0008
  static let time: UInt32 = 0x3006_0009
  static let referencedFrames: UInt32 = 0x3006_0010
  static let referencedStudies: UInt32 = 0x3006_0012
  static let referencedSeries: UInt32 = 0x3006_0014
  static let contourImages: UInt32 = 0x3006_0016
  static let regions: UInt32 = 0x3006_0020
  static let regionNumber: UInt32 = 0x3006_0022
  static let regionFrame: UInt32 = 0x3006_0024
  static let regionName: UInt32 = 0x3006_0026
  static let color: UInt32 = 0x3006_002A
  static let algorithm: UInt32 = 0x3006_0036
  static let derivationAlgorithm: UInt32 = 0x3006_0037
  static let generation: UInt32 = 0x3006_0038
  static let regionContours: UInt32 = 0x3006_0039
  static let contours: UInt32 = 0x3006_0040
  static let contourType: UInt32 = 0x3006_0042
  static let pointCount: UInt32 = 0x3006_0046
  static let contourNumber: UInt32 = 0x3006_0048
  static let points: UInt32 = 0x3006_0050
  static let observations: UInt32 = 0x3006_0080
  static let observationNumber: UInt32 = 0x3006_0082
  static let referencedRegion: UInt32 = 0x3006_0084
  static let identification: UInt32 = 0x3006_0086
  static let interpretedType: UInt32 = 0x3006_00A4
  static let interpreter: UInt32 = 0x3006_00A6

  static let referencedFrame: UInt32 = 0x0020_0052
  static let referencedClass: UInt32 = 0x0008_1150
  static let referencedInstance: UInt32 = 0x0008_1155
  static let referencedFrameNumber: UInt32 = 0x0008_1160
}
