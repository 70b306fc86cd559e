import Imaging
import ImagingIO
import Reporting
import Testing

struct OverlayRendererTests {
  @Test func edgesNameTheSidesOfThePatient() throws {
    let (scan, _) = try sampleScan()
    for orientation in Orientation.all {
      let geometry = scan.reoriented(to: orientation).geometry
      let views = BodyPlane.allCases.map { SliceView(geometry, plane: $0) }
      #expect(views.map(\.left) == ["R", "R", "A"])
      #expect(views.map(\.right) == ["L", "L", "P"])
      #expect(views.map(\.top) == ["A", "S", "S"])
      #expect(views.map(\.bottom) == ["P", "I", "I"])
      #expect(views.map(\.width) == [12, 12, 8])
      #expect(views.map(\.height) == [8, 6, 6])
      #expect(views.map(\.sliceCount) == [6, 8, 12])
    }
  }

  @Test func anyOrderOfAxesGivesTheSamePicture() throws {
    let (scan, labels) = try sampleScan()
    let renderer = OverlayRenderer(longerSide: 60)
    for plane in BodyPlane.allCases {
      let expected = try renderer.render(
        volume: scan,
        labels: labels,
        reference: shifted(labels, by: [0, 1, 0]),
        plane: plane,
        slice: 3
      )
      for orientation in Orientation.all {
        let picture = try renderer.render(
          volume: scan.reoriented(to: orientation),
          labels: labels.reoriented(to: orientation),
          reference: shifted(labels, by: [0, 1, 0]).reoriented(to: orientation),
          plane: plane,
          slice: 3
        )
        #expect(picture == expected, "\(plane) of \(orientation)")
      }
    }
  }

  @Test func pictureHasTheAspectOfTheBody() throws {
    let (scan, labels) = try sampleScan()
    // 12 x 1 mm across, 8 x 2 mm down.
    let axial = try OverlayRenderer(longerSide: 80).render(
      volume: scan,
      labels: labels,
      plane: .axial,
      slice: 0
    )
    #expect(axial.width == 60 && axial.height == 80)
  }

  @Test func brightnessGrowsToThePatientsLeftAsInTheScan() throws {
    let (scan, labels) = try sampleScan()
    let picture = try OverlayRenderer(longerSide: 80).render(
      volume: scan,
      labels: labels,
      plane: .axial,
      slice: 0,
      window: 0...120
    )
    #expect(picture.pixel(2, 40).x < picture.pixel(30, 40).x)
    #expect(picture.pixel(30, 40).x < picture.pixel(57, 40).x)
    let pixel = picture.pixel(30, 40)
    #expect(pixel.x == pixel.y && pixel.y == pixel.z, "no label is in slice 0")
  }

  @Test func labelsAreDrawnInTheirColours() throws {
    let (scan, labels) = try sampleScan()
    let picture = try OverlayRenderer(longerSide: 160, fillOpacity: 1).render(
      volume: scan,
      labels: labels,
      plane: .axial,
      slice: 3
    )
    // 10 pixels a voxel: voxel (3, 3) is anterior's, (7, 3) posterior's, (10, 3) nobody's.
    #expect(picture.pixel(35, 70) == [230, 159, 0])
    #expect(picture.pixel(75, 70) == [86, 180, 233])
    let outside = picture.pixel(105, 70)
    #expect(outside.x == outside.y && outside.y == outside.z)
  }

  @Test func theReferenceIsAWhiteOutline() throws {
    let (scan, labels) = try sampleScan()
    let picture = try OverlayRenderer(longerSide: 160).render(
      volume: scan,
      labels: labels,
      reference: labels,
      plane: .axial,
      slice: 3
    )
    // Anterior begins at the left edge of voxel 2.
    #expect(picture.pixel(20, 70) == [255, 255, 255])
    #expect(picture.pixel(35, 70) != [255, 255, 255])
  }

  @Test func theBestSliceIsTheFullest() throws {
    var (scan, labels) = try sampleScan()
    #expect(SliceView(scan.geometry, plane: .axial).bestSlice(labels.labels) == 2)
    labels[0, 0, 4] = 1
    #expect(SliceView(scan.geometry, plane: .axial).bestSlice(labels.labels) == 4)
    labels.labels = .init(repeating: 0, count: labels.labels.count)
    #expect(SliceView(scan.geometry, plane: .axial).bestSlice(labels.labels) == 3)
  }

  @Test func theWindowLeavesOutliersOut() throws {
    let geometry = try ImageGeometry(
      size: [1001, 1, 1],
      spacing: [1, 1, 1],
      origin: .zero,
      direction: .identity
    )
    var values = (0...1000).map(Float.init)
    values[1000] = 1e9
    values[0] = -.infinity
    let window = OverlayRenderer.window(of: Volume(geometry: geometry, voxels: values))
    #expect(window.lowerBound == 5 && (990...999).contains(window.upperBound))
    let flat = Volume(geometry: geometry, voxels: [Float](repeating: 7, count: 1001))
    #expect(OverlayRenderer.window(of: flat).contains(7))
  }
}

struct RGBImageTests {
  @Test func pngHoldsThePicture() throws {
    let image = RGBImage(width: 2, height: 1, bytes: [1, 2, 3, 250, 251, 252])
    let decoded = try PNGDecoder.decode(image.png(), path: "picture.png")
    #expect(decoded.width == 2 && decoded.height == 1 && decoded.channels == 3)
    #expect(decoded.samples == .eightBit(image.bytes))
  }
}
