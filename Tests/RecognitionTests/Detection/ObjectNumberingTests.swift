import Evaluation
import Imaging
import Recognition
import Testing

struct ObjectNumberingTests {
  /// A finding whose mask is a rectangle of 8 x 6 pixels.
  private func detection(
    _ columns: Range<Int>,
    _ rows: Range<Int>,
    _ score: Double,
    label: Int = 0
  ) -> Detection {
    Detection(
      label: label,
      score: score,
      box: DetectionBox(
        left: Double(columns.lowerBound),
        top: Double(rows.lowerBound),
        right: Double(columns.upperBound),
        bottom: Double(rows.upperBound)
      ),
      mask: RunLengthMask(width: 8, height: 6) { columns.contains($0) ? [rows] : [] }
    )
  }

  private func geometry(_ slices: Int) throws -> ImageGeometry {
    try ImageGeometry(
      size: [8, 6, slices],
      spacing: [1, 1, 2],
      origin: .zero,
      direction: .identity,
      isPlanar: slices == 1
    )
  }

  @Test func theSurestHasThePixelsThatMasksShare() throws {
    let found = [detection(0..<4, 0..<3, 0.9), detection(2..<6, 1..<5, 0.7, label: 1)]
    let map = ObjectNumbering.labelMap(of: found, geometry: try geometry(1), classes: ["a", "b"])
    #expect(map.table.map(\.name) == ["a 1", "b 2"] && map.table.map(\.id) == [1, 2])
    #expect(map.labels.count { $0 == 1 } == 12)
    #expect(map.labels.count { $0 == 2 } == 16 - 4)
    #expect(map[3, 2, 0] == 1 && map[4, 2, 0] == 2 && map[3, 3, 0] == 2 && map[7, 5, 0] == 0)
  }

  @Test func slicesOfOneObjectShareItsNumber() throws {
    let slices = [
      [], [detection(1..<4, 1..<4, 0.8)],
      [detection(1..<4, 1..<5, 0.9), detection(5..<8, 0..<2, 0.95)], [],
    ]
    let found = Detector.VolumeFindings(slices, geometry: try geometry(4))
    let map = ObjectNumbering.labelMap(of: found, geometry: try geometry(4), classes: ["lesion"])
    #expect(map.table.map(\.name) == ["lesion 1", "lesion 2"])
    // The object of one slice has the highest score.
    #expect(map[6, 1, 2] == 1 && map.labels.count { $0 == 1 } == 6)
    #expect(map[2, 2, 1] == 2 && map[2, 4, 2] == 2 && map.labels.count { $0 == 2 } == 9 + 12)
  }

  @Test func objectsWithoutAMaskHaveANumberAlone() throws {
    var boxOnly = detection(0..<2, 0..<2, 0.9)
    boxOnly.mask = nil
    let found = [boxOnly, detection(3..<5, 0..<2, 0.8)]
    let map = ObjectNumbering.labelMap(of: found, geometry: try geometry(1), classes: ["a"])
    #expect(Set(map.labels) == [0, 2] && map.table.count == 2)
  }
}
