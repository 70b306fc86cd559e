import Support
import Tensors

/// Draws scans with the places of their blanked blocks as classes: 1 blanked, 0 shown.
package struct MaskedSampler: TrainingSampler {
  private let base: any TrainingSampler
  private let recipe: MaskedReconstruction
  private let stream: RandomStream

  private static let purpose = 0x6D61_736B

  /// Joins a sampler of scans with blocks.
  /// - Parameters:
  ///   - base: Draws the scans; its classes are not used.
  ///   - recipe: How much is blanked.
  ///   - seed: Seed of every random choice.
  init(_ base: any TrainingSampler, recipe: MaskedReconstruction, seed: UInt64) {
    self.base = base
    self.recipe = recipe
    stream = RandomStream(seed: seed).split(Self.purpose)
  }

  package var sampleShape: [Int] { base.sampleShape }
  package var batchSize: Int { base.batchSize }

  package func sample(step: Int, index: Int) -> TrainingSample {
    var random = stream.split(step, index)
    return TrainingSample(
      values: base.sample(step: step, index: index).values,
      classes: Self.mask(Array(sampleShape.dropFirst()), recipe: recipe, using: &random)
    )
  }

  /// Blocks on a regular grid, a fixed number of them blanked at random places.
  /// - Parameters:
  ///   - size: Spatial axes, the last one fastest.
  ///   - recipe: How much is blanked.
  ///   - random: Chooses the blocks.
  /// - Returns: 1 in blanked blocks, 0 elsewhere; at least one block of each kind where there are two.
  package static func mask(
    _ size: [Int],
    recipe: MaskedReconstruction,
    using random: inout RandomStream
  ) -> [UInt16] {
    let edges = size.map { max(1, min(recipe.blockSize, $0 / 4)) }
    let grid = zip(size, edges).map { ($0 + $1 - 1) / $1 }
    let count = grid.reduce(1, *)
    let blanked = min(count - 1, max(1, Int((Double(count) * recipe.maskedShare).rounded())))
    var order = Array(0..<count)
    order.shuffle(using: &random)
    var isBlanked = [UInt16](repeating: 0, count: count)
    for block in order.prefix(max(0, blanked)) { isBlanked[block] = 1 }

    // Rows of the last axis run through the blocks of one row of the grid.
    let width = size[size.count - 1]
    let rows = size.dropLast().reduce(1, *)
    var result: [UInt16] = []
    result.reserveCapacity(rows * width)
    for row in 0..<rows {
      var (rest, block, factor) = (row, 0, grid[size.count - 1])
      for axis in stride(from: size.count - 2, through: 0, by: -1) {
        block += rest % size[axis] / edges[axis] * factor
        rest /= size[axis]
        factor *= grid[axis]
      }
      for x in 0..<width { result.append(isBlanked[block + x / edges[size.count - 1]]) }
    }
    return result
  }
}

/// A batch whose blocks are blanked, with what the network must fill in.
package struct MaskedBatch {
  /// `[N, C, spatial…]`, 0 in the blocks.
  package let images: Tensor
  /// `[N, 1, spatial…]`, the middle channel inside the blocks, 0 elsewhere.
  private let targets: Tensor
  /// `[N, 1, spatial…]`, 1 inside the blocks.
  private let weights: Tensor
  /// All cells by those inside blocks.
  private let ratio: Float

  /// Blanks the blocks of a batch.
  /// - Parameter batch: Scans, and as labels 1 inside blocks.
  package init(_ batch: TrainingBatch) {
    let shape = batch.images.shape
    let (samples, channels) = (shape[0], shape[1])
    let cells = shape.dropFirst(2).reduce(1, *)
    var images = batch.images.values
    let labels = batch.labels.labels
    let middle = channels / 2
    var (targets, weights) = ([Float](), [Float]())
    targets.reserveCapacity(samples * cells)
    weights.reserveCapacity(samples * cells)
    for sample in 0..<samples {
      for cell in 0..<cells {
        let isBlanked = labels[sample * cells + cell] == 1
        weights.append(isBlanked ? 1 : 0)
        targets.append(isBlanked ? images[(sample * channels + middle) * cells + cell] : 0)
        guard isBlanked else { continue }
        for channel in 0..<channels { images[(sample * channels + channel) * cells + cell] = 0 }
      }
    }
    let single = [samples, 1] + shape.dropFirst(2)
    self.images = Tensor(images, shape: shape)
    self.targets = Tensor(targets, shape: single)
    self.weights = Tensor(weights, shape: single)
    let blanked = weights.reduce(0, +)
    ratio = blanked > 0 ? Float(weights.count) / blanked : 0
  }

  /// The mean squared difference inside the blocks.
  /// - Parameter output: `[N, 1, spatial…]`.
  /// - Returns: One number.
  package func loss(of output: Tensor) -> Tensor {
    squaredLoss(output * weights, target: targets) * ratio
  }
}
