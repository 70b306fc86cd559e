import Support

/// Codes planes of whole numbers exactly: each pixel is foretold from those before it, and what was wrong is
/// written through a `WholeNumberCoder`.
///
/// Five or six predictions (the median edge detector of LOCO-I, Weinberger, Seroussi and Sapiro 2000; the same
/// on the difference to another plane; two normalised LMS filters of 7 or 16 neighbours) are blended by
/// how wrong each was nearby (Meyer and Tischer 2001, "Glicbawls"), and corrected by the mean error of the
/// context (Wu and Memon 1997, "CALIC"). Another plane is the slice before, the colour before, or what
/// a network made of the image. Arithmetic in double precision is additions, multiplications and divisions
/// in one order, which IEEE 754 defines to the bit.
package struct PlaneCoder {
  /// Pixels beyond the left and right ends, and rows above the first and below the last.
  private static let border = 2
  private static let filterSteps = [0.002, 0.012]
  private static let (energyLevels, coarseLevels, spreadLevels) = (32, 8, 8)
  private static let biasContexts = energyLevels * 8

  private let width: Int
  private let height: Int
  private let stride: Int
  private let range: ClosedRange<Int>
  private let numbers: WholeNumberCoder
  private let biasSums: AlignedBuffer<Int>
  private let biasCounts: AlignedBuffer<Int>
  private let filters: [Filter]

  /// A plane with a border, and how wrong its pixels were foretold.
  package struct Plane {
    fileprivate let values: AlignedBuffer<Int32>
    fileprivate let errors: AlignedBuffer<Int32>
  }

  /// A normalised LMS filter.
  private struct Filter {
    let step: Double
    let weights: AlignedBuffer<Double>

    func prediction(_ inputs: UnsafeMutableBufferPointer<Double>, _ count: Int) -> Double {
      let weights = weights.elements
      var sum = 0.0
      for index in 0..<count { sum += weights[index] * inputs[index] }
      return sum
    }

    func learn(
      _ error: Double,
      _ inputs: UnsafeMutableBufferPointer<Double>,
      _ count: Int,
      power: Double
    ) {
      let weights = weights.mutableElements
      let factor = step * error / (power + 1)
      for index in 0..<count { weights[index] += factor * inputs[index] }
    }
  }

  /// Prepares to code planes of one kind one after the other.
  /// - Parameters:
  ///   - width: Pixels along x.
  ///   - height: Pixels along y.
  ///   - range: The least and the largest value.
  package init(width: Int, height: Int, range: ClosedRange<Int>) {
    (self.width, self.height, self.range) = (width, height, range)
    stride = width + 2 * Self.border
    numbers = WholeNumberCoder(
      contexts: (
        Self.energyLevels * 3, Self.coarseLevels * Self.coarseLevels * 4,
        Self.energyLevels / 2 * Self.spreadLevels
      )
    )
    biasSums = AlignedBuffer(repeating: 0, count: Self.biasContexts)
    biasCounts = AlignedBuffer(repeating: 0, count: Self.biasContexts)
    filters = Self.filterSteps.map {
      Filter(step: $0, weights: AlignedBuffer(repeating: 0, count: 16))
    }
    for filter in filters {
      // West, north, north-west: the plane through them; the filter then learns better.
      let weights = filter.weights.mutableElements
      (weights[0], weights[1], weights[2]) = (0.8, 0.8, -0.5)
    }
  }

  /// A plane that is known to both sides, such as what a network made of the image.
  /// - Parameter values: Row by row.
  /// - Returns: The plane, its errors 0.
  package func known(_ values: [Int32]) -> Plane {
    let plane = empty()
    let target = plane.values.mutableElements
    for y in 0..<height {
      for x in 0..<width {
        target[(y + Self.border) * stride + x + Self.border] = values[y * width + x]
      }
      close(plane, row: y)
    }
    finish(plane)
    return plane
  }

  /// The values of a plane.
  /// - Parameter plane: A plane.
  /// - Returns: Row by row.
  package func values(of plane: Plane) -> [Int32] {
    (0..<height).flatMap { y -> ArraySlice<Int32> in
      let first = (y + Self.border) * stride + Self.border
      return ArraySlice(plane.values.elements[first..<first + width])
    }
  }

  /// Writes or reads a plane.
  /// - Parameters:
  ///   - source: The values to write, row by row; nil when reading.
  ///   - other: A plane that resembles it, or nil.
  ///   - coder: The coder.
  /// - Returns: The plane; of a damaged stream whatever was read, within the range.
  package func code<Coder: BinaryCoding>(
    _ source: [Int32]?,
    beside other: Plane?,
    _ coder: inout Coder
  ) -> Plane {
    let plane = empty()
    let values = plane.values.mutableElements
    let errors = plane.errors.mutableElements
    let inputs = AlignedBuffer<Double>(repeating: 0, count: 16)
    let x0 = inputs.mutableElements
    let count = other == nil ? 7 : 16
    let predictors = other == nil ? 4 : 6
    // Squared errors of the predictions in this row and the one before.
    let wrong = AlignedBuffer<Double>(repeating: 0, count: 2 * stride * 6)
    let past = wrong.mutableElements
    let foretold = AlignedBuffer<Double>(repeating: 0, count: 6)
    let p = foretold.mutableElements
    let (sums, counts) = (biasSums.mutableElements, biasCounts.mutableElements)
    let (lowest, highest) = (Double(range.lowerBound), Double(range.upperBound))
    for y in 0..<height {
      open(plane, row: y, other: other)
      let row = (y + Self.border) * stride + Self.border
      let (now, before) = ((y & 1) * stride, (1 - y & 1) * stride)
      for x in 0..<width {
        let at = row + x
        let w = Double(values[at - 1]), n = Double(values[at - stride])
        let nw = Double(values[at - stride - 1]), ne = Double(values[at - stride + 1])
        let centre = (w + n + nw + ne) * 0.25
        (x0[0], x0[1], x0[2], x0[3]) = (w - centre, n - centre, nw - centre, ne - centre)
        x0[4] = Double(values[at - 2]) - centre
        x0[5] = Double(values[at - 2 * stride]) - centre
        x0[6] = Double(values[at - 2 * stride + 1]) - centre
        var otherError = 0
        p[0] = Self.median(w, n, nw)
        p[1] = centre + (w - nw) * 0.5 + (ne - nw) * 0.25
        if let other {
          let o = other.values.elements
          let oc = Double(o[at]), ow = Double(o[at - 1]), on = Double(o[at - stride])
          let onw = Double(o[at - stride - 1]), one = Double(o[at - stride + 1])
          let middle = (ow + on + onw + one) * 0.25
          (x0[7], x0[8], x0[9], x0[10], x0[11]) = (
            oc - middle, ow - middle, on - middle, onw - middle, one - middle
          )
          x0[12] = Double(o[at + 1]) - middle
          x0[13] = Double(o[at + stride]) - middle
          x0[14] = Double(o[at + stride - 1]) - middle
          x0[15] = Double(o[at + stride + 1]) - middle
          p[4] = oc + Self.median(w - ow, n - on, nw - onw)
          p[5] = oc
          otherError = Int(other.errors.elements[at])
        }
        p[2] = centre + filters[0].prediction(x0, count)
        p[3] = centre + filters[1].prediction(x0, count)

        var (total, blended, low, high) = (0.0, 0.0, Double.infinity, -Double.infinity)
        for index in 0..<predictors {
          let place = (x + Self.border) * 6 + index
          let error =
            past[now * 6 + place - 6] + past[before * 6 + place] + past[before * 6 + place - 6]
            + past[before * 6 + place + 6]
          let weight = 1 / (error * error + 0.25)
          let value = min(max(p[index], lowest), highest)
          p[index] = value
          total += weight
          blended += weight * value
          (low, high) = (min(low, value), max(high, value))
        }
        blended /= total

        let (eW, eN) = (Int(errors[at - 1]), Int(errors[at - stride]))
        let around =
          2 * (eW + eN) + Int(errors[at - stride - 1]) + Int(errors[at - stride + 1])
          + Int(errors[at - 2]) + Int(errors[at - 2 * stride])
        let energy = min(
          WholeNumberCoder.token(around + 2 * otherError).token,
          Self.energyLevels - 1
        )
        let texture = (w > blended ? 1 : 0) + (n > blended ? 2 : 0) + (ne > blended ? 4 : 0)
        let biasContext = energy * 8 + texture
        let bias =
          counts[biasContext] == 0
          ? 0 : Double(sums[biasContext]) / Double(counts[biasContext])
        let corrected = min(max(blended + bias, lowest), highest)
        let guess = Int(corrected.rounded())
        let spread = WholeNumberCoder.token(Int(high - low)).token / 2
        let fraction = corrected - Double(guess)
        let side = fraction < -0.17 ? 0 : fraction > 0.17 ? 2 : 1
        let contexts = (
          energy * 3 + side,
          (min(WholeNumberCoder.token(eW).token / 2, Self.coarseLevels - 1) * Self.coarseLevels
            + min(WholeNumberCoder.token(eN).token / 2, Self.coarseLevels - 1)) * 4
            + min(WholeNumberCoder.token(otherError).token / 3, 3),
          energy / 2 * Self.spreadLevels + min(spread, Self.spreadLevels - 1)
        )
        let difference = numbers.code(
          source.map { Int($0[y * width + x]) - guess } ?? 0,
          contexts: contexts,
          &coder
        )
        // Only a damaged stream leaves the range.
        let value = min(max(guess + difference, range.lowerBound), range.upperBound)
        values[at] = Int32(truncatingIfNeeded: value)
        errors[at] = Int32(clamping: abs(value - guess))

        let real = Double(value)
        sums[biasContext] += value - Int(blended.rounded())
        counts[biasContext] += 1
        if counts[biasContext] == 256 {
          counts[biasContext] = 128
          sums[biasContext] /= 2
        }
        for index in 0..<predictors {
          past[(now + x + Self.border) * 6 + index] = abs(real - p[index])
        }
        var power = 0.0
        for index in 0..<count { power += x0[index] * x0[index] }
        // The filters' own predictions, before they were kept within the range, are as good here.
        filters[0].learn(real - p[2], x0, count, power: power)
        filters[1].learn(real - p[3], x0, count, power: power)
      }
      close(plane, row: y)
    }
    finish(plane)
    return plane
  }

  private func empty() -> Plane {
    let count = stride * (height + 2 * Self.border)
    return Plane(
      values: AlignedBuffer(repeating: 0, count: count),
      errors: AlignedBuffer(repeating: 0, count: count)
    )
  }

  /// What lies left of a row before it is coded; above the first row lies the other plane, or 0.
  private func open(_ plane: Plane, row: Int, other: Plane?) {
    let values = plane.values.mutableElements
    let first = (row + Self.border) * stride + Self.border
    if row == 0 {
      for place in 0..<Self.border * stride {
        values[place] =
          other.map { $0.values.elements[Self.border * stride + place % stride] }
          ?? Int32(truncatingIfNeeded: min(max(0, range.lowerBound), range.upperBound))
      }
    }
    let left = values[first - stride]
    for place in 1...Self.border { values[first - place] = left }
  }

  /// What lies right of a row once it is coded.
  private func close(_ plane: Plane, row: Int) {
    let values = plane.values.mutableElements
    let first = (row + Self.border) * stride + Self.border
    for place in 0..<Self.border { values[first + width + place] = values[first + width - 1] }
  }

  /// What lies left of the first column, above the first row and below the last, for the plane that follows.
  private func finish(_ plane: Plane) {
    let values = plane.values.mutableElements
    for y in 0..<height {
      let first = (y + Self.border) * stride + Self.border
      for place in 1...Self.border { values[first - place] = values[first] }
    }
    let (first, last) = (Self.border * stride, (height + Self.border - 1) * stride)
    for y in 1...Self.border {
      for place in 0..<stride {
        values[first - y * stride + place] = values[first + place]
        values[last + y * stride + place] = values[last + place]
      }
    }
  }

  /// LOCO-I's predictor: the median of west, north, and the plane through the three neighbours.
  @inline(__always)
  private static func median(_ w: Double, _ n: Double, _ nw: Double) -> Double {
    let (low, high) = (min(w, n), max(w, n))
    return nw >= high ? low : nw <= low ? high : w + n - nw
  }
}
