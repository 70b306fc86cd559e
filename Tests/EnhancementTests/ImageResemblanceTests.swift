import Enhancement
import Imaging
import Support
import Testing

/// Copies of test images among those that are trained on.
@Suite struct ImageResemblanceTests {
  /// A picture of random discs.
  private func picture(_ seed: UInt64, _ size: SIMD2<Int>) throws -> Volume<Float> {
    var random = RandomStream(seed: seed)
    let geometry = try SampleModel.scan([size.x, size.y, 1], isPlanar: true).geometry
    var voxels = [Float](repeating: 90, count: geometry.voxelCount)
    for _ in 0..<60 {
      let (x, y) = (
        random.uniform(in: 0..<Double(size.x)), random.uniform(in: 0..<Double(size.y))
      )
      let radius = random.uniform(in: 4..<Double(size.x) / 8)
      let value = Float(random.uniform(in: 0..<255))
      for place in voxels.indices {
        let (dx, dy) = (Double(place % size.x) - x, Double(place / size.x) - y)
        if dx * dx + dy * dy < radius * radius { voxels[place] = value }
      }
    }
    return Volume(geometry: geometry, voxels: voxels)
  }

  /// A part of a picture, mirrored, darker and noisy.
  private func copy(of picture: Volume<Float>, at low: SIMD2<Int>, _ size: SIMD2<Int>) throws
    -> Volume<Float>
  {
    var random = RandomStream(seed: 9)
    let width = picture.geometry.size.x
    let geometry = try SampleModel.scan([size.x, size.y, 1], isPlanar: true).geometry
    return Volume(
      geometry: geometry,
      voxels: (0..<size.x * size.y).map { place in
        let (x, y) = (size.x - 1 - place % size.x, place / size.x)
        let value = picture.voxels[low.x + x + width * (low.y + y)]
        return 20 + 0.7 * value + 5 * Float(random.normal())
      }
    )
  }

  @Test func aMirroredAndDarkenedPartIsFoundWhicheverIsTheLarger() throws {
    let whole = try picture(1, [160, 120])
    let part = ImageResemblance(try copy(of: whole, at: [60, 30], [80, 80]))
    let image = ImageResemblance(whole)
    let found = image.correlation(with: part)
    #expect(found > ImageResemblance.copyCorrelation)
    #expect(part.correlation(with: image) == found)
  }

  @Test func anotherPictureOfTheSameKindIsNoCopy() throws {
    let image = ImageResemblance(try picture(1, [160, 120]))
    for seed in 2..<5 {
      let other = ImageResemblance(try picture(UInt64(seed), [100, 120]))
      let found = image.correlation(with: other)
      #expect(found < ImageResemblance.copyCorrelation)
    }
  }

  @Test func aConstantPictureResemblesNothing() throws {
    let geometry = try SampleModel.scan([40, 40, 1], isPlanar: true).geometry
    let flat = ImageResemblance(
      Volume(geometry: geometry, voxels: [Float](repeating: 3, count: 1600))
    )
    #expect(flat.correlation(with: ImageResemblance(try picture(1, [90, 70]))) == 0)
  }

  @Test func copiesAreLeftOutAndNamed() throws {
    let whole = try picture(1, [160, 120])
    let images = CleanImages(
      [
        CleanImages.Image(id: "whole", volume: whole),
        CleanImages.Image(id: "other", volume: try picture(7, [160, 120])),
      ],
      arePictures: true,
      name: "pictures"
    )
    let tests = CleanImages(
      [CleanImages.Image(id: "part", volume: try copy(of: whole, at: [20, 20], [90, 90]))],
      arePictures: true,
      name: "tests"
    )
    let (kept, largest) = try images.without(
      copiesOf: tests,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    #expect(kept.count == 1)
    #expect(kept.notes == ["whole was left out: it resembles part."])
    #expect(largest < ImageResemblance.copyCorrelation)
    let copies = CleanImages(
      [CleanImages.Image(id: "whole", volume: whole)],
      arePictures: true,
      name: "pictures"
    )
    #expect(throws: EnhancementError.self) {
      _ = try copies.without(
        copiesOf: tests,
        progress: SilentProgress(),
        interruption: Interruption()
      ).largestCorrelation
    }
  }
}
