import Foundation
import Imaging
import ImagingIO
import TestSupport

/// What a page holds for a viewer, read as its program reads it.
struct ViewerPage {
  let record: [String: Any]

  /// The first viewer's data of a page; nil when there is none.
  init?(_ page: String) throws {
    let start = "<script type=\"application/json\">"
    guard let from = page.firstRange(of: start),
      let to = page[from.upperBound...].firstRange(of: "</script>")
    else { return nil }
    let text = page[from.upperBound..<to.lowerBound]
    guard let record = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    else { return nil }
    self.record = record
  }

  var size: [Int] { record["size"] as? [Int] ?? [] }

  var note: String { record["note"] as? String ?? "" }

  func numbers(_ key: String) -> [Double] { record[key] as? [Double] ?? [] }

  func list(_ key: String) -> [[String: Any]] { record[key] as? [[String: Any]] ?? [] }

  func entry(_ key: String) -> [String: Any] { record[key] as? [String: Any] ?? [:] }

  /// The scan's values, x fastest.
  func scan() throws -> [Double] {
    let entry = entry("scan")
    let count = size.reduce(1, *)
    let bits = entry["bits"] as? Int ?? 0
    let bytes = try unpacked(entry, count: count * bits / 8)
    var values: [Double] = []
    var stored: UInt16 = 0
    for at in 0..<count {
      if at % size[0] == 0 { stored = 0 }
      stored &+= UInt16(bytes[at]) | (bits == 16 ? UInt16(bytes[at + count]) << 8 : 0)
      if bits == 8 { stored &= 255 }
      let slope = entry["slope"] as? Double ?? 0
      values.append((entry["intercept"] as? Double ?? 0) + slope * Double(stored))
    }
    return values
  }

  /// The indices of structures, x fastest.
  func labels(_ key: String = "labels") throws -> [Int] {
    try unpacked(entry(key), count: size.reduce(1, *)).map(Int.init)
  }

  /// Unpacks as a MetaImage file, whose voxels are zlib streams as well.
  private func unpacked(_ entry: [String: Any], count: Int) throws -> [UInt8] {
    let packed = Data(base64Encoded: entry["data"] as? String ?? "") ?? Data()
    let header = """
      ObjectType = Image
      NDims = 3
      BinaryData = True
      BinaryDataByteOrderMSB = False
      CompressedData = True
      CompressedDataSize = \(packed.count)
      TransformMatrix = 1 0 0 0 1 0 0 0 1
      Offset = 0 0 0
      ElementSpacing = 1 1 1
      DimSize = \(count) 1 1
      ElementType = MET_UCHAR
      ElementDataFile = LOCAL

      """
    let folder = try TemporaryFolder()
    let path = folder.file("bytes.mha")
    try (Data(header.utf8) + packed).write(to: URL(fileURLWithPath: path))
    return try ImageFormats.read(path).volume.asFloat.voxels.map { UInt8($0) }
  }
}
