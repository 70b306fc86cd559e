import Foundation
import GraphModels
import Imaging
import Networks
import Support
import Tensors

/// Segments volumes by a plan of named steps.
///
/// Scores are decided plane by plane while windows pass, so that no more of them is held than windows
/// overlap; a network that sees the whole volume at once gives its output at once, and a MeshNet its
/// last features. (The exception is a network of slices along axis 1 or 2, whose scores are held.)
struct VolumePredictor: ScanPredictor {
  let plan: VolumePlan
  let networks: [PlannedNetwork]
  let labels: [LabelDefinition]

  /// Slices that a two-dimensional network sees at once.
  private static let sliceBatch = PatchScorer.defaultBatchSize

  /// The number of networks that the plan needs.
  static func networkCount(_ plan: VolumePlan) -> Int {
    if case .consensus = plan.inferer { return ConsensusInference.networkCount }
    return 1
  }

  func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    try interruption.check()
    let prepared = try PreparedSteps(scan, steps: plan.steps)
    let invertsScores = plan.inversion == .scores || outputs.probabilities != nil
    if outputs.probabilities != nil, !plan.givesProbabilities {
      throw PipelinesError.unavailableOutput("probabilities")
    }
    let undos = prepared.undos.map { undo -> PreparedSteps.Undo in
      // Scores that follow labels' rule give the same labels.
      if case .sample(_, let nearest, let outer) = undo, plan.inversion == .labels {
        return .sample(scores: nearest, labels: nearest, outer)
      }
      return undo
    }
    let decision = LabelDecision(plan, labels: labels)
    var painted: [UInt16] = []
    // Steps after the last turn keep the axes.
    let oriented = scan.geometry.reoriented(to: prepared.array.geometry.orientation)
    let stream = ScoreStream(
      invertsScores ? undos : [],
      from: prepared.array.geometry,
      classes: decision.classes
    ) { plane, scores in
      if let sink = outputs.probabilities {
        sink.write(scores, plane: plane, of: oriented, scan: scan.geometry)
      }
      painted += decision.labels(of: scores)
    }
    if let sink = outputs.probabilities {
      let size = scan.geometry.size
      try sink.begin(size: [decision.classes, size.z, size.y, size.x])
    }
    painted.reserveCapacity(stream.geometry.voxelCount)
    try infer(prepared, progress, interruption) { plane, scores in
      var scores = scores
      plan.activation.apply(to: &scores, classes: decision.classes)
      try stream.receive(plane, scores)
    }
    try stream.finish()
    var map = LabelMap(geometry: stream.geometry, labels: painted, table: labels)
    map = keeping(map, precedesInversion: true)
    for undo in undos.reversed() { map = undone(map, undo, placesOnly: invertsScores) }
    map = map.reoriented(to: scan.geometry.orientation)
    map = LabelMap(geometry: scan.geometry, labels: map.labels, table: labels)
    return keeping(map, precedesInversion: false)
  }

  func members(_ request: MemberRequest) -> [PredictionMember] {
    switch request {
    case .every: [PredictionMember(name: "as it is") { self }]
    case .samples(let seeds):
      seeds.enumerated().map { number, seed in
        PredictionMember(name: "sample \(number + 1)") {
          VolumePredictor(
            plan: plan,
            networks: networks.map { $0.sampled(seed: seed) },
            labels: labels
          )
        }
      }.equallyShared
    }
  }

  // MARK: - Networks

  private func infer(
    _ prepared: PreparedSteps,
    _ progress: any ProgressReporter,
    _ interruption: Interruption,
    receiver: @escaping ScoreStream.Receiver
  ) throws {
    let array = prepared.array
    switch plan.inferer {
    case .whole: try inferWhole(array, progress, interruption, receiver: receiver)
    case .windows(let windows):
      try infer(array, windows, progress, interruption, receiver: receiver)
    case .consensus(let consensus):
      try ConsensusInference(plan: consensus, networks: networks)
        .infer(array, middle: prepared.middle, progress, interruption, receiver: receiver)
    }
  }

  private func inferWhole(
    _ array: VolumeArray,
    _ progress: any ProgressReporter,
    _ interruption: Interruption,
    receiver: ScoreStream.Receiver
  ) throws {
    let size = array.size
    try checkSize(size)
    progress.begin("segmenting \(size[0]) x \(size[1]) x \(size[2]) voxels", total: size[0])
    defer { progress.end() }
    try WholeInference(networks[0]).infer(
      Tensor(Array(array.channels.joined()), shape: [1, array.channels.count] + size),
      interruption
    ) { plane, scores in
      try receiver(plane, scores)
      progress.update(plane + 1, detail: nil)
    }
  }

  private func infer(
    _ array: VolumeArray,
    _ windows: SlidingWindowPlan,
    _ progress: any ProgressReporter,
    _ interruption: Interruption,
    receiver: @escaping ScoreStream.Receiver
  ) throws {
    let grid = SlidingWindows(array.size, plan: windows)
    let kept = (0..<3).filter { $0 != windows.sliceAxis }
    try checkSize(kept.map { grid.window[$0] })
    let shape = [array.channels.count * (2 * windows.neighbours + 1)] + kept.map { grid.window[$0] }
    let batch = windows.sliceAxis == nil ? 1 : Self.sliceBatch
    let scorer = PatchScorer(networks[0], batchSize: batch)
    let classes = LabelDecision(plan, labels: labels).classes
    let accumulator = WindowAccumulator(
      grid,
      scan: array.size,
      classes: classes,
      receiver: receiver
    )
    let cutter = WindowCutter(array: array, grid: grid, plan: windows)
    let origins = grid.origins
    let count = classes * grid.window.reduce(1, *)
    progress.begin("segmenting \(origins.count) windows", total: origins.count)
    defer { progress.end() }
    for first in stride(from: 0, to: origins.count, by: batch) {
      try interruption.check()
      let chosen = origins[first..<min(first + batch, origins.count)]
      let scores = scorer.scores(of: chosen.flatMap { cutter.window(at: $0) }, shape: shape)
      guard scores.count == chosen.count * count else {
        throw PipelinesError.invalidPlan(
          reason: "the network gives \(scores.count / chosen.count) scores for a window of "
            + "\(grid.window) and \(classes) outputs"
        )
      }
      try scores.withUnsafeBufferPointer { scores in
        for (index, origin) in chosen.enumerated() {
          try accumulator.add(
            UnsafeBufferPointer(rebasing: scores[index * count..<(index + 1) * count]),
            at: origin
          )
        }
      }
      progress.update(first + chosen.count, detail: nil)
    }
    try accumulator.finish()
  }

  private func checkSize(_ size: [Int]) throws {
    if let graph = networks[0].network as? GraphNetwork {
      // A graph tells by itself what it takes.
      let channels = graph.inputs.first?.dimensions?.dropFirst().first?.size ?? 1
      try graph.check(inputShape: [1, channels] + size)
    }
    let multiples = networks[0].network.axisMultiples
    let needed = multiples.count == size.count ? multiples : size.map { _ in multiples[0] }
    guard zip(size, needed).allSatisfy({ $0 % $1 == 0 }) else {
      throw PipelinesError.unsuitableScan(
        path: "the scan",
        reason: "on the model's grid it has \(size) voxels, and its network takes multiples of "
          + "\(needed)"
      )
    }
  }

  // MARK: - Back to the scan

  private func undone(
    _ map: LabelMap,
    _ undo: PreparedSteps.Undo,
    placesOnly: Bool
  ) -> LabelMap {
    switch undo {
    case .turn(let outer):
      return LabelMap(
        geometry: outer,
        labels: map.reoriented(to: outer.orientation).labels,
        table: map.table
      )
    case .resample(let outer): return map.resampled(to: outer)
    case .sample(_, let nearest, let outer) where !placesOnly:
      return LabelMap(geometry: outer, labels: nearest.nearest(map.labels), table: map.table)
    case .place(let start, let outer) where !placesOnly:
      let labels = VolumeArray.placed(
        map.labels,
        VolumeArray.size(of: map.geometry),
        start: start.map { -$0 },
        size: VolumeArray.size(of: outer)
      )
      return LabelMap(geometry: outer, labels: labels, table: map.table)
    default: return map
    }
  }

  private func keeping(_ map: LabelMap, precedesInversion: Bool) -> LabelMap {
    plan.components.filter { $0.precedesInversion == precedesInversion }.reduce(map) { map, rule in
      let connectivity = Connectivity(rawValue: rule.connectivity) ?? .twentySix
      let ids = rule.labels.map { Set($0) }
      return rule.isIndependent
        ? map.keepingLargestComponent(ofEach: ids, connectivity: connectivity)
        : map.keepingLargestComponent(ofAll: ids, connectivity: connectivity)
    }
  }
}

/// Cuts windows out of a volume, which is surrounded by the plan's padding.
private struct WindowCutter {
  let array: VolumeArray
  let grid: SlidingWindows
  let plan: SlidingWindowPlan

  /// `[channel][axis 0][axis 1][axis 2]`; neighbouring slices follow a channel's slice as channels.
  func window(at origin: [Int]) -> [Float] {
    let (size, window) = (array.size, grid.window)
    var values: [Float] = []
    values.reserveCapacity(
      array.channels.count * (2 * plan.neighbours + 1) * window.reduce(1, *)
    )
    func place(_ index: Int, _ axis: Int) -> Int? {
      let inside = index - grid.padding[axis]
      if (0..<size[axis]).contains(inside) { return inside }
      return plan.padding == .replicate ? min(max(inside, 0), size[axis] - 1) : nil
    }
    for channel in array.channels {
      for shift in -plan.neighbours...plan.neighbours {
        var start = origin
        if let axis = plan.sliceAxis {
          start[axis] = min(max(start[axis] + shift, 0), grid.size[axis] - 1)
        }
        let columns = (start[2]..<start[2] + window[2]).map { place($0, 2) }
        for z in start[0]..<start[0] + window[0] {
          for y in start[1]..<start[1] + window[1] {
            guard let z = place(z, 0), let y = place(y, 1) else {
              values += repeatElement(Float(plan.paddingValue), count: window[2])
              continue
            }
            let row = (z * size[1] + y) * size[2]
            for column in columns {
              values.append(column.map { channel[row + $0] } ?? Float(plan.paddingValue))
            }
          }
        }
      }
    }
    return values
  }
}
