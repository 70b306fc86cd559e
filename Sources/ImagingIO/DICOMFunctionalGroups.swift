import Imaging

/// Frames of enhanced multi-frame objects: each has its own functional groups, or shares them with
/// all (PS3.3 C.7.6.16).
struct DICOMFunctionalGroups {
  private let shared: DICOMItem?
  private let own: DICOMItem

  /// The item of a functional group for the frame: its own, else the shared one.
  private func group(_ tag: UInt32) -> DICOMItem? { own.item(tag) ?? shared?.item(tag) }

  /// The frames of an object.
  /// - Parameters:
  ///   - base: A frame of the file, with what holds for all.
  ///   - root: The main data set.
  /// - Returns: The frames in the order of the file.
  /// - Throws: `DICOMBlocker` when frames are not described.
  static func frames(
    _ base: DICOMFrame,
    root: DICOMItem
  ) throws(DICOMBlocker) -> [DICOMFrame] {
    let count = base.instance.pixels?.frames ?? 0
    let items = root.element(DICOMTag.perFrameGroups)?.items ?? 0
    guard items >= count else {
      throw .damaged(
        path: base.instance.path,
        reason: "it describes \(items) of its \(count) frames"
      )
    }
    let shared = root.item(DICOMTag.sharedGroups)
    let dimensions = dimensions(root)
    var frames: [DICOMFrame] = []
    for index in 0..<count {
      guard let own = root.item(DICOMTag.perFrameGroups, at: index) else { break }
      var frame = base
      frame.index = index
      Self(shared: shared, own: own).describe(&frame, dimensions: dimensions)
      frames.append(frame)
    }
    // Frames without a place, such as those of enhanced angiography, follow each other in time.
    if frames.allSatisfy({ $0.plane == nil }), frames.count > 1 {
      for index in frames.indices { frames[index].facts[.frameNumber] = .number(Double(index + 1)) }
    }
    return frames
  }

  /// Which of the dimension indices do not count places.
  private static func dimensions(_ root: DICOMItem) -> [Int] {
    let spatial: Set<UInt32> = [
      DICOMTag.stackID, DICOMTag.inStackPosition, DICOMTag.position, DICOMTag.planePosition,
    ]
    return root.items(DICOMTag.dimensionIndexSequence).prefix(16).enumerated().compactMap {
      index,
      item in
      guard let bytes = item.bytes(DICOMTag.dimensionIndexPointer), bytes.count == 4 else {
        return nil
      }
      let group = UInt32(bytes[0]) | UInt32(bytes[1]) << 8
      let element = UInt32(bytes[2]) | UInt32(bytes[3]) << 8
      return spatial.contains(group << 16 | element) ? nil : index
    }
  }

  private func describe(_ frame: inout DICOMFrame, dimensions: [Int]) {
    let modality = frame.instance.modality
    let plane = DICOMPlane(
      orientation: group(DICOMTag.planeOrientation)?.numbers(DICOMTag.orientation),
      position: group(DICOMTag.planePosition)?.numbers(DICOMTag.position)
    )
    frame.plane = plane ?? frame.plane
    if let measures = group(DICOMTag.pixelMeasures) {
      frame.setPixelSpacing(measures.numbers(DICOMTag.pixelSpacing))
      frame.facts[.sliceThickness] = .maybe(measures.number(DICOMTag.sliceThickness))
      frame.sliceSpacing =
        [DICOMTag.spacingBetweenSlices, DICOMTag.sliceThickness]
        .lazy.compactMap { measures.number($0) }.first { $0 > 0 } ?? frame.sliceSpacing
    }
    if let transformation = group(DICOMTag.valueTransformation) {
      frame.setRescale(
        slope: transformation.number(DICOMTag.rescaleSlope),
        intercept: transformation.number(DICOMTag.rescaleIntercept)
      )
    }
    if let content = group(DICOMTag.frameContent) { describe(&frame, content, dimensions) }
    let typeTags = [DICOMTag.mrFrameType, DICOMTag.ctFrameType, DICOMTag.petFrameType]
    if let type = typeTags.lazy.compactMap({ group($0) }).first {
      let words = type.texts(DICOMTag.frameType)
      if !words.isEmpty { frame.facts[.imageType] = .text(words.joined(separator: "\\")) }
      frame.kind = DICOMImageKind(
        imageType: words.isEmpty ? frame.instance.imageType : words,
        complexComponent: type.text(DICOMTag.complexComponent),
        modality: modality
      )
    }
    if let echo = group(DICOMTag.mrEcho)?.number(DICOMTag.effectiveEchoTime) {
      frame.facts[.echoTime] = .number(echo)
    }
    if let diffusion = group(DICOMTag.mrDiffusion) {
      frame.facts[.diffusionBValue] = .maybe(diffusion.number(DICOMTag.diffusionBValue))
      frame.facts[.gradient] = DICOMFrames.gradient(
        diffusion.item(DICOMTag.gradientDirections)?.numbers(DICOMTag.gradientOrientation)
      )
    }
    if let timing = group(DICOMTag.mrTiming) {
      frame.facts[.flipAngle] = .maybe(timing.number(DICOMTag.flipAngle))
      frame.facts[.repetitionTime] = .maybe(timing.number(DICOMTag.repetitionTime))
    }
    if let inversion = group(DICOMTag.mrModifier)?.number(DICOMTag.inversionTimes) {
      frame.facts[.inversionTime] = .number(inversion)
    }
    if let kernel = group(DICOMTag.ctReconstruction)?.texts(DICOMTag.convolutionKernel) {
      frame.facts[.kernel] = .maybe(kernel.joined(separator: "\\"))
    }
    if let cardiac = group(DICOMTag.cardiacSynchronization) {
      frame.facts[.cardiacPhase] = .maybe(cardiac.number(DICOMTag.cardiacPercentage))
      frame.facts[.triggerTime] = .maybe(cardiac.number(DICOMTag.triggerDelay))
    }
  }

  private func describe(_ frame: inout DICOMFrame, _ content: DICOMItem, _ dimensions: [Int]) {
    frame.facts[.stack] = .maybe(content.text(DICOMTag.stackID))
    frame.facts[.temporalPosition] = .maybe(content.number(DICOMTag.temporalPositionIndex))
    if let number = content.number(DICOMTag.frameAcquisitionNumber) {
      frame.facts[.acquisitionNumber] = .number(number)
    }
    if let time = content.text(DICOMTag.frameAcquisitionDateTime) {
      frame.facts[.acquisitionTime] = .maybe(DICOMTime.seconds(dateTime: time))
    }
    if let indices = content.numbers(DICOMTag.dimensionIndexValues) {
      let others = dimensions.filter(indices.indices.contains).map { "\(indices[$0])" }
      frame.facts[.dimension] = .maybe(others.joined(separator: " "))
    }
  }
}
