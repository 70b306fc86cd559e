import Foundation
import GraphModels
import Imaging
import Networks
import Support

/// A network whose file says what it computes: ONNX, Keras, a frozen graph of TensorFlow, or ncnn.
///
/// Such a file says what its input and output look like; it does not say how scans are to be prepared,
/// and that is not guessed: the plan comes from a file of its own, or from an ONNX file's metadata under
/// `lamina.plan`. Whatever the format, the package keeps the network as an ONNX file.
enum GraphFileModel {
  /// A format of such files.
  enum Format: String, CaseIterable {
    case onnx = "ONNX"
    case keras = "Keras"
    case tensorFlow = "TensorFlow"
    case ncnn

    /// What a file of the format is called in a sentence.
    var fileName: String {
      switch self {
      case .onnx: "an ONNX file"
      case .keras: "a model of Keras"
      case .tensorFlow: "a frozen graph"
      case .ncnn: "a network of ncnn"
      }
    }

    fileprivate var endings: [String] {
      switch self {
      case .onnx: [".onnx"]
      case .keras: [".h5", ".hdf5", ".keras"]
      case .tensorFlow: [".pb"]
      case .ncnn: [".param"]
      }
    }
  }

  private static let metadataKey = "lamina.plan"
  private static let networkName = "network.onnx"
  private static let layersModelName = "model.json"

  /// The format of a source that is one such file, by its name, a layers model of TensorFlow.js, or the two
  /// files of ncnn.
  static func format(_ files: ModelFiles) -> Format? {
    guard files.names.count == 1 else {
      if ncnnNames(files) != nil { return .ncnn }
      let tree = files.path(layersModelName) == nil ? nil : try? files.json(layersModelName)
      return tree?["modelTopology"] == nil ? nil : .keras
    }
    let name = files.names[0].lowercased()
    return Format.allCases.first { $0.endings.contains { name.hasSuffix($0) } }
  }

  /// The names of the only text file of ncnn and of the weights beside it.
  private static func ncnnNames(_ files: ModelFiles) -> (text: String, weights: String)? {
    let texts = files.names.filter { $0.lowercased().hasSuffix(".param") }
    guard texts.count == 1 else { return nil }
    let weights = texts[0].dropLast(".param".count) + ".bin"
    return files.names.contains(String(weights)) ? (texts[0], String(weights)) : nil
  }

  /// Reads the two files of ncnn; where the source is the text alone, the weights lie beside it.
  private static func ncnnGraph(_ files: ModelFiles, _ path: String) throws -> OperatorGraph {
    let weights =
      try ncnnNames(files).map { try files.required($0.weights) }
      ?? String(path.dropLast(".param".count)) + ".bin"
    return try OperatorGraph(ncnn: NCNNModel(contentsOf: path, weights: weights))
  }

  /// Reads a file.
  /// - Parameters:
  ///   - files: The file, or a layers model's folder.
  ///   - format: What it is.
  ///   - planPath: The plan file, or nil.
  /// - Returns: The model.
  /// - Throws: `GraphModelsError`; `PipelinesError.unsupportedModel`, `.invalidPlan`.
  static func read(_ files: ModelFiles, _ format: Format, planPath: String?) throws -> ForeignModel
  {
    let name =
      files.names.count == 1 ? files.names[0] : ncnnNames(files)?.text ?? layersModelName
    let path = try files.required(name)
    func unsupported(_ reason: String) -> PipelinesError {
      .unsupportedModel(path: path, reason: reason)
    }
    let plan: ImportPlan
    var graph: OperatorGraph
    switch format {
    case .onnx:
      graph = try OperatorGraph(contentsOf: path)
      plan = try ImportPlan.read(
        planPath,
        embedded: graph.metadata[metadataKey],
        model: path
      )
      try requirePlan(plan, path, format)
      graph = try channelsFirst(graph, plan, path: path)
    case .keras:
      plan = try ImportPlan.read(planPath, model: path)
      let model =
        name.hasSuffix(".json")
        ? try KerasModel(layersModel: path) : try KerasModel(savedModel: path)
      graph = try OperatorGraph(keras: model)
    case .tensorFlow:
      plan = try ImportPlan.read(planPath, model: path)
      graph = try OperatorGraph(
        tensorFlow: TensorFlowGraph(contentsOf: path),
        input: plan.input,
        output: plan.output
      )
    case .ncnn:
      plan = try ImportPlan.read(planPath, model: path)
      graph = try ncnnGraph(files, path)
    }
    try requirePlan(plan, path, format)
    let inputs = graph.inputs.filter { graph.constants[$0.name] == nil }
    guard inputs.count == 1, let dimensions = inputs[0].dimensions,
      (4...5).contains(dimensions.count),
      let channels = dimensions[1].size
    else { throw unsupported("its input is no image with a fixed number of channels") }
    let window = dimensions.dropFirst(2).map { $0.size ?? 0 }
    if plan.enhancement != nil {
      var result = try imageNetwork(graph, channels, window, path: path, format)
        .model(plan, name: name)
      describe(&result, graph, files, name)
      result.contents = [(networkName, try graph.encoded())]
      return result
    }
    let network = try GraphNetwork(graph)
    let sample = [1, channels] + window.map { $0 == 0 ? 64 : $0 }
    let found = try network.check(inputShape: sample)
    guard found.count == sample.count, found.dropFirst(2).elementsEqual(sample.dropFirst(2)) else {
      throw unsupported("it turns \(sample) into \(found), which is no score of each voxel")
    }
    var result = try plan.model(
      ImportPlan.Facts(
        path: path,
        kind: format.fileName,
        format: format.rawValue,
        network: .graph(
          GraphFileConfiguration(
            inputChannels: channels,
            outputChannels: found[1],
            dimensions: window.count
          )
        ),
        window: window,
        givesProbabilities: endsWithProbabilities(graph)
      ),
      name: name
    )
    describe(&result, graph, files, name)
    result.contents = [(networkName, try graph.encoded())]
    return result
  }

  /// A graph says neither what it sees nor what it is for.
  private static func requirePlan(_ plan: ImportPlan, _ path: String, _ format: Format) throws {
    if plan.enhancement == nil { try plan.requiredSteps(model: path, kind: format.fileName) }
  }

  private static func describe(
    _ model: inout ForeignModel,
    _ graph: OperatorGraph,
    _ files: ModelFiles,
    _ name: String
  ) {
    model.facts = [
      "producer": [graph.producer.name, graph.producer.version].filter { !$0.isEmpty }
        .joined(separator: " ")
    ]
    model.sources = files.names.count == 1 ? [name] : files.names
    model.members = [ModelDescription.Member(name: "the network", weights: networkName)]
  }

  /// A graph whose output is an image of the same or a larger size.
  private static func imageNetwork(
    _ graph: OperatorGraph,
    _ channels: Int,
    _ window: [Int],
    path: String,
    _ format: Format
  ) throws -> ImageNetworkFacts {
    guard window.allSatisfy({ $0 == 0 }) else {
      throw PipelinesError.unsupportedModel(
        path: path,
        reason: "it takes images of \(window.map(String.init).joined(separator: " x ")) alone; "
          + "export it with free sizes"
      )
    }
    let network = try GraphImageNetwork(
      try GraphNetwork(graph),
      channels: channels,
      dimensions: window.count,
      path: path
    )
    return ImageNetworkFacts(
      path: path,
      format: format.rawValue,
      configuration: .graph(
        GraphFileConfiguration(
          inputChannels: channels,
          outputChannels: network.outputChannels,
          dimensions: window.count
        )
      ),
      network: network
    )
  }

  /// An ONNX graph in the form that predictions take.
  private static func channelsFirst(
    _ graph: OperatorGraph,
    _ plan: ImportPlan,
    path: String
  ) throws -> OperatorGraph {
    let inputs = graph.inputs.filter { graph.constants[$0.name] == nil }
    guard inputs.count == 1, graph.outputs.count >= 1 else {
      throw PipelinesError.unsupportedModel(
        path: path,
        reason: "it has \(inputs.count) inputs and \(graph.outputs.count) outputs"
      )
    }
    guard let isLast = plan.channelsLast ?? GraphAdaptation.hasChannelsLast(inputs[0]) else {
      throw PipelinesError.unsupportedModel(
        path: path,
        reason: "its input \(inputs[0].name) does not tell which dimension is the channels; give "
          + "the key channelsLast"
      )
    }
    return isLast ? try GraphAdaptation.channelsFirst(graph, path: path) : graph
  }

  /// Whether the output is a softmax or sigmoid, perhaps turned.
  private static func endsWithProbabilities(_ graph: OperatorGraph) -> Bool {
    var name = graph.outputs.first?.name
    for _ in 0..<8 {
      guard let wanted = name, let node = graph.nodes.last(where: { $0.outputs.contains(wanted) })
      else { return false }
      if ["Softmax", "Sigmoid"].contains(node.operatorName) { return true }
      guard
        ["Transpose", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Cast"]
          .contains(node.operatorName)
      else { return false }
      name = node.inputs.first
    }
    return false
  }
}
