import Imaging
import Reporting
import Testing

struct SurfaceRendererTests {
  /// A ball at the patient's left, one at the right in front of it, red and blue.
  private static func surfaces() throws -> [LabelSurface] {
    let geometry = try ImageGeometry(
      size: [40, 20, 20],
      spacing: [1, 1, 1],
      origin: .zero,
      direction: .identity
    )
    var labels = [UInt16](repeating: 0, count: geometry.voxelCount)
    for z in 0..<20 {
      for y in 0..<20 {
        for x in 0..<40 {
          for (label, centre) in [(UInt16(1), SIMD3(31, 14, 10)), (2, SIMD3(8, 5, 10))] {
            let offset = SIMD3(x, y, z) &- centre
            if (offset &* offset).wrappedSum() <= 20 { labels[geometry.offset(x, y, z)] = label }
          }
        }
      }
    }
    let map = LabelMap(
      geometry: geometry,
      labels: labels,
      table: [
        LabelDefinition(id: 1, name: "red", color: LabelColor(red: 255, green: 0, blue: 0)),
        LabelDefinition(id: 2, name: "blue", color: LabelColor(red: 0, green: 0, blue: 255)),
      ]
    )
    return SurfaceExtraction().surfaces(of: map)
  }

  private func isRed(_ color: SIMD3<UInt8>) -> Bool { color.x > 80 && color.z < 40 }
  private func isBlue(_ color: SIMD3<UInt8>) -> Bool { color.z > 80 && color.x < 40 }

  @Test func theFrontShowsThePatientsRightOnTheLeft() throws {
    let picture = try #require(
      SurfaceRenderer(longerSide: 120).render(Self.surfaces(), from: .front)
    )
    let image = picture.image
    let rows = image.height / 2
    #expect(isBlue(image.pixel(image.width / 5, rows)))
    #expect(isRed(image.pixel(image.width * 4 / 5, rows)))
    // The balls' extent from right to left is about 32 mm, with a margin of 6 % on each side.
    #expect(abs(picture.widthMM - 32 * 1.12) < 1)
  }

  @Test func whatIsNearerHidesWhatIsBehind() throws {
    let picture = try #require(
      SurfaceRenderer(longerSide: 120).render(Self.surfaces(), from: .left)
    )
    let image = picture.image
    // From the left the red ball is the nearer one and stands to the back, at the right.
    #expect(isRed(image.pixel(image.width * 3 / 4, image.height / 2)))
    #expect(isBlue(image.pixel(image.width / 5, image.height / 2)))
  }

  @Test func fromAboveAnteriorIsUp() throws {
    let picture = try #require(
      SurfaceRenderer(longerSide: 120).render(Self.surfaces(), from: .above)
    )
    let image = picture.image
    let half = (width: image.width / 2, height: image.height / 2)
    var (top, bottom) = (0, 0)
    for y in 0..<image.height {
      for x in 0..<image.width where isBlue(image.pixel(x, y)) {
        if y < half.height { top += 1 } else { bottom += 1 }
        // The right of the patient is on the right.
        #expect(x > half.width)
      }
    }
    #expect(top > 5 * bottom)
  }

  @Test func nothingGivesNoPicture() {
    #expect(SurfaceRenderer().render([], from: .front)?.image == nil)
  }
}
