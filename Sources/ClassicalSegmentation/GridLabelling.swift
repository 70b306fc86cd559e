package import Support

/// The labelling of a grid of the least energy Σ_p D_p(l_p) + Σ_pq w_pq [l_p ≠ l_q].
///
/// Two labels: the exact minimum, one cut (Greig, Porteous and Seheult 1989). More: expansion moves
/// (Boykov, Veksler and Zabih 2001, "Fast approximate energy minimization via graph cuts", section 5),
/// whose result lies within a factor of 2 of the minimum, each move a cut built after Kolmogorov and
/// Zabih 2004, "What energy functions can be minimized via graph cuts?", section 4.1.
package struct GridLabelling: Sendable {
  /// Energies are whole numbers of this part of 1.
  static let unit: Float = 65536
  /// No single cost is larger than this, so that sums stay within 32 bits.
  static let largestCost: Int32 = 1 << 27

  /// The grid.
  package let image: ClassicalImage
  /// How many labels there are.
  package let labels: Int
  /// The weight to the next voxel along each axis; 0 at the grid's end.
  package let weights: [[Int32]]
  /// What a label costs at a voxel.
  package let cost: @Sendable (_ place: Int, _ label: Int) -> Int32

  /// Describes an energy.
  package init(
    image: ClassicalImage,
    labels: Int,
    weights: [[Int32]],
    cost: @escaping @Sendable (_ place: Int, _ label: Int) -> Int32
  ) {
    (self.image, self.labels, self.weights, self.cost) = (image, labels, weights, cost)
  }

  /// A cost as a whole number.
  static func rounded(_ cost: Float) -> Int32 {
    guard cost * unit < Float(largestCost) else { return largestCost }
    return Int32((max(0, cost) * unit).rounded())
  }

  /// The energy of a labelling, in parts of `unit`.
  package func energy(_ labelling: [UInt16]) -> Int {
    var total = 0
    for place in labelling.indices {
      total += Int(cost(place, Int(labelling[place])))
      for axis in image.axes where weights[axis][place] > 0 {
        if labelling[place] != labelling[place + image.strides[axis]] {
          total += Int(weights[axis][place])
        }
      }
    }
    return total
  }

  /// Finds the labelling.
  /// - Parameter interruption: Looked at between moves.
  /// - Returns: A label for each voxel.
  /// - Throws: `SupportError.interrupted`.
  package func minimised(_ interruption: Interruption) throws -> [UInt16] {
    var labelling = [UInt16](repeating: 0, count: image.count)
    if labels > 2 {
      for place in labelling.indices {
        var best = cost(place, 0)
        for label in 1..<labels where cost(place, label) < best {
          best = cost(place, label)
          labelling[place] = UInt16(label)
        }
      }
    }
    if labels == 2 {
      try expand(&labelling, 1, interruption)
      return labelling
    }
    var least = energy(labelling)
    // Few cycles change anything after the second; the number bounds the work.
    for _ in 0..<10 {
      let before = least
      for label in 0..<labels {
        var moved = labelling
        try expand(&moved, UInt16(label), interruption)
        let energy = energy(moved)
        if energy < least { (labelling, least) = (moved, energy) }
      }
      if least == before { break }
    }
    return labelling
  }

  /// The best labelling in which voxels keep their labels or take this one.
  private func expand(
    _ labelling: inout [UInt16],
    _ label: UInt16,
    _ interruption: Interruption
  ) throws {
    var flow = GridFlow(size: image.size)
    for place in labelling.indices {
      // At the source a voxel keeps its label, at the sink it takes the new one.
      flow.addTerminal(
        place,
        cost(place, Int(label)) - cost(place, Int(labelling[place]))
      )
      for axis in image.axes where weights[axis][place] > 0 {
        let next = place + image.strides[axis]
        let weight = weights[axis][place]
        let (mine, its) = (labelling[place], labelling[next])
        let both = mine == its ? 0 : weight
        let second = mine == label ? 0 : weight
        let first = its == label ? 0 : weight
        // E(0,0) = both, E(0,1) = second takes, E(1,0) = first takes, E(1,1) = 0.
        flow.addTerminal(place, first - both)
        flow.addTerminal(next, -first)
        flow.addArc(place, axis: axis, forward: second + first - both, backward: 0)
      }
    }
    try flow.solve(interruption)
    for place in labelling.indices where flow.isAtSink(place) { labelling[place] = label }
  }
}
