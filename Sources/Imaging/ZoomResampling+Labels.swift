import Support

extension ZoomResampling {
  /// How the label of an output is chosen among those of the inputs around it.
  public enum LabelVote: String, Sendable, Codable {
    /// The label whose indicator, interpolated in double precision, is largest. Of several that are
    /// exactly as large it is the nearest sample's, if it is one of them, else the smallest
    /// (`resize_segmentation` of batchgenerators 0.25.4, nnU-Net's default).
    case nearestOfTied
    /// The label whose indicator, times 1000 in half precision, is largest; the smallest of several
    /// (nnU-Net's `resample_torch_fornnunet`).
    case smallestInHalfPrecision
  }

  /// Resamples labels.
  ///
  /// With `.nearest` it is the nearest sample's label, with `.linear` that with the most weight of the
  /// samples around, whatever the number of labels: no volume for each label is made. Along an axis
  /// that is treated apart it is the nearest slice's.
  /// - Parameters:
  ///   - labels: x fastest.
  ///   - vote: How labels are chosen when the order is `.linear`.
  /// - Returns: `newSize` labels, x fastest.
  /// - Precondition: As many labels as `size` says; the order is not `.cubic`, also across slices.
  public func resample(labels: [Int16], vote: LabelVote = .nearestOfTied) -> [Int16] {
    voted(labels, vote)
  }

  /// Resamples labels; see `resample(labels:vote:)` of 16-bit labels with a sign.
  /// - Parameters:
  ///   - labels: x fastest.
  ///   - vote: How labels are chosen when the order is `.linear`.
  /// - Returns: `newSize` labels, x fastest.
  /// - Precondition: As many labels as `size` says; the order is not `.cubic`, also across slices.
  public func resample(labels: [UInt16], vote: LabelVote = .nearestOfTied) -> [UInt16] {
    voted(labels, vote)
  }

  /// Resamples labels; see `resample(labels:vote:)` of 16-bit labels with a sign.
  /// - Parameters:
  ///   - labels: x fastest.
  ///   - vote: How labels are chosen when the order is `.linear`.
  /// - Returns: `newSize` labels, x fastest.
  /// - Precondition: As many labels as `size` says; the order is not `.cubic`, also across slices.
  public func resample(labels: [UInt8], vote: LabelVote = .nearestOfTied) -> [UInt8] {
    voted(labels, vote)
  }

  private func voted<Label: FixedWidthInteger & BitwiseCopyable & Sendable>(
    _ labels: [Label],
    _ vote: LabelVote
  ) -> [Label] {
    precondition(
      labels.count == size.x * size.y * size.z,
      "\(labels.count) labels for \(size)"
    )
    precondition(maps.allSatisfy { $0.taps <= 2 }, "labels are not resampled by cubic splines")
    if size == newSize { return labels }
    let ballot = LabelBallot(plan: self, vote: vote)
    let count = newSize.x * newSize.y * newSize.z
    return [Label](unsafeUninitializedCapacity: count) { result, initialized in
      labels.withUnsafeBufferPointer { labels in
        // Each row is written by one thread.
        nonisolated(unsafe) let (result, labels) = (result, labels)
        Parallelism.forEachRange(newSize.y * newSize.z, minimumChunk: 16) { rows in
          for row in rows {
            ballot.row(
              y: row % newSize.y,
              z: row / newSize.y,
              of: labels,
              into: UnsafeMutableBufferPointer(
                rebasing: result[row * newSize.x..<(row + 1) * newSize.x]
              )
            )
          }
        }
      }
      initialized = count
    }
  }
}

/// The choice of labels, voxel by voxel.
private struct LabelBallot: Sendable {
  let size: SIMD3<Int>
  let maps: [SampleMap]
  let nearest: [[Int]]
  let vote: ZoomResampling.LabelVote

  init(plan: ZoomResampling, vote: ZoomResampling.LabelVote) {
    size = plan.size
    maps = plan.maps
    nearest = (0..<3).map {
      plan.nearestMap(axis: $0).nearestSources
    }
    self.vote = vote
  }

  /// Chooses the labels of one row along x.
  func row<Label: FixedWidthInteger & BitwiseCopyable>(
    y: Int,
    z: Int,
    of labels: UnsafeBufferPointer<Label>,
    into result: UnsafeMutableBufferPointer<Label>
  ) {
    let (mapX, mapY, mapZ) = (maps[0], maps[1], maps[2])
    // Starts of the rows around, z slowest, and their weights.
    var starts: [Int] = []
    var weights: [Double] = []
    for k in 0..<mapZ.taps {
      for j in 0..<mapY.taps {
        starts.append(
          ((Int(mapZ.first[z]) + k) * size.y + Int(mapY.first[y]) + j) * size.x
        )
        weights.append(mapZ.weights[z * mapZ.taps + k] * mapY.weights[y * mapY.taps + j])
      }
    }
    let nearestRow = (nearest[2][z] * size.y + nearest[1][y]) * size.x
    var candidates = Candidates<Label>()
    for x in result.indices {
      let first = Int(mapX.first[x])
      let label = labels[starts[0] + first]
      var isUnanimous = true
      for start in starts {
        for i in 0..<mapX.taps where labels[start + first + i] != label { isUnanimous = false }
      }
      if isUnanimous {
        result[x] = label
        continue
      }
      candidates.count = 0
      for (start, weight) in zip(starts, weights) {
        for i in 0..<mapX.taps {
          candidates.add(labels[start + first + i], weight * mapX.weights[x * mapX.taps + i])
        }
      }
      result[x] =
        switch vote {
        case .nearestOfTied: candidates.winner(preferring: labels[nearestRow + nearest[0][x]])
        case .smallestInHalfPrecision: candidates.winnerInHalfPrecision
        }
    }
  }
}

/// Up to eight labels and their weights; each weight is summed in the order of its samples, as scipy
/// does, since exact ties are told apart from near ones.
private struct Candidates<Label: FixedWidthInteger> {
  var count = 0
  private var labels = SIMD8<Int32>()
  private var weights = SIMD8<Double>()

  mutating func add(_ label: Label, _ weight: Double) {
    let label = Int32(label)
    for index in 0..<count where labels[index] == label {
      weights[index] += weight
      return
    }
    labels[count] = label
    weights[count] = weight
    count += 1
  }

  func winner(preferring nearest: Label) -> Label {
    var best = 0
    for index in 1..<max(count, 1) {
      if weights[index] > weights[best]
        || (weights[index] == weights[best] && labels[index] < labels[best])
      {
        best = index
      }
    }
    for index in 0..<count where labels[index] == Int32(nearest) {
      if weights[index] == weights[best] { return nearest }
    }
    return Label(truncatingIfNeeded: labels[best])
  }

  var winnerInHalfPrecision: Label {
    var best = 0
    func score(_ index: Int) -> Float16 { Float16(Float(weights[index]) * 1000) }
    for index in 1..<max(count, 1) {
      let (own, other) = (score(index), score(best))
      if own > other || (own == other && labels[index] < labels[best]) { best = index }
    }
    return Label(truncatingIfNeeded: labels[best])
  }
}
