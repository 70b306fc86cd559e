import Imaging
import Support
import Tensors
import Transforms

/// Draws pieces of slices, as they are and as thick slices would have left them along one of their axes.
///
/// Sample i of step t depends on the seed, t and i alone.
struct ThickSliceSampler: Sendable {
  /// What one step is computed from: cells of the finer grid as channels, `[N, fold, cells, columns]`.
  struct Batch: Sendable {
    let input: Tensor
    let target: Tensor
  }

  /// Columns of a piece, and voxels across them at most.
  private static let (columns, longest, mostCells) = (48, 96, 16)
  /// A piece whose standard deviation is below this is drawn anew, up to `attempts` times.
  private static let flatDeviation: Float = 0.05
  private static let attempts = 4

  private let scan: [Float]
  private let size: SIMD3<Int>
  private let sharpAxes: [Int]
  private let lattice: SliceLattice
  private let degradation: SliceDegradation
  private let cells: Int
  private let columns: Int
  private let stream: RandomStream

  /// Prepares a scan.
  /// - Parameters:
  ///   - scan: The scan on the network's scale, slices along its third axis.
  ///   - size: Its voxels.
  ///   - sharpAxes: Axes within slices along which it is sharp: 0, 1 or both.
  ///   - lattice: Slices and the finer grid.
  ///   - seed: Seed of every random choice.
  /// - Throws: `ImagingError` never: the grids are sound.
  init(
    _ scan: [Float],
    size: SIMD3<Int>,
    sharpAxes: [Int],
    lattice: SliceLattice,
    seed: UInt64
  ) throws(ImagingError) {
    self.scan = scan
    self.size = size
    self.sharpAxes = sharpAxes
    self.lattice = lattice
    cells = max(2, min(Self.mostCells, Self.longest / lattice.fold))
    columns = min(Self.columns, size.x, size.y)
    degradation = try SliceDegradation(lattice, cells: cells)
    stream = RandomStream(seed: seed).split(0x736C_6963)
  }

  /// Draws one sample.
  /// - Parameters:
  ///   - step: The step, from 0.
  ///   - index: The place in the batch.
  /// - Returns: What thick slices leave, and the piece itself, cells as channels.
  func sample(step: Int, index: Int) -> (input: [Float], target: [Float]) {
    var random = stream.split(step, index)
    var lines: [[Float]] = []
    for _ in 0..<Self.attempts {
      lines = piece(&random)
      if deviation(lines) >= Self.flatDeviation { break }
    }
    let place = Int(random.uniform() * Double(degradation.placeCount))
    let (length, margin) = (degradation.length, degradation.margin)
    var input = [Float](repeating: 0, count: length * columns)
    var target = input
    for (column, line) in lines.enumerated() {
      let blurred = degradation.degraded(line, place: place)
      for voxel in 0..<length {
        let at = (voxel % lattice.fold * cells + voxel / lattice.fold) * columns + column
        input[at] = blurred[voxel]
        target[at] = line[margin + voxel]
      }
    }
    return (input, target)
  }

  /// Lines of a slice side by side, each with its margins; beyond the slice it is mirrored.
  private func piece(_ random: inout RandomStream) -> [[Float]] {
    func draw(_ count: Int) -> Int { min(count - 1, Int(random.uniform() * Double(count))) }
    let axis = sharpAxes[draw(sharpAxes.count)]
    let slice = draw(size.z) * size.x * size.y
    let (along, across) = (size[axis], size[1 - axis])
    let (step, stride) = axis == 0 ? (1, size.x) : (size.x, 1)
    let (length, margin) = (degradation.length, degradation.margin)
    let start = draw(max(1, along - length + 1)) - margin
    let first = draw(across - columns + 1)
    let isReversed = random.chance(0.5)
    let flipsColumns = random.chance(0.5)
    let places = (0..<length + 2 * margin).map { place in
      step * Mirror.atFaces(start + (isReversed ? length + 2 * margin - 1 - place : place), along)
    }
    return (0..<columns).map { column in
      let line = slice + stride * (first + (flipsColumns ? columns - 1 - column : column))
      return places.map { scan[line + $0] }
    }
  }

  private func deviation(_ lines: [[Float]]) -> Float {
    let margin = degradation.margin
    var (sum, squares) = (Float(0), Float(0))
    for line in lines {
      for value in line[margin..<line.count - margin] {
        sum += value
        squares += value * value
      }
    }
    let count = Float(lines.count * degradation.length)
    return max(0, squares / count - sum / count * (sum / count)).squareRoot()
  }

  /// The batch of a step, its samples drawn side by side.
  /// - Parameters:
  ///   - step: The step, from 0.
  ///   - size: How many samples.
  /// - Returns: The batch.
  func batch(step: Int, size: Int) -> Batch {
    let samples = Parallelism.collected(size) { sample(step: step, index: $0) }
    let shape = [size, lattice.fold, cells, columns]
    return Batch(
      input: Tensor(samples.flatMap(\.input), shape: shape),
      target: Tensor(samples.flatMap(\.target), shape: shape)
    )
  }
}
