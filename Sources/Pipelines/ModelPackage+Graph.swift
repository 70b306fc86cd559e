import GraphModels
import Networks

extension ModelPackage {
  /// Opens a network that is a graph in a file, and finds out whether it takes what the plan gives it.
  /// - Parameters:
  ///   - member: The file.
  ///   - values: What goes in and comes out.
  ///   - patchSize: What the network will see at once.
  /// - Returns: The network.
  /// - Throws: `GraphModelsError`; `PipelinesError.damagedModel`.
  func openGraph(
    _ member: ModelDescription.Member,
    _ values: GraphFileConfiguration,
    patchSize: [Int]
  ) throws -> any Network {
    let network = try GraphNetwork(contentsOf: path + "/" + member.weights)
    if case .enhancement(let plan) = description.plan {
      let images = try GraphImageNetwork(
        network,
        channels: values.inputChannels,
        dimensions: values.dimensions,
        path: path + "/" + member.weights
      )
      guard images.outputScale == plan.networkScale,
        images.outputChannels == values.outputChannels
      else {
        throw PipelinesError.damagedModel(
          path: path,
          reason: "\(member.weights) enlarges by \(images.outputScale) and gives "
            + "\(images.outputChannels) channels, not as its description says"
        )
      }
      try check(patchSize, multiples: images.axisMultiples)
      return images
    }
    let shape = inputShape(of: member, values.inputChannels, patchSize)
    let found = try network.check(inputShape: shape)
    guard found == [1, values.outputChannels] + shape.dropFirst(2) else {
      throw PipelinesError.damagedModel(
        path: path,
        reason: "\(member.weights) turns \(shape) into \(found)"
      )
    }
    return network
  }

  /// What a network sees of one sample.
  /// - Parameters:
  ///   - member: The network's weights.
  ///   - channels: Channels of its input.
  ///   - patchSize: What the plan lets it see at once.
  /// - Returns: `[1, C, spatial…]`; clips have their frames before rows and columns.
  func inputShape(
    of member: ModelDescription.Member,
    _ channels: Int,
    _ patchSize: [Int]
  ) -> [Int] {
    if case .volume(let plan) = description.plan, case .consensus(let consensus) = plan.inferer,
      member == description.ensemble.last
    {
      return [1, 1 + 3 * consensus.classes, 1, patchSize[0], patchSize[1]]
    }
    if let clips = description.plan.sequence?.clips {
      return [1, channels, clips.maximumFrames] + patchSize
    }
    return [1, channels] + patchSize
  }
}
