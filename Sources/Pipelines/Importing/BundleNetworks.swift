import Networks
import Support

/// A bundle's network as one of the catalogue, by the names of MONAI's arguments.
enum BundleNetworks {
  /// The networks that are known.
  private static let names = ["UNet", "BasicUNet", "DynUNet", "SegResNet", "SegResNetDS", "VNet"]

  /// The values of a network.
  /// - Parameter component: The network's class with its arguments.
  /// - Returns: The values.
  /// - Throws: `BundleFault` naming a class or an argument that is not known.
  static func configuration(
    _ component: BundleComponent
  ) throws(BundleFault) -> NetworkConfiguration {
    let name = component.target.split(separator: ".").last.map(String.init) ?? component.target
    switch name {
    case "UNet", "Unet": return .monaiUNet(try unet(component))
    case "BasicUNet", "BasicUnet", "Basicunet": return .basicUNet(try basicUNet(component))
    case "DynUNet", "DynUnet", "Dynunet": return .dynUNet(try dynUNet(component))
    case "SegResNet": return .segResNet(try segResNet(component))
    case "SegResNetDS": return .segResNetDS(try segResNetDS(component))
    case "VNet": return .vNet(try vNet(component))
    default:
      throw BundleFault(
        "the network \(component.target) is not supported; known are "
          + names.joined(separator: ", ")
      )
    }
  }

  // MARK: - Networks

  private static func unet(_ c: BundleComponent) throws(BundleFault) -> MONAIUNetConfiguration {
    let axes = try dimensions(c)
    guard let features = try c.ints("channels"), let strides = try perAxis(c, "strides", axes),
      features.count == strides.count + 1
    else { throw c.wrong("channels") }
    var values = MONAIUNetConfiguration(
      inputChannels: try required(c, "in_channels"),
      outputChannels: try required(c, "out_channels"),
      features: features,
      strides: [],
      dimensions: axes,
      residualUnits: try c.int("num_res_units") ?? 0
    )
    values.strides = strides
    if let size = try c.ints("kernel_size", count: axes) { values.kernelSize = size }
    if let size = try c.ints("up_kernel_size", count: axes) { values.upsamplingKernelSize = size }
    values.style.normalization = try normalization(c, "norm", axes) ?? values.style.normalization
    values.style.activation = try activation(c, "act") ?? values.style.activation
    values.style.hasBias = try c.bool("bias") ?? true
    values.style.order = try c.text("adn_ordering") ?? values.style.order
    return values
  }

  private static func basicUNet(_ c: BundleComponent) throws(BundleFault) -> BasicUNetConfiguration
  {
    let axes = try dimensions(c, standard: 3)
    var values = BasicUNetConfiguration(
      inputChannels: try c.int("in_channels") ?? 1,
      outputChannels: try c.int("out_channels") ?? 2,
      features: try c.ints("features") ?? [32, 32, 64, 128, 256, 32],
      dimensions: axes
    )
    values.style.normalization =
      try normalization(c, "norm", axes) ?? values.style.normalization
    values.style.activation = try activation(c, "act") ?? values.style.activation
    values.style.hasBias = try c.bool("bias") ?? true
    values.upsampling = try upsampling(c, "upsample") ?? values.upsampling
    return values
  }

  private static func dynUNet(_ c: BundleComponent) throws(BundleFault) -> DynUNetConfiguration {
    let axes = try dimensions(c)
    guard let windows = try perAxis(c, "kernel_size", axes) else { throw c.wrong("kernel_size") }
    guard let strides = try perAxis(c, "strides", axes) else { throw c.wrong("strides") }
    guard let back = try perAxis(c, "upsample_kernel_size", axes) else {
      throw c.wrong("upsample_kernel_size")
    }
    let standard = (0..<strides.count).map { level in
      min(32 << min(level, 16), axes == 3 ? 320 : 512)
    }
    var values = DynUNetConfiguration(
      inputChannels: try required(c, "in_channels"),
      outputChannels: try required(c, "out_channels"),
      features: try c.ints("filters") ?? standard,
      strides: strides
    )
    values.kernelSizes = windows
    values.upsamplingKernelSizes = back
    values.hasResidualBlocks = try c.bool("res_block") ?? false
    if try c.bool("deep_supervision") ?? false {
      values.supervisedLevels = try c.int("deep_supr_num") ?? 1
    }
    values.hasUpsamplingBias = try c.bool("trans_bias") ?? false
    values.normalization = try normalization(c, "norm_name", axes) ?? values.normalization
    values.activation = try activation(c, "act_name") ?? values.activation
    return values
  }

  private static func segResNet(_ c: BundleComponent) throws(BundleFault) -> SegResNetConfiguration
  {
    let axes = try dimensions(c, standard: 3)
    var values = SegResNetConfiguration(
      inputChannels: try c.int("in_channels") ?? 1,
      outputChannels: try c.int("out_channels") ?? 2,
      initialFeatures: try c.int("init_filters") ?? 8,
      blocksDown: try c.ints("blocks_down") ?? [1, 2, 2, 4],
      blocksUp: try c.ints("blocks_up") ?? [1, 1, 1],
      dimensions: axes
    )
    if let groups = try c.int("num_groups") { values.normalization = .group(groups: groups) }
    values.normalization = try normalization(c, "norm", axes) ?? values.normalization
    values.activation = try activation(c, "act") ?? values.activation
    values.upsampling = try upsampling(c, "upsample_mode") ?? values.upsampling
    if try c.bool("use_conv_final") == false { throw c.wrong("use_conv_final") }
    return values
  }

  private static func segResNetDS(
    _ c: BundleComponent
  ) throws(BundleFault) -> SegResNetDSConfiguration {
    let axes = try dimensions(c, standard: 3)
    let resolution = try c.numbers("resolution", count: axes)
    guard resolution?.allSatisfy({ $0 > 0 && $0.isFinite }) ?? true else {
      throw c.wrong("resolution")
    }
    guard try c.value("preprocess") == nil else { throw c.wrong("preprocess") }
    var values = SegResNetDSConfiguration(
      inputChannels: try c.int("in_channels") ?? 1,
      outputChannels: try c.int("out_channels") ?? 2,
      initialFeatures: try c.int("init_filters") ?? 32,
      blocksDown: try c.ints("blocks_down") ?? [1, 2, 2, 4],
      blocksUp: try c.ints("blocks_up"),
      dimensions: axes,
      resolution: resolution
    )
    // Heads below full resolution; MONAI has none below the deepest level on the way up.
    let depth = try c.int("dsdepth") ?? 1
    values.supervisedLevels = min(max(depth, 1), max(1, values.blocksUp.count)) - 1
    values.normalization =
      try normalization(c, "norm", axes, isAffine: true) ?? values.normalization
    values.activation = try activation(c, "act") ?? values.activation
    values.upsampling = try upsampling(c, "upsample_mode") ?? values.upsampling
    return values
  }

  private static func vNet(_ c: BundleComponent) throws(BundleFault) -> VNetConfiguration {
    var values = VNetConfiguration(
      inputChannels: try c.int("in_channels") ?? 1,
      outputChannels: try c.int("out_channels") ?? 1,
      dimensions: try dimensions(c, standard: 3)
    )
    values.activation = try activation(c, "act") ?? values.activation
    values.hasBias = try c.bool("bias") ?? false
    return values
  }

  // MARK: - Arguments

  private static func required(_ c: BundleComponent, _ key: String) throws(BundleFault) -> Int {
    guard let value = try c.int(key) else { throw BundleFault("\(c.target) has no \(key)") }
    return value
  }

  private static func dimensions(
    _ c: BundleComponent,
    standard: Int? = nil
  ) throws(BundleFault) -> Int {
    let stated = try c.int("spatial_dims")
    let older = try c.int("dimensions")
    guard let axes = stated ?? older ?? standard, [2, 3].contains(axes) else {
      throw c.wrong("spatial_dims")
    }
    return axes
  }

  /// A list with a number for each level, or with one for each axis of each level.
  private static func perAxis(
    _ c: BundleComponent,
    _ key: String,
    _ axes: Int
  ) throws(BundleFault) -> [[Int]]? {
    guard let items = try c.value(key)?.list else { return nil }
    var result: [[Int]] = []
    for item in items {
      guard let level = item.ints ?? item.int.map({ [Int](repeating: $0, count: axes) }),
        level.count == axes
      else { throw c.wrong(key) }
      result.append(level)
    }
    return result
  }

  /// A name, or a name with arguments.
  private static func named(
    _ c: BundleComponent,
    _ key: String
  ) throws(BundleFault) -> (name: String, arguments: JSONTree)? {
    guard let value = try c.value(key) else { return nil }
    if let text = value.text { return (text.uppercased(), .object([])) }
    guard let items = value.list, let text = items.first?.text, items.count <= 2 else {
      throw c.wrong(key)
    }
    return (text.uppercased(), items.count == 2 ? items[1] : .object([]))
  }

  private static func normalization(
    _ c: BundleComponent,
    _ key: String,
    _ axes: Int,
    isAffine: Bool = false
  ) throws(BundleFault) -> FeatureNormalization? {
    guard let (name, arguments) = try named(c, key) else { return nil }
    // PyTorch's default; others would need another constant in the layer.
    guard [nil, 1e-5].contains(arguments["eps"]?.number) else { throw c.wrong(key) }
    switch name {
    case "BATCH": return .batch
    case "INSTANCE", "INSTANCE_NVFUSER":
      return .instance(isAffine: arguments["affine"]?.bool ?? isAffine)
    case "GROUP":
      guard let groups = arguments["num_groups"]?.int,
        arguments["affine"]?.bool ?? true
      else { throw c.wrong(key) }
      return .group(groups: groups)
    default: throw c.wrong(key)
    }
  }

  private static func activation(
    _ c: BundleComponent,
    _ key: String
  ) throws(BundleFault) -> FeatureActivation? {
    guard let (name, arguments) = try named(c, key) else { return nil }
    switch name {
    case "RELU": return .relu
    case "PRELU":
      return .parametricReLU(perChannel: (arguments["num_parameters"]?.int ?? 1) > 1)
    case "LEAKYRELU":
      return .leakyReLU(negativeSlope: Float(arguments["negative_slope"]?.number ?? 0.01))
    case "ELU": return .elu(alpha: Float(arguments["alpha"]?.number ?? 1))
    case "GELU": return .gelu
    case "SWISH", "SILU":
      guard [nil, 1].contains(arguments["alpha"]?.number) else { throw c.wrong(key) }
      return .silu
    default: throw c.wrong(key)
    }
  }

  private static func upsampling(
    _ c: BundleComponent,
    _ key: String
  ) throws(BundleFault) -> MONAIUpsampling? {
    switch try c.text(key)?.lowercased() {
    case nil: return nil
    case "deconv": return .transposed
    case "nontrainable": return .interpolated
    case "pixelshuffle": return .shuffled
    default: throw c.wrong(key)
    }
  }
}
