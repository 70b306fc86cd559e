import ClassicalSegmentation
import Foundation
import Support
import TestSupport
import Testing

struct DenseRandomFieldTests {
  /// Mean field with every pair of voxels, in double precision.
  private func reference(
    _ unary: [[Float]],
    _ image: ClassicalImage,
    space: Double,
    range: Double,
    width: Double,
    weights: (appearance: Double, smoothness: Double),
    iterations: Int
  ) -> [[Double]] {
    let count = image.values.count
    let places = (0..<count).map { place in
      SIMD3<Double>(
        Double(place % image.size.x),
        Double(place / image.size.x % image.size.y),
        Double(place / (image.size.x * image.size.y))
      ) * image.spacing
    }
    func kernel(_ i: Int, _ j: Int) -> (Double, Double) {
      let d = places[i] - places[j]
      let distance = (d * d).sum()
      let difference = Double(image.values[i] - image.values[j])
      return (
        exp(-distance / (2 * space * space) - difference * difference / (2 * range * range)),
        exp(-distance / (2 * width * width))
      )
    }
    func softmax(_ logits: [[Double]]) -> [[Double]] {
      var result = logits
      for place in 0..<count {
        let total = logits.reduce(0) { $0 + exp($1[place]) }
        for index in logits.indices { result[index][place] = exp(logits[index][place]) / total }
      }
      return result
    }
    var field = softmax(unary.map { $0.map { -Double($0) } })
    for _ in 0..<iterations {
      var logits = unary.map { $0.map { -Double($0) } }
      for i in 0..<count {
        var norms = (0.0, 0.0)
        var sums = [(Double, Double)](repeating: (0, 0), count: unary.count)
        for j in 0..<count {
          let (a, b) = kernel(i, j)
          norms = (norms.0 + a, norms.1 + b)
          for index in unary.indices {
            sums[index].0 += a * field[index][j]
            sums[index].1 += b * field[index][j]
          }
        }
        for index in unary.indices {
          logits[index][i] +=
            weights.appearance * sums[index].0 / norms.0
            + weights.smoothness * sums[index].1 / norms.1
        }
      }
      field = softmax(logits)
    }
    return field
  }

  @Test(arguments: [SIMD3<Int>(18, 14, 1), SIMD3<Int>(9, 8, 6)])
  func marginalsAreThoseOfAllPairs(_ size: SIMD3<Int>) throws {
    let (values, _) = square(size, noise: 25)
    let spacing: SIMD3<Double> = size.z == 1 ? [1, 1.5, 1] : [1, 1, 2]
    let image = try ClassicalImage(values: values, size: size, spacing: spacing)
    var random = RandomStream(seed: 5)
    let unary = (0..<3).map { index in
      values.map { value in
        Float(abs(Double(value) / 100 - Double(index) / 2) * 2 + random.uniform())
      }
    }
    let method = try DenseRandomField(parameters: [
      "appearance": 4, "space": 4, "range": 40, "smoothness": 2, "width": 1.5, "iterations": 4,
    ])
    let found = try method.marginals(unary, image, Interruption())
    let expected = reference(
      unary,
      image,
      space: 4,
      range: 40,
      width: 1.5,
      weights: (4, 2),
      iterations: 4
    )
    // The grid's interpolation is off by a few hundredths of a kernel's weight.
    expectClose(
      found.flatMap { $0.map { Double($0) } },
      expected.flatMap { $0 },
      Tolerance(absolute: 0.03, relative: 0)
    )
    let plain = reference(
      unary,
      image,
      space: 4,
      range: 40,
      width: 1.5,
      weights: (0, 0),
      iterations: 1
    )
    // The field does much more than the tolerance.
    let change = zip(plain.joined(), expected.joined()).map { abs($0 - $1) }.max() ?? 0
    #expect(change > 0.3, "\(change)")
  }

  @Test func certainVoxelsOfTheirOwnKindStay() throws {
    // Without pair weights each voxel keeps its own likeliest label.
    let (values, mask) = square([12, 12, 1])
    let prior = PriorLabels(mask.map { $0 ? 2 : 0 })
    let method = try DenseRandomField(parameters: ["appearance": 0, "smoothness": 0])
    let image = try ClassicalImage(values: values, size: [12, 12, 1])
    #expect(try method.refined(prior, by: image, interruption: Interruption()) == prior.labels)
  }

  @Test func probabilitiesDecideWhereLabelsAreWrong() throws {
    // Labels say background everywhere, probabilities favour label 1 within the square by little.
    let (values, mask) = square([16, 16, 1], noise: 2)
    var labels = [UInt16](repeating: 0, count: 256)
    labels[8 * 16 + 8] = 1
    let prior = PriorLabels(labels) { label in
      mask.map { $0 == (label == 1) ? 0.6 : 0.4 }
    }
    let image = try ClassicalImage(values: values, size: [16, 16, 1])
    let refined = try DenseRandomField().refined(prior, by: image, interruption: Interruption())
    #expect(refined == mask.map { $0 ? 1 : 0 })
  }

  @Test func objectsTakeNoMoreMemoryThanOneClass() {
    let labels: [UInt16] = [0, 1, 2, 3]
    let objects = PriorLabels(labels, countsObjects: true)
    #expect(DenseRandomField.classCount(of: objects) == 2)
    #expect(DenseRandomField.classCount(of: PriorLabels(labels)) == 4)
    #expect(GraphCut.classCount(of: objects) == 4)
  }

  @Test func objectsShareTheForegroundHoweverManyThereAre() throws {
    // Bright columns of two voxels with gaps of two; the labels lack a quarter of each.
    let size = SIMD3(4 * 80, 12, 1)
    let values = (0..<size.x * size.y).map { Float($0 % size.x % 4 < 2 ? 100 : 0) }
    let whole = (0..<size.x * size.y).map { UInt16($0 % size.x % 4 < 2 ? $0 % size.x / 4 + 1 : 0) }
    let image = try ClassicalImage(values: values, size: size)
    // One object is a voxel in the dark, which is none.
    var labels = whole.enumerated().map { place, label in
      place % 4 == 1 && place / size.x % 2 == 0 ? 0 : label
    }
    labels[3] = 900
    let method = try DenseRandomField(parameters: [
      "appearance": 20, "space": 4, "range": 20, "smoothness": 0, "certainty": 0.7,
    ])
    let refined = try method.refined(
      PriorLabels(labels, countsObjects: true),
      by: image,
      interruption: Interruption()
    )
    #expect(refined == whole)
    // As kinds there are too many of them.
    #expect(throws: ClassicalSegmentationError.self) {
      try method.refined(PriorLabels(labels), by: image, interruption: Interruption())
    }
  }
}
