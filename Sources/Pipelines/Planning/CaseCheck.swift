import Foundation
import Imaging
import ImagingIO
import Support

/// What a look at one labelled scan found.
struct CaseCheck {
  /// Everything that is wrong or odd.
  private(set) var findings: [DatasetFinding] = []
  /// The case, when nothing makes training wrong.
  private(set) var loaded: DatasetCheck.LoadedCase?
  /// A digest of the scan's values; nil when it cannot be read.
  private(set) var digest: String?

  private let id: String

  /// Reads a case.
  /// - Parameters:
  ///   - entry: Its files.
  ///   - dataset: Its data set, whose labels may occur; any may where they count objects.
  /// - Throws: What is neither a fault of a file nor of its values.
  init(_ entry: SegmentationDataset.Case, of dataset: SegmentationDataset) throws {
    id = entry.id
    let isPicture = dataset.isPictures
    guard let channels = try readChannels(entry, dataset) else { return }
    let scan = channels[0]
    digest = try Self.digest(channels)
    checkValues(channels, dataset)
    for (number, channel) in channels.enumerated().dropFirst() {
      let words = "\(dataset.channelWords(0)) and \(dataset.channelWords(number))"
      checkGrid(scan.geometry, channel.geometry, .channels(words))
    }
    guard let stored = try read(entry.label) else { return }
    if isPicture {
      checkPixels(scan.geometry.size, stored.geometry.size)
    } else {
      checkGrid(scan.geometry, stored.geometry, .scanAndMap)
    }
    let labels = dataset.countsObjects ? [] : dataset.mapTable
    guard var map = try labelMap(stored, labels, path: entry.label) else { return }
    checkLabels(map, known: dataset.countsObjects ? nil : Set(labels.map(\.id)))
    // The spacings that files of pictures name do not count, and what is ignored is no structure.
    let isMoved = isPicture && map.geometry.size == scan.geometry.size
    map = LabelMap(
      geometry: isMoved ? scan.geometry : map.geometry,
      labels: map.labels,
      table: dataset.countsObjects ? [] : dataset.mapLabels
    )
    if !findings.contains(where: \.isFault) {
      loaded = DatasetCheck.LoadedCase(
        id: id,
        scan: scan,
        further: Array(channels.dropFirst()),
        labelMap: map
      )
    }
  }

  /// A digest of a scan's size and values, the same for files of any scalar type.
  /// - Parameter channels: The scan's channels, at least one.
  /// - Returns: The digest.
  /// - Throws: `SupportError.libraryFailure`.
  static func digest(_ channels: [Volume<Float>]) throws -> String {
    let size = channels[0].geometry.size
    var data = Data()
    for channel in channels { channel.voxels.withUnsafeBytes { data.append(contentsOf: $0) } }
    return "\(size.x),\(size.y),\(size.z),\(try SHA256.hexDigest(of: data))"
  }

  /// A corner may lie so far from where the other file has it without a remark, mm.
  static let silentGapMM = 1e-4
  /// A fraction of a label is rounded away when `--fix` mends it.
  static let fractionLimit = 1e-3

  private mutating func add(
    _ kind: DatasetFinding.Kind,
    fault: Bool = true,
    mendable: Bool = false,
    _ message: String,
    remedy: String
  ) {
    findings.append(
      DatasetFinding(
        kind,
        id,
        fault: fault,
        mendable: mendable,
        "\(id): \(message)",
        remedy: remedy
      )
    )
  }

  private mutating func read(_ path: String) throws -> AnyVolume? {
    do {
      return try ImageFormats.read(path).volume
    } catch let error as any ClassifiedError {
      unreadable(error.description)
    }
    return nil
  }

  private mutating func readChannels(
    _ entry: SegmentationDataset.Case,
    _ dataset: SegmentationDataset
  ) throws -> [Volume<Float>]? {
    do {
      return try dataset.readChannels(entry)
    } catch let error as any ClassifiedError {
      unreadable(error.description)
    }
    return nil
  }

  private mutating func unreadable(_ description: String) {
    add(
      .unreadable,
      DatasetCheck.clause(description),
      remedy: "obtain the file again, or take the case out"
    )
  }

  private mutating func checkValues(_ channels: [Volume<Float>], _ dataset: SegmentationDataset) {
    let isConstant = channels.map { channel in
      channel.voxels.allSatisfy { $0 == channel.voxels[0] }
    }
    for (number, channel) in channels.enumerated() {
      let words = dataset.channelWords(number)
      let broken = channel.voxels.count { !$0.isFinite }
      if broken > 0 {
        add(
          .notFinite,
          "\(broken) voxels of \(words) are infinite or not numbers",
          remedy: "write the scan again with numbers there, such as 0 outside the patient"
        )
      }
      if isConstant[number], let first = channel.voxels.first {
        // A channel that was not recorded is often written as zeros.
        let isFault = isConstant.allSatisfy { $0 }
        add(
          .constant,
          fault: isFault,
          "every voxel of \(words) is \(first)",
          remedy: isFault
            ? "obtain the scan again, or take the case out"
            : "check that this channel is missing; it teaches nothing"
        )
      }
    }
  }

  private mutating func checkPixels(_ picture: SIMD3<Int>, _ map: SIMD3<Int>) {
    guard picture != map else { return }
    let error = ImagingError.gridMismatch(
      reason:
        "picture and label map, \(picture.x) x \(picture.y) pixels against \(map.x) x \(map.y)"
    )
    add(
      .size,
      DatasetCheck.clause(error.description),
      remedy: "draw the label map on this picture, or take the case out"
    )
  }

  private mutating func checkGrid(
    _ scan: ImageGeometry,
    _ other: ImageGeometry,
    _ pair: GridPair
  ) {
    if let difference = scan.difference(from: other) {
      let error = ImagingError.gridMismatch(reason: "\(pair.words), \(difference)")
      if scan.size != other.size {
        add(.size, DatasetCheck.clause(error.description), remedy: pair.sizeRemedy)
      } else if scan.orientation != other.orientation {
        add(
          .orientation,
          DatasetCheck.clause(error.description)
            + ", its axes point to \(other.orientation) and the scan's to "
            + "\(scan.orientation)",
          remedy: "find out which of the two headers is right and write the other file anew"
        )
      } else {
        let isNear = pair.isMendable && scan.largestGap(from: other) < DatasetMending.gapLimitMM
        add(
          .grid,
          mendable: isNear,
          DatasetCheck.clause(error.description),
          remedy: isNear
            ? "--fix gives the label map the scan's place"
            : "find out which of the two headers is right and write the other file anew"
        )
      }
    } else if scan.largestGap(from: other) > Self.silentGapMM {
      add(
        .rounding,
        fault: false,
        "\(pair.words) lie \(Self.rounded(scan.largestGap(from: other))) mm apart",
        remedy: pair.roundingRemedy
      )
    }
  }

  private mutating func labelMap(
    _ stored: AnyVolume,
    _ labels: [LabelDefinition],
    path: String
  ) throws -> LabelMap? {
    do {
      let map = try NIfTIReader.labelMap(from: stored, table: labels, path: path)
      if stored.isFloatingPoint {
        add(
          .labelType,
          fault: false,
          "the labels are stored as fractions (\(stored.scalarName))",
          remedy: "none needed; --fix writes them as whole numbers"
        )
      }
      return map
    } catch let error as any ClassifiedError {
      let canBeRounded = stored.roundedLabels != nil
      add(
        .brokenLabels,
        mendable: canBeRounded,
        DatasetCheck.clause(error.description),
        remedy: !canBeRounded
          ? "obtain the label map again; it was resampled as an image, or is one"
          : "--fix rounds them, as none is more than \(Self.fractionLimit) from a whole number"
      )
      return nil
    }
  }

  /// Looks at the numbers that occur; any but 0 may where none is known.
  private mutating func checkLabels(_ map: LabelMap, known: Set<Int>?) {
    let counts = map.voxelCounts
    for (label, count) in counts.sorted(by: { $0.key < $1.key })
    where label != 0 && known?.contains(label) == false {
      let error = ImagingError.unknownLabel(id: label, voxelCount: count)
      add(
        .unknownLabel,
        DatasetCheck.clause(error.description),
        remedy: "name \(label) in dataset.json, or correct the label map"
      )
    }
    if counts.keys.allSatisfy({ $0 == 0 }) {
      add(
        .emptyLabels,
        fault: false,
        "the label map shows no structure",
        remedy: "check that none is there; such cases teach only background"
      )
    }
  }

  static func rounded(_ value: Double) -> Double { (value * 1e5).rounded() / 1e5 }
}

/// Two files of a case that must share a grid.
private struct GridPair {
  /// What they are.
  let words: String
  /// Whether the second may be moved to the first's place.
  let isMendable: Bool
  /// What to do where their sizes differ.
  let sizeRemedy: String
  /// What to do where they lie a rounding error apart.
  let roundingRemedy: String

  static let scanAndMap = GridPair(
    words: "scan and label map",
    isMendable: true,
    sizeRemedy: "draw the label map on this scan, or take the case out",
    roundingRemedy: "none needed; --fix gives the label map the scan's place"
  )

  static func channels(_ words: String) -> GridPair {
    GridPair(
      words: words,
      isMendable: false,
      sizeRemedy: "resample one of them onto the other's grid, or take the case out",
      roundingRemedy: "none needed; the first channel's place is used"
    )
  }
}

extension AnyVolume {
  /// Whether the values are fractions by type.
  var isFloatingPoint: Bool {
    switch self {
    case .float32, .float64: true
    default: false
    }
  }

  /// Labels from values that rounding left next to whole numbers; nil where others are.
  var roundedLabels: [UInt16]? {
    let values: [Double]
    switch self {
    case .float32(let volume): values = volume.voxels.map { Double($0) }
    case .float64(let volume): values = volume.voxels
    default: return nil
    }
    var labels: [UInt16] = []
    labels.reserveCapacity(values.count)
    for value in values {
      let whole = value.rounded()
      guard abs(value - whole) <= CaseCheck.fractionLimit, let label = UInt16(exactly: whole) else {
        return nil
      }
      labels.append(label)
    }
    return labels
  }
}

extension ImageGeometry {
  /// The largest distance between corresponding corners of two grids of one size, mm.
  func largestGap(from other: ImageGeometry) -> Double {
    let last = SIMD3<Double>(size &- 1)
    return (0..<8).map { corner in
      let index = SIMD3<Double>(
        corner & 1 == 0 ? 0 : last.x,
        corner & 2 == 0 ? 0 : last.y,
        corner & 4 == 0 ? 0 : last.z
      )
      let gap = position(ofIndex: index) - other.position(ofIndex: index)
      return dot(gap, gap).squareRoot()
    }.max() ?? 0
  }
}
