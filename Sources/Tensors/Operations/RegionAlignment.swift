import Support

/// A rectangle of an image of a batch.
public struct ImageRegion: Sendable, Equatable {
  /// The image in the batch, counted from 0.
  public var image: Int
  /// Left, upper, right and lower edge in pixels; the first pixel reaches from 0 to 1.
  public var edges: SIMD4<Float>

  /// Names a rectangle.
  /// - Parameters:
  ///   - image: The image in the batch, counted from 0.
  ///   - edges: Left, upper, right and lower edge in pixels.
  public init(image: Int, edges: SIMD4<Float>) {
    self.image = image
    self.edges = edges
  }
}

/// Reads feature maps in regions, each on a grid of its own (RoIAlign).
///
/// He, Gkioxari, Dollár and Girshick 2017, "Mask R-CNN", section 3; the conventions are those of torchvision's
/// `roi_align`. A region is cut into as many cells as the output has, a cell is the mean over a grid of
/// points, and a point is interpolated linearly between its four neighbours. Points beyond the outermost
/// cells' middles see the nearest cell, those more than one cell outside the map see 0.
///
/// Regions are constants: gradients go back to the maps alone. Each thread owns planes of the maps and
/// adds the regions in their order, so that sums have the same bits for every number of threads.
/// - Parameters:
///   - x: `[N, C, H, W]`.
///   - regions: The regions in pixels of the image, at least one.
///   - outputSize: Rows and columns of a region's grid.
///   - scale: Cells of the map for one pixel of the image, such as 1/4.
///   - samplingRatio: Points of a cell along each axis; 0 takes as many as the region has cells of the map for
///     one of its own, rounded up.
///   - isAligned: Whether the middle of the first cell is at half a pixel; otherwise, as in the first programs, it
///     is at 0, and regions are at least one cell wide and high.
/// - Returns: `[R, C, h, w]`, R regions in their order.
/// - Precondition: The regions are finite and name images of the batch; sizes are positive.
public func regionAligned(
  _ x: Tensor,
  regions: [ImageRegion],
  outputSize: [Int],
  scale: Float = 1,
  samplingRatio: Int = 0,
  isAligned: Bool = false
) -> Tensor {
  precondition(
    x.rank == 4 && x.count > 0 && !regions.isEmpty && outputSize.count == 2
      && outputSize.allSatisfy { $0 > 0 } && samplingRatio >= 0 && scale > 0,
    "\(regions.count) regions of \(x.shape) on grids of \(outputSize)"
  )
  for region in regions {
    let edges = region.edges
    precondition(
      (0..<x.shape[0]).contains(region.image)
        && edges.x.isFinite && edges.y.isFinite && edges.z.isFinite && edges.w.isFinite,
      "the region \(region) of \(x.shape)"
    )
  }
  let aligner = RegionAligner(
    inputShape: x.shape,
    regions: regions,
    outputSize: outputSize,
    scale: scale,
    samplingRatio: samplingRatio,
    isAligned: isAligned
  )
  return operation("roi-align", on: [x], shape: aligner.outputShape) { operands in
    let x = operands[0]
    if Kernels.current.isReference {
      let reference = RegionAlignmentReference(aligner)
      return reference.value(x.detached).recorded(from: [x]) { [reference.gradient($0)] }
    }
    // Scattered reads want the channels of a cell side by side.
    let wantsBlocks = x.layout == .plain && x.shape[1] >= FastKernels.preferredLayout.block
    let input = wantsBlocks ? x.relaid(FastKernels.preferredLayout) : x.detached
    let layout = input.layout
    let taps = RegionTaps(aligner)
    return taps.value(input).recorded(from: [x]) { gradient in
      [taps.gradient(gradient.relaid(layout))]
    }
  }
}

/// One way to read regions.
struct RegionAligner: Sendable {
  let inputShape: [Int]
  let regions: [ImageRegion]
  let outputSize: [Int]
  let scale: Float
  let samplingRatio: Int
  let isAligned: Bool

  var outputShape: [Int] { [regions.count, inputShape[1]] + outputSize }
}

/// Which cells of a map a cell of a region's grid reads, and how much each of them weighs.
///
/// Rows and columns are independent, so that each axis has lists of its own.
private struct RegionTaps: Sendable {
  let aligner: RegionAligner
  let rows: AxisTaps
  let columns: AxisTaps
  /// The regions of each image.
  let ofImage: [[Int]]

  /// Taps along one axis: those of cell i of region r are `starts[r · cells + i]` up to the next start.
  struct AxisTaps: Sendable {
    var starts: [Int] = [0]
    var places: [Int] = []
    var weights: [Float] = []

    /// Adds the taps of one region.
    mutating func add(_ low: Float, _ high: Float, cells: Int, size: Int, _ aligner: RegionAligner)
    {
      let start = low * aligner.scale - (aligner.isAligned ? 0.5 : 0)
      var extent = high * aligner.scale - (aligner.isAligned ? 0.5 : 0) - start
      if !aligner.isAligned { extent = max(extent, 1) }
      let step = extent / Float(cells)
      // A grid finer than the map has nothing more to see.
      let wanted = aligner.samplingRatio > 0 ? Float(aligner.samplingRatio) : step.rounded(.up)
      let points = Int(min(max(wanted, 0), 4096))
      for cell in 0..<cells {
        let first = places.count
        for point in 0..<points {
          let place = start + Float(cell) * step + (Float(point) + 0.5) * step / Float(points)
          guard place >= -1, place <= Float(size) else { continue }
          let inside = min(max(place, 0), Float(size - 1))
          let lower = Int(inside)
          let share = inside - Float(lower)
          note(lower, (1 - share) / Float(points), from: first)
          if share > 0 { note(lower + 1, share / Float(points), from: first) }
        }
        starts.append(places.count)
      }
    }

    private mutating func note(_ place: Int, _ weight: Float, from first: Int) {
      if let known = places[first...].lastIndex(of: place) {
        weights[known] += weight
      } else {
        places.append(place)
        weights.append(weight)
      }
    }
  }

  init(_ aligner: RegionAligner) {
    self.aligner = aligner
    var (rows, columns) = (AxisTaps(), AxisTaps())
    var ofImage = [[Int]](repeating: [], count: aligner.inputShape[0])
    for (index, region) in aligner.regions.enumerated() {
      let edges = region.edges
      let (height, width) = (aligner.inputShape[2], aligner.inputShape[3])
      rows.add(edges.y, edges.w, cells: aligner.outputSize[0], size: height, aligner)
      columns.add(edges.x, edges.z, cells: aligner.outputSize[1], size: width, aligner)
      ofImage[region.image].append(index)
    }
    (self.rows, self.columns, self.ofImage) = (rows, columns, ofImage)
  }

  private var space: Int { aligner.inputShape[2] * aligner.inputShape[3] }
  private var cells: Int { aligner.outputSize[0] * aligner.outputSize[1] }

  /// Calls the body with each cell of a region's grid, each cell of the map that it reads, and the weight.
  @inline(__always)
  private func forEachTap(
    _ region: Int,
    _ body: (_ cell: Int, _ place: Int, _ weight: Float) -> Void
  ) {
    let (height, width) = (aligner.outputSize[0], aligner.outputSize[1])
    let stride = aligner.inputShape[3]
    for row in 0..<height {
      let vertical = rows.starts[region * height + row]..<rows.starts[region * height + row + 1]
      for column in 0..<width {
        let first = region * width + column
        for y in vertical {
          for x in columns.starts[first]..<columns.starts[first + 1] {
            body(
              row * width + column,
              rows.places[y] * stride + columns.places[x],
              rows.weights[y] * columns.weights[x]
            )
          }
        }
      }
    }
  }

  private func zeros(_ shape: [Int], _ layout: TensorLayout) -> Tensor {
    Tensor(
      shape: shape,
      layout: layout,
      storage: AlignedBuffer(repeating: 0, count: Tensor.storageCount(shape, layout))
    )
  }

  func value(_ x: Tensor) -> Tensor {
    let result = zeros(aligner.outputShape, x.layout)
    let lanes = x.lanes
    let blocks = x.outerCount / aligner.inputShape[0]
    let (source, target) = (x.storage, result.storage)
    EngineThreads.forEachRange(
      aligner.regions.count * blocks,
      itemCost: 16 * cells * lanes
    ) { range in
      for item in range {
        let (region, block) = (item / blocks, item % blocks)
        let plane = aligner.regions[region].image * blocks + block
        let from = source.pointer + plane * space * lanes
        let to = target.pointer + item * cells * lanes
        forEachTap(region) { cell, place, weight in
          add(from + place * lanes, to + cell * lanes, weight, lanes)
        }
      }
    }
    return result
  }

  func gradient(_ gradient: Tensor) -> Tensor {
    let result = zeros(aligner.inputShape, gradient.layout)
    let lanes = gradient.lanes
    let blocks = result.outerCount / aligner.inputShape[0]
    let (source, target) = (gradient.storage, result.storage)
    EngineThreads.forEachRange(
      aligner.inputShape[0] * blocks,
      itemCost: 16 * cells * lanes * max(1, aligner.regions.count / aligner.inputShape[0])
    ) { range in
      for plane in range {
        let to = target.pointer + plane * space * lanes
        for region in ofImage[plane / blocks] {
          let from = source.pointer + (region * blocks + plane % blocks) * cells * lanes
          forEachTap(region) { cell, place, weight in
            add(from + cell * lanes, to + place * lanes, weight, lanes)
          }
        }
      }
    }
    return result
  }

  @inline(__always)
  private func add(
    _ from: UnsafePointer<Float>,
    _ to: UnsafeMutablePointer<Float>,
    _ weight: Float,
    _ lanes: Int
  ) {
    var lane = 0
    while lane + 8 <= lanes {
      let old = UnsafeRawPointer(to + lane).loadUnaligned(as: SIMD8<Float>.self)
      let new = UnsafeRawPointer(from + lane).loadUnaligned(as: SIMD8<Float>.self)
      UnsafeMutableRawPointer(to + lane).storeBytes(of: old + weight * new, as: SIMD8<Float>.self)
      lane += 8
    }
    while lane < lanes {
      to[lane] += weight * from[lane]
      lane += 1
    }
  }
}
