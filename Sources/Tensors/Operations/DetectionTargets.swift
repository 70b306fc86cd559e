/// What a detector should have said at each cell of its grids.
public struct DetectionTargets: Sendable, Equatable {
  /// The cells of a detector's grids.
  public struct Grid: Sendable, Equatable {
    /// Middle of each cell along x, in pixels.
    public let x: [Float]
    /// Middle of each cell along y, in pixels.
    public let y: [Float]
    /// Stride of each cell's grid, in pixels.
    public let stride: [Float]

    /// The grids of an image, the finest first and row by row.
    /// - Parameters:
    ///   - imageSize: Rows and columns of the image, multiples of the strides.
    ///   - strides: The strides, rising.
    public init(imageSize: [Int], strides: [Int]) {
      var (x, y, steps): ([Float], [Float], [Float]) = ([], [], [])
      for stride in strides {
        for row in 0..<imageSize[0] / stride {
          for column in 0..<imageSize[1] / stride {
            x.append((Float(column) + 0.5) * Float(stride))
            y.append((Float(row) + 0.5) * Float(stride))
            steps.append(Float(stride))
          }
        }
      }
      (self.x, self.y, stride) = (x, y, steps)
    }

    /// The number of cells.
    public var count: Int { x.count }
  }

  /// A cell that answers for an object.
  public struct Positive: Sendable, Equatable {
    /// The image of the batch.
    public let image: Int
    /// The cell.
    public let cell: Int
    /// The object's class.
    public let label: Int
    /// Left, upper, right and lower edge of the object, in pixels.
    public let box: SIMD4<Float>
    /// The score that the cell should give, 0 to 1, which weighs its box too.
    public let score: Float

    /// Creates an answer.
    /// - Parameters:
    ///   - image: The image of the batch.
    ///   - cell: The cell.
    ///   - label: The object's class.
    ///   - box: Left, upper, right and lower edge of the object, in pixels.
    ///   - score: The score that the cell should give, 0 to 1.
    public init(image: Int, cell: Int, label: Int, box: SIMD4<Float>, score: Float) {
      self.image = image
      self.cell = cell
      self.label = label
      self.box = box
      self.score = score
    }
  }

  /// A cell of which nothing is known.
  public struct Ignored: Sendable, Hashable {
    /// The image of the batch.
    public let image: Int
    /// The cell.
    public let cell: Int

    /// Names a cell.
    /// - Parameters:
    ///   - image: The image of the batch.
    ///   - cell: The cell.
    public init(image: Int, cell: Int) {
      self.image = image
      self.cell = cell
    }
  }

  /// The cells that answer for objects, each once; all others should score 0.
  public var positives: [Positive]
  /// Cells whose scores do not count, such as in crowds.
  public var ignored: Set<Ignored>

  /// Creates targets.
  /// - Parameters:
  ///   - positives: The cells that answer for objects, each once.
  ///   - ignored: Cells whose scores do not count.
  public init(positives: [Positive], ignored: Set<Ignored> = []) {
    self.positives = positives
    self.ignored = ignored
  }
}
