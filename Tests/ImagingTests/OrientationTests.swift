import Imaging
import Testing

struct OrientationTests {
  @Test func allNames48DifferentOrientations() {
    #expect(Orientation.all.count == 48)
    #expect(Set(Orientation.all.map(\.code)).count == 48)
  }

  @Test(arguments: Orientation.all)
  func aCodeNamesItsOrientation(orientation: Orientation) throws {
    #expect(try Orientation(code: orientation.code) == orientation)
    #expect(try Orientation(code: orientation.code.lowercased()) == orientation)
    #expect(try geometry(direction: orientation.direction).orientation == orientation)
  }

  @Test func lettersPointWhereTheIndexGrows() throws {
    let direction = try Orientation(code: "RAS").direction
    #expect(direction == Matrix3([-1, 0, 0], [0, -1, 0], [0, 0, 1]))
    #expect(try Orientation(code: "PIL").direction == Matrix3([0, 1, 0], [0, 0, -1], [1, 0, 0]))
    #expect(Orientation.lps.direction == .identity)
  }

  @Test(arguments: ["", "RA", "RASS", "RAX", "RLS", "RRR", "123"])
  func otherLettersAreRefused(code: String) {
    #expect(throws: ImagingError.invalidOrientation(code: code)) { try Orientation(code: code) }
  }

  @Test func anObliqueDirectionTakesTheNearestCodeWithEachAxisOnce() throws {
    // Turned by 30 degrees about z: still nearest to LPS; by 60: x runs nearest to P, y to R.
    #expect(try geometry(direction: turnedAboutZ(degrees: 30)).orientation.code == "LPS")
    #expect(try geometry(direction: turnedAboutZ(degrees: 60)).orientation.code == "PRS")
    // Columns 0 and 1 both lie nearest to the patient's x axis; only one may take it.
    let c = 0.6
    let s = 0.8
    let direction = Matrix3([s, c, 0], [-c * s, s * s, -c], [-c * c, s * c, s])
    #expect(try Set(geometry(direction: direction).orientation.axes.map(\.patientAxis)).count == 3)
  }

  @Test(arguments: Orientation.all)
  func reorientingMovesNoVoxel(orientation: Orientation) throws {
    let grid = try geometry(direction: turnedAboutZ(degrees: 20))
    let volume = Volume(geometry: grid, voxels: (0..<grid.voxelCount).map { Int32($0) })
    let turned = volume.reoriented(to: orientation)
    #expect(turned.geometry.orientation == orientation)
    var seen = Set<Int32>()
    var worst = 0.0
    for z in 0..<turned.geometry.size.z {
      for y in 0..<turned.geometry.size.y {
        for x in 0..<turned.geometry.size.x {
          let value = Int(turned[x, y, z])
          seen.insert(turned[x, y, z])
          let old = SIMD3<Double>(
            Double(value % grid.size.x),
            Double(value / grid.size.x % grid.size.y),
            Double(value / grid.size.x / grid.size.y)
          )
          let gap =
            grid.position(ofIndex: old)
            - turned.geometry.position(ofIndex: SIMD3(Double(x), Double(y), Double(z)))
          worst = max(worst, dot(gap, gap).squareRoot())
        }
      }
    }
    #expect(seen.count == grid.voxelCount)
    #expect(worst < 1e-12 * 100)
    let back = turned.reoriented(to: grid.orientation)
    #expect(back.voxels == volume.voxels)
    #expect(back.geometry.difference(from: grid) == nil)
  }

  @Test func everyWidthIsReorderedAlike() throws {
    let grid = try geometry(direction: .identity)
    let numbers = Array(0..<grid.voxelCount)
    let wanted = try Orientation(code: "SRA")
    func turned<T: BitwiseCopyable & Sendable>(_ convert: (Int) -> T) -> [T] {
      Volume(geometry: grid, voxels: numbers.map(convert)).reoriented(to: wanted).voxels
    }
    let reference = turned { $0 }
    #expect(turned { UInt8($0) }.map(Int.init) == reference)
    #expect(turned { UInt16($0) }.map(Int.init) == reference)
    #expect(turned { Float($0) }.map { Int($0) } == reference)
    #expect(turned { SIMD4<Int32>(repeating: Int32($0)) }.map { Int($0.x) } == reference)
    let labels = LabelMap(geometry: grid, labels: numbers.map(UInt16.init), table: [])
    #expect(labels.reoriented(to: wanted).labels.map(Int.init) == reference)
  }

  @Test func aPlanarImageStaysPlanarOnlyWithItsSliceAxisInPlace() throws {
    let flat = try ImageGeometry(
      size: [3, 2, 1],
      spacing: [0.5, 0.5, 1],
      origin: [0, 0, 0],
      direction: .identity,
      isPlanar: true
    )
    #expect(try flat.reoriented(to: Orientation(code: "RAS")).isPlanar)
    #expect(try !flat.reoriented(to: Orientation(code: "SLP")).isPlanar)
  }

  private func geometry(direction: Matrix3) throws -> ImageGeometry {
    try ImageGeometry(
      size: [4, 3, 5],
      spacing: [0.7, 1.1, 3],
      origin: [10, -20, 30],
      direction: direction
    )
  }

  private func turnedAboutZ(degrees: Double) -> Matrix3 {
    // cos and sin of 20, 30 and 60 degrees, enough digits for the tolerance of a direction.
    let (c, s): (Double, Double) =
      switch degrees {
      case 20: (0.9396926207859084, 0.3420201433256687)
      case 30: (0.8660254037844387, 0.5)
      default: (0.5, 0.8660254037844386)
      }
    return Matrix3([c, s, 0], [-s, c, 0], [0, 0, 1])
  }
}
