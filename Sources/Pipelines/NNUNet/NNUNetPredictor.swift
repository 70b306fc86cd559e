import CKernels
import Foundation
import Imaging
import ImagingIO
import Networks
import Support
import Tensors

/// Segments scans as nnU-Net does, in its arithmetic, while holding only the planes in work.
///
/// Isensee et al. 2021, "nnU-Net: a self-configuring method for deep learning-based biomedical image
/// segmentation"; the order of operations and every rounding to half precision are those of
/// `nnUNetPredictor`, so that label maps equal its own.
package struct NNUNetPredictor: ScanPredictor {
  /// How a prediction may differ from the source program's defaults.
  package struct Options: Sendable {
    /// Whether to average over the plan's mirror axes.
    package var usesMirroring = true
    /// Axes of the one mirror image that is taken instead; nil for all of them.
    package var onlyMirroring: [Int]?
    /// The largest distance of neighbouring tiles as a share of their size.
    package var step = 0.5
    /// Tiles that a two-dimensional network sees at once.
    package var batchSize = 4
    /// A ceiling of memory in bytes, or nil.
    package var memoryLimit: Int?
    /// Whether tiles of nothing but air (below −900 HU, in models of CT) take the scores of the first
    /// of them, if those are background by a wide margin.
    package var skipsAir = false
    /// Parts that the rows are split into at least; the result is the same for every number.
    package var fewestParts = 1

    package init() {}
  }

  let plan: NNUNetPlan
  let networks: [ScoringNetwork]
  let labels: [LabelDefinition]
  let options: Options
  let previous: (any ScanPredictor)?

  /// Creates a predictor.
  /// - Parameters:
  ///   - plan: What the networks expect.
  ///   - networks: The networks whose scores are averaged, at least one.
  ///   - labels: The meanings of the numbers that are written.
  ///   - options: How to predict.
  ///   - previous: The predictor of the stage before, if the plan has one.
  package init(
    plan: NNUNetPlan,
    networks: [ScoringNetwork],
    labels: [LabelDefinition],
    options: Options = Options(),
    previous: (any ScanPredictor)? = nil
  ) {
    precondition(!networks.isEmpty && (plan.previousStage == nil) == (previous == nil))
    self.plan = plan
    self.networks = networks
    self.labels = labels
    self.options = options
    self.previous = previous
  }

  package func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    let earlier = try previous?.predict(
      scan,
      outputs: PredictionOutputs(),
      progress: progress,
      interruption: interruption
    )
    let prepared = try NNUNetPreparation(
      scan,
      plan: plan,
      previous: earlier,
      interruption: interruption
    )
    let grid = TiledGrid(plan: plan, size: prepared.size, step: options.step)
    let size = scan.geometry.size
    if let sink = outputs.probabilities {
      try sink.begin(size: [plan.heads.count, size.z, size.y, size.x])
      if case .labels = plan.heads { sink.fillBackground() }
    }
    let job = NNUNetJob(
      plan: plan,
      networks: networks,
      options: options,
      prepared: prepared,
      grid: grid,
      interruption: interruption
    )
    var transposed = [UInt16](repeating: 0, count: prepared.fullSize.product)
    try transposed.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      try job.run(
        labels: base,
        probabilities: outputs.probabilities?.target(for: prepared, scanSize: size),
        confidence: outputs.confidence,
        memoryLimit: options.memoryLimit,
        progress: progress
      )
    }
    let back = prepared.reordering.inverse.applied(to: transposed, size: prepared.fullSize)
    return LabelMap(geometry: scan.geometry, labels: back, table: labels)
  }
}

extension SIMD3<Int> {
  /// The product of the three numbers.
  var product: Int { x * y * z }
}

/// The tiles that cover a prepared scan; axes are those of arrays, the slowest first.
struct TiledGrid: Sendable {
  /// Planes, rows and columns of a tile; a two-dimensional network's have one plane.
  let patch: [Int]
  /// Voxels of the image, at least those of a tile.
  let padded: [Int]
  /// What was added before the first plane, row and column.
  let margin: [Int]
  /// First voxels of the tiles along each axis.
  let starts: [[Int]]

  init(plan: NNUNetPlan, size: SIMD3<Int>, step: Double) {
    let image = [size.z, size.y, size.x]
    patch = plan.isPlanar ? [1] + plan.patchSize : plan.patchSize
    var padded = image
    var margin = [0, 0, 0]
    var starts: [[Int]] = []
    for axis in 0..<3 {
      let missing = max(0, patch[axis] - image[axis])
      padded[axis] += missing
      margin[axis] = missing / 2
      starts.append(
        plan.isPlanar && axis == 0
          ? Array(0..<image[0])
          : TileWindows.starts(size: padded[axis], patch: patch[axis], step: step)
      )
    }
    self.padded = padded
    self.margin = margin
    self.starts = starts
  }

  /// The number of tiles.
  var count: Int { starts.reduce(1) { $0 * $1.count } }
}

/// One scan on its way through the networks.
private struct NNUNetJob {
  let plan: NNUNetPlan
  let networks: [ScoringNetwork]
  let options: NNUNetPredictor.Options
  let prepared: NNUNetPreparation
  let grid: TiledGrid
  let interruption: Interruption

  private struct Tile {
    let origin: [Int]
    /// Planes below this one are finished once the tile is added.
    let finishedPlanes: Int
  }

  func run(
    labels: UnsafeMutablePointer<UInt16>,
    probabilities: ProbabilityTarget?,
    confidence: ConfidenceSums?,
    memoryLimit: Int?,
    progress: any ProgressReporter
  ) throws {
    let box = prepared.box
    let apart = NNUNetResampler(
      plan.probabilities,
      from: prepared.size,
      to: box.size,
      spacing: prepared.networkSpacing,
      newSpacing: prepared.spacing
    ).apart
    let taps = (0..<3).map { axis in
      ScoreTaps(
        input: prepared.size[axis],
        output: box.size[axis],
        isNearest: apart == axis ? !plan.probabilities.isLinearAcross : plan.probabilities.isNearest
      )
    }
    let batchSize = plan.isPlanar ? min(options.batchSize, max(1, grid.count)) : 1
    let scorers = networks.map {
      TileScorer(
        $0,
        channels: prepared.channels.count,
        patch: plan.patchSize,
        mirrorings: options.onlyMirroring.map { [$0] }
          ?? TileScorer.mirrorings(over: options.usesMirroring ? plan.mirrorAxes : []),
        batchSize: batchSize
      )
    }
    let parts = try split(taps, scorers: scorers, limit: memoryLimit, progress: progress)
    progress.begin("segmenting \(grid.count) tiles", total: grid.count * parts.count)
    var done = 0
    let air = options.skipsAir ? AirTiles(plan) : nil
    for rows in parts {
      let sourceRows = ScoreExport.sourceRows(taps[1], for: rows)
      let export = ScoreExport(
        heads: plan.heads,
        source: prepared.size,
        sourceRows: sourceRows,
        taps: taps,
        target: ScoreExport.Target(
          labels: labels,
          size: prepared.fullSize,
          box: box,
          rows: rows
        ),
        probabilities: probabilities,
        confidence: confidence
      )
      try predict(rows: sourceRows, scorers: scorers, air: air, export: export) {
        done += $0
        progress.update(done, detail: nil)
      }
    }
    progress.end()
    if options.skipsAir { progress.note(remark(onAir: air, scorers)) }
  }

  /// What became of the tiles of air.
  private func remark(onAir air: AirTiles?, _ scorers: [TileScorer]) -> String {
    guard air != nil else {
      return "No air was skipped: that is for 3-D models of one channel of CT and a single stage."
    }
    // Every network sees the same tiles, and each answers for itself.
    let seen = scorers.first?.airTiles.seen ?? 0
    let skipped = scorers.map(\.airTiles.skipped).min() ?? 0
    return "Of \(seen) tiles that hold nothing but air \(skipped) were not computed"
      + (scorers.contains(where: \.seesSomethingInAir)
        ? ": the network sees more than background there." : ".")
  }

  /// Splits the rows so that the run keeps below a ceiling of memory; says what it will need.
  ///
  /// Tiles that reach the rows of two parts are computed for both, so that parts cost time and change
  /// nothing else.
  private func split(
    _ taps: [ScoreTaps],
    scorers: [TileScorer],
    limit: Int?,
    progress: any ProgressReporter
  ) throws -> [Range<Int>] {
    let fixed =
      ProcessMemory.residentBytes + (scorers.map(\.arenaBytes).max() ?? 0)
      + scorers.reduce(0) { $0 + $1.byteCount }
    func need(_ parts: [Range<Int>]) -> Int {
      let rows = parts.map { ScoreExport.sourceRows(taps[1], for: $0).count }.max() ?? 0
      let slab = WindowSlab.byteCount(
        classes: plan.heads.count,
        depth: grid.patch[0],
        rows: rows,
        columns: grid.padded[2]
      )
      let planes = 4 * plan.heads.count * rows * grid.padded[2]
      return fixed + scorers.count * slab + planes
    }
    let height = prepared.box.size.y
    let most = max(1, min(height, 4 * height / max(1, grid.patch[1])))
    for count in min(options.fewestParts, most)...most {
      let parts = (0..<count).map { height * $0 / count..<height * ($0 + 1) / count }
      let bytes = need(parts)
      if let limit, bytes > limit, count < most { continue }
      if let limit, bytes > limit {
        throw PipelinesError.needsMoreMemory(bytes: bytes, limit: limit)
      }
      progress.note(
        "This needs about \(ProcessMemory.gigabytes(bytes)) GB of memory"
          + (count > 1 ? ", in \(count) parts that compute some tiles twice." : ".")
      )
      return parts
    }
    return [0..<height]
  }

  /// Scores the tiles that reach some rows and exports their planes.
  private func predict(
    rows: Range<Int>,
    scorers: [TileScorer],
    air: AirTiles?,
    export: ScoreExport,
    step: (Int) -> Void
  ) throws {
    let padded = rows.lowerBound + grid.margin[1]..<rows.upperBound + grid.margin[1]
    let slabs = scorers.map { _ in
      WindowSlab(
        classes: plan.heads.count,
        depth: grid.patch[0],
        rows: padded,
        columns: grid.padded[2]
      )
    }
    let weights = TileWindows.gaussian(plan.patchSize)
    let tiles = tiles(reaching: padded)
    let batchSize = scorers[0].batchSize
    let tileCount = prepared.channels.count * grid.patch.reduce(1, *)
    let input = AlignedBuffer<Float>(uninitializedCount: batchSize * tileCount)
    var finished = 0
    for start in stride(from: 0, to: tiles.count, by: batchSize) {
      try interruption.check()
      let batch = tiles[start..<min(start + batchSize, tiles.count)]
      for (place, tile) in batch.enumerated() {
        cut(tile.origin, to: input.pointer + place * tileCount)
      }
      (input.pointer + batch.count * tileCount)
        .update(repeating: 0, count: (batchSize - batch.count) * tileCount)
      // Sums of one network do not depend on another's. A batch's are kept, since its tiles may
      // belong to planes that are finished one after the other.
      var outputs: [[Float]] = []
      let air = air.flatMap { $0.isAir(input) ? $0 : nil }
      for (scorer, slab) in zip(scorers, slabs) {
        scorer.score(input, air: air) { scores in
          let size = scorer.outputChannels * grid.patch.reduce(1, *)
          if batch.count == 1 {
            slab.add(
              scores,
              head: scorer.head,
              patch: grid.patch,
              origin: batch[start].origin,
              weights: weights
            )
          } else {
            outputs.append(Array(UnsafeBufferPointer(start: scores, count: batch.count * size)))
          }
        }
      }
      for (place, tile) in batch.enumerated() {
        for (index, output) in outputs.enumerated() {
          let size = scorers[index].outputChannels * grid.patch.reduce(1, *)
          output.withUnsafeBufferPointer { scores in
            guard let base = scores.baseAddress else { return }
            slabs[index].add(
              base + place * size,
              head: scorers[index].head,
              patch: grid.patch,
              origin: tile.origin,
              weights: weights
            )
          }
        }
        while finished < tile.finishedPlanes {
          try finish(finished, slabs: slabs, rows: padded, export: export)
          finished += 1
        }
      }
      step(batch.count)
    }
  }

  /// The tiles in nnU-Net's order, those left out that reach none of the rows.
  private func tiles(reaching rows: Range<Int>) -> [Tile] {
    let second = grid.starts[1].filter {
      $0 < rows.upperBound && $0 + grid.patch[1] > rows.lowerBound
    }
    var tiles: [Tile] = []
    for (index, plane) in grid.starts[0].enumerated() {
      let next = index + 1 < grid.starts[0].count ? grid.starts[0][index + 1] : grid.padded[0]
      for row in second {
        for column in grid.starts[2] {
          let isLast = row == second.last && column == grid.starts[2].last
          tiles.append(
            Tile(origin: [plane, row, column], finishedPlanes: isLast ? next : 0)
          )
        }
      }
    }
    return tiles
  }

  /// Cuts a tile out of the scan; beyond it lies 0.
  private func cut(_ origin: [Int], to target: UnsafeMutablePointer<Float>) {
    let (patch, margin, size) = (grid.patch, grid.margin, prepared.size)
    let first = (0..<3).map { origin[$0] - margin[$0] }
    let from = max(0, first[2])
    let to = min(size.x, first[2] + patch[2])
    // Each plane is written by one thread.
    nonisolated(unsafe) let target = target
    for (index, channel) in prepared.channels.enumerated() {
      channel.withUnsafeBufferPointer { values in
        nonisolated(unsafe) let values = values
        Parallelism.forEach(patch[0]) { plane in
          let z = first[0] + plane
          for row in 0..<patch[1] {
            let y = first[1] + row
            let line = target + ((index * patch[0] + plane) * patch[1] + row) * patch[2]
            guard (0..<size.z).contains(z), (0..<size.y).contains(y), from < to else {
              line.update(repeating: 0, count: patch[2])
              continue
            }
            let before = from - first[2]
            line.update(repeating: 0, count: before)
            if let base = values.baseAddress {
              (line + before).update(
                from: base + (z * size.y + y) * size.x + from,
                count: to - from
              )
            }
            let after = before + to - from
            (line + after).update(repeating: 0, count: patch[2] - after)
          }
        }
      }
    }
  }

  /// Divides and averages a plane and hands it to the export, unless it lies in the margin.
  private func finish(
    _ plane: Int,
    slabs: [WindowSlab],
    rows: Range<Int>,
    export: ScoreExport
  ) throws {
    defer { for slab in slabs { slab.clear(plane) } }
    let place = plane - grid.margin[0]
    guard (0..<prepared.size.z).contains(place) else { return }
    var sum: UnsafeMutablePointer<UInt16>?
    let count = plan.heads.count * rows.count * grid.padded[2]
    for slab in slabs {
      guard let scores = slab.finish(plane) else {
        throw PipelinesError.infiniteScores
      }
      if let sum {
        ck_half_add(sum, scores, Int64(count))
      } else {
        sum = scores
      }
    }
    guard let sum else { return }
    if slabs.count > 1 { ck_half_divide(sum, Float(slabs.count), Int64(count)) }
    guard grid.padded[2] != prepared.size.x else {
      export.consume(place, sum)
      return
    }
    let width = prepared.size.x
    let trimmed = AlignedBuffer<UInt16>(uninitializedCount: plan.heads.count * rows.count * width)
    for row in 0..<plan.heads.count * rows.count {
      (trimmed.pointer + row * width).update(
        from: sum + row * grid.padded[2] + grid.margin[2],
        count: width
      )
    }
    export.consume(place, trimmed.pointer)
  }
}

extension NNUNetPlan.Resampling {
  /// Whether values are taken, not interpolated.
  var isNearest: Bool {
    if case .spline(0, _, _) = self { return true }
    return false
  }

  /// Whether values are interpolated also along an axis that is treated apart.
  var isLinearAcross: Bool {
    if case .spline(_, 1, _) = self { return true }
    return false
  }
}
