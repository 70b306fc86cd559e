import Networks
import Pipelines

extension EnhancementRequest {
  /// Architectures that keep the grid: those that can be asked for whatever the task.
  static let plainNetworks = ["dncnn", "ffdnet", "ffdnet-blind", "vdsr", "srcnn", "unet"]
  /// Architectures whose output is larger than their input.
  static let enlargingNetworks = ["compact", "edsr", "srresnet", "espcn", "fsrcnn", "rrdb"]
  /// The architectures that can be asked for.
  public static var networkNames: [String] { plainNetworks + enlargingNetworks + specialNetworks }

  /// The architecture when none is named.
  private var standardNetwork: String {
    if task == .superResolution { return isUniform ? "compact" : "vdsr" }
    return dimensions == 3 || contextSlices > 0 || damage != nil ? "unet" : "dncnn"
  }

  /// Whether every axis that the network sees becomes finer by the same factor, and no other does.
  private var isUniform: Bool {
    let seen = dimensions == 3 ? scale : Array(scale.prefix(2))
    return Set(seen).count == 1 && (dimensions == 3 || scale[2] == 1)
      && [2, 3, 4, 8].contains(scale[0])
  }

  /// The architecture.
  /// - Parameter plan: The plan, which is told where a finer grid comes from and what noise the network
  ///   is told.
  /// - Returns: The network's values.
  /// - Throws: `EnhancementError.unfitTraining`.
  func network(_ plan: inout EnhancementPlan) throws -> NetworkConfiguration {
    func require(_ condition: Bool, _ reason: String) throws {
      if !condition { throw EnhancementError.unfitTraining(reason: reason) }
    }
    if let guide {
      try require(
        task == .denoise && adversarial == nil,
        "a filter guides networks that remove noise; leave out --guide"
      )
      try require(
        contextSlices == 0 && ["unet", "ffdnet", "ffdnet-blind"].contains(network ?? "unet"),
        "a filter guides unet, ffdnet and ffdnet-blind, without --context"
      )
      plan.guide = guide
      if network == nil { return .unet(unet(plan)) }
    }
    if let values = try special(network, &plan) { return values }
    let name = network ?? standardNetwork
    if Self.enlargingNetworks.contains(name) {
      try require(
        task == .superResolution && isUniform,
        "\(name) makes all axes that it sees 2, 3, 4 or 8 times finer; take one of "
          + Self.plainNetworks.joined(separator: ", ")
      )
      plan.enlargement = .network
      return try enlarging(name)
    }
    if task == .superResolution { plan.enlargement = .spline }
    switch name {
    case "dncnn":
      var values = DnCNNConfiguration(
        channels: 1,
        depth: depth ?? 12,
        features: features ?? 48
      )
      (values.contextSlices, values.dimensions) = (contextSlices, dimensions)
      return .dnCNN(values)
    case "ffdnet":
      guard let noise else {
        throw EnhancementError.unfitTraining(
          reason: "ffdnet is told the noise; name it with --noise"
        )
      }
      plan.noiseLevel = EnhancementPlan.NoiseLevel(
        lowest: noise.lowest,
        highest: noise.highest,
        standard: (noise.lowest + noise.highest) / 2
      )
      return .ffdNet(ffdNet)
    case "ffdnet-blind":
      var values = ffdNet
      values.isTold = false
      return .ffdNet(values)
    case "vdsr":
      return .vdsr(
        VDSRConfiguration(
          depth: depth ?? 12,
          features: features ?? 48,
          contextSlices: contextSlices,
          dimensions: dimensions
        )
      )
    case "srcnn":
      let first = features ?? 64
      return .srcnn(
        SRCNNConfiguration(
          features: [first, max(1, first / 2)],
          contextSlices: contextSlices,
          dimensions: dimensions
        )
      )
    case "unet": return .unet(unet(plan))
    default:
      throw EnhancementError.unfitTraining(
        reason: "there is no network \(name) for images; there are "
          + Self.networkNames.joined(separator: ", ")
      )
    }
  }

  private var ffdNet: FFDNetConfiguration {
    var values = FFDNetConfiguration(
      depth: depth ?? 12,
      features: features ?? 48,
      contextSlices: contextSlices,
      dimensions: dimensions
    )
    values.guides = guide == nil ? 0 : 1
    return values
  }

  private func unet(_ plan: EnhancementPlan) -> UNetConfiguration {
    let first = features ?? 32
    var values = UNetConfiguration(
      inputChannels: plan.inputChannels(),
      outputChannels: 1,
      features: (0..<(depth ?? 3)).map { first << min($0, 4) },
      dimensions: dimensions
    )
    // Normalised maps would forget the image's brightness.
    values.normalization = .none
    // With a filter's image beside it the network gives what that lacks.
    values.addsInput = guide == nil
    return values
  }

  private func enlarging(_ name: String) throws -> NetworkConfiguration {
    let factor = scale[0]
    switch name {
    case "compact":
      return .compactSR(
        CompactSRConfiguration(
          channels: 1,
          depth: depth ?? 12,
          features: features ?? 48,
          scale: factor,
          contextSlices: contextSlices,
          dimensions: dimensions
        )
      )
    case "edsr":
      return .edsr(
        EDSRConfiguration(
          channels: 1,
          blocks: depth ?? 8,
          features: features ?? 48,
          scale: factor,
          contextSlices: contextSlices,
          dimensions: dimensions
        )
      )
    case "srresnet":
      return .srResNet(
        SRResNetConfiguration(
          channels: 1,
          blocks: depth ?? 8,
          features: features ?? 48,
          scale: factor,
          contextSlices: contextSlices,
          dimensions: dimensions
        )
      )
    case "espcn":
      let first = features ?? 64
      return .espcn(
        ESPCNConfiguration(
          features: [first, max(1, first / 2)],
          scale: factor,
          contextSlices: contextSlices,
          dimensions: dimensions
        )
      )
    case "fsrcnn":
      let wide = features ?? 56
      return .fsrcnn(
        FSRCNNConfiguration(
          features: wide,
          shrunkFeatures: max(1, wide / 4),
          mappings: depth ?? 4,
          scale: factor,
          contextSlices: contextSlices,
          dimensions: dimensions
        )
      )
    default:
      guard factor.nonzeroBitCount == 1 else {
        throw EnhancementError.unfitTraining(reason: "rrdb enlarges by 2, 4 or 8")
      }
      let wide = features ?? 32
      var values = RRDBConfiguration(
        channels: 1,
        blocks: depth ?? 4,
        features: wide,
        growth: max(1, wide / 2)
      )
      values.doublings = factor.trailingZeroBitCount
      (values.contextSlices, values.dimensions) = (contextSlices, dimensions)
      return .rrdb(values)
    }
  }
}
