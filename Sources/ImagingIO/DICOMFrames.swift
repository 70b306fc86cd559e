import Imaging

/// Finds the frames of a file: which images it holds, and where each lies.
enum DICOMFrames {
  /// The frames of a file; one with a blocker when they cannot be read.
  static func frames(of instance: DICOMInstance, file: DICOMFile) -> [DICOMFrame] {
    let root = file.root
    var base = DICOMFrame(instance)
    base.kind = DICOMImageKind(
      imageType: instance.imageType,
      complexComponent: file.text(DICOMTag.complexComponent)
        ?? gePart(of: root, modality: instance.modality),
      modality: instance.modality
    )
    base.plane = DICOMPlane(
      orientation: file.numbers(DICOMTag.orientation),
      position: file.numbers(DICOMTag.position)
    )
    base.setPixelSpacing(file.numbers(DICOMTag.pixelSpacing))
    base.sliceSpacing = [DICOMTag.spacingBetweenSlices, DICOMTag.sliceThickness]
      .lazy.compactMap { file.number($0) }.first { $0 > 0 }
    base.setRescale(
      slope: file.number(DICOMTag.rescaleSlope),
      intercept: file.number(DICOMTag.rescaleIntercept)
    )
    base.facts = facts(file, root: root, modality: instance.modality)
    do throws(DICOMBlocker) {
      try instance.checkReadable()
      if instance.isEnhanced { return try DICOMFunctionalGroups.frames(base, root: root) }
      if instance.isMosaic { return try DICOMMosaic.frames(base, root: root) }
      let vectors = [DICOMTag.gridFrameOffsets, DICOMTag.sliceVector]
      guard
        (instance.pixels?.frames ?? 1) > 1 || vectors.contains(where: { root.element($0) != nil })
      else { return [base] }
      return try DICOMMultiFrame.frames(base, root: root)
    } catch {
      base.blocker = error
      return [base]
    }
  }

  // MARK: - What tells images apart

  private static let numbers: [(DICOMDiscriminator, UInt32)] = [
    (.kilovolts, DICOMTag.kilovolts), (.echoTime, DICOMTag.echoTime),
    (.inversionTime, DICOMTag.inversionTime), (.flipAngle, DICOMTag.flipAngle),
    (.repetitionTime, DICOMTag.repetitionTime), (.sliceThickness, DICOMTag.sliceThickness),
    (.temporalPosition, DICOMTag.temporalPosition),
    (.cardiacPhase, DICOMTag.cardiacPercentage), (.triggerTime, DICOMTag.triggerTime),
    (.frameReferenceTime, DICOMTag.frameReferenceTime),
    (.acquisitionNumber, DICOMTag.acquisitionNumber),
  ]

  private static func facts(
    _ file: DICOMFile,
    root: DICOMItem,
    modality: String?
  ) -> [DICOMDiscriminator: DICOMFact] {
    var facts: [DICOMDiscriminator: DICOMFact] = [:]
    for (discriminator, tag) in numbers { facts[discriminator] = .maybe(file.number(tag)) }
    let type = root.texts(DICOMTag.imageType).joined(separator: "\\")
    facts[.imageType] = .maybe(type)
    facts[.kernel] = .maybe(root.texts(DICOMTag.convolutionKernel).joined(separator: "\\"))
    facts[.acquisitionTime] = .maybe(
      DICOMTime.seconds(dateTime: file.text(DICOMTag.acquisitionDateTime))
        ?? DICOMTime.seconds(
          date: file.text(DICOMTag.acquisitionDate),
          time: file.text(DICOMTag.acquisitionTime)
        ) ?? DICOMTime.secondsOfDay(file.text(DICOMTag.acquisitionTime))
    )
    if modality == "MR" {
      facts[.diffusionBValue] = .maybe(DICOMPrivate.diffusionBValue(root))
      facts[.gradient] = gradient(
        root.numbers(DICOMTag.gradientOrientation) ?? DICOMPrivate.gradient(root)
      )
    }
    return facts
  }

  /// A gradient direction as text, rounded as headers are; none for no direction.
  static func gradient(_ direction: [Double]?) -> DICOMFact? {
    guard let direction, direction.count == 3, direction.contains(where: { abs($0) > 1e-6 }),
      direction.allSatisfy({ abs($0) < 1e6 })
    else { return nil }
    return .text(
      direction.map { "\(($0 * 10_000).rounded() / 10_000 + 0)" }.joined(separator: " ")
    )
  }

  /// Part of complex images by GE (0043,xx2F): 0 magnitude, 1 phase, 2 real, 3 imaginary.
  private static func gePart(of root: DICOMItem, modality: String?) -> String? {
    guard modality == "MR",
      let part = DICOMPrivate.numbers(
        root,
        group: 0x43,
        creator: "GEMS_PARM_01",
        element: 0x2F
      )?.first
    else { return nil }
    switch part {
    case 1: return "PHASE"
    case 2: return "REAL"
    case 3: return "IMAGINARY"
    default: return nil
    }
  }
}

/// Well-known private elements.
enum DICOMPrivate {
  /// The tag of a private element, by the block that its creator has reserved (PS3.5 7.8.1).
  static func tag(_ item: DICOMItem, group: UInt32, creator: String, element: UInt32) -> UInt32? {
    for block in UInt32(0x10)...0x1F where item.text(group << 16 | block) == creator {
      return group << 16 | block << 8 | element
    }
    return nil
  }

  /// The numbers of a private element, also where an archive forgot their representation.
  static func numbers(
    _ item: DICOMItem,
    group: UInt32,
    creator: String,
    element: UInt32
  ) -> [Double]? {
    guard let tag = tag(item, group: group, creator: creator, element: element),
      let found = item.element(tag)
    else { return nil }
    if found.vr != "UN" { return item.numbers(tag) }
    guard let bytes = item.bytes(tag), bytes.count <= 256 else { return nil }
    let values = String(decoding: bytes, as: UTF8.self).split(separator: "\\")
      .map { Double(DICOMFile.trimmed($0.prefix { $0 != "\0" })) }
    let numbers = values.compactMap(\.self).filter(\.isFinite)
    return numbers.count == values.count && !numbers.isEmpty ? numbers : nil
  }

  /// The b-value in s/mm², by the standard or by Siemens, GE and Philips.
  static func diffusionBValue(_ item: DICOMItem) -> Double? {
    if let value = item.number(DICOMTag.diffusionBValue) { return value }
    if let value = numbers(item, group: 0x19, creator: "SIEMENS MR HEADER", element: 0x0C)?.first {
      return value
    }
    if let value = numbers(item, group: 0x43, creator: "GEMS_PARM_01", element: 0x39)?.first {
      // Newer systems add 10^9 as a mark.
      return value >= 1e9 ? value - 1e9 : value
    }
    return numbers(item, group: 0x2001, creator: "Philips Imaging DD 001", element: 0x03)?.first
  }

  /// The direction of the diffusion gradient by Siemens.
  static func gradient(_ item: DICOMItem) -> [Double]? {
    numbers(item, group: 0x19, creator: "SIEMENS MR HEADER", element: 0x0E)
  }
}
