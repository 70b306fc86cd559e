import Testing
import Transforms

@Suite struct SynthesisMapTests {
  @Test func anUnknownLabelIsRefused() throws {
    let table = try SyntheticHead.table()
    #expect(throws: TransformsError.unknownLabel(77)) {
      try SynthesisMap(labels: [0, 2, 77, 99], size: [4, 1, 1], spacing: .one, table: table)
    }
  }

  @Test func theBoxHoldsTheBrainButForAFiveHundredth() throws {
    let table = try SyntheticHead.table()
    var labels = [UInt16](repeating: 500, count: 16 * 40 * 20)
    func paint(_ label: UInt16, x: Range<Int>, y: Range<Int>, z: Range<Int>) {
      for z in z { for y in y { for x in x { labels[x + 16 * (y + 40 * z)] = label } } }
    }
    paint(2, x: 3..<13, y: 10..<30, z: 4..<16)
    paint(24, x: 0..<16, y: 8..<10, z: 0..<1)
    // Two of 2403 voxels below, one in front, five behind.
    paint(41, x: 4..<5, y: 12..<13, z: 2..<4)
    paint(41, x: 4..<5, y: 35..<36, z: 5..<6)
    paint(41, x: 4..<9, y: 9..<10, z: 5..<6)
    let map = try SynthesisMap(labels: labels, size: [16, 40, 20], spacing: .one, table: table)
    #expect(map.boxLower == [3, 9, 4])
    #expect(map.boxUpper == [12, 29, 15])
  }

  @Test func aMapWithoutBrainHasAnEmptyBox() throws {
    let table = try SyntheticHead.table()
    let map = try SynthesisMap(labels: [0, 500], size: [2, 1, 1], spacing: .one, table: table)
    #expect(map.boxUpper.x < map.boxLower.x)
  }
}
