import CKernels
import Support

/// A sparse matrix along one axis: each output cell is a weighted sum of a few input cells.
///
/// Interpolation, padding and means over windows are products of such maps, one for each axis; axis by
/// axis they cost the sum of the taps instead of their product.
struct AxisMap: Sendable {
  /// One input cell that counts, and how much.
  typealias Tap = (source: Int, weight: Double)

  let input: Int
  let output: Int
  private let starts: AlignedBuffer<Int32>
  private let sources: AlignedBuffer<Int32>
  private let weights: AlignedBuffer<Float>

  /// Creates a map from the taps of each output cell.
  init(input: Int, taps: [[Tap]]) {
    self.input = input
    output = taps.count
    let total = taps.reduce(0) { $0 + $1.count }
    starts = AlignedBuffer(uninitializedCount: taps.count + 1)
    sources = AlignedBuffer(uninitializedCount: total)
    weights = AlignedBuffer(uninitializedCount: total)
    var place = 0
    for (cell, list) in taps.enumerated() {
      starts.mutableElements[cell] = Int32(place)
      for tap in list {
        precondition((0..<input).contains(tap.source), "tap \(tap.source) of \(input) cells")
        sources.mutableElements[place] = Int32(tap.source)
        weights.mutableElements[place] = Float(tap.weight)
        place += 1
      }
    }
    starts.mutableElements[taps.count] = Int32(place)
  }

  /// The map of the gradient: from output cells back to input cells.
  var transposed: AxisMap {
    var taps = [[Tap]](repeating: [], count: input)
    for cell in 0..<output {
      for place in Int(starts.elements[cell])..<Int(starts.elements[cell + 1]) {
        taps[Int(sources.elements[place])].append((cell, Double(weights.elements[place])))
      }
    }
    return AxisMap(input: output, taps: taps)
  }

  /// Whether every cell is itself.
  var isIdentity: Bool {
    input == output
      && (0..<output).allSatisfy { cell in
        let place = Int(starts.elements[cell])
        return Int(starts.elements[cell + 1]) == place + 1
          && Int(sources.elements[place]) == cell && weights.elements[place] == 1
      }
  }

  /// `[outer][input][inner]` to `[outer][output][inner]`; cells without taps get `fill`.
  fileprivate func apply(
    _ x: AlignedBuffer<Float>,
    outer: Int,
    inner: Int,
    fill: Float
  ) -> AlignedBuffer<Float> {
    let result = AlignedBuffer<Float>(uninitializedCount: outer * output * inner)
    let cost = max(1, sources.count / max(1, output)) * inner
    EngineThreads.forEachRange(outer * output, itemCost: cost) { range in
      var map = ck_axis_map(
        input: Int64(input),
        output: Int64(output),
        starts: starts.pointer,
        sources: sources.pointer,
        weights: weights.pointer,
        fill: fill
      )
      ck_apply_axis_map(
        x.pointer,
        result.pointer,
        &map,
        Int64(inner),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return result
  }
}

extension Tensor {
  /// Applies one map to each spatial axis of `[N, C, spatial…]`, without a past.
  ///
  /// The layout stays, unless padding lanes would get the fill value.
  func mapped(_ maps: [AxisMap], fill: Float = 0) -> Tensor {
    let x = fill == 0 || shape[1] % lanes == 0 ? detached : plain
    var size = Array(x.shape.dropFirst(2))
    let (outer, lanes) = (x.shape[0] * ((x.shape[1] + x.lanes - 1) / x.lanes), x.lanes)
    var storage = x.storage
    for axis in Self.order(maps) where !maps[axis].isIdentity {
      storage = maps[axis].apply(
        storage,
        outer: outer * size.prefix(axis).reduce(1, *),
        inner: size.suffix(from: axis + 1).reduce(1, *) * lanes,
        fill: fill
      )
      size[axis] = maps[axis].output
    }
    return Tensor(shape: Array(shape.prefix(2)) + size, layout: x.layout, storage: storage)
  }

  /// Shrinking axes from the first, growing ones from the last: long runs of the other axes are
  /// vectorised, and the one that has no run is done while there is least to do.
  private static func order(_ maps: [AxisMap]) -> [Int] {
    let shrinking = maps.indices.filter { maps[$0].output < maps[$0].input }
    return shrinking + maps.indices.reversed().filter { maps[$0].output >= maps[$0].input }
  }
}

/// Checks that a tensor is `[N, C, spatial…]` and the size fits it.
func requireSpatial(_ x: Tensor, _ size: [Int], _ what: String) {
  precondition(
    x.rank >= 3 && size.count == x.rank - 2 && size.allSatisfy { $0 > 0 } && x.count > 0,
    "\(what) of \(x.shape) to the spatial size \(size)"
  )
}
