import Imaging

/// Frames of older multi-frame objects: planes of a dose grid or of nuclear medicine, or pictures
/// that follow each other in time.
enum DICOMMultiFrame {
  /// The frames of an object of several, or of a dose grid of one.
  /// - Parameters:
  ///   - base: A frame of the file, with what holds for all.
  ///   - root: The main data set.
  /// - Returns: The frames in the order of the file.
  /// - Throws: `DICOMBlocker` when the header does not tell where they lie.
  static func frames(
    _ base: DICOMFrame,
    root: DICOMItem
  ) throws(DICOMBlocker) -> [DICOMFrame] {
    let count = base.instance.pixels?.frames ?? 0
    var base = base
    if let scaling = root.number(DICOMTag.doseGridScaling) {
      base.setRescale(slope: scaling, intercept: 0)
    }
    if let offsets = root.numbers(DICOMTag.gridFrameOffsets), base.plane != nil {
      return try grid(base, offsets: offsets, count: count)
    }
    if let slices = root.numbers(DICOMTag.sliceVector),
      root.element(DICOMTag.rotationVector) == nil
    {
      return try nuclear(base, slices: slices, root: root, count: count)
    }
    guard count > 1 else { return [base] }
    guard base.plane == nil, base.instance.mayHoldTimeSeries else {
      throw .unsupported(
        path: base.instance.path,
        code: "multi-frame",
        what: "\(count) frames whose places the header does not tell",
        remedy: "export it as single-frame slices"
      )
    }
    return (0..<count).map { index in
      var frame = base
      frame.index = index
      frame.facts[.frameNumber] = .number(Double(index + 1))
      return frame
    }
  }

  /// Planes of a dose grid (Grid Frame Offset Vector, PS3.3 C.8.8.3.2).
  private static func grid(
    _ base: DICOMFrame,
    offsets: [Double],
    count: Int
  ) throws(DICOMBlocker) -> [DICOMFrame] {
    let path = base.instance.path
    guard offsets.count == count, let plane = base.plane, let first = offsets.first,
      offsets.allSatisfy({ abs($0) < DICOMPlane.farthest })
    else {
      throw .damaged(path: path, reason: "\(offsets.count) plane offsets for \(count) frames")
    }
    let normal = plane.direction.columns[2]
    // Offsets that do not begin with 0 are patient coordinates of transverse planes.
    let isAbsolute = first != 0
    guard !isAbsolute || (abs(normal.z) > 0.999 && abs(first - plane.position.z) < 0.01) else {
      throw .damaged(
        path: path,
        reason: "its plane offsets begin with \(first) mm, which is neither 0 nor its position"
      )
    }
    return offsets.enumerated().map { index, offset in
      var frame = base
      frame.index = index
      let shift = isAbsolute ? SIMD3(0, 0, offset - first) : normal * offset
      frame.plane?.position += shift
      return frame
    }
  }

  /// Slices of reconstructed nuclear medicine (PS3.3 C.8.4.8, C.8.4.15).
  private static func nuclear(
    _ base: DICOMFrame,
    slices: [Double],
    root: DICOMItem,
    count: Int
  ) throws(DICOMBlocker) -> [DICOMFrame] {
    let detector = root.item(DICOMTag.detectorInformation)
    let plane =
      base.plane
      ?? DICOMPlane(
        orientation: detector?.numbers(DICOMTag.orientation),
        position: detector?.numbers(DICOMTag.position)
      )
    guard slices.count == count, slices.allSatisfy({ $0 >= 1 && $0 < 65536 }) else {
      throw .damaged(
        path: base.instance.path,
        reason: "\(slices.count) slice numbers for \(count) frames"
      )
    }
    guard let plane, let gap = root.number(DICOMTag.spacingBetweenSlices), gap != 0,
      abs(gap) < 1e4
    else {
      throw .unsupported(
        path: base.instance.path,
        code: "multi-frame",
        what: "\(count) nuclear medicine slices without position, orientation or spacing",
        remedy: "export the reconstructed slices with their geometry"
      )
    }
    let vectors: [(DICOMDiscriminator, [Double]?)] = [
      (.energyWindow, root.numbers(DICOMTag.energyWindowVector)),
      (.detector, root.numbers(DICOMTag.detectorVector)),
      (
        .temporalPosition,
        root.numbers(DICOMTag.timeSlotVector)
          ?? root.numbers(DICOMTag.phaseVector) ?? root.numbers(DICOMTag.rrIntervalVector)
      ),
    ]
    let normal = plane.direction.columns[2]
    return slices.enumerated().map { index, slice in
      var frame = base
      frame.index = index
      frame.plane = plane
      frame.plane?.position += normal * ((slice - 1) * gap)
      frame.sliceSpacing = abs(gap)
      for (discriminator, values) in vectors {
        guard let values, values.count == count else { continue }
        frame.facts[discriminator] = .number(values[index])
      }
      return frame
    }
  }
}

extension DICOMInstance {
  /// Whether frames without a place are pictures in time: ultrasound, angiography, fluoroscopy,
  /// nuclear medicine, secondary capture, endoscopy and other visible light (by SOP class,
  /// PS3.4 B.5).
  var mayHoldTimeSeries: Bool {
    let storage = "1.2.840.10008.5.1.4.1.1."
    let classes = ["3", "3.1", "6.1", "12.1", "12.1.1", "12.2", "12.2.1", "20"]
    if classes.contains(where: { classUID == storage + $0 }) { return true }
    return [storage + "7", storage + "77.1."].contains { classUID.hasPrefix($0) }
  }

  /// Whether images of the modality are projections or photographs, each of which stands alone.
  var isPicture: Bool {
    let slices: Set<String> = ["CT", "MR", "PT", "RTDOSE", "NM"]
    return !slices.contains(modality ?? "")
  }
}
