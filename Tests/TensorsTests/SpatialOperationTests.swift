import Support
import Tensors
import TestSupport
import Testing

/// Padding, adaptive windows, pixel shuffling and grid sampling on tables drawn by hand.
@Suite("Spatial operations")
struct SpatialOperationTests {
  static let rounding = Tolerance(absolute: 1e-5, relative: 0)

  private let ramp = Tensor([1, 2, 3], shape: [1, 1, 1, 3])

  @Test("padding modes differ in what stands outside")
  func paddingModes() {
    func row(_ mode: PaddingMode) -> [Float] {
      padded(ramp, before: [0, 2], after: [0, 1], mode: mode).values
    }
    #expect(row(.constant(0)) == [0, 0, 1, 2, 3, 0])
    #expect(row(.constant(-7)) == [-7, -7, 1, 2, 3, -7])
    #expect(row(.reflect) == [3, 2, 1, 2, 3, 2])
    #expect(row(.replicate) == [1, 1, 1, 2, 3, 3])
  }

  @Test("a frame of ones around a cell has one number on all sides")
  func frame() {
    let x = Tensor([5], shape: [1, 1, 1, 1])
    let y = padded(x, before: [1, 1], after: [1, 1], mode: .constant(1))
    #expect(y.values == [1, 1, 1, 1, 5, 1, 1, 1, 1])
  }

  @Test("adaptive windows of five cells for three are 0-1, 1-3 and 3-4")
  func adaptiveWindows() {
    let x = Tensor([0, 1, 2, 3, 5], shape: [1, 1, 1, 5])
    expectClose(
      adaptiveAveragePooling(x, to: [1, 3]).values,
      [0.5, 2, 4],
      Self.rounding
    )
    #expect(adaptiveMaxPooling(x, to: [1, 3]).values == [1, 3, 5])
  }

  @Test("adaptive windows of two cells for four repeat cells")
  func adaptiveEnlarging() {
    let x = Tensor([3, 8], shape: [1, 1, 1, 2])
    #expect(adaptiveAveragePooling(x, to: [1, 4]).values == [3, 3, 8, 8])
    #expect(adaptiveMaxPooling(x, to: [1, 4]).values == [3, 3, 8, 8])
  }

  @Test("the first of equal maxima gets the gradient")
  func firstMaximum() {
    let key = GradientKey()
    let x = Tensor([4, 4, 4, 4], shape: [1, 1, 2, 2]).tracked(by: key)
    let found = gradients(of: adaptiveMaxPooling(x, to: [1, 1]).sum)
    #expect(found[key]?.values == [1, 0, 0, 0])
  }

  @Test("not-a-number is larger than every number")
  func notANumberWins() {
    let x = Tensor([1, .nan, 3, 2], shape: [1, 1, 2, 2])
    #expect(adaptiveMaxPooling(x, to: [1, 1]).scalar.isNaN)
  }

  @Test("the global mean of a large image is exact to rounding")
  func globalMean() {
    let x = Tensor((0..<96 * 96).map { Float($0 % 96) }, shape: [1, 1, 96, 96])
    expectClose(
      globalAveragePooling(x).values,
      [47.5],
      Tolerance(absolute: 0, relative: 1e-6)
    )
  }

  @Test("pixel shuffling interleaves channels row by row")
  func pixelShuffle() {
    // Channels 0, 1 fill the upper row of each 2 x 2 block, 2 and 3 the lower one.
    let x = Tensor([0, 1, 10, 11, 20, 21, 30, 31], shape: [1, 4, 1, 2])
    let y = pixelShuffled(x, factor: 2)
    #expect(y.shape == [1, 1, 2, 4])
    #expect(y.values == [0, 10, 1, 11, 20, 30, 21, 31])
    #expect(pixelUnshuffled(y, factor: 2).values == x.values)
  }

  @Test("pixel shuffling of volumes takes depth first")
  func pixelShuffleVolume() {
    let x = Tensor((0..<8).map { Float($0) }, shape: [1, 8, 1, 1, 1])
    let y = pixelShuffled(x, factor: 2)
    #expect(y.shape == [1, 1, 2, 2, 2])
    #expect(y.values == x.values)
  }

  @Test("a grid at the cells' centres gives the image back")
  func identityGrid() {
    let x = Tensor([1, 2, 3, 4, 5, 6], shape: [1, 1, 2, 3])
    func grid(_ ys: [Float], _ xs: [Float]) -> Tensor {
      Tensor(ys.flatMap { y in xs.flatMap { [$0, y] } }, shape: [1, 2, 3, 2])
    }
    let centers = grid([-0.5, 0.5], [-2 / 3, 0, 2 / 3])
    let corners = grid([-1, 1], [-1, 0, 1])
    for interpolation in [FeatureInterpolation.nearest, .linear] {
      for padding in GridPadding.allCases {
        let loose = gridSampled(x, grid: centers, interpolation: interpolation, padding: padding)
        expectClose(loose.values, x.values, Self.rounding)
        let aligned = gridSampled(
          x,
          grid: corners,
          interpolation: interpolation,
          padding: padding,
          alignCorners: true
        )
        expectClose(aligned.values, x.values, Self.rounding)
      }
    }
  }

  @Test("half of a sample at the image's face is outside")
  func gridBorder() {
    let x = Tensor([4, 6], shape: [1, 1, 1, 2])
    let grid = Tensor([-1, 0, 0, 0, 5, 0], shape: [1, 1, 3, 2])
    expectClose(gridSampled(x, grid: grid).values, [2, 5, 0], Self.rounding)
    expectClose(gridSampled(x, grid: grid, padding: .border).values, [4, 5, 6], Self.rounding)
  }

  @Test("at a cell's centre the slope is the one to the right, and outside counts as zero")
  func gridKinks() {
    let x = Tensor([1, 2, 4], shape: [1, 1, 1, 3])
    // Places 1 and 2 of 0 to 2; a coordinate of 1 is one cell.
    let grid = Tensor([0, 0, 1, 0], shape: [1, 1, 2, 2])
    for (padding, slope) in [(GridPadding.zeros, Float(-4)), (.border, 0)] {
      for kernels in [FastKernels.shared, ReferenceKernels()] as [any KernelSet] {
        let key = GradientKey()
        let found = Kernels.$current.withValue(kernels) {
          gradients(
            of: gridSampled(x, grid: grid.tracked(by: key), padding: padding, alignCorners: true)
              .sum
          )
        }
        let values = found[key]?.values ?? []
        #expect([values[0], values[2]] == [2, slope], "\(padding) of \(kernels.name)")
      }
    }
  }

  @Test("a coordinate that is not a number samples something, without a trap")
  func gridNotANumber() {
    let grid = Tensor([.nan, .infinity, -.infinity, 1e30], shape: [1, 1, 2, 2])
    let y = gridSampled(Tensor([4, 6], shape: [1, 1, 1, 2]), grid: grid)
    #expect(y.values.allSatisfy { $0.isFinite })
  }
}
