import Imaging
package import Support
package import Transforms

/// Objects, each the watershed basin of a marker.
///
/// Without seeds the foreground is Otsu's; markers are the peaks of the distance to the background (or
/// the pits of the gradient) that stand out by `depth`, and the watershed of the same landscape divides
/// the foreground (Beucher and Meyer 1993; Vincent 1993 for markers by contrast). With seeds the whole
/// image is flooded from them, over its gradient.
package struct MarkerWatershed: ClassicalRefinement {
  package static let name = "watershed"
  package static let paper =
    "Beucher and Meyer 1993, The morphological approach to segmentation: the watershed "
    + "transformation; markers by dynamics: Grimaud 1992, A new measure of contrast"
  package static let parameters = [
    FilterParameter(
      "distance",
      1,
      0...1,
      isWhole: true,
      "without seeds: 1 divides by the distance to the background, 0 by the image's gradient"
    ),
    FilterParameter(
      "bright",
      0,
      -1...1,
      isWhole: true,
      "without seeds: 1 for objects brighter than the background, -1 for darker ones; 0 takes for "
        + "background what fills more of the image's border"
    ),
    FilterParameter("smoothing", 1, 0...100, "standard deviation of a Gaussian blur before, mm"),
    FilterParameter(
      "depth",
      1,
      0...1e9,
      "without seeds: height by which a peak stands out at least, mm with distance=1, else in the "
        + "image's unit by mm"
    ),
    FilterParameter(
      "smallest",
      0,
      0...1e9,
      isWhole: true,
      "without seeds: fewest voxels of an object"
    ),
    .background, .certain, .margin,
  ]
  package static let seeds = SeedNeed.optional

  package static func objectName(isSeeded: Bool) -> String? { isSeeded ? nil : "object" }

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package static func bytesPerVoxel(classes: Int) -> Int { 37 }

  package func labels(
    of image: ClassicalImage,
    seeds: [UInt16]?,
    interruption: Interruption
  ) throws -> ClassicalLabels {
    let smooth = ImageGradient.blurred(image, deviationMM: values["smoothing"])
    if let seeds {
      let marks = try SeedMarks(
        seeds,
        method: Self.name,
        values: values,
        image: image,
        needed: 2
      )
      return ClassicalLabels(flooded(marks, smooth, image))
    }
    return try objects(smooth, image, interruption)
  }

  package func refined(
    _ prior: PriorLabels,
    by image: ClassicalImage,
    interruption: Interruption
  ) throws -> [UInt16] {
    let seeds = prior.seeds(
      certain: Float(values["certain"]),
      marginMM: values["margin"] * image.finestSpacing,
      image: image
    )
    return flooded(
      seeds,
      ImageGradient.blurred(image, deviationMM: values["smoothing"]),
      image
    )
  }

  private func flooded(_ seeds: SeedMarks, _ smooth: [Float], _ image: ClassicalImage) -> [UInt16] {
    Watershed.basins(
      of: ImageGradient.magnitude(smooth, on: image, spacing: image.spacing),
      markers: seeds.marks.map { UInt32($0) },
      size: image.size,
      connectivity: .six
    ).map { $0 == 0 ? 0 : seeds.labels[Int($0) - 1] }
  }

  private func objects(
    _ smooth: [Float],
    _ image: ClassicalImage,
    _ interruption: Interruption
  ) throws -> ClassicalLabels {
    guard let threshold = OtsuThreshold.of(smooth) else {
      throw ClassicalSegmentationError.constantImage(value: smooth.first ?? 0)
    }
    let isBright = smooth.map { $0 >= threshold }
    let wanted = wantsBright(isBright, image)
    let mask = isBright.map { $0 == wanted }
    let heights: [Float]
    if values.whole("distance") == 1 {
      // Without any background the distances would be infinite; Otsu's classes are never empty.
      heights = DistanceTransform.distances(
        to: mask.map { $0 ? 0 : 1 },
        size: image.size,
        spacing: image.spacing
      )
    } else {
      heights = ImageGradient.magnitude(smooth, on: image, spacing: image.spacing).map { -$0 }
    }
    let peaks = PeakPersistence.peaks(
      of: heights,
      in: mask,
      least: Float(values["depth"]),
      image: image
    )
    try interruption.check()
    var markers = [UInt32](repeating: 0, count: image.count)
    for (index, peak) in peaks.enumerated() { markers[peak] = UInt32(index + 1) }
    let basins = Watershed.basins(
      of: heights.map { -$0 },
      markers: markers,
      mask: mask,
      size: image.size,
      connectivity: .six
    )
    var sizes = [Int](repeating: 0, count: peaks.count + 1)
    for basin in basins { sizes[Int(basin)] += 1 }
    var numbers = [UInt32](repeating: 0, count: sizes.count)
    var count = 0
    for basin in 1..<sizes.count where sizes[basin] >= values.whole("smallest") {
      count += 1
      numbers[basin] = UInt32(count)
    }
    guard count <= Int(UInt16.max) else {
      throw ClassicalSegmentationError.tooManyLabels(count: count, limit: Int(UInt16.max))
    }
    return ClassicalLabels(
      basins.map { UInt16(numbers[Int($0)]) },
      objectName: Self.objectName(isSeeded: false),
      largest: count
    )
  }

  /// Whether objects are the brighter voxels.
  private func wantsBright(_ isBright: [Bool], _ image: ClassicalImage) -> Bool {
    let told = values.whole("bright")
    if told != 0 { return told > 0 }
    var (border, bright) = (0, 0)
    let axes = image.axes
    for place in isBright.indices {
      let at = image.position(place)
      guard axes.contains(where: { at[$0] == 0 || at[$0] == image.size[$0] - 1 }) else { continue }
      border += 1
      if isBright[place] { bright += 1 }
    }
    return 2 * bright <= border
  }
}
