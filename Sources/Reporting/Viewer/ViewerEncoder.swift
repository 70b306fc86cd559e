import Foundation
import Imaging
import ImagingIO
import Support

/// Packs a case for the viewer of a page.
///
/// Values are stored in 8 or 16 bits as differences along rows, which zlib packs well. A scan is
/// made coarser by whole numbers (means of blocks; of labels the most frequent one) until its
/// text fits the budget, and the page says so.
struct ViewerEncoder {
  /// The scan's and the labels' text in the page is no longer than this, bytes.
  let budget: Int
  /// Voxels that are tried first; more would make the page slow.
  private static let mostVoxels = 12 << 20
  /// Steps between the lowest and the highest value stored; more are noise to the eye.
  private static let steps = 4095.0
  /// The values of computed tomography that are told apart, HU (12 bits, as scanners store them).
  private static let hounsfield: ClosedRange<Float> = -1024...3071

  init(budget: Int = 4 << 20) { self.budget = budget }

  /// The case as JSON that may stand in an element `script`; nil without a scan.
  /// - Throws: `SupportError.libraryFailure` when memory is short.
  func json(_ item: SegmentationReportData, surfaces: [LabelSurface]) throws -> String? {
    guard let record = try record(item, surfaces: surfaces) else { return nil }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(record), as: UTF8.self)
      .replacingOccurrences(of: "<", with: "\\u003C")
  }

  func record(
    _ item: SegmentationReportData,
    surfaces: [LabelSurface]
  ) throws -> ViewerRecord? {
    guard let scan = item.scan else { return nil }
    var most = Self.mostVoxels
    while true {
      let grid = ViewerGrid(scan.geometry, maximumVoxels: most)
      var record = try record(item, scan, grid)
      let bytes =
        record.scan.data.utf8.count + record.labels.data.utf8.count
        + (record.reference?.data.utf8.count ?? 0)
      if bytes <= budget || grid.count <= 1 {
        record.mesh = try ViewerMeshEncoder.mesh(surfaces, record.structures)
        return record
      }
      // Packing is not quite in proportion; a little less makes a third try rare.
      most = max(1, min(grid.count - 1, grid.count * budget / bytes * 95 / 100))
    }
  }

  private func record(
    _ item: SegmentationReportData,
    _ scan: Volume<Float>,
    _ grid: ViewerGrid
  ) throws -> ViewerRecord {
    let sorted = ViewerWindows.sorted(scan.voxels)
    let stored = StoredScan(scan, grid, sorted, unit: item.intensityUnit)
    let present = item.labelMap.voxelCounts.keys.filter { $0 != 0 }.sorted()
    let occurring = Set(present + (item.reference?.voxelCounts.keys.filter { $0 != 0 } ?? []))
    let order = occurring.sorted()
    let labels = Self.labels(item.labelMap, order, grid)
    let origin = grid.position(.zero)
    let axes = [SIMD3(1.0, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)].map {
      grid.position($0) - origin
    }
    let structures = Self.structures(item, order, grid)
    return ViewerRecord(
      size: grid.size.list,
      spacing: grid.spacing.list,
      origin: origin.list,
      axes: axes.map(\.list),
      full: (0..<3).map { axis in
        let (start, step) = grid.scanIndex(axis: axis)
        return .init(grid: grid.gridAxes[axis], start: start, step: step)
      },
      start: Self.start(item, grid),
      planes: BodyPlane.shown(scan.geometry).map(\.rawValue.capitalized),
      windows: ViewerWindows.windows(sorted: sorted, unit: item.intensityUnit),
      scan: .init(
        bits: stored.bits,
        slope: stored.slope,
        intercept: stored.intercept,
        unit: item.intensityUnit,
        data: try Self.packed(differences(stored.values, grid.size, bits: stored.bits))
      ),
      labels: try Self.values(labels, order.count),
      reference: try item.reference.map {
        try Self.values(Self.labels($0, order, grid), order.count)
      },
      structures: structures,
      mesh: nil,
      note: note(grid, stored, scan.geometry, item.intensityUnit)
    )
  }

  private func note(
    _ grid: ViewerGrid,
    _ stored: StoredScan,
    _ geometry: ImageGeometry,
    _ unit: String
  ) -> String {
    var text = ""
    if grid.isFull {
      text = "The viewer shows every voxel of the scan"
    } else {
      let spacing = grid.spacing.list.map { ReportNumber.significant($0).withoutTrailingZeros }
      text =
        "To keep this page small the viewer shows blocks of "
        + grid.factors.list.map(String.init).joined(separator: " x ") + " voxels as one of "
        + spacing.joined(separator: " x ") + " mm, with their mean and their most frequent label; "
        + "measurements are those of the full scan"
    }
    if stored.slope != 1 || !stored.isExact {
      text +=
        "; values are rounded to "
        + ReportNumber.with(ReportNumber.significant(stored.slope, 2), unit: unit)
    }
    if stored.isClipped {
      let ends = [stored.intercept, stored.intercept + stored.slope * Double(stored.highest)]
        .map { ReportNumber.with(ReportNumber.significant($0), unit: unit) }
      text += "; what lies outside \(ends[0]) to \(ends[1]) is shown as these"
    }
    return text
      + ". Surfaces are smoothed. Voxels count from 0 in the file's order. Positions are in the "
      + "patient: R right, L left, A anterior, P posterior, "
      + "S superior, I inferior."
  }

  private static func structures(
    _ item: SegmentationReportData,
    _ order: [Int],
    _ grid: ViewerGrid
  ) -> [ViewerRecord.Structure] {
    order.enumerated().map { place, label in
      let definition = item.labelMap.table.first { $0.id == label }
      let entry = item.statistics.first { $0.label == label }
      let centre = entry?.centroidMM.map { position in
        let index = grid.index(
          ofScanIndex: item.labelMap.geometry.index(
            ofPosition: SIMD3(position[0], position[1], position[2])
          )
        )
        return (0..<3).map { min(max(0, Int(index[$0].rounded())), grid.size[$0] - 1) }
      }
      return ViewerRecord.Structure(
        index: place + 1,
        label: label,
        name: definition?.name ?? entry?.name ?? "label \(label)",
        color: (definition?.color ?? LabelDefinition.defaultColor(label - 1)).hex,
        volume: entry.map {
          ReportNumber.with(ReportNumber.millilitres($0.volumeML), unit: "ml")
        } ?? ReportNumber.undefined,
        centre: centre
      )
    }
  }

  /// Where the crosshair stands first: the slices with the largest segmented area.
  private static func start(_ item: SegmentationReportData, _ grid: ViewerGrid) -> [Int] {
    let guide = item.labelMap.labels.contains { $0 != 0 } ? item.labelMap : item.reference
    let geometry = item.labelMap.geometry
    return [BodyPlane.sagittal, .coronal, .axial].enumerated().map { axis, plane in
      let view = SliceView(geometry, plane: plane)
      let best = view.bestSlice((guide ?? item.labelMap).labels)
      return min(best / grid.factors[axis], grid.size[axis] - 1)
    }
  }

  /// The labels' places in the order, on the grid: of a block the most frequent, of equals the larger.
  static func labels(_ map: LabelMap, _ order: [Int], _ grid: ViewerGrid) -> [UInt16] {
    var places = [UInt16](repeating: 0, count: 65536)
    for (place, label) in order.enumerated() { places[label] = UInt16(place + 1) }
    var result = [UInt16](repeating: 0, count: grid.count)
    var counts: [UInt16: Int] = [:]
    grid.forEachBlock { voxel, offsets in
      if offsets.count == 1 {
        result[voxel] = places[Int(map.labels[offsets[0]])]
        return
      }
      let first = map.labels[offsets[0]]
      if offsets.allSatisfy({ map.labels[$0] == first }) {
        result[voxel] = places[Int(first)]
        return
      }
      counts.removeAll(keepingCapacity: true)
      for offset in offsets { counts[map.labels[offset], default: 0] += 1 }
      let best = counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? 0
      result[voxel] = places[Int(best)]
    }
    return result
  }

  private static func values(_ labels: [UInt16], _ count: Int) throws -> ViewerRecord.Values {
    let bits = count < 256 ? 8 : 16
    var bytes = labels.map { UInt8(truncatingIfNeeded: $0) }
    if bits == 16 { bytes += labels.map { UInt8($0 >> 8) } }
    return ViewerRecord.Values(bits: bits, data: try packed(bytes))
  }

  /// Differences to the voxel before along rows; of 16 bits all low bytes come before all high ones.
  private func differences(_ values: [UInt16], _ size: SIMD3<Int>, bits: Int) -> [UInt8] {
    var low = [UInt8](repeating: 0, count: values.count)
    var high = [UInt8](repeating: 0, count: bits == 16 ? values.count : 0)
    var previous: UInt16 = 0
    for (at, value) in values.enumerated() {
      if at % size.x == 0 { previous = 0 }
      let difference = value &- previous
      low[at] = UInt8(truncatingIfNeeded: difference)
      if bits == 16 { high[at] = UInt8(difference >> 8) }
      previous = value
    }
    return low + high
  }

  static func packed(_ bytes: [UInt8]) throws -> String {
    Data(try PackedBytes.zlib(bytes)).base64EncodedString()
  }

  /// A scan on the viewer's grid in whole numbers.
  struct StoredScan {
    let values: [UInt16]
    let bits: Int
    let slope: Double
    let intercept: Double
    let highest: Int
    /// Whether some value lies outside the range that is stored.
    let isClipped: Bool
    /// Whether the stored numbers are the scan's own.
    let isExact: Bool

    init(_ scan: Volume<Float>, _ grid: ViewerGrid, _ sorted: [Float], unit: String) {
      let first = sorted.first ?? 0
      let last = sorted.last ?? 0
      func share(_ share: Double) -> Float {
        sorted.isEmpty ? 0 : sorted[Int((Double(sorted.count - 1) * share).rounded())]
      }
      var range = first...last
      if unit == "HU" {
        // Of a scan beyond these on one side only, the end that it has.
        let low = min(max(first, hounsfield.lowerBound), hounsfield.upperBound)
        range = low...max(low, min(last, hounsfield.upperBound))
      } else if Double(last) - Double(first) > steps {
        // A few bright voxels must not take the steps from all others.
        range = share(0.0002)...max(share(0.0002), share(0.9998))
      }
      let isWhole = sorted.allSatisfy { $0.rounded() == $0 }
      let span = Double(range.upperBound) - Double(range.lowerBound)
      isExact = isWhole && span <= steps && grid.isFull
      slope = isWhole && span <= steps || span <= 0 ? 1 : span / steps
      intercept = Double(range.lowerBound)
      let highest = max(0, (span / slope).rounded())
      self.highest = Int(highest)
      bits = highest < 256 ? 8 : 16
      isClipped = range.lowerBound > first || range.upperBound < last
      let (slope, intercept) = (slope, intercept)
      var values = [UInt16](repeating: 0, count: grid.count)
      grid.forEachBlock { voxel, offsets in
        var sum = 0.0
        var count = 0
        for offset in offsets {
          let value = scan.voxels[offset]
          guard value.isFinite else { continue }
          sum += Double(value)
          count += 1
        }
        // What is not finite is shown as black.
        guard count > 0 else { return }
        let stored = ((sum / Double(count) - intercept) / slope).rounded()
        values[voxel] = UInt16(min(max(stored, 0), highest))
      }
      self.values = values
    }
  }
}

extension SIMD3 {
  /// The three numbers as a list.
  var list: [Scalar] { [x, y, z] }
}

extension BodyPlane {
  /// The planes that a grid can be shown in: of a 2-D image the axial one.
  static func shown(_ geometry: ImageGeometry) -> [BodyPlane] {
    geometry.isPlanar ? [.axial] : allCases
  }
}
