import Foundation
import GraphModels
import Pipelines
import Support
import Tensors

extension TrainedGenerator {
  /// The images of given vectors, as the exported network gives them.
  /// - Parameter vectors: `[N, latent + classes]`.
  /// - Returns: `[N, C, H, W]`, from -1 to 1.
  package func images(of vectors: Tensor) -> Tensor { model.layer(vectors, in: .inference) }

  /// Whether a folder holds a model that makes images.
  /// - Parameter folder: The folder.
  /// - Returns: Whether its description is there.
  public static func isPresent(in folder: String) -> Bool {
    FileManager.default.fileExists(atPath: folder + "/" + descriptionName)
  }

  /// Writes the network down in ONNX's terms.
  ///
  /// Its input `vector` is `[N, latent + classes]`: values of the standard normal distribution and, of models
  /// that are told classes, zeros with a 1 at the class, in the order of the metadata's `classes`. Its output
  /// `image` is `[N, C, H, W]`, from -1 for black to 1 for white.
  /// - Parameter name: The graph's name.
  /// - Returns: The network.
  /// - Throws: `GenerationError.unfit` for a diffusion model, which makes an image in many steps;
  ///   `GraphModelsError`.
  public func exportedNetwork(name: String) throws -> ModelPackage.ExportedNetwork {
    let c = configuration
    guard c.model != .diffusion else {
      throw GenerationError.unfit(
        reason: "a diffusion model makes an image in many steps, which one graph cannot hold"
      )
    }
    let inputShape = [1, c.latent + c.classNames.count]
    var graph = try OperatorGraph.exported(
      layer: model.layer,
      inputShape: inputShape,
      name: name,
      inputName: "vector",
      outputName: "image"
    )
    graph.documentation = "Research software. Not for clinical use."
    graph.metadata["latent"] = "\(c.latent)"
    if !c.classNames.isEmpty {
      let names = try JSONEncoder().encode(c.classNames)
      graph.metadata["classes"] = String(decoding: names, as: UTF8.self)
    }
    return ModelPackage.ExportedNetwork(
      graph: graph,
      inputShape: inputShape,
      outputs: [.init(name: "image", shape: [1, c.channels, c.height, c.width])]
    )
  }
}
