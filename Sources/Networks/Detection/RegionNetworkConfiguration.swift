import Layers
import Support

/// The values that define a Faster R-CNN or, with a mask head, a Mask R-CNN.
public struct RegionNetworkConfiguration: Codable, Sendable, Equatable {
  /// 1 for grey images, 3 for colours.
  public var inputChannels: Int
  /// Kinds of objects, without the background.
  public var classes: Int
  /// What a block of the backbone consists of.
  public var block: ResNetConfiguration.Block
  /// Blocks of each stage of the backbone; the first stage's maps have a quarter of the size, each
  /// further one's half of that.
  public var blocksPerStage: [Int]
  /// Channels of the stem and width of the first stage, 64 in the paper.
  public var features = 64
  /// Channels of the pyramid's maps.
  public var pyramidFeatures = 256
  /// Values of each of the box head's two hidden layers.
  public var hiddenFeatures = 1024
  /// Sides of the anchors in pixels, one for each level: each stage, and one coarser map.
  public var anchorSides: [Double]
  /// Heights of the anchors divided by their widths.
  public var aspectRatios = [0.5, 1, 2]
  /// Rows and columns of a region's grid in the box head.
  public var boxGrid = 7
  /// Points of a grid's cell along each axis.
  public var samplingRatio = 2
  /// The mask head; nil for a Faster R-CNN.
  public var mask: MaskHead?
  /// How regions are proposed while predicting.
  public var proposals = Proposals(candidates: 1000, kept: 1000)
  /// How regions are proposed while training.
  public var trainingProposals = Proposals(candidates: 2000, kept: 2000)

  /// The values of a mask head.
  public struct MaskHead: Codable, Sendable, Equatable {
    /// Channels of the convolutions.
    public var features = 256
    /// Convolutions before the enlargement.
    public var layers = 4
    /// Rows and columns of a region's grid; masks have twice as many.
    public var grid = 14

    /// Creates the values of the paper.
    public init() {}
  }

  /// How regions are chosen among the anchors.
  public struct Proposals: Codable, Sendable, Equatable {
    /// The likeliest anchors of each level.
    public var candidates: Int
    /// Regions of an image that are kept, the likeliest of all levels.
    public var kept: Int
    /// Regions of one level that overlap more than this (intersection over union) are the same.
    public var overlap = 0.7

    /// Creates the values.
    /// - Parameters:
    ///   - candidates: The likeliest anchors of each level.
    ///   - kept: Regions of an image that are kept.
    public init(candidates: Int, kept: Int) {
      self.candidates = candidates
      self.kept = kept
    }
  }

  /// Backbones with a name.
  public enum Backbone: String, Codable, Sendable, CaseIterable {
    /// Two blocks of two windows in each of four stages.
    case resnet18
    /// 3, 4, 6 and 3 blocks of two windows.
    case resnet34
    /// 3, 4, 6 and 3 bottlenecks.
    case resnet50
  }

  /// Creates a configuration with the paper's other values.
  /// - Parameters:
  ///   - inputChannels: 1 for grey images, 3 for colours.
  ///   - classes: Kinds of objects, without the background.
  ///   - block: What a block of the backbone consists of.
  ///   - blocksPerStage: Blocks of each stage of the backbone.
  ///   - anchorSides: Sides of the anchors in pixels, one more than there are stages; nil for 32 and
  ///     twice as much for each coarser level.
  public init(
    inputChannels: Int,
    classes: Int,
    block: ResNetConfiguration.Block,
    blocksPerStage: [Int],
    anchorSides: [Double]? = nil
  ) {
    self.inputChannels = inputChannels
    self.classes = classes
    self.block = block
    self.blocksPerStage = blocksPerStage
    self.anchorSides =
      anchorSides ?? (0...blocksPerStage.count).map { Double(32 << min($0, 16)) }
  }

  /// Creates a configuration with a named backbone.
  /// - Parameters:
  ///   - backbone: The backbone.
  ///   - inputChannels: 1 for grey images, 3 for colours.
  ///   - classes: Kinds of objects, without the background.
  public init(_ backbone: Backbone, inputChannels: Int, classes: Int) {
    self.init(
      inputChannels: inputChannels,
      classes: classes,
      block: backbone == .resnet50 ? .bottleneck : .basic,
      blocksPerStage: backbone == .resnet18 ? [2, 2, 2, 2] : [3, 4, 6, 3]
    )
  }

  /// Cells of the input along each axis that one of a level's maps stands for.
  public var strides: [Int] { (0...blocksPerStage.count).map { 4 << $0 } }

  /// Regions narrower than this are nothing.
  package static let leastRegionSide: Float = 1e-3
  /// Findings narrower than this are left out.
  package static let leastFindingSide: Float = 1e-2
  /// Boxes of one class that overlap more than this (intersection over union) are the same object.
  package static let findingOverlap = 0.5
  /// Findings in one image at most.
  package static let findingLimit = 100

  /// The boxes that regions are told relative to, in the order of `RegionNetwork`'s output.
  ///
  /// Anchors of every shape lie about the corner of each cell. Their edges relative to the corner are
  /// whole numbers, as torchvision has them.
  /// - Parameter imageSize: Rows and columns of the input.
  /// - Returns: Left, upper, right and lower edges, and the places of each level's own.
  package func anchors(imageSize: [Int]) -> (edges: [SIMD4<Float>], levels: [Range<Int>]) {
    var (edges, levels): ([SIMD4<Float>], [Range<Int>]) = ([], [])
    for (stride, side) in zip(strides, anchorSides) {
      // The coarsest map may end within a cell; torchvision's steps are then shorter.
      let cells = imageSize.map { ($0 + stride - 1) / stride }
      let steps = zip(imageSize, cells).map { Float($0 / $1) }
      let first = edges.count
      for ratio in aspectRatios {
        let height = Float(ratio).squareRoot()
        let width = 1 / height
        let half = SIMD2(width * Float(side), height * Float(side)) / 2
        let shape = SIMD4(-half.x, -half.y, half.x, half.y).rounded(.toNearestOrEven)
        for row in 0..<cells[0] {
          for column in 0..<cells[1] {
            let (x, y) = (Float(column) * steps[1], Float(row) * steps[0])
            edges.append(shape + SIMD4(x, y, x, y))
          }
        }
      }
      levels.append(first..<edges.count)
    }
    return (edges, levels)
  }

  /// The backbone's own values.
  var backbone: ResNetConfiguration {
    var values = ResNetConfiguration(
      inputChannels: inputChannels,
      outputChannels: 1,
      block: block,
      blocksPerStage: blocksPerStage
    )
    values.features = features
    return values
  }
}

extension RegionNetworkConfiguration: NetworkValues {
  /// The kinds of objects.
  public var outputChannels: Int { classes }
  var dimensions: Int { 2 }
  var output: NetworkOutput { .detections }
  func network(random: inout RandomStream) -> any Network { RegionNetwork(self, random: &random) }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, classes)
    try check.require(
      (mask != nil) == (network == NetworkConfiguration.maskRCNNName),
      mask == nil ? "it has no mask head" : "it has a mask head"
    )
    try check.require((1...5).contains(blocksPerStage.count), "\(blocksPerStage.count) stages")
    try backbone.check(network: network)
    try check.features([pyramidFeatures, hiddenFeatures, mask?.features ?? 1], count: 3...3)
    try check.require(
      anchorSides.count == strides.count && anchorSides.allSatisfy { $0 >= 1 && $0 <= 1e5 },
      "anchors of \(anchorSides) for \(strides.count) levels"
    )
    try check.require(
      (1...16).contains(aspectRatios.count) && aspectRatios.allSatisfy { $0 >= 0.01 && $0 <= 100 },
      "aspect ratios \(aspectRatios)"
    )
    try check.require(
      (1...64).contains(boxGrid) && (0...16).contains(samplingRatio)
        && (1...64).contains(mask?.grid ?? 1) && (0...16).contains(mask?.layers ?? 0),
      "grids of \(boxGrid) and \(mask?.grid ?? 0), \(samplingRatio) points, \(mask?.layers ?? 0) layers"
    )
    for proposals in [proposals, trainingProposals] {
      try check.require(
        (1...100_000).contains(proposals.candidates) && (1...100_000).contains(proposals.kept)
          && (0...1).contains(proposals.overlap),
        "\(proposals.kept) of \(proposals.candidates) proposals, overlap \(proposals.overlap)"
      )
    }
    try check.map(pyramidFeatures * boxGrid * boxGrid, hiddenFeatures)
    try check.map(hiddenFeatures, max(hiddenFeatures, 5 * (classes + 1)))
  }
}
