import Imaging
import Pipelines
import Support

/// Steps that are applied to an image one after the other.
package struct EnhancementChain: Sendable {
  /// The steps, in order.
  package let stages: [any ScanStage]

  /// Joins steps.
  /// - Parameter stages: The steps, in order; at least one.
  /// - Precondition: There is a step.
  package init(_ stages: [any ScanStage]) {
    precondition(!stages.isEmpty, "no step")
    self.stages = stages
  }

  /// The names of the steps.
  package var name: String { stages.map(\.record.name).joined(separator: " + ") }

  /// How many times finer the grid becomes along columns, rows and slices.
  package var scale: [Int] {
    stages.reduce([1, 1, 1]) { scale, stage in
      guard let enhancer = stage as? Enhancer else { return scale }
      return zip(scale, enhancer.plan.scale).map { $0 * $1 }
    }
  }

  /// Whether a step makes the axis finer along which voxels are longest, whichever that is.
  package var thinsThickest: Bool {
    stages.contains { ($0 as? Enhancer)?.plan.throughPlane == true }
  }

  /// Applies the steps.
  /// - Parameters:
  ///   - content: The image.
  ///   - modality: The modality that its file states, or nil.
  ///   - path: The image's name for messages.
  ///   - progress: Told about pieces.
  ///   - interruption: Looked at between pieces.
  ///   - notes: Given what is worth knowing, one sentence each; none twice.
  /// - Returns: The improved image.
  /// - Throws: `PipelinesError.unsuitableScan`; what the steps throw.
  package func apply(
    _ content: EnhancementContent,
    modality: String?,
    path: String,
    progress: any ProgressReporter,
    interruption: Interruption,
    notes: inout [String]
  ) throws -> EnhancementContent {
    var result = content
    for stage in stages {
      try stage.check(result.grey, modality: modality, path: path)
      switch result {
      case .scan(let volume, let stored):
        result = .scan(
          try stage.apply(volume, progress: progress, interruption: interruption),
          storedAs: stored
        )
      case .picture(let picture):
        if let enhancer = stage as? Enhancer, enhancer.channelCount == 3,
          picture.channels.count == 3
        {
          let channels = try enhancer.apply(
            picture.channels,
            progress: progress,
            interruption: interruption
          )
          result = .picture(EnhancementPicture(channels: channels, bits: picture.bits))
          continue
        }
        if picture.channels.count == 3, stage.removesNoise {
          // Colours hold noise too: where that of the channels is alike and independent the luma has 0.67
          // times its strength, the differences of red and blue 0.92 and 1.1 times.
          let note =
            "\(stage.record.name) sees grey values: it was given the picture's luma, and the "
            + "differences of red and blue to it one after the other."
          if !notes.contains(note) { notes.append(note) }
          let planes = try ([picture.grey] + picture.colourDifferences).map {
            try stage.apply($0, progress: progress, interruption: interruption)
          }
          result = .picture(
            EnhancementPicture(
              grey: planes[0],
              differences: Array(planes.dropFirst()),
              bits: picture.bits
            )
          )
          continue
        }
        if picture.channels.count == 3 {
          let note =
            "\(stage.record.name) sees grey values: it was given the picture's luma, and the "
            + "colours' differences to it were kept."
          if !notes.contains(note) { notes.append(note) }
        }
        let grey = try stage.apply(picture.grey, progress: progress, interruption: interruption)
        result = .picture(picture.replacingGrey(grey))
      }
    }
    return result
  }
}
