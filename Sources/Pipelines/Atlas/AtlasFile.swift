import Foundation
import ImagingIO
import Support
import Transforms

/// An atlas as a file of a model package: its bytes as a zlib stream.
enum AtlasFile {
  /// The most bytes that an atlas may have.
  private static let limit = 1 << 29

  /// Packs an atlas.
  /// - Parameter bytes: What `encoded()` made.
  /// - Returns: The file's content.
  /// - Throws: What packing throws.
  static func data(of bytes: [UInt8]) throws -> Data { Data(try PackedBytes.zlib(bytes)) }

  /// Reads an atlas.
  /// - Parameters:
  ///   - package: The package's folder.
  ///   - name: The file's name.
  ///   - labelCount: Labels that the model has.
  /// - Returns: The atlas.
  /// - Throws: `PipelinesError.damagedModel` when it is not one or has other labels; what reading throws.
  static func read(
    _ package: String,
    name: String,
    labelCount: Int
  ) throws -> ProbabilisticAtlas {
    let bytes = try PackedBytes.contents(ofFile: package + "/" + name, limit: limit)
    guard let atlas = ProbabilisticAtlas(encoded: bytes) else {
      throw PipelinesError.damagedModel(path: package, reason: "\(name) is not an atlas")
    }
    guard atlas.labelCount == labelCount else {
      throw PipelinesError.damagedModel(
        path: package,
        reason: "\(name) has \(atlas.labelCount) labels and the model \(labelCount)"
      )
    }
    return atlas
  }
}
