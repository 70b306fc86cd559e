import Foundation
import GraphModels
import Imaging
import Networks

/// The multi-axial segmenter that Brainchop offers: three networks of slices and one that joins them.
///
/// Birnbaum et al. 2025, "Full-head segmentation of MRI with abnormal brain anatomy", J. Med. Imaging
/// 12(5) 054001. The preprocessing is that of the authors' program, which the files do not state.
enum MultiaxialModel {
  /// The format's name in model descriptions.
  static let format = "multi-axial ONNX"

  private static let sliceNames = ["sagittal_model.onnx", "coronal_model.onnx", "axial_model.onnx"]
  private static let consensusName = "consensus_layer.onnx"
  private static let sliceSize = 256

  /// Whether the files are the four networks.
  static func recognises(_ files: ModelFiles) -> Bool {
    (sliceNames + [consensusName]).allSatisfy { files.path($0) != nil }
  }

  /// Reads the four networks.
  /// - Parameter files: The folder.
  /// - Returns: The model.
  /// - Throws: `GraphModelsError`; `PipelinesError.unsupportedModel`.
  static func read(_ files: ModelFiles) throws -> ForeignModel {
    var contents: [(name: String, data: Data)] = []
    var members: [ModelDescription.Member] = []
    var classes = 0
    for file in sliceNames + [consensusName] {
      let path = files.display(file)
      let isConsensus = file == consensusName
      let graph = try GraphAdaptation.channelsFirst(
        OperatorGraph(contentsOf: files.required(file)),
        path: path
      )
      let channels = isConsensus ? 1 + 3 * classes : 4
      let shape =
        isConsensus ? [1, channels, 1, 8, 8] : [1, channels, sliceSize, sliceSize]
      let found = try GraphNetwork(graph).check(inputShape: shape)
      guard found.count == shape.count, found.dropFirst(2).elementsEqual(shape.dropFirst(2)),
        found[1] >= 2, classes == 0 || found[1] == classes
      else {
        throw PipelinesError.unsupportedModel(
          path: path,
          reason: "it turns \(shape) into \(found)"
        )
      }
      classes = found[1]
      contents.append((file, try graph.encoded()))
      members.append(
        ModelDescription.Member(name: String(file.prefix { $0 != "_" }), weights: file)
      )
    }
    let names: [Int: String] = [2: "Grey Matter", 3: "White Matter", 4: "CSF"]
    var result = ForeignModel(
      summary: "Tissues of the whole head on T1-weighted MRI, by slices along three axes.",
      channels: ["T1-weighted MRI"],
      labels: (1..<classes).map {
        LabelDefinition(
          id: $0,
          name: names[$0] ?? "Tissue \($0)",
          color: LabelDefinition.defaultColor($0 - 1)
        )
      },
      network: .graph(
        GraphFileConfiguration(inputChannels: 4, outputChannels: classes, dimensions: 2)
      ),
      plan: .volume(
        VolumePlan(
          program: "multi-axial",
          steps: [
            .orient(code: "RAS"), .resizeToMillimetres, .headBox(size: sliceSize),
            .dividePercentile(95),
          ],
          inferer: .consensus(
            ConsensusPlan(coordinates: .centred, classes: classes, sliceSize: sliceSize)
          ),
          activation: .none,
          heads: .labels
        )
      ),
      format: format,
      sources: sliceNames + [consensusName]
    )
    result.members = members
    result.contents = contents
    result.facts = ["paper": "Birnbaum et al. 2025, J. Med. Imaging 12(5) 054001"]
    return result
  }
}
