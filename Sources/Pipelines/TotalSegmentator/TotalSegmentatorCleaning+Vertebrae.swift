import Imaging

extension TotalSegmentatorCleaning {
  /// Pieces of the spine below this volume are cleared where vertebrae are told apart anew.
  private static let smallVertebraMM3 = 100.0
  /// How far vertebrae grow: the training labels were shrunk as much.
  private static let growthMM = 3.0

  /// Tells vertebrae apart that touch, and lets all of them grow into the background.
  ///
  /// Bodies of vertebrae never touch in the training data. Where labels do, the pieces of the spine are
  /// numbered anew from below, or from above where the first cervical vertebra is seen and the fifth
  /// lumbar one is not.
  /// - Parameters:
  ///   - labels: The labels; z runs upwards.
  ///   - structures: The names of the labels 1, 2, ...
  func cleanVertebrae(_ labels: inout [UInt16], structures: [String]) {
    if isTouching(labels) { renumber(&labels, structures: structures) }
    grow(&labels, count: structures.count)
  }

  private func isTouching(_ labels: [UInt16]) -> Bool {
    let size = geometry.size
    let strides = [1, size.x, size.x * size.y]
    for (index, label) in labels.enumerated() where label != 0 {
      for axis in 0..<3 where index / strides[axis] % size[axis] > 0 {
        let other = labels[index - strides[axis]]
        if other != 0 && other != label { return true }
      }
    }
    return false
  }

  private func renumber(_ labels: inout [UInt16], structures: [String]) {
    let components = ConnectedComponents(mask: labels, size: geometry.size, connectivity: .six)
    let spacing = geometry.spacing
    let voxel = Double(Float(spacing.x) * Float(spacing.y) * Float(spacing.z))
    let kept = (0..<components.count).filter {
      Double(components.sizes[$0]) * voxel >= Self.smallVertebraMM3
    }
    var heights = [Double](repeating: 0, count: components.count)
    var isKept = [Bool](repeating: false, count: components.count + 1)
    for piece in kept { isKept[piece + 1] = true }
    var present: Set<Int> = []
    let plane = geometry.size.x * geometry.size.y
    for (index, number) in components.numbers.enumerated() where isKept[Int(number)] {
      heights[Int(number) - 1] += Double(index / plane)
      if Int(labels[index]) <= structures.count { present.insert(Int(labels[index])) }
    }
    var assigned = [UInt16](repeating: 0, count: components.count + 1)
    if let highest = present.max() {
      for piece in kept { heights[piece] /= Double(components.sizes[piece]) }
      let top = 1 + (structures.firstIndex(of: "vertebrae_C1") ?? structures.count)
      let bottom = 1 + (structures.firstIndex(of: "vertebrae_L5") ?? 0)
      let countsFromTop = !present.contains(bottom) && present.contains(top)
      // Numbers rise downwards; of pieces at one height the first in memory comes first.
      let order = kept.sorted {
        heights[$0] == heights[$1]
          ? $0 < $1 : (heights[$0] < heights[$1]) != countsFromTop
      }
      let numbers =
        countsFromTop
        ? Array(top...structures.count) : Array((1...highest).reversed())
      for (piece, number) in zip(order, numbers) { assigned[piece + 1] = UInt16(number) }
    }
    for (index, number) in components.numbers.enumerated() { labels[index] = assigned[Int(number)] }
  }

  /// Grows labels into the background, smaller numbers first.
  private func grow(_ labels: inout [UInt16], count: Int) {
    let steps = ball
    let size = geometry.size
    let before = labels
    var places = [[Int]](repeating: [], count: count + 1)
    for (index, label) in before.enumerated() where (1...count).contains(Int(label)) {
      places[Int(label)].append(index)
    }
    for (label, indices) in places.enumerated() {
      for index in indices {
        let (x, y, z) = (index % size.x, index / size.x % size.y, index / size.x / size.y)
        for step in steps {
          let (toX, toY, toZ) = (x + step.x, y + step.y, z + step.z)
          guard (0..<size.x).contains(toX), (0..<size.y).contains(toY), (0..<size.z).contains(toZ)
          else { continue }
          let place = geometry.offset(toX, toY, toZ)
          if labels[place] == 0 { labels[place] = UInt16(label) }
        }
      }
    }
  }

  /// Steps within the ellipsoid of `growthMM`, as the original builds it: from -r in whole steps.
  private var ball: [SIMD3<Int>] {
    let radii = (0..<3).map { Self.growthMM / Double(Float(geometry.spacing[$0])) }
    // numpy's ogrid from -r to r + 1: ⌈2r + 1⌉ places, the middle one taken as the centre.
    let counts = radii.map { Int((2 * $0 + 1).rounded(.up)) }
    var steps: [SIMD3<Int>] = []
    for k in 0..<counts[2] {
      for j in 0..<counts[1] {
        for i in 0..<counts[0] {
          let step = [i, j, k]
          let sum = (0..<3).reduce(0.0) {
            let distance = -radii[$1] + Double(step[$1])
            return $0 + distance * distance / (radii[$1] * radii[$1])
          }
          if sum <= 1 {
            // Dilation looks at the reflected structure, whose centre is its middle.
            steps.append(SIMD3(i - counts[0] / 2, j - counts[1] / 2, k - counts[2] / 2))
          }
        }
      }
    }
    return steps
  }
}
