import Networks

/// The network of a detector.
///
/// In JSON a name and its values, as `NetworkConfiguration`; values alone, as older trainings wrote them, are a
/// YOLO's.
public enum DetectorNetwork: Sendable, Equatable {
  /// One stage.
  case yolo(YOLOConfiguration)
  /// Two stages: a Faster R-CNN or, with a mask head, a Mask R-CNN.
  case regions(RegionNetworkConfiguration)

  /// The network's values as model packages hold them.
  public var configuration: NetworkConfiguration {
    switch self {
    case .yolo(let values): .yolo(values)
    case .regions(let values): values.mask == nil ? .fasterRCNN(values) : .maskRCNN(values)
    }
  }

  /// Takes a network's values; nil for a network that finds no boxes.
  /// - Parameter configuration: The values.
  public init?(_ configuration: NetworkConfiguration) {
    switch configuration {
    case .yolo(let values): self = .yolo(values)
    case .fasterRCNN(let values), .maskRCNN(let values): self = .regions(values)
    default: return nil
    }
  }

  /// Kinds of objects.
  public var classes: Int {
    get { configuration.outputChannels }
    set {
      switch self {
      case .yolo(var values):
        values.classes = newValue
        self = .yolo(values)
      case .regions(var values):
        values.classes = newValue
        self = .regions(values)
      }
    }
  }

  /// 1 for grey images, 3 for colours.
  public var inputChannels: Int { configuration.inputChannels }

  /// Whether objects are outlined too.
  public var hasMasks: Bool {
    if case .regions(let values) = self { values.mask != nil } else { false }
  }

  /// Rows and columns of the input must be multiples of this.
  public var sizeMultiple: Int {
    switch self {
    case .yolo(let values): values.strides.max() ?? 1
    // The coarsest map alone may end within a cell.
    case .regions(let values): values.strides.dropLast().last ?? 1
    }
  }

  /// The steps of the maps in pixels.
  public var strides: [Int] {
    switch self {
    case .yolo(let values): values.strides
    case .regions(let values): values.strides
    }
  }
}

extension DetectorNetwork: Codable {
  /// Reads a network's name and values, or a YOLO's values alone.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`; `NetworksError.unknownNetwork`.
  public init(from decoder: any Decoder) throws {
    enum Key: String, CodingKey { case name }
    guard try decoder.container(keyedBy: Key.self).contains(.name) else {
      self = .yolo(try YOLOConfiguration(from: decoder))
      return
    }
    let configuration = try NetworkConfiguration(from: decoder)
    guard let network = DetectorNetwork(configuration) else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath,
          debugDescription: "\(configuration.name) finds no boxes"
        )
      )
    }
    self = network
  }

  /// Writes the network's name and values.
  /// - Parameter encoder: Where to write.
  /// - Throws: `EncodingError`.
  public func encode(to encoder: any Encoder) throws { try configuration.encode(to: encoder) }
}
