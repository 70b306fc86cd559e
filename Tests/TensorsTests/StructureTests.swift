import Tensors
import Testing

@Suite("Slices, joins and rearrangements")
struct StructureTests {
  private let key = GradientKey()
  private let line = Tensor([0, 1, 2, 3, 4], shape: [5])

  @Test(
    "slices mean what Python's do",
    arguments: [
      (AxisSlice(), [0, 1, 2, 3, 4]), (AxisSlice(start: 1, end: 3), [1, 2]),
      (AxisSlice(start: -2), [3, 4]), (AxisSlice(end: -2), [0, 1, 2]),
      (AxisSlice(step: 2), [0, 2, 4]), (AxisSlice(start: 1, step: 3), [1, 4]),
      (AxisSlice(step: -1), [4, 3, 2, 1, 0]), (AxisSlice(start: 3, step: -2), [3, 1]),
      (AxisSlice(end: 2, step: -1), [4, 3]), (AxisSlice(start: -9, end: 99), [0, 1, 2, 3, 4]),
      (AxisSlice(start: 99, step: -3), [4, 1]), (AxisSlice(start: 3, end: 1), []),
      (AxisSlice(start: 5), []), (AxisSlice(start: 1, end: 3, step: -1), []),
    ] as [(AxisSlice, [Float])]
  )
  func pythonSlices(_ slice: AxisSlice, _ expected: [Float]) {
    let part = line.sliced([slice])
    #expect(part.values == expected)
    #expect(part.shape == [expected.count])
    let gradient = gradients(of: line.tracked(by: key).sliced([slice]).sum)[key]
    #expect(gradient?.values == [0, 1, 2, 3, 4].map { expected.contains($0) ? 1 : 0 })
  }

  @Test("an empty axis can be sliced, flipped and rolled")
  func emptyAxis() {
    let none = Tensor([], shape: [2, 0])
    #expect(none.sliced(axis: 1, step: -1).shape == [2, 0])
    #expect(none.flipped(axes: [0, 1]).shape == [2, 0])
    #expect(none.rolled(by: 3, axis: 1).shape == [2, 0])
    #expect(none.sliced(axis: 0, start: 1).shape == [1, 0])
    #expect(none.transposed(0, 1).shape == [0, 2])
    #expect(none.tiled([1, 4]).shape == [2, 0])
  }

  @Test("rolling moves values round, by more than once too")
  func roll() {
    #expect(line.rolled(by: 2, axis: 0).values == [3, 4, 0, 1, 2])
    #expect(line.rolled(by: -1, axis: 0).values == [1, 2, 3, 4, 0])
    #expect(line.rolled(by: 12, axis: 0).values == [3, 4, 0, 1, 2])
    #expect(line.rolled(by: 5, axis: 0).values == line.values)
  }

  @Test("joining along an axis, also with an empty part, and cutting again")
  func joining() {
    let a = Tensor([1, 2, 3, 4], shape: [2, 2])
    let b = Tensor([5, 6], shape: [2, 1])
    let joined = concatenation([a, Tensor([], shape: [2, 0]), b], axis: 1)
    #expect(joined.values == [1, 2, 5, 3, 4, 6])
    let parts = joined.split(sizes: [2, 0, 1], axis: -1)
    #expect(parts.map(\.shape) == [[2, 2], [2, 0], [2, 1]])
    #expect(parts[0].values == a.values && parts[2].values == b.values)
  }

  @Test("stacking makes a new axis at the front, in the middle or at the back")
  func stacking() {
    let parts = [Tensor([1, 2], shape: [2]), Tensor([3, 4], shape: [2])]
    #expect(stack(parts).values == [1, 2, 3, 4])
    #expect(stack(parts, axis: -1).values == [1, 3, 2, 4])
    #expect(stack([Tensor([1], shape: []), Tensor([2], shape: [])]).shape == [2])
  }

  @Test("axes come, go and change places")
  func axes() {
    let x = Tensor([0, 1, 2, 3, 4, 5], shape: [2, 1, 3])
    #expect(x.squeezed(1).shape == [2, 3])
    #expect(x.squeezed().shape == [2, 3])
    #expect(x.unsqueezed(-1).shape == [2, 1, 3, 1])
    #expect(x.unsqueezed(0).shape == [1, 2, 1, 3])
    #expect(x.flattened().shape == [6])
    #expect(x.flattened(from: 1).shape == [2, 3])
    #expect(Tensor([1], shape: []).flattened().shape == [1])
    #expect(x.transposed([2, 1, 0]).values == [0, 3, 1, 4, 2, 5])
    #expect(x.transposed(0, -1).shape == [3, 1, 2])
  }

  @Test("large transposes, which are copied in tiles, exchange the indices")
  func largeTranspose() {
    let (planes, rows, columns) = (3, 37, 50)
    let x = Tensor(
      (0..<planes * rows * columns).map { Float($0) },
      shape: [planes, rows, columns]
    )
    let turned = x.transposed(1, 2).values
    let reversed = x.transposed([2, 1, 0]).values
    var (expectedTurned, expectedReversed): ([Float], [Float]) = ([], [])
    for plane in 0..<planes {
      for column in 0..<columns {
        for row in 0..<rows {
          expectedTurned.append(Float((plane * rows + row) * columns + column))
        }
      }
    }
    for column in 0..<columns {
      for row in 0..<rows {
        for plane in 0..<planes {
          expectedReversed.append(Float((plane * rows + row) * columns + column))
        }
      }
    }
    #expect(turned == expectedTurned)
    #expect(reversed == expectedReversed)
    // The same with every other column alone, from the back.
    let thin = x.transposed(1, 2).sliced(axis: 2, step: -2).transposed(1, 2)
    #expect(thin.values == x.sliced(axis: 1, step: -2).values)
  }

  @Test("tiles repeat the whole, repeats each value")
  func repeats() {
    let x = Tensor([1, 2], shape: [2]).tracked(by: key)
    #expect(x.tiled([2]).values == [1, 2, 1, 2])
    #expect(x.tiled([2, 1]).shape == [2, 2])
    #expect(x.repeated(2, axis: 0).values == [1, 1, 2, 2])
    #expect(x.repeated(0, axis: 0).shape == [0])
    #expect(gradients(of: x.tiled([3, 2]).sum)[key]?.values == [6, 6])
  }

  @Test("gathering picks by index, and its gradient adds up")
  func gathering() {
    let x = Tensor([1, 2, 3, 4], shape: [2, 2]).tracked(by: key)
    let indices = IndexTensor([0, 0, 1, 1, 0, 1], shape: [2, 3])
    let picked = x.gathered(indices, axis: 1)
    #expect(picked.values == [1, 1, 2, 4, 3, 4])
    #expect(gradients(of: picked.sum)[key]?.values == [2, 1, 1, 2])
    let sums = Tensor(repeating: 0, shape: [2, 2])
      .scatterAdding(Tensor(repeating: 1, shape: [2, 3]), at: indices, axis: 1)
    #expect(sums.values == [2, 1, 1, 2])
    #expect(x.selecting([1, 1], axis: 0).values == [3, 4, 3, 4])
    #expect(x.selecting([], axis: 1).shape == [2, 0])
  }

  @Test("one-hot vectors")
  func oneHotVectors() {
    let vectors = oneHot(IndexTensor([2, 0], shape: [2]), count: 3)
    #expect(vectors.shape == [2, 3])
    #expect(vectors.values == [0, 0, 1, 1, 0, 0])
  }
}
