import Foundation
import Layers
import Recognition
import Stylization
import Support
import Tensors
import TestSupport
import Testing

/// Pictures with edges and colours, that need no files from elsewhere.
func drawing(_ width: Int, _ height: Int, stripes: Int) -> ImagePlanes {
  var values = [Float](repeating: 0, count: 3 * width * height)
  for y in 0..<height {
    for x in 0..<width {
      let isOn = (x / stripes + y / stripes) % 2 == 0
      let rgb: [Float] =
        isOn ? [220, 60, Float(x * 255 / width)] : [20, Float(y * 255 / height), 90]
      for channel in 0..<3 { values[(channel * height + y) * width + x] = rgb[channel] }
    }
  }
  return ImagePlanes(height: height, width: width, values: values)
}

@Suite struct StyleTests {
  private struct Reference: Decodable {
    let maps: [Float]
    let style: [Float]
    let gram: [Float]
    let distance: Float
    let smoothness: Float
    let gradient: [Float]
  }

  private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
  }

  @Test func lossAndGradientAreThoseOfPyTorch() throws {
    let data = try Data(
      contentsOf: URL(fileURLWithPath: Fixtures.path("stylization/style-loss.json"))
    )
    let reference = try JSONDecoder().decode(Reference.self, from: data)
    let maps = Parameter(Tensor(reference.maps, shape: [2, 3, 4, 5]))
    let target = StyleLoss.gram(Tensor(reference.style, shape: [1, 3, 6, 4]))
    let x = maps.value(in: Context(.training))
    let distance = StyleLoss.style(StyleLoss.gram(x), target: target)
    let smoothness = StyleLoss.variation(x)
    #expect(largestDifference(StyleLoss.gram(x).values, reference.gram) < 1e-4)
    #expect(abs(distance.scalar - reference.distance) < 1e-4)
    #expect(abs(smoothness.scalar - reference.smoothness) < 1e-4)
    let found = try #require(gradients(of: distance + smoothness)[maps.key])
    #expect(largestDifference(found.values, reference.gradient) < 1e-4)
  }

  @Test func aStyleIsNoDistanceFromItself() {
    let picture = drawing(64, 48, stripes: 5).tensor
    let loss = StyleLoss(
      style: picture,
      features: .random(),
      weights: .init(content: 1, style: 1, variation: 0)
    )
    #expect(loss(picture, content: loss.content(of: picture)).scalar < 1e-6)
    let other = drawing(64, 48, stripes: 12).tensor
    #expect(loss(other, content: loss.content(of: picture)).scalar > 0.1)
  }

  @Test func paintingComesNearerAndIsTheSameAgain() throws {
    let folder = try TemporaryFolder()
    let (content, style) = (folder.file("content.png"), folder.file("style.png"))
    try drawing(64, 48, stripes: 12).png().write(to: URL(fileURLWithPath: content))
    try drawing(50, 60, stripes: 3).png().write(to: URL(fileURLWithPath: style))
    var settings = StyleOptimization.Settings()
    settings.steps = 25
    let painter = try StyleOptimization(style: style, features: .random(), settings: settings)
    func paint() throws -> StyleOptimization.Outcome {
      try painter.run(content, progress: SilentProgress(), interruption: Interruption())
    }
    let first = try paint()
    #expect(first.lastLoss < 0.5 * first.firstLoss)
    #expect(try first.picture.png() == paint().picture.png())
    #expect(first.picture.width == 64 && first.picture.height == 48)
  }

  @Test func coloursCanStay() {
    let (content, painted) = (drawing(40, 32, stripes: 8), drawing(40, 32, stripes: 3))
    let mixed = painted.with(channels: 1).with(channels: 3).withColours(of: content)
    // Lightness of one, colours of the other, where the gamut holds both.
    let (lab, wanted) = (mixed.lab.values, content.lab.values)
    let near = (40 * 32..<3 * 40 * 32).count { abs(lab[$0] - wanted[$0]) < 3 }
    #expect(near > 40 * 32)
    #expect(mixed.isColourful)
  }

  @Test func picturesTooSmallOrMissingAreRefused() throws {
    let folder = try TemporaryFolder()
    let small = folder.file("small.png")
    try drawing(20, 50, stripes: 3).png().write(to: URL(fileURLWithPath: small))
    #expect(throws: StylizationError.self) { try ImagePlanes.photograph(small) }
    #expect(throws: SupportError.notFound(path: folder.file("none.png"))) {
      try ImagePlanes.photograph(folder.file("none.png"))
    }
  }
}
