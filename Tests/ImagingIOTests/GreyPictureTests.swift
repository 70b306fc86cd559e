import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

struct GreyPictureTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ samples: PNGImage.Samples, channels: Int, width: Int) throws -> String {
    let path = folder.file("picture.png")
    let image = PNGImage(width: width, height: 1, channels: channels, samples: samples)
    try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func coloursBecomeTheirLuma() throws {
    let path = try write(
      .eightBit([255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 90, 90]),
      channels: 3,
      width: 4
    )
    let values = try GreyPicture.read(path).asFloat.voxels
    for (value, expected) in zip(values, [76.245, 149.685, 29.07] as [Float]) {
      #expect(abs(value - expected) < 1e-3)
    }
    // Grey stays what it is to the bit.
    #expect(values[3] == 90)
  }

  @Test func transparencyIsLeftOut() throws {
    let path = try write(.eightBit([10, 10, 10, 0, 20, 20, 20, 255]), channels: 4, width: 2)
    #expect(try GreyPicture.read(path).asFloat.voxels == [10, 20])
  }

  @Test func greyKeepsTheFilesType() throws {
    let path = try write(.sixteenBit([0, 65535, 7]), channels: 1, width: 3)
    guard case .uint16(let volume) = try GreyPicture.read(path) else {
      Issue.record("not of 16 bits")
      return
    }
    #expect(volume.voxels == [0, 65535, 7] && volume.geometry.isPlanar)
  }

  @Test func labelsSurviveTheRoundTripAsSixteenBits() throws {
    let geometry = try ImageGeometry(
      size: [3, 2, 1],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity,
      isPlanar: true
    )
    let map = LabelMap(geometry: geometry, labels: [0, 1, 300, 65535, 2, 0], table: [])
    let path = folder.file("labels.png")
    try GreyPicture.write(map, to: path)
    #expect(try GreyPicture.readLabelMap(path, table: []) == map)
  }

  @Test func aColourPictureHoldsNoLabels() throws {
    let path = try write(.eightBit([1, 2, 3]), channels: 3, width: 1)
    #expect(throws: ImagingIOError.self) { try GreyPicture.readLabelMap(path, table: []) }
  }
}
