import Imaging
import ImagingIO
import Pipelines
import Support

extension DetectionDataset {
  /// Makes boxes of a data set of volumes with label maps, in nnU-Net's raw layout or the Decathlon's.
  ///
  /// Every slice along the third axis, as stored, is an entry; the box of each connected part of a
  /// structure in it (neighbours share an edge or a corner) is an object. Slices are those at which
  /// `Detector.detect` looks in a volume, so that axes must be alike in training and use.
  /// - Parameters:
  ///   - path: The folder with `dataset.json`.
  ///   - classes: The classes' names in the order of the network's outputs; nil takes the structures.
  ///   - interruption: Looked at between cases.
  /// - Returns: The data set; each slice names its case.
  /// - Throws: `PipelinesError.notADataset`; `RecognitionError.noBoxDataset` for pictures, several channels,
  ///   regions, and label maps without images; `SupportError.interrupted`.
  public static func volumes(
    _ path: String,
    classes: [String]? = nil,
    interruption: Interruption = Interruption()
  ) throws -> DetectionDataset {
    let source = try labelledVolumes(path)
    let names = classes ?? source.labels.map(\.name)
    let numbers = classNumbers(source, names)
    var (images, problems): ([Image], [DetectionProblem]) = ([], [])
    for pair in source.unpaired {
      problems.append(DetectionProblem(.unreadableAnnotation, pair.id, pair.message))
    }
    for item in source.cases {
      try interruption.check()
      do {
        let map = try labelMap(item)
        let size = map.geometry.size
        var unknown: Set<Int> = []
        for slice in 0..<size.z {
          let (boxes, strange) = boxes(map, slice: slice, numbers)
          unknown.formUnion(strange)
          let id = "\(item.id) slice \(slice + 1)"
          if boxes.isEmpty { problems.append(DetectionProblem(.background, id)) }
          images.append(
            Image(
              id: id,
              path: item.image,
              width: size.x,
              height: size.y,
              objects: boxes,
              slice: slice,
              caseID: item.id
            )
          )
        }
        problems += unknown.sorted().map { label in
          let name = source.labels.first { $0.id == label }?.name ?? "label \(label)"
          return DetectionProblem(.unknownClass, item.id, name)
        }
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        problems.append(DetectionProblem(.unreadableAnnotation, item.id, error.description))
      }
    }
    return DetectionDataset(name: source.name, classes: names, images: images, problems: problems)
  }

  /// The data set with no more empty slices of each case than it has slices with boxes.
  ///
  /// Most slices of most scans show nothing, and would be most of what a training sees. Those kept are
  /// spread evenly. Pictures all stay.
  public var withFewerEmptySlices: DetectionDataset {
    var kept: [Image] = []
    for (_, slices) in Dictionary(grouping: images.indices, by: { images[$0].caseID ?? "" }) {
      let own = slices.map { images[$0] }
      let empty = own.filter { $0.slice != nil && $0.objects.isEmpty }
      let filled = own.filter { $0.slice == nil || !$0.objects.isEmpty }
      let count = min(empty.count, max(1, filled.count))
      kept += filled + (0..<count).map { empty[$0 * empty.count / count] }
    }
    let chosen = Set(kept.map(\.id))
    return DetectionDataset(
      name: name,
      classes: classes,
      images: images.filter { chosen.contains($0.id) },
      problems: problems
    )
  }

  /// The cases of some names alone.
  /// - Parameter names: Names of cases, or of pictures that stand alone.
  /// - Returns: The part of the data set.
  public func only(_ names: [String]) -> DetectionDataset {
    let names = Set(names)
    return DetectionDataset(
      name: name,
      classes: classes,
      images: images.filter { names.contains($0.caseID ?? $0.id) }
    )
  }

  // MARK: Reading

  /// Opens a data set and refuses what boxes of slices cannot be made of.
  static func labelledVolumes(_ path: String) throws -> SegmentationDataset {
    let source = try SegmentationDataset(path: path)
    func refused(_ reason: String) -> RecognitionError { .noBoxDataset(path: path, reason: reason) }
    if source.isPictures { throw refused("its images are pictures and its boxes are masks") }
    if source.synthesis != nil { throw refused("it has label maps alone") }
    if source.channelNames.count > 1 { throw refused("its scans have several channels") }
    if !source.regions.isEmpty { throw refused("its structures are regions that overlap") }
    return source
  }

  /// The class of each label that is one.
  static func classNumbers(_ source: SegmentationDataset, _ names: [String]) -> [Int: Int] {
    Dictionary(
      source.labels.compactMap { label in
        names.firstIndex(of: label.name).map { (label.id, $0) }
      },
      uniquingKeysWith: { first, _ in first }
    )
  }

  /// A case's label map, which lies on its scan's grid.
  static func labelMap(_ item: SegmentationDataset.Case) throws -> LabelMap {
    let map = try NIfTIReader.labelMap(
      from: ImageFormats.read(item.label).volume,
      table: [],
      path: item.label
    )
    let scan = try ImageFormats.read(item.image).volume.geometry
    if let difference = scan.difference(from: map.geometry) {
      throw RecognitionError.damagedAnnotations(
        path: item.label,
        reason: "it lies on another grid than its scan (\(difference))"
      )
    }
    return map
  }

  /// The boxes of a slice in the order of their first pixels, and labels that are no class.
  private static func boxes(
    _ map: LabelMap,
    slice: Int,
    _ numbers: [Int: Int]
  ) -> (boxes: [Object], unknown: Set<Int>) {
    let size = map.geometry.size
    let area = size.x * size.y
    let labels = Array(map.labels[slice * area..<(slice + 1) * area])
    guard labels.contains(where: { $0 != 0 }) else { return ([], []) }
    let parts = ConnectedComponents(
      labels: labels,
      size: SIMD3(size.x, size.y, 1),
      connectivity: .twentySix
    )
    let corners = parts.corners(size: SIMD3(size.x, size.y, 1))
    var (boxes, unknown): ([Object], Set<Int>) = ([], [])
    for corner in corners {
      let label = Int(labels[corner.first])
      guard let number = numbers[label] else {
        unknown.insert(label)
        continue
      }
      boxes.append(
        Object(
          label: number,
          box: DetectionBox(
            left: Double(corner.lower.x),
            top: Double(corner.lower.y),
            right: Double(corner.upper.x),
            bottom: Double(corner.upper.y)
          )
        )
      )
    }
    return (boxes, unknown)
  }
}

extension ConnectedComponents {
  /// The first voxel of each part, and the box around it: its first voxel and the first one beyond.
  func corners(
    size: SIMD3<Int>
  ) -> [(first: Int, lower: SIMD3<Int>, upper: SIMD3<Int>)] {
    var result = [(first: Int, lower: SIMD3<Int>, upper: SIMD3<Int>)](
      repeating: (-1, size, SIMD3(0, 0, 0)),
      count: count
    )
    for (place, number) in numbers.enumerated() where number > 0 {
      let at = SIMD3(place % size.x, place / size.x % size.y, place / (size.x * size.y))
      let index = Int(number) - 1
      if result[index].first < 0 { result[index].first = place }
      result[index].lower = pointwiseMin(result[index].lower, at)
      result[index].upper = pointwiseMax(result[index].upper, at &+ 1)
    }
    return result
  }
}
