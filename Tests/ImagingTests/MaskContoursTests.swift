import Imaging
import Testing

/// Masks are drawn with digits as labels and dots as background.
private func plane(_ rows: [String]) -> (labels: [UInt16], width: Int) {
  (rows.flatMap { $0.map { UInt16($0.wholeNumberValue ?? 0) } }, rows[0].count)
}

private func filled(_ polygons: [UInt16: [[SIMD2<Double>]]], width: Int, height: Int) -> [UInt16] {
  var labels = [UInt16](repeating: 0, count: width * height)
  let filling = PolygonFilling(width: width, height: height)
  for (label, polygons) in polygons {
    for run in filling.runs(polygons) {
      for x in run.start..<run.end { labels[run.row * width + x] = label }
    }
  }
  return labels
}

/// How often polygons wind around a point, each alone: the nonzero rule of another program.
private func winds(_ polygons: [[SIMD2<Double>]], around point: SIMD2<Double>) -> Bool {
  polygons.contains { polygon in
    var turns = 0
    for (index, a) in polygon.enumerated() {
      let b = polygon[(index + 1) % polygon.count]
      let side = (b.x - a.x) * (point.y - a.y) - (point.x - a.x) * (b.y - a.y)
      if a.y <= point.y, b.y > point.y, side > 0 { turns += 1 }
      if a.y > point.y, b.y <= point.y, side < 0 { turns -= 1 }
    }
    return turns != 0
  }
}

private func area(_ polygon: [SIMD2<Double>]) -> Double {
  polygon.indices.reduce(0) { sum, index in
    let (a, b) = (polygon[index], polygon[(index + 1) % polygon.count])
    return sum + (a.x * b.y - b.x * a.y) / 2
  }
}

@Suite struct MaskContoursTests {
  @Test func onePixelIsADiamond() {
    let contours = MaskContours.polygons(of: [0, 0, 0, 0, 7, 0, 0, 0, 0] as [UInt16], width: 3)
    #expect(contours == [7: [[[0.51, 1], [1, 0.51], [1.49, 1], [1, 1.49]]]])
  }

  @Test func straightStretchesHaveNoPointsBetween() {
    let (labels, width) = plane(["1111", "1111", "1111"])
    let contour = MaskContours.polygons(of: labels, width: width)[1]?.first ?? []
    #expect(contour.count == 8)
    // 3.98 x 2.98 pixels less four corners of 0.49 x 0.49 / 2.
    #expect(abs(area(contour) - 11.3802) < 1e-9)
  }

  @Test func slantedLinesOfSinglePixelsAreOnePolygon() {
    let (labels, width) = plane(["1...", ".1..", "..1.", "...1"])
    let contours = MaskContours.polygons(of: labels, width: width)[1] ?? []
    #expect(contours.count == 1)
    #expect(contours.first?.count == 4)
    #expect(filled([1: contours], width: 4, height: 4) == labels)
  }

  @Test func holesBelongToTheirPolygon() {
    let (labels, width) = plane([
      "1111111111", "1..1111..1", "1..1.11..1", "1111111111", "11.1.1.111", "1111111111",
      "1.......11", "1.22222.11", "1.2...2.11", "1.2.1.2.11", "1.22222.11", "1.......11",
      "1111111111",
    ])
    let contours = MaskContours.polygons(of: labels, width: width)
    #expect(contours[1]?.count == 2)
    #expect(contours[2]?.count == 1)
    #expect(filled(contours, width: width, height: labels.count / width) == labels)
    #expect(contours.values.joined().allSatisfy { area($0) > 0 })
  }

  @Test func emptyPlanesHaveNoPolygons() {
    #expect(MaskContours.polygons(of: [UInt16](repeating: 0, count: 12), width: 4).isEmpty)
    #expect(PolygonFilling(width: 4, height: 3).runs([]).isEmpty)
  }

  /// Noise of all densities has every shape: holes in holes, corners that touch, borders.
  @Test(arguments: 0..<60)
  func everyRuleOfFillingGivesTheMaskBack(seed: Int) {
    var generator = UInt64(seed + 1) &* 0x9E37_79B9_7F4A_7C15
    func random() -> Int {
      generator = generator &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(generator >> 33)
    }
    let (width, height) = (5 + random() % 40, 5 + random() % 40)
    let density = 5 + random() % 95
    let kinds = 1 + random() % 3
    let labels = (0..<width * height).map { _ in
      random() % 100 < density ? UInt16(1 + random() % kinds) : 0
    }
    let contours = MaskContours.polygons(of: labels, width: width)
    #expect(filled(contours, width: width, height: height) == labels)
    var nonzero = labels
    for y in 0..<height {
      for x in 0..<width {
        let point = SIMD2(Double(x), Double(y))
        let owners = contours.filter { winds($0.value, around: point) }.map(\.key)
        #expect(owners.count < 2)
        nonzero[y * width + x] = owners.first ?? 0
      }
    }
    #expect(nonzero == labels)
    for (label, polygons) in contours {
      for point in polygons.joined() {
        let pixel = point.rounded(.toNearestOrEven)
        #expect(labels[Int(pixel.y) * width + Int(pixel.x)] == label)
      }
    }
  }

  @Test func pointsOnPixelCentresAreInside() {
    let square: [SIMD2<Double>] = [[1, 1], [3, 1], [3, 3], [1, 3]]
    let runs = PolygonFilling(width: 6, height: 5).runs([square])
    #expect(runs == (1...3).map { PolygonFilling.Run(row: $0, start: 1, end: 4) })
    let hole: [SIMD2<Double>] = [[1, 2], [2, 1], [3, 2], [2, 3]]
    let ring = PolygonFilling(width: 6, height: 5).runs([square, hole])
    #expect(ring.filter { $0.row == 2 }.map(\.start) == [1, 3])
  }

  @Test func polygonsBeyondTheGridAreCut() {
    let filling = PolygonFilling(width: 4, height: 3)
    let wide: [SIMD2<Double>] = [[-1e9, -1e9], [1e9, -1e9], [1e9, 1e9], [-1e9, 1e9]]
    #expect(filling.runs([wide]).map(\.end) == [4, 4, 4])
    #expect(filling.runs([[[10, 10], [12, 10], [12, 12]]]).isEmpty)
    #expect(filling.runs([[[-5, 1.4], [1.2, 1.4], [1.2, 0.6], [-5, 0.6]]]).count == 1)
    #expect(filling.runs([[[.nan, 0], [3, 0], [3, 3]], []]).isEmpty)
    #expect(filling.runs([[[2, 1]]]) == [PolygonFilling.Run(row: 1, start: 2, end: 3)])
  }
}
