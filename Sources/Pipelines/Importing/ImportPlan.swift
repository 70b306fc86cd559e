import Foundation
import Imaging
import Networks
import Support

/// What a file of a network alone does not say: how scans are prepared, and what the scores mean.
///
/// It is given as JSON beside the file and never guessed; `steps` must be there for a network that finds
/// structures. Networks that give images are known by their weights, or by the key `enhancement`.
struct ImportPlan: Decodable {
  /// From the scan to the network.
  var steps: [VolumeStep]?
  /// What a network that gives images is for; default: what its weights tell.
  var enhancement: ImageNetworkWishes?
  /// Default: windows of the network's own size, the whole volume where it takes any, or slices.
  var inferer: VolumeInferer?
  /// Default: none where the network ends with probabilities, else softmax.
  var activation: VolumePlan.Activation?
  /// Default: background and labels, of which the largest wins.
  var heads: VolumePlan.Heads?
  /// Default: labels.
  var inversion: VolumePlan.Inversion?
  /// Default: none.
  var components: [VolumePlan.Components]?
  /// Names of the structures after background.
  var labels: [String]?
  /// Names of the input channels.
  var channels: [String]?
  /// The axis along which a two-dimensional network's slices follow one another; default 2.
  var sliceAxis: Int?
  /// Whether channels are the last dimension; default: found out where it can be.
  var channelsLast: Bool?
  var summary: String?
  var licence: String?
  /// The placeholder that takes images; default: the only one that can.
  var input: String?
  /// The node that gives the result; default: the only one that nothing uses.
  var output: String?
  /// What names and shapes of weights do not tell; default: nothing.
  var network: Hints?

  /// What names and shapes of weights do not tell of a network.
  struct Hints: Decodable {
    /// Steps between levels along each spatial axis.
    var strides: [[Int]]?
    /// Dilations of the hidden layers of a MeshNet.
    var dilations: [Int]?
    var normalization: FeatureNormalization?
    var activation: FeatureActivation?
    /// How many times larger the output is.
    var scale: Int?
    /// What residuals are multiplied by in an EDSR.
    var residualScale: Float?
    /// Whether what is still open becomes the default of the program that the network is from.
    var takesDefaults: Bool?

    /// The same as the identification takes it.
    var networkHints: NetworkHints {
      NetworkHints(
        strides: strides,
        dilations: dilations,
        normalization: normalization,
        activation: activation,
        scale: scale,
        residualScale: residualScale,
        takesDefaults: takesDefaults ?? false
      )
    }
  }

  /// Reads a plan.
  /// - Parameters:
  ///   - path: The plan file, or nil.
  ///   - embedded: The text that the model itself carries, or nil.
  ///   - model: The model's file, for messages.
  /// - Returns: The plan; one without any key where there is none.
  /// - Throws: `PipelinesError.invalidPlan`; `SupportError.notFound`.
  static func read(
    _ path: String?,
    embedded: String? = nil,
    model: String
  ) throws -> ImportPlan {
    let data: Data
    if let path {
      guard let found = FileManager.default.contents(atPath: path) else {
        throw SupportError.notFound(path: path)
      }
      data = found
    } else if let embedded {
      data = Data(embedded.utf8)
    } else {
      return ImportPlan()
    }
    do {
      return try JSONDecoder().decode(ImportPlan.self, from: data)
    } catch let error as DecodingError {
      throw PipelinesError.invalidPlan(
        reason: "\(path ?? "the plan in \(model)") \(ModelPackage.reason(of: error, file: "it"))"
      )
    }
  }

  /// The steps that a network which finds structures needs.
  /// - Parameters:
  ///   - model: The model's file, for messages.
  ///   - kind: What the model's file is, such as "an ONNX file".
  /// - Returns: The steps.
  /// - Throws: `PipelinesError.unsupportedModel` without any.
  @discardableResult
  func requiredSteps(model: String, kind: String) throws -> [VolumeStep] {
    if let steps { return steps }
    throw PipelinesError.unsupportedModel(
      path: model,
      reason: "\(kind) does not say how scans are prepared for it; give a plan file with the key "
        + "steps, or enhancement for a network that gives images"
    )
  }

  /// What is known of a network whose plan this is.
  struct Facts {
    /// The network's file, for messages.
    var path: String
    /// What the file is, such as "an ONNX file".
    var kind: String
    /// The format's name, such as "ONNX".
    var format: String
    var network: NetworkConfiguration
    /// Samples that the network sees along each spatial axis; 0 where any number will do.
    var window: [Int]
    /// Whether its output is a softmax or sigmoid already.
    var givesProbabilities: Bool
  }

  /// A model of the network.
  /// - Parameters:
  ///   - facts: What is known of the network.
  ///   - name: The name of its file within the source.
  /// - Returns: The model without its weights.
  /// - Throws: `PipelinesError.unsupportedModel`, `.invalidPlan`.
  func model(_ facts: Facts, name: String) throws -> ForeignModel {
    func unsupported(_ reason: String) -> PipelinesError {
      .unsupportedModel(path: facts.path, reason: reason)
    }
    let steps = try requiredSteps(model: facts.path, kind: facts.kind)
    let inferer = try inferer ?? standardInferer(facts.window)
    let heads = heads ?? .labels
    var count = facts.network.outputChannels
    if heads == .labels { count -= 1 }
    guard count >= 1 else {
      throw unsupported("its one output needs the key heads, as {\"regions\": {\"order\": [0]}}")
    }
    if let labels, labels.count != count {
      throw unsupported("the plan names \(labels.count) labels and the network has \(count)")
    }
    let perChannel: Int
    if case .windows(let plan) = inferer {
      perChannel = 2 * plan.neighbours + 1
    } else {
      perChannel = 1
    }
    let inputs = facts.network.inputChannels
    guard inputs % perChannel == 0 else {
      throw unsupported("its \(inputs) channels are not those of \(perChannel) slices")
    }
    if let channels, channels.count != inputs / perChannel {
      throw unsupported(
        "the plan names \(channels.count) channels and the network has \(inputs / perChannel)"
      )
    }
    var result = ForeignModel(
      summary: summary ?? "A network imported from \(name).",
      channels: channels ?? (0..<inputs / perChannel).map { "channel \($0)" },
      labels: (0..<count).map {
        LabelDefinition(
          id: $0 + 1,
          name: labels?[$0] ?? "Label \($0 + 1)",
          color: LabelDefinition.defaultColor($0)
        )
      },
      network: facts.network,
      plan: .volume(
        VolumePlan(
          program: facts.format,
          steps: steps,
          inferer: inferer,
          activation: activation ?? (facts.givesProbabilities ? .none : .softmax),
          heads: heads,
          inversion: inversion ?? .labels,
          components: components ?? []
        )
      ),
      format: facts.format,
      sources: [name]
    )
    result.licence = licence
    return result
  }

  /// How a network of this size sees a volume; sizes of 0 are free.
  private func standardInferer(_ window: [Int]) throws -> VolumeInferer {
    guard window.count == 2 else {
      return window.allSatisfy({ $0 == 0 }) ? .whole : .windows(SlidingWindowPlan(size: window))
    }
    let axis = sliceAxis ?? 2
    guard (0..<3).contains(axis) else {
      throw PipelinesError.invalidPlan(reason: "sliceAxis is \(axis)")
    }
    var size = window
    size.insert(1, at: axis)
    return .windows(SlidingWindowPlan(size: size, sliceAxis: axis))
  }
}
