import Layers
import Tensors

/// A network whose scores are a product of its last features at each cell: a window of one.
///
/// Whoever adds scores up may compute them cell by cell, so that the scores of all classes of a whole
/// patch need no memory.
public protocol HeadedNetwork: Network {
  /// What the head reads.
  /// - Parameters:
  ///   - x: As the network takes it.
  ///   - context: To train or to predict.
  /// - Returns: Features of the input's size.
  func features(_ x: Tensor, in context: Context) -> Tensor
  /// The convolution of window 1, stride 1 and with a bias that gives the scores.
  var head: Convolution { get }
}

/// A network without its head.
public final class HeadlessNetwork: Network {
  private let network: any HeadedNetwork

  /// Leaves a head out.
  /// - Parameter network: The network.
  public init(_ network: any HeadedNetwork) { self.network = network }

  /// The layers of the network, the head too.
  public var children: [(name: String, layer: any Layer)] { network.children }
  /// The network's own.
  public var sizeMultiple: Int { network.sizeMultiple }
  /// The network's own.
  public var axisMultiples: [Int] { network.axisMultiples }

  /// What the head would read.
  /// - Parameters:
  ///   - x: As the network takes it.
  ///   - context: To train or to predict.
  /// - Returns: Features of the input's size.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    network.features(x, in: context)
  }
}
