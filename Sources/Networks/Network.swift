import Layers

/// A whole network: images in, scores or images out.
public protocol Network: Layer {
  /// Every spatial axis of the input must be a multiple of this.
  var sizeMultiple: Int { get }
  /// What each spatial axis of the input must be a multiple of; one number stands for all axes.
  var axisMultiples: [Int] { get }
  /// How many times larger the output is than the input along each spatial axis.
  var outputScale: Int { get }
  /// The number of its weights, running statistics left out.
  var weightCount: Int { get }
}

extension Network {
  /// The same for all axes.
  public var axisMultiples: [Int] { [sizeMultiple] }

  /// The output has the input's size.
  public var outputScale: Int { 1 }

  /// The number of trainable values.
  public var weightCount: Int { trainableCount }
}
