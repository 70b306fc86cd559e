import Foundation
import Networks
import Support

/// nnU-Net's `plans.json`, of versions 2.0 to 2.8.
package struct NNUNetPlansFile: Sendable {
  private let path: String
  private let tree: JSONTree

  /// Reads a `plans.json`.
  /// - Parameter path: The file.
  /// - Throws: `PipelinesError.damagedModel`.
  package init(_ path: String) throws {
    self.path = path
    tree = try Self.tree(path)
  }

  static func tree(_ path: String) throws -> JSONTree {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw PipelinesError.damagedModel(path: path, reason: "it cannot be read")
    }
    do throws(JSONTree.Fault) {
      return try JSONTree(data)
    } catch {
      throw PipelinesError.damagedModel(path: path, reason: "it is no JSON: \(error.reason)")
    }
  }

  /// The names of the configurations, as in the file.
  package var configurationNames: [String] {
    tree["configurations"]?.members?.map(\.key) ?? []
  }

  /// What stands in a configuration, with what it inherits.
  private func configuration(_ name: String) throws -> [String: JSONTree] {
    var chain: [[JSONTree.Member]] = []
    var seen: Set<String> = []
    var next: String? = name
    while let current = next {
      guard seen.insert(current).inserted,
        let members = tree["configurations"]?[current]?.members
      else {
        throw PipelinesError.damagedModel(
          path: path,
          reason: "it has no configuration \(current); it has "
            + configurationNames.joined(separator: ", ")
        )
      }
      chain.append(members)
      next = members.last { $0.key == "inherits_from" }?.value.text
    }
    var merged: [String: JSONTree] = [:]
    for members in chain.reversed() {
      for member in members { merged[member.key] = member.value }
    }
    return merged
  }

  /// Reads a configuration for a data set.
  /// - Parameters:
  ///   - name: The configuration, such as "3d_fullres".
  ///   - dataset: Channels and labels.
  ///   - mirrorAxes: The axes that the training mirrored, of the transposed order.
  /// - Returns: The plan, and the network that it describes.
  /// - Throws: `PipelinesError.damagedModel` naming what is missing or unknown.
  package func plan(
    _ name: String,
    dataset: NNUNetDataset,
    mirrorAxes: [Int]
  ) throws -> (plan: NNUNetPlan, network: NetworkConfiguration) {
    let values = try configuration(name)
    func damaged(_ reason: String) -> PipelinesError {
      .damagedModel(path: path, reason: "configuration \(name): \(reason)")
    }
    guard let patch = values["patch_size"]?.ints, [2, 3].contains(patch.count),
      patch.allSatisfy((1...4096).contains)
    else { throw damaged("patch_size is not 2 or 3 sizes") }
    guard let spacing = values["spacing"]?.numbers, spacing.count == patch.count,
      spacing.allSatisfy({ $0 > 0 && $0.isFinite })
    else { throw damaged("spacing does not fit the patch") }
    guard let forward = tree["transpose_forward"]?.ints, forward.sorted() == [0, 1, 2] else {
      throw damaged("transpose_forward is no order of three axes")
    }
    let previous = values["previous_stage"]?.text
    let masks = values["use_mask_for_norm"]?.list?.compactMap(\.bool) ?? []
    let schemes = values["normalization_schemes"]?.list?.compactMap(\.text) ?? []
    guard schemes.count == dataset.channels.count, masks.count == schemes.count else {
      throw damaged(
        "\(schemes.count) normalisations and \(masks.count) masks for "
          + "\(dataset.channels.count) channels"
      )
    }
    let channels = try schemes.indices.map { index in
      try normalization(schemes[index], usesMask: masks[index], channel: index)
    }
    var plan = NNUNetPlan(
      configuration: name,
      channels: channels,
      transposeForward: forward,
      spacing: spacing,
      patchSize: patch,
      data: try resampling("data", of: values, order: 3),
      segmentation: try resampling("seg", of: values, order: 1),
      probabilities: try resampling("probabilities", of: values, order: 1),
      mirrorAxes: mirrorAxes,
      heads: dataset.heads,
      previousStage: previous
    )
    if previous != nil { plan.previousLabels = dataset.foregroundNumbers }
    plan.reader = try reader()
    let network = try NNUNetArchitecture(values, dimensions: patch.count, path: path)
      .configuration(
        inputChannels: dataset.channels.count + plan.previousLabels.count,
        outputChannels: dataset.heads.count
      )
    return (plan, network)
  }

  /// How nnU-Net reads the images: the class that the plans name.
  private func reader() throws -> NNUNetPlan.Reader {
    switch tree["image_reader_writer"]?.text ?? "SimpleITKIO" {
    case "SimpleITKIO", "NibabelIO", "Tiff3DIO": return .asStored
    case "NibabelIOWithReorient", "SimpleITKIOWithReorient": return .reorienting
    case "NaturalImage2DIO": return .picture
    case let name:
      throw PipelinesError.damagedModel(path: path, reason: "the image reader \(name) is unknown")
    }
  }

  private func normalization(
    _ scheme: String,
    usesMask: Bool,
    channel: Int
  ) throws -> NNUNetPlan.Normalization {
    switch scheme {
    case "ZScoreNormalization": return .zScore(usesMask: usesMask)
    case "RescaleTo01Normalization": return .rescaleTo01
    case "RGBTo01Normalization": return .rgbTo01
    case "NoNormalization": return .none
    case "CTNormalization":
      let all =
        tree["foreground_intensity_properties_per_channel"]
        ?? tree["foreground_intensity_properties_by_modality"]
      guard let values = all?["\(channel)"], let mean = values["mean"]?.number,
        let deviation = values["std"]?.number,
        let low = values["percentile_00_5"]?.number,
        let high = values["percentile_99_5"]?.number, low <= high
      else {
        throw PipelinesError.damagedModel(
          path: path,
          reason: "it has no intensities for channel \(channel)"
        )
      }
      return .ct(mean: mean, deviation: deviation, low: low, high: high)
    default:
      throw PipelinesError.damagedModel(
        path: path,
        reason: "the normalisation \(scheme) is unknown; CT, ZScore, RescaleTo01, RGBTo01 and "
          + "NoNormalization are known"
      )
    }
  }

  private func resampling(
    _ what: String,
    of values: [String: JSONTree],
    order: Int
  ) throws -> NNUNetPlan.Resampling {
    let function = values["resampling_fn_\(what)"]?.text ?? "resample_data_or_seg_to_shape"
    let arguments = values["resampling_fn_\(what)_kwargs"]
    switch function {
    case "resample_data_or_seg_to_shape":
      let order = arguments?["order"]?.int ?? order
      let across = arguments?["order_z"]?.int ?? 0
      guard [0, 1, 3].contains(order), [0, 1, 3].contains(across) else {
        throw PipelinesError.damagedModel(
          path: path,
          reason: "it resamples by splines of order \(order) and \(across); 0, 1 and 3 are known"
        )
      }
      return .spline(
        order: order,
        orderAcross: across,
        separates: arguments?["force_separate_z"]?.bool
      )
    case "resample_torch_fornnunet":
      return .linear(separates: arguments?["force_separate_z"]?.bool)
    case "no_resampling_data_or_seg_to_shape", "no_resampling_hack": return .none
    default:
      throw PipelinesError.damagedModel(
        path: path,
        reason: "the resampling function \(function) is unknown"
      )
    }
  }
}

/// The network that a configuration describes, in the new and the old way.
struct NNUNetArchitecture {
  private let path: String
  private let className: String
  private let dimensions: Int
  private let features: [Int]
  private let kernelSizes: [[Int]]
  private let strides: [[Int]]
  private let units: [Int]
  private let decoderUnits: [Int]
  private let hasBias: Bool

  init(_ values: [String: JSONTree], dimensions: Int, path: String) throws {
    self.path = path
    self.dimensions = dimensions
    func damaged(_ reason: String) -> PipelinesError {
      .damagedModel(path: path, reason: "its architecture: \(reason)")
    }
    if let architecture = values["architecture"] {
      guard let name = architecture["network_class_name"]?.text,
        let arguments = architecture["arch_kwargs"],
        let stages = arguments["n_stages"]?.int, (1...16).contains(stages),
        let features = arguments["features_per_stage"].flatMap({ Self.repeated($0, stages) })
      else { throw damaged("n_stages or features_per_stage is missing") }
      className = name.split(separator: ".").last.map(String.init) ?? name
      self.features = features
      guard
        let kernels = arguments["kernel_sizes"]
          .flatMap({ Self.windows($0, stages: stages, axes: dimensions) }),
        let steps = arguments["strides"]
          .flatMap({ Self.windows($0, stages: stages, axes: dimensions) }),
        let units = (arguments["n_conv_per_stage"] ?? arguments["n_blocks_per_stage"])
          .flatMap({ Self.repeated($0, stages) }),
        let decoder = arguments["n_conv_per_stage_decoder"]
          .flatMap({ Self.repeated($0, stages - 1) })
      else { throw damaged("windows, strides or convolutions per stage are missing") }
      kernelSizes = kernels
      strides = steps
      self.units = units
      decoderUnits = decoder
      hasBias = arguments["conv_bias"]?.bool ?? true
      try Self.checkParts(arguments, damaged)
      return
    }
    guard let units = values["n_conv_per_stage_encoder"]?.ints,
      let decoder = values["n_conv_per_stage_decoder"]?.ints,
      let base = values["UNet_base_num_features"]?.int,
      let largest = values["unet_max_num_features"]?.int, (1...8192).contains(base),
      (1...8192).contains(largest), (1...16).contains(units.count)
    else { throw damaged("neither the new nor the old description is complete") }
    className = values["UNet_class_name"]?.text ?? "PlainConvUNet"
    features = units.indices.map { min(base << $0, largest) }
    guard
      let kernels = values["conv_kernel_sizes"]
        .flatMap({ Self.windows($0, stages: units.count, axes: dimensions) }),
      let steps = values["pool_op_kernel_sizes"]
        .flatMap({ Self.windows($0, stages: units.count, axes: dimensions) })
    else { throw damaged("conv_kernel_sizes or pool_op_kernel_sizes is missing") }
    kernelSizes = kernels
    strides = steps
    self.units = units
    decoderUnits = decoder
    hasBias = true
  }

  /// Parts that would compute something else.
  private static func checkParts(
    _ arguments: JSONTree,
    _ damaged: (String) -> PipelinesError
  ) throws {
    let known = [
      ("norm_op", ["InstanceNorm2d", "InstanceNorm3d"]), ("nonlin", ["LeakyReLU"]),
    ]
    for (key, names) in known {
      guard let value = arguments[key]?.text else { continue }
      let name = value.split(separator: ".").last.map(String.init) ?? value
      guard names.contains(name) else { throw damaged("\(key) \(name) is unknown") }
    }
    if arguments["nonlin_first"]?.bool == true { throw damaged("nonlin_first is unknown") }
    let epsilon = arguments["norm_op_kwargs"]?["eps"]?.number ?? 1e-5
    let isAffine = arguments["norm_op_kwargs"]?["affine"]?.bool ?? true
    guard epsilon == 1e-5, isAffine else { throw damaged("norm_op_kwargs are not the usual ones") }
    let slope = arguments["nonlin_kwargs"]?["negative_slope"]?.number ?? 0.01
    guard slope == 0.01 else { throw damaged("a negative slope of \(slope)") }
  }

  /// One number for each stage; a single one counts for all.
  private static func repeated(_ value: JSONTree, _ count: Int) -> [Int]? {
    if let one = value.int { return [Int](repeating: one, count: count) }
    return value.ints.flatMap { $0.count == count ? $0 : nil }
  }

  /// One size for each stage and axis; single ones count for all.
  private static func windows(_ value: JSONTree, stages: Int, axes: Int) -> [[Int]]? {
    if let one = value.int {
      return [[Int]](repeating: [Int](repeating: one, count: axes), count: stages)
    }
    guard let items = value.list, items.count == stages else { return nil }
    let sizes = items.compactMap { repeated($0, axes) }
    return sizes.count == stages ? sizes : nil
  }

  /// The network.
  func configuration(
    inputChannels: Int,
    outputChannels: Int
  ) throws -> NetworkConfiguration {
    var values = NNUNetConfiguration(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      features: features,
      dimensions: dimensions,
      unitsPerStage: units,
      decoderUnitsPerStage: decoderUnits
    )
    values.kernelSizes = kernelSizes
    values.strides = strides
    values.hasBias = hasBias
    values.hasDeepSupervision = false
    switch className {
    case "PlainConvUNet": return .plainConvUNet(values)
    case "ResidualEncoderUNet": return .residualEncoderUNet(values)
    default:
      throw PipelinesError.damagedModel(
        path: path,
        reason: "the architecture \(className) is unknown; PlainConvUNet and ResidualEncoderUNet "
          + "are known"
      )
    }
  }
}
