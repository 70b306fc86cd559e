import Support

/// A bundle's transforms and inferer as steps of a plan.
package struct BundleTransforms {
  package let configuration: BundleConfiguration

  package init(configuration: BundleConfiguration) { self.configuration = configuration }

  /// The transforms that are known, without endings.
  package static let names: Set<String> = [
    "LoadImage", "EnsureChannelFirst", "AddChannel", "AsChannelFirst", "EnsureType", "ToTensor",
    "CastToType", "Identity", "ToDevice", "Orientation", "Spacing", "ScaleIntensity",
    "ScaleIntensityRange", "ScaleIntensityRangePercentiles", "NormalizeIntensity",
    "CropForeground", "DivisiblePad", "SpatialPad", "Activations", "Invert", "AsDiscrete",
    "KeepLargestConnectedComponent", "SaveImage", "SelectItems", "DeleteItems",
  ]

  /// Transforms that change neither values nor places.
  private static let plain: Set<String> = [
    "LoadImage", "EnsureChannelFirst", "AddChannel", "AsChannelFirst", "EnsureType", "ToTensor",
    "CastToType", "Identity", "ToDevice", "SaveImage", "SelectItems", "DeleteItems",
  ]

  /// The components of a `Compose`, a list, or one transform.
  package func chain(_ tree: JSONTree) throws(BundleFault) -> [BundleComponent] {
    guard let component = try configuration.component(tree) else {
      guard let items = try configuration.resolved(tree).list else {
        throw BundleFault("it is no list of transforms")
      }
      return try components(items)
    }
    guard component.name == "Compose" else { return [component] }
    guard let transforms = component["transforms"] else { return [] }
    guard let items = try configuration.resolved(transforms).list else {
      throw BundleFault("the transforms of a Compose are no list")
    }
    return try components(items)
  }

  private func components(_ items: [JSONTree]) throws(BundleFault) -> [BundleComponent] {
    var result: [BundleComponent] = []
    for item in items {
      guard let component = try configuration.component(item) else {
        guard item["_target_"] != nil || item == .null else {
          throw BundleFault("a transform has no _target_")
        }
        continue
      }
      if component.name == "Compose" {
        result += try chain(item)
      } else {
        result.append(component)
      }
    }
    return result
  }

  /// The key of the image: what is loaded first.
  package func imageKey(_ chain: [BundleComponent]) throws(BundleFault) -> String? {
    for component in chain where component.name == "LoadImage" {
      return try component.texts("keys").first
    }
    return nil
  }

  // MARK: - Before the network

  package func steps(_ chain: [BundleComponent]) throws(BundleFault) -> [VolumeStep] {
    let image = try imageKey(chain)
    var steps: [VolumeStep] = []
    for component in chain {
      let keys = try component.texts("keys")
      if let image, !keys.isEmpty, !keys.contains(image) { continue }
      if Self.plain.contains(component.name) { continue }
      steps.append(try step(component))
    }
    return steps
  }

  private func step(_ c: BundleComponent) throws(BundleFault) -> VolumeStep {
    switch c.name {
    case "Orientation":
      try c.refuse("as_closest_canonical")
      guard let code = try c.text("axcodes") else { throw c.wrong("axcodes") }
      return .orient(code: code)
    case "Spacing":
      try c.refuse("diagonal", "scale_extent", "recompute_affine", "min_pixdim", "max_pixdim")
      guard let mm = try c.numbers("pixdim", count: 3) else { throw c.wrong("pixdim") }
      return .space(
        mm: mm,
        interpolation: try interpolation(c),
        padding: try padding(c)
      )
    case "ScaleIntensityRange":
      guard let low = try c.number("a_min"), let high = try c.number("a_max") else {
        throw c.wrong("a_min")
      }
      return .scaleRange(
        low: low,
        high: high,
        newLow: try c.number("b_min"),
        newHigh: try c.number("b_max"),
        clips: try c.bool("clip") ?? false
      )
    case "ScaleIntensityRangePercentiles":
      guard let lower = try c.number("lower"), let upper = try c.number("upper") else {
        throw c.wrong("lower")
      }
      return .scalePercentiles(
        lower: lower,
        upper: upper,
        newLow: try c.number("b_min"),
        newHigh: try c.number("b_max"),
        clips: try c.bool("clip") ?? false,
        relative: try c.bool("relative") ?? false,
        channelWise: try c.bool("channel_wise") ?? false
      )
    case "ScaleIntensity":
      try c.refuse("factor")
      return .scale(
        newLow: try c.number("minv") ?? 0,
        newHigh: try c.number("maxv") ?? 1,
        channelWise: try c.bool("channel_wise") ?? false
      )
    case "NormalizeIntensity":
      return .normalize(
        mean: try c.numbers("subtrahend"),
        deviation: try c.numbers("divisor"),
        nonzero: try c.bool("nonzero") ?? false,
        channelWise: try c.bool("channel_wise") ?? false
      )
    case "CropForeground":
      try c.refuse("channel_indices")
      if let choice = c["select_fn"]?.text, !Self.isPositive(choice) {
        throw BundleFault("the argument select_fn of \(c.target) is not x > 0")
      }
      return .cropForeground(
        margin: try c.ints("margin", count: 3) ?? [0, 0, 0],
        multiple: try c.ints("k_divisible", count: 3) ?? [1, 1, 1],
        allowsSmaller: try c.bool("allow_smaller") ?? false
      )
    case "DivisiblePad":
      try constantPadding(c)
      guard let multiple = try c.ints("k", count: 3) else { throw c.wrong("k") }
      return .padToMultiple(of: multiple, isSymmetric: try isSymmetric(c))
    case "SpatialPad":
      try constantPadding(c)
      guard let size = try c.ints("spatial_size", count: 3) else { throw c.wrong("spatial_size") }
      return .padToSize(size.map { max($0, 0) }, isSymmetric: try isSymmetric(c))
    default: throw unknown(c)
    }
  }

  private func unknown(_ c: BundleComponent) -> BundleFault {
    BundleFault(
      "the transform \(c.target) is not supported; known are "
        + Self.names.sorted().joined(separator: ", ")
    )
  }

  private static func isPositive(_ text: String) -> Bool {
    let plain = text.filter { !$0.isWhitespace }
    return ["$lambdax:x>0", "$monai.transforms.utils.is_positive", "$is_positive"].contains(plain)
  }

  private func isSymmetric(_ c: BundleComponent) throws(BundleFault) -> Bool {
    switch try c.text("method")?.lowercased() {
    case nil, "symmetric": return true
    case "end": return false
    default: throw c.wrong("method")
    }
  }

  private func constantPadding(_ c: BundleComponent) throws(BundleFault) {
    guard ["constant", nil].contains(try c.text("mode")), [0, nil].contains(try c.number("value"))
    else { throw BundleFault("\(c.target) pads with something else than 0") }
  }

  private func interpolation(_ c: BundleComponent) throws(BundleFault) -> VolumeStep.Interpolation {
    switch try c.text("mode") {
    case nil, "bilinear": return .linear
    case "nearest": return .nearest
    default: throw c.wrong("mode")
    }
  }

  private func padding(_ c: BundleComponent) throws(BundleFault) -> VolumeStep.Padding {
    switch try c.text("padding_mode") {
    case nil, "border": return .border
    case "zeros": return .zeros
    default: throw c.wrong("padding_mode")
    }
  }

  // MARK: - The network

  package func inferer(_ tree: JSONTree?) throws(BundleFault) -> VolumeInferer {
    guard let tree, let c = try configuration.component(tree) else { return .whole }
    switch c.name {
    case "SimpleInferer": return .whole
    case "SlidingWindowInferer", "SlidingWindowInfererAdapt", "SliceInferer": break
    default: throw BundleFault("the inferer \(c.target) is not supported")
    }
    let axis = c.name == "SliceInferer" ? try c.int("spatial_dim") ?? 0 : nil
    let planar = axis == nil ? 3 : 2
    guard var size = try c.ints("roi_size", count: planar) else { throw c.wrong("roi_size") }
    size = size.map { max($0, 0) }
    if let axis, (0..<3).contains(axis) { size.insert(1, at: axis) }
    var plan = SlidingWindowPlan(size: size)
    plan.sliceAxis = axis
    if let overlap = try c.numbers("overlap", count: 3) { plan.overlap = overlap }
    if let sigma = try c.numbers("sigma_scale", count: 3) { plan.sigmaScale = sigma }
    plan.paddingValue = try c.number("cval") ?? 0
    switch try c.text("mode") {
    case nil, "constant": break
    case "gaussian": plan.blending = .gaussian
    default: throw c.wrong("mode")
    }
    switch try c.text("padding_mode") {
    case nil, "constant": break
    case "replicate": plan.padding = .replicate
    default: throw c.wrong("padding_mode")
    }
    return .windows(plan)
  }

  // MARK: - After the network

  /// What a bundle does with its network's outputs.
  package struct Postprocessing: Equatable {
    package var activation = VolumePlan.Activation.none
    var isThreshold = false
    package var inversion: VolumePlan.Inversion?
    package var components: [VolumePlan.Components] = []
  }

  package func postprocessing(_ chain: [BundleComponent]) throws(BundleFault) -> Postprocessing {
    var result = Postprocessing()
    var isDiscrete = false
    for c in chain where !Self.plain.contains(c.name) {
      switch c.name {
      case "Activations":
        try c.refuse("other")
        guard result.inversion == nil, !isDiscrete else {
          throw BundleFault("\(c.target) follows what it should precede")
        }
        if try c.bool("softmax") == true { result.activation = .softmax }
        if try c.bool("sigmoid") == true { result.activation = .sigmoid }
      case "Invert":
        let isNearest = try c.bool("nearest_interp") ?? true
        result.inversion = isDiscrete || isNearest ? .labels : .scores
      case "AsDiscrete":
        try c.refuse("rounding", "to_onehot")
        isDiscrete = true
        let threshold = try c.number("threshold")
        if try c.bool("argmax") == true {
          guard threshold == nil else { throw c.wrong("threshold") }
        } else {
          guard threshold == 0.5 else {
            throw BundleFault("\(c.target) has neither argmax nor a threshold of 0.5")
          }
          result.isThreshold = true
        }
      case "KeepLargestConnectedComponent":
        guard isDiscrete, !result.isThreshold else {
          throw BundleFault("\(c.target) is supported for labels after argmax alone")
        }
        try c.refuse("is_onehot")
        guard try c.int("num_components") ?? 1 == 1 else { throw c.wrong("num_components") }
        let connectivity = try c.int("connectivity") ?? 3
        guard (1...3).contains(connectivity) else { throw c.wrong("connectivity") }
        result.components.append(
          VolumePlan.Components(
            labels: try c.ints("applied_labels"),
            isIndependent: try c.bool("independent") ?? true,
            connectivity: [6, 18, 26][connectivity - 1],
            precedesInversion: result.inversion == nil
          )
        )
      default: throw unknown(c)
      }
    }
    guard isDiscrete else { throw BundleFault("no AsDiscrete says how labels are decided") }
    return result
  }
}
