import Foundation
import Networks
import Support
import Tensors

/// An image with the evidence for a class, on its own grid.
public struct ExplainedImage: Sendable {
  /// Rows of the image.
  public let height: Int
  /// Columns of the image.
  public let width: Int
  /// Red, green and blue of each pixel, 0 to 255: the image within the model's range of intensities.
  public let image: [UInt8]
  /// Evidence for the class at each pixel, 0 to 1.
  public let evidence: [Float]
  /// The evidence on the network's grid, with the scores of the method.
  public let explanation: Explanation
  /// The class that is explained.
  public let className: String
  /// Its probability.
  public let probability: Double
}

extension ImageRecognizer {
  /// Rows and columns of the image that `explain` shows of a file.
  /// - Parameter path: A picture, or a volume.
  /// - Returns: Its size in pixels.
  /// - Throws: What reading throws.
  public func imageSize(of path: String) throws -> (height: Int, width: Int) {
    let images = try images(of: path)
    let image = images[images.count / 2]
    return (image.height, image.width)
  }

  /// Shows what speaks for a class in an image.
  /// - Parameters:
  ///   - path: A picture, or a volume, of which the middle of the chosen slices is taken.
  ///   - className: The class; the most probable one when nil.
  ///   - method: How it is found.
  ///   - isMeasured: Whether deletion and insertion are measured too.
  ///   - interruption: Looked at between pieces of work.
  /// - Returns: The image with its evidence.
  /// - Throws: As `recognize`; `RecognitionError.otherClasses` for a class that the model lacks;
  ///   `RecognitionError.otherTask` for a network that has no feature maps.
  public func explain(
    _ path: String,
    className: String? = nil,
    method: ExplanationMethod,
    isMeasured: Bool,
    interruption: Interruption
  ) throws -> ExplainedImage {
    let images = try images(of: path)
    let image = images[images.count / 2]
    guard let network = network as? any VectorNetwork else {
      throw RecognitionError.otherTask(
        model: model.description.name,
        task: "scores alone",
        wanted: "explanations"
      )
    }
    let probabilities = try probabilities(of: image)
    let label: Int
    if let className {
      guard let found = classNames.firstIndex(of: className) else {
        throw RecognitionError.otherClasses(path: path, unknown: [className], known: classNames)
      }
      label = found
    } else {
      label = probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
    }
    let fitted = plan.fitted(image)
    let score = try ClassScore(network, label: label) { plan.probabilities($0)[label] }
    let explanation = try ImageExplainer(score, interruption: interruption).explain(
      Tensor(fitted.values, shape: [1, plan.channels, plan.height, plan.width]),
      method: method,
      isMeasured: isMeasured
    )
    return ExplainedImage(
      height: image.height,
      width: image.width,
      image: shown(image),
      evidence: explanation.spread(
        height: image.height,
        width: image.width,
        scale: fitted.scale,
        origin: fitted.origin
      ),
      explanation: explanation,
      className: classNames[label],
      probability: probabilities[label]
    )
  }

  /// The image's pixels as red, green and blue within the model's range.
  private func shown(_ image: ImagePlanes) -> [UInt8] {
    let scale = plan.intensity.scale(for: image.values)
    let colours = image.with(channels: 3).values
    let area = image.height * image.width
    return (0..<area).flatMap { place in
      (0..<3).map { channel -> UInt8 in
        let value = scale?.scaled(colours[channel * area + place]) ?? 0
        return UInt8((255 * min(max(value, 0), 1)).rounded())
      }
    }
  }
}
