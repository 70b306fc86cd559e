/// The elements that volumes are made of, beside those of `DICOMTag` itself (PS3.6).
extension DICOMTag {
  // Identity.
  static let studyUID: UInt32 = 0x0020_000D
  static let frameOfReferenceUID: UInt32 = 0x0020_0052
  static let instanceNumber: UInt32 = 0x0020_0013
  // Acquisition.
  static let seriesDate: UInt32 = 0x0008_0021
  static let acquisitionDate: UInt32 = 0x0008_0022
  static let acquisitionDateTime: UInt32 = 0x0008_002A
  static let seriesTime: UInt32 = 0x0008_0031
  static let acquisitionTime: UInt32 = 0x0008_0032
  static let frameType: UInt32 = 0x0008_9007
  static let complexComponent: UInt32 = 0x0008_9208
  static let kilovolts: UInt32 = 0x0018_0060
  static let repetitionTime: UInt32 = 0x0018_0080
  static let inversionTime: UInt32 = 0x0018_0082
  static let convolutionKernel: UInt32 = 0x0018_1210
  static let frameDuration: UInt32 = 0x0018_1242
  static let flipAngle: UInt32 = 0x0018_1314
  static let frameReferenceTime: UInt32 = 0x0054_1300
  static let gradientOrientation: UInt32 = 0x0018_9089
  // Pixels.
  static let numberOfFrames: UInt32 = 0x0028_0008
  static let samplesPerPixel: UInt32 = 0x0028_0002
  static let rows: UInt32 = 0x0028_0010
  static let columns: UInt32 = 0x0028_0011
  static let paddingValue: UInt32 = 0x0028_0120
  static let paddingLimit: UInt32 = 0x0028_0121
  static let tableDescriptor: UInt32 = 0x0028_3002
  static let tableData: UInt32 = 0x0028_3006
  static let realWorldValues: UInt32 = 0x0040_9096
  static let totalMatrixColumns: UInt32 = 0x0048_0006
  // Functional groups (PS3.3 C.7.6.16).
  static let sharedGroups: UInt32 = 0x5200_9229
  static let frameContent: UInt32 = 0x0020_9111
  static let planePosition: UInt32 = 0x0020_9113
  static let planeOrientation: UInt32 = 0x0020_9116
  static let pixelMeasures: UInt32 = 0x0028_9110
  static let valueTransformation: UInt32 = 0x0028_9145
  static let mrEcho: UInt32 = 0x0018_9114
  static let effectiveEchoTime: UInt32 = 0x0018_9082
  static let mrDiffusion: UInt32 = 0x0018_9117
  static let gradientDirections: UInt32 = 0x0018_9076
  static let mrTiming: UInt32 = 0x0018_9112
  static let mrModifier: UInt32 = 0x0018_9115
  static let inversionTimes: UInt32 = 0x0018_9079
  static let mrFrameType: UInt32 = 0x0018_9226
  static let ctFrameType: UInt32 = 0x0018_9329
  static let petFrameType: UInt32 = 0x0018_9751
  static let ctReconstruction: UInt32 = 0x0018_9314
  static let cardiacSynchronization: UInt32 = 0x0018_9118
  static let cardiacPercentage: UInt32 = 0x0020_9241
  static let triggerDelay: UInt32 = 0x0020_9153
  static let stackID: UInt32 = 0x0020_9056
  static let inStackPosition: UInt32 = 0x0020_9057
  static let temporalPositionIndex: UInt32 = 0x0020_9128
  static let frameAcquisitionNumber: UInt32 = 0x0020_9156
  static let frameAcquisitionDateTime: UInt32 = 0x0018_9074
  static let dimensionIndexValues: UInt32 = 0x0020_9157
  static let dimensionIndexSequence: UInt32 = 0x0020_9222
  static let dimensionIndexPointer: UInt32 = 0x0020_9165
  // Frames of older multi-frame objects.
  static let gridFrameOffsets: UInt32 = 0x3004_000C
  static let doseGridScaling: UInt32 = 0x3004_000E
  static let detectorInformation: UInt32 = 0x0054_0022
  static let energyWindowVector: UInt32 = 0x0054_0010
  static let detectorVector: UInt32 = 0x0054_0020
  static let phaseVector: UInt32 = 0x0054_0030
  static let rotationVector: UInt32 = 0x0054_0050
  static let rrIntervalVector: UInt32 = 0x0054_0060
  static let timeSlotVector: UInt32 = 0x0054_0070
  static let sliceVector: UInt32 = 0x0054_0080
}
