import Imaging
import Support

/// Averages the class probabilities of several models and decides, as `nnUNetv2_ensemble` does.
///
/// Each model's probabilities lie on the scan's own grid in single precision; they are summed in the
/// order of the models and divided by their number. The largest wins, or regions above 1/2 are painted
/// in their order.
struct EnsemblePredictor: ScanPredictor {
  let parts: [any ScanPredictor]
  let heads: NNUNetPlan.Heads
  let labels: [LabelDefinition]

  func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    let total = try outputs.probabilities ?? ProbabilitySink()
    for (index, part) in parts.enumerated() {
      let sink = index == 0 ? total : try ProbabilitySink()
      _ = try part.predict(
        scan,
        outputs: PredictionOutputs(probabilities: sink, problems: outputs.problems),
        progress: progress,
        interruption: interruption
      )
      if index > 0 { Self.add(sink, to: total) }
      try interruption.check()
    }
    let count = Float(parts.count)
    total.withValues { values in
      // Each part of the values is written by one thread.
      nonisolated(unsafe) let values = values
      Parallelism.forEachRange(values.count, minimumChunk: 1 << 16) { range in
        for index in range { values[index] /= count }
      }
    }
    return LabelMap(
      geometry: scan.geometry,
      labels: decided(total, outputs.confidence),
      table: labels
    )
  }

  func members(_ request: MemberRequest) -> [PredictionMember] {
    parts.enumerated().flatMap { index, part in
      part.members(request).shared(1 / Double(parts.count), within: "model \(index + 1)")
    }
  }

  private static func add(_ sink: ProbabilitySink, to total: ProbabilitySink) {
    precondition(sink.size == total.size, "probabilities of different sizes")
    sink.withValues { values in
      total.withValues { sums in
        // Each part of the sums is written by one thread.
        nonisolated(unsafe) let (values, sums) = (values, sums)
        Parallelism.forEachRange(sums.count, minimumChunk: 1 << 16) { range in
          for index in range { sums[index] += values[index] }
        }
      }
    }
  }

  private func decided(_ sink: ProbabilitySink, _ confidence: ConfidenceSums?) -> [UInt16] {
    let largest = self.labels.map(\.id).max() ?? 0
    let voxels = sink.size.dropFirst().reduce(1, *)
    var labels = [UInt16](repeating: 0, count: voxels)
    sink.withValues { values in
      labels.withUnsafeMutableBufferPointer { labels in
        // Each part of the labels is written by one thread; probabilities are only read.
        nonisolated(unsafe) let (values, labels) = (values, labels)
        Parallelism.forEachRange(voxels, minimumChunk: 1 << 14) { range in
          var gathered = ConfidenceSums.Part(largestLabel: largest)
          for voxel in range {
            var chosen: Float = 0
            switch heads {
            case .labels(let numbers):
              var best = values[voxel]
              var winner = 0
              for c in 1..<max(1, numbers.count) where values[c * voxels + voxel] > best {
                best = values[c * voxels + voxel]
                winner = c
              }
              labels[voxel] = UInt16(numbers[winner])
              chosen = best
            case .regions(let painted):
              for (c, number) in painted.enumerated() where values[c * voxels + voxel] > 0.5 {
                labels[voxel] = UInt16(number)
                chosen = values[c * voxels + voxel]
              }
            }
            if labels[voxel] != 0 { gathered.add(chosen, to: labels[voxel]) }
          }
          confidence?.add(gathered)
        }
      }
    }
    return labels
  }
}

extension ModelDescription {
  /// What the classes of the model's probabilities stand for in the terms of nnU-Net; nil where they
  /// cannot be averaged with those of other models.
  var probabilityHeads: NNUNetPlan.Heads? {
    totalSegmentator == nil ? heads(of: plan) : nil
  }

  /// What the classes of a plan's probabilities stand for, with this model's labels.
  func heads(of plan: ModelPlan) -> NNUNetPlan.Heads? {
    switch plan {
    case .nnUNet(let plan): plan.heads
    case .slices(let plan) where plan.separation != nil: nil
    case .slices: .labels([0] + labels.map(\.id))
    case .atlas: .labels([0] + labels.map(\.id))
    case .volume(let plan): plan.heads == .labels ? .labels([0] + labels.map(\.id)) : nil
    case .enhancement, .recognition, .sequence, .compression, .autoencoder, .stylization: nil
    }
  }
}
