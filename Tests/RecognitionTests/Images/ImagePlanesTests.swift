import Foundation
import Imaging
import ImagingIO
import Pipelines
import Recognition
import Support
import TestSupport
import Testing

struct ImagePlanesTests {
  @Test func aReducedImageHoldsTheMeansOfItsPixels() {
    // Columns of 0 and 100 in turn: any window of several columns averages 50.
    let stripes = ImagePlanes(
      height: 4,
      width: 16,
      values: (0..<64).map { Float($0 % 2) * 100 }
    )
    let small = stripes.resized(toHeight: 2, width: 4)
    #expect(small.height == 2 && small.width == 4)
    // A triangle of even width over a pattern of period 2 has equal weights on both.
    #expect(small.values.allSatisfy { abs($0 - 50) < 7 })
    #expect(abs(small.values.reduce(0, +) / 8 - 50) < 1e-3)
  }

  @Test func anEnlargedImageIsInterpolatedLinearly() {
    let ramp = ImagePlanes(height: 1, width: 4, values: [0, 10, 20, 30])
    let large = ramp.resized(toHeight: 1, width: 8).values
    // Pixel middles at -0.25, 0.25, 0.75 … of the old grid; the ends repeat.
    let expected: [Float] = [0, 2.5, 7.5, 12.5, 17.5, 22.5, 27.5, 30]
    #expect(zip(large, expected).allSatisfy { abs($0 - $1) < 1e-4 }, "\(large)")
  }

  @Test func whatShowsNothingIsToldAndLeftOut() throws {
    let folder = try TemporaryFolder()
    func write(_ name: String, _ value: (Int) -> Float) throws {
      let geometry = try ImageGeometry(
        size: SIMD3(25, 25, 20),
        spacing: SIMD3(1, 1, 1),
        origin: SIMD3(0, 0, 0),
        direction: .identity
      )
      let voxels = (0..<25 * 25 * 20).map(value)
      try NIfTIWriter.write(
        .float32(Volume(geometry: geometry, voxels: voxels)),
        to: folder.file(name)
      )
    }
    try write("a.nii") { Float($0 % 777) }
    try write("b.nii") { _ in 3 }
    try write("c.nii") { _ in .nan }
    try write("d.nii") { Float($0 % 5) }
    let items = ["a", "b", "c", "d"].map {
      LabelledImages.Item(
        id: $0,
        source: .slice(folder.file("\($0).nii"), share: 0.5),
        classes: [0]
      )
    }
    let fitted = try FittedImages(
      LabelledImages(
        name: "set",
        classNames: ["x"],
        areFindings: false,
        items: items,
        problems: []
      ),
      plan: RecognitionPlan(task: .classification, imageSize: [16, 16], channels: 1),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    #expect(fitted.items.map(\.id) == ["a"])
    let told = ["constant", "finite", "label map"]
    #expect(fitted.problems.count == 3)
    for (problem, word) in zip(fitted.problems, told) { #expect(problem.contains(word)) }
  }

  @Test func coloursBecomeLumaAndGreyThreePlanes() {
    let colours = ImagePlanes(height: 1, width: 1, values: [100, 50, 200])
    #expect(abs(colours.grey.values[0] - (29.9 + 29.35 + 22.8)) < 1e-3)
    #expect(colours.hasColours && !colours.grey.with(channels: 3).hasColours)
    #expect(colours.grey.with(channels: 3).channels == 3)
  }

  @Test func aLetterboxAndACropSayWhereTheImageLies() {
    let image = ImagePlanes(height: 10, width: 20, values: (0..<200).map { Float($0 % 20) })
    var plan = RecognitionPlan(task: .classification, imageSize: [20, 20], channels: 1)
    plan.intensity = .fixed(low: 0, high: 1)
    plan.fitting = .letterbox
    let boxed = plan.fitted(image)
    #expect(boxed.scale.rows == 1 && boxed.scale.columns == 1)
    #expect(boxed.origin.row == 0 && boxed.origin.column == 0)
    #expect(boxed.values[5 * 20 + 7] == 7 && boxed.values[15 * 20 + 7] == 0)
    plan.fitting = .crop
    let cropped = plan.fitted(image)
    #expect(cropped.scale.rows == 2 && cropped.scale.columns == 2)
    #expect(cropped.origin.column == -10)
    // Network column 0 is image column 5 (10 of 40 enlarged columns are cut off).
    #expect(abs(cropped.values[10 * 20] - 4.75) < 0.3)
    plan.fitting = .stretch
    #expect(plan.fitted(image).scale.rows == 2)
  }

  @Test func whatIsNotFiniteIsTheLowEndAndAConstantImageIsZero() {
    var plan = RecognitionPlan(task: .classification, imageSize: [8, 8], channels: 1)
    plan.intensity = .percentiles(low: 0, high: 100)
    (plan.means, plan.deviations) = ([0.5], [2])
    var values = [Float](repeating: 1, count: 64)
    let constant = plan.fitted(ImagePlanes(height: 8, width: 8, values: values))
    #expect(constant.values.allSatisfy { $0 == -0.25 })
    (values[0], values[1]) = (.nan, 3)
    let fitted = plan.fitted(ImagePlanes(height: 8, width: 8, values: values))
    #expect(fitted.values[0] == -0.25 && fitted.values[1] == 0.25)
  }
}
