import Imaging
package import Support
package import Transforms

/// Regions that grow from seeds, always by the voxel that is most alike.
///
/// Adams and Bischof 1994, "Seeded region growing": voxels beside regions wait in a list sorted by
/// δ = |value − mean of the region|; the first joins the most similar of the regions beside it, whose
/// mean changes with it (section 2; a voxel's δ is that of the time when it entered the list, as there).
/// Other than there a voxel enters again when a region arrives to which it is more alike, without which
/// the corners of a region that its surroundings reach first are lost to them.
/// With a tolerance regions keep the mean of their seeds and take only voxels within it, so that voxels
/// may stay background. Neighbours share a face.
package struct RegionGrowing: ClassicalMethod {
  package static let name = "region-growing"
  package static let paper = "Adams and Bischof 1994, Seeded region growing"
  package static let parameters = [
    FilterParameter(
      "tolerance",
      0,
      0...1e9,
      "largest difference from the mean of a region's seeds, in the image's unit; 0: regions compete "
        + "until every voxel is taken"
    ),
    .background, .automatic,
  ]
  package static let seeds = SeedNeed.required(automatic: "auto=2")

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package static func bytesPerVoxel(classes: Int) -> Int { 54 }

  package func labels(
    of image: ClassicalImage,
    seeds: [UInt16]?,
    interruption: Interruption
  ) throws -> ClassicalLabels {
    let seeds = try SeedMarks(
      seeds,
      method: Self.name,
      values: values,
      image: image,
      needed: 1
    )
    let tolerance = values["tolerance"]
    let grown = try Self.grown(
      seeds.marks,
      regions: seeds.count,
      tolerance: tolerance > 0 ? tolerance : nil,
      image: image,
      interruption: interruption
    )
    return seeds.labelled(marks: grown)
  }

  private static func grown(
    _ marks: [UInt16],
    regions: Int,
    tolerance: Double?,
    image: ClassicalImage,
    interruption: Interruption
  ) throws -> [UInt16] {
    var region = marks
    var sums = [Double](repeating: 0, count: regions)
    var counts = [Double](repeating: 0, count: regions)
    for place in marks.indices where marks[place] > 0 {
      sums[Int(marks[place]) - 1] += Double(image.values[place])
      counts[Int(marks[place]) - 1] += 1
    }
    func difference(_ place: Int, _ number: UInt16) -> Double {
      let index = Int(number) - 1
      return abs(Double(image.values[place]) - sums[index] / counts[index])
    }
    // The least δ with which a voxel waits.
    var waiting = [Float](repeating: .infinity, count: marks.count)
    var queue = FloodQueue()
    var age: UInt32 = 0
    func enter(around place: Int) {
      let number = region[place]
      image.forEachNeighbour(of: place) { other in
        guard region[other] == 0 else { return }
        let delta = difference(other, number)
        guard delta <= tolerance ?? .infinity, Float(delta) < waiting[other] else { return }
        waiting[other] = Float(delta)
        queue.insert(level: FloodQueue.level(Float(delta)), age: age, place: UInt32(other))
        age &+= 1
      }
    }
    for place in marks.indices where marks[place] > 0 { enter(around: place) }
    var steps = 0
    while let (_, next) = queue.removeFirst() {
      steps += 1
      if steps & 0xFFFFF == 0 { try interruption.check() }
      let place = Int(next)
      guard region[place] == 0 else { continue }
      var best: (difference: Double, number: UInt16)?
      image.forEachNeighbour(of: place) { other in
        let number = region[other]
        guard number > 0 else { return }
        let delta = difference(place, number)
        if let best, (best.difference, best.number) <= (delta, number) { return }
        best = (delta, number)
      }
      guard let best else { continue }
      region[place] = best.number
      if tolerance == nil {
        sums[Int(best.number) - 1] += Double(image.values[place])
        counts[Int(best.number) - 1] += 1
      }
      enter(around: place)
    }
    return region
  }
}
