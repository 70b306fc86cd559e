import Foundation
import Imaging
package import Support
package import Transforms

/// Small regions of like values and about equal size, each connected.
///
/// Achanta et al. 2012, "SLIC superpixels compared to state-of-the-art superpixel methods": k-means of
/// value and place in windows of twice the grid's step S, with D² = (Δ/σ)² + compactness² (d/S)² (equation
/// 3 with values in the image's standard deviation σ and places in mm), from centres on a regular grid
/// that were moved to the flattest of their neighbours. Then parts that are cut off, or smaller than a
/// quarter of S to the number of axes, join the neighbour with which they share most faces. Numbers follow the
/// regions' first voxels in memory.
package struct Superpixels: ClassicalMethod {
  package static let name = "slic"
  package static let paper =
    "Achanta et al. 2012, SLIC superpixels compared to state-of-the-art superpixel methods"
  package static let parameters = [
    FilterParameter("segments", 500, 2...60_000, isWhole: true, "regions, about"),
    FilterParameter(
      "compactness",
      0.5,
      0.001...1000,
      "how much places count against values: standard deviations of the image for a step"
    ),
    FilterParameter("iterations", 10, 1...1000, isWhole: true, "steps of k-means"),
  ]
  package static let seeds = SeedNeed.none

  package static func objectName(isSeeded: Bool) -> String? { "superpixel" }

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package static func bytesPerVoxel(classes: Int) -> Int { 24 }

  private struct Centre {
    var value: Double
    var place: SIMD3<Double>
  }

  package func labels(
    of image: ClassicalImage,
    seeds: [UInt16]?,
    interruption: Interruption
  ) throws -> ClassicalLabels {
    let step = step(image)
    var centres = firstCentres(image, step)
    guard centres.count < Int(UInt16.max) else {
      throw ClassicalSegmentationError.tooManyLabels(
        count: centres.count,
        limit: Int(UInt16.max)
      )
    }
    var owners = [UInt16](repeating: 0, count: image.count)
    for _ in 0..<values.whole("iterations") {
      try interruption.check()
      owners = assigned(centres, image, step)
      move(&centres, owners, image)
    }
    return try connected(owners, image)
  }

  /// The distance of centres, mm.
  private func step(_ image: ClassicalImage) -> Double {
    var axes = image.axes
    while true {
      let extents = axes.map { Double(image.size[$0]) * image.spacing[$0] }
      let step = pow(extents.reduce(1, *) / values["segments"], 1 / Double(axes.count))
      // An axis thinner than a step holds one centre and takes no part in the root.
      let thick = zip(axes, extents).filter { $0.1 >= step }.map(\.0)
      if thick.isEmpty || thick.count == axes.count { return step }
      axes = thick
    }
  }

  /// Centres on a regular grid, each moved to the voxel of the least gradient beside it.
  private func firstCentres(_ image: ClassicalImage, _ step: Double) -> [Centre] {
    let gradient = ImageGradient.magnitude(image.values, on: image, spacing: image.spacing)
    var counts = SIMD3<Int>(1, 1, 1)
    for axis in image.axes {
      let extent = Double(image.size[axis]) * image.spacing[axis]
      counts[axis] = min(image.size[axis], max(1, Int((extent / step).rounded())))
    }
    var centres: [Centre] = []
    for z in 0..<counts.z {
      for y in 0..<counts.y {
        for x in 0..<counts.x {
          let index = SIMD3(x, y, z)
          let at = (index &* 2 &+ 1) &* image.size / (counts &* 2)
          var best = (at &* image.strides).wrappedSum()
          let middle = best
          image.forEachNeighbour(of: middle) { other in
            if gradient[other] < gradient[best] { best = other }
          }
          centres.append(
            Centre(
              value: Double(image.values[best]),
              place: SIMD3<Double>(image.position(best)) * image.spacing
            )
          )
        }
      }
    }
    return centres
  }

  /// The nearest centre of each voxel, the first of equally near ones.
  private func assigned(_ centres: [Centre], _ image: ClassicalImage, _ step: Double) -> [UInt16] {
    let size = image.size
    let closeness = pow(values["compactness"] / step, 2)
    let scale = 1 / (image.deviation * image.deviation)
    let low = centres.map { pointwiseMax(($0.place - step) / image.spacing, SIMD3(repeating: 0)) }
    let high = centres.map {
      pointwiseMin(($0.place + step) / image.spacing, SIMD3<Double>(size &- 1))
    }
    // A slab of rows at a time, so that a thread owns what it writes; each finds the centres near it.
    let rows = size.y * size.z
    let chunk = 16
    return [UInt16](unsafeUninitializedCapacity: image.count) { room, initialized in
      if let base = room.baseAddress {
        let memory = SharedPointer(base)
        Parallelism.forEach((rows + chunk - 1) / chunk) { slab in
          let own = slab * chunk..<min(rows, (slab + 1) * chunk)
          let (firstZ, lastZ) = (own.lowerBound / size.y, (own.upperBound - 1) / size.y)
          // Within one slice the rows tell more.
          let isFlat = firstZ == lastZ
          let firstY = isFlat ? Double(own.lowerBound % size.y) : -.infinity
          let lastY = isFlat ? Double((own.upperBound - 1) % size.y) : .infinity
          let near = centres.indices.filter {
            low[$0].z <= Double(lastZ) && high[$0].z >= Double(firstZ)
              && low[$0].y <= lastY && high[$0].y >= firstY
          }
          for row in own {
            let (y, z) = (Double(row % size.y), Double(row / size.y))
            var nearest = [Double](repeating: .infinity, count: size.x)
            let target = memory.pointer + row * size.x
            target.initialize(repeating: UInt16.max, count: size.x)
            for index in near
            where low[index].y <= y && high[index].y >= y && low[index].z <= z && high[index].z >= z
            {
              let centre = centres[index]
              let dy = y * image.spacing.y - centre.place.y
              let dz = z * image.spacing.z - centre.place.z
              for x in Int(
                low[index].x.rounded(.up)
              )...max(
                Int(low[index].x.rounded(.up)),
                Int(high[index].x)
              ) {
                let dx = Double(x) * image.spacing.x - centre.place.x
                let dv = Double(image.values[row * size.x + x]) - centre.value
                let distance = dv * dv * scale + (dx * dx + dy * dy + dz * dz) * closeness
                if distance < nearest[x] {
                  nearest[x] = distance
                  target[x] = UInt16(index)
                }
              }
            }
          }
        }
      }
      initialized = image.count
    }
  }

  private func move(_ centres: inout [Centre], _ owners: [UInt16], _ image: ClassicalImage) {
    var sums = [SIMD4<Double>](repeating: .zero, count: centres.count)
    var counts = [Double](repeating: 0, count: centres.count)
    for place in owners.indices where owners[place] != UInt16.max {
      let at = SIMD3<Double>(image.position(place))
      sums[Int(owners[place])] += SIMD4(at, Double(image.values[place]))
      counts[Int(owners[place])] += 1
    }
    for index in centres.indices where counts[index] > 0 {
      let mean = sums[index] / counts[index]
      centres[index] = Centre(value: mean.w, place: SIMD3(mean.x, mean.y, mean.z) * image.spacing)
    }
  }

  /// Regions that are connected and large enough.
  private func connected(
    _ owners: [UInt16],
    _ image: ClassicalImage
  ) throws(ClassicalSegmentationError) -> ClassicalLabels {
    // No centre's window held voxels of the number 65535, which count as a region of their own; 0 would
    // be background to the search.
    let parts = ConnectedComponents(
      labels: owners.map { $0 &+ 1 == 0 ? UInt16.max : $0 + 1 },
      size: image.size,
      connectivity: .six
    )
    // A quarter of what a region would have if all were alike.
    let least = Int(Double(image.count) / values["segments"] / 4)
    let merged = Self.merged(parts, least: least, image)
    var numbers = [UInt32](repeating: 0, count: parts.count + 1)
    var count: UInt32 = 0
    let labels = parts.numbers.map { part in
      let root = merged[Int(part)]
      if numbers[root] == 0 {
        count += 1
        numbers[root] = count
      }
      return UInt16(truncatingIfNeeded: numbers[root])
    }
    guard count <= UInt16.max else {
      throw .tooManyLabels(count: Int(count), limit: Int(UInt16.max))
    }
    return ClassicalLabels(
      labels,
      objectName: Self.objectName(isSeeded: false),
      largest: Int(count)
    )
  }

  /// The part that each part belongs to, small ones joining the neighbour of the most shared faces.
  private static func merged(
    _ parts: ConnectedComponents,
    least: Int,
    _ image: ClassicalImage
  ) -> [Int] {
    var shared: [Int: [Int: Int]] = [:]
    for place in parts.numbers.indices {
      let part = Int(parts.numbers[place])
      guard parts.sizes[part - 1] < least else { continue }
      image.forEachNeighbour(of: place) { other in
        let neighbour = Int(parts.numbers[other])
        if neighbour != part { shared[part, default: [:]][neighbour, default: 0] += 1 }
      }
    }
    var roots = Array(0...parts.count)
    var sizes = [0] + parts.sizes
    func root(_ part: Int) -> Int {
      var at = part
      while roots[at] != at { at = roots[at] }
      return at
    }
    for part in shared.keys.sorted(by: { (parts.sizes[$0 - 1], $0) < (parts.sizes[$1 - 1], $1) }) {
      let mine = root(part)
      guard sizes[mine] < least else { continue }
      var faces: [Int: Int] = [:]
      for (other, count) in shared[part] ?? [:] where root(other) != mine {
        faces[root(other), default: 0] += count
      }
      guard
        let best = faces.max(by: { ($0.value, -$0.key) < ($1.value, -$1.key) })?.key
      else { continue }
      roots[mine] = best
      sizes[best] += sizes[mine]
    }
    return (0...parts.count).map { root($0) }
  }
}
