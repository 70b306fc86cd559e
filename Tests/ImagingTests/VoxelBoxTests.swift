import Imaging
import Testing

struct VoxelBoxTests {
  @Test func aCropKeepsValuesAndPositions() throws {
    let volume = try numbered()
    let box = VoxelBox(lower: [1, 0, 2], upper: [3, 2, 4])
    let part = volume.cropped(to: box)
    #expect(part.geometry.size == [2, 2, 2])
    // Value = x + 4 y + 12 z.
    #expect(part.voxels == [25, 26, 29, 30, 37, 38, 41, 42])
    let gap =
      volume.geometry.position(ofIndex: [1, 0, 2]) - part.geometry.position(ofIndex: [0, 0, 0])
    #expect(dot(gap, gap) == 0)
    #expect(volume.cropped(to: volume.geometry.box) == volume)
  }

  @Test func paddingAndCroppingBackIsTheSame() throws {
    let volume = try numbered()
    let box = VoxelBox(lower: [-2, -1, -3], upper: [5, 7, 6])
    let padded = volume.padded(to: box, value: -1)
    #expect(padded.geometry.size == [7, 8, 9])
    #expect(padded.voxels.count { $0 == -1 } == 7 * 8 * 9 - 60)
    #expect(padded[2, 1, 3] == 0)
    let back = padded.cropped(to: VoxelBox(lower: [2, 1, 3], upper: [6, 4, 8]))
    #expect(back.voxels == volume.voxels)
    #expect(back.geometry.difference(from: volume.geometry) == nil)
  }

  @Test func aBoxMayCutAndPadAtOnce() throws {
    let part = try numbered().padded(to: VoxelBox(lower: [3, 2, 4], upper: [5, 4, 5]), value: 7)
    #expect(part.voxels == [59, 7, 7, 7])
    let beyond = try numbered().padded(
      to: VoxelBox(lower: [9, 9, 9], upper: [10, 11, 10]),
      value: 7
    )
    #expect(beyond.voxels == [7, 7])
  }

  @Test func paddingToASizeIsEvenWithTheRestAtTheEnd() throws {
    let padded = try numbered().padded(toAtLeast: [7, 2, 5], value: -1)
    #expect(padded.geometry.size == [7, 3, 5])
    #expect(padded[1, 0, 0] == 0)
    #expect(padded[0, 0, 0] == -1)
    #expect(padded[4, 0, 0] == 3)
    #expect(padded[5, 0, 0] == -1)
    let box = try numbered().geometry.centredBox(size: [2, 2, 2])
    #expect(box == VoxelBox(lower: [1, 0, 1], upper: [3, 2, 3]))
  }

  @Test func theBoundingBoxIsTight() throws {
    var volume = try numbered().map { _ in Int16(0) }
    #expect(volume.boundingBoxOfNonzero == nil)
    volume[1, 2, 3] = 5
    #expect(volume.boundingBoxOfNonzero == VoxelBox(lower: [1, 2, 3], upper: [2, 3, 4]))
    volume[3, 0, 1] = -1
    #expect(volume.boundingBoxOfNonzero == VoxelBox(lower: [1, 0, 1], upper: [4, 3, 4]))
    #expect(volume.boundingBox { $0 > 0 } == VoxelBox(lower: [1, 2, 3], upper: [2, 3, 4]))
    let labels = LabelMap(
      geometry: volume.geometry,
      labels: volume.voxels.map { UInt16(bitPattern: $0) },
      table: []
    )
    #expect(labels.boundingBoxOfNonzero == VoxelBox(lower: [1, 0, 1], upper: [4, 3, 4]))
    #expect(labels.boundingBox(ofLabel: 5) == VoxelBox(lower: [1, 2, 3], upper: [2, 3, 4]))
    #expect(labels.boundingBox(ofLabel: 6) == nil)
    #expect(labels.cropped(to: VoxelBox(lower: [1, 2, 3], upper: [2, 3, 4])).labels == [5])
    #expect(labels.padded(to: VoxelBox(lower: [-1, 0, 0], upper: [0, 1, 1])).labels == [0])
  }

  @Test func boxesIntersect() {
    let a = VoxelBox(lower: [0, 0, 0], upper: [4, 4, 4])
    let b = VoxelBox(lower: [2, -1, 3], upper: [6, 2, 9])
    #expect(a.intersection(b) == VoxelBox(lower: [2, 0, 3], upper: [4, 2, 4]))
    #expect(a.intersection(VoxelBox(lower: [4, 0, 0], upper: [5, 1, 1])) == nil)
    #expect(!a.contains(b))
    #expect(a.contains(VoxelBox(lower: [1, 1, 1], upper: [4, 4, 4])))
    #expect(a.expanded(by: [1, 0, 2]) == VoxelBox(lower: [-1, 0, -2], upper: [5, 4, 6]))
  }

  private func numbered() throws -> Volume<Int32> {
    let geometry = try ImageGeometry(
      size: [4, 3, 5],
      spacing: [0.5, 2, 3],
      origin: [1, 2, 3],
      direction: Matrix3([0, 0, 1], [1, 0, 0], [0, 1, 0])
    )
    return Volume(geometry: geometry, voxels: (0..<60).map { Int32($0) })
  }
}
